"""Objects of Cloud Storage are read as the service describes them, and written likewise."""

from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch.errors import DecodeError
from gemini_batch.types import StoredObject
from tests.support.recorded import recorded_json

CODEC = Codec()
WHOLE = StoredObject(
    name="gs://my-bucket/in/a b.jsonl", generation=5, size_bytes=0, md5=bytes(16).hex()
)


def test_an_object_survives_the_round_trip() -> None:
    for stored in (WHOLE, StoredObject(name="gs://b-b/n", generation=1, size_bytes=9)):
        document = CODEC.unstructure(stored)

        assert f"gs://{document['bucket']}/{document['name']}" == stored.name
        assert CODEC.structure(document, StoredObject) == stored


def test_a_recorded_object_is_written_as_it_was_read() -> None:
    document = recorded_json("gcs/object.json")

    again = CODEC.unstructure(CODEC.structure(document, StoredObject))

    numbers = {name: int(document[name]) for name in ("generation", "size")}
    assert again == {**{name: document[name] for name in again}, **numbers}


@pytest.mark.parametrize(
    "document", [{}, {"bucket": "b"}, {"bucket": "b", "name": "n"}, {"md5Hash": 5}]
)
def test_what_is_no_object_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="StoredObject: "):
        CODEC.structure(document, StoredObject)
