"""Cloud Storage on the wire: requests and answers as recorded, names, odd answers."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import InputError, NotFoundError, SecurityError, TransportError
from gemini_batch._codec import Codec
from gemini_batch._wire.api_errors import read_error
from gemini_batch._wire.gcs import Gcs, ObjectContent, parse_object, parse_prefix
from gemini_batch._wire.http import Request, Response, StreamedBody
from gemini_batch._wire.storage_protocols import UploadSession
from tests.support.recorded import recorded, recorded_json

GCS = Gcs(Codec(), storage_url="https://storage.googleapis.com")
BIG = 9_437_184


def answer(status: int = 200, body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, body=body)


def body_of(length: int) -> StreamedBody:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield bytes(length)

    return StreamedBody(length=length, open=pieces)


def check(request: Request, said: Mapping[str, Any]) -> None:
    """Compare a request with a recorded one: method, place, query and headers."""
    url = urlsplit(said["url"])
    assert request.service == "storage"
    assert request.method == said["method"]
    assert request.path == url.path
    assert dict(request.query) == dict(parse_qsl(url.query))
    theirs = dict(said["headers"])
    for ours in ("Authorization", "Content-Type"):
        theirs.pop(ours, None)  # the transport's business
    mine = dict(request.headers)
    mine.pop("Accept-Encoding", None)
    assert mine == theirs


def test_a_start_is_as_recorded() -> None:
    exchange = recorded_json("gcs/resumable-start.exchange.json")
    request = GCS.start_upload(
        name="gs://my-bucket/in/input.jsonl",
        size=BIG,
        mime_type="application/jsonl",
        display_name=None,
    )

    check(request, exchange["request"])
    assert (request.body, request.idempotent) == (b"{}", True)
    headers = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
    session = GCS.read_session(Response(status=200, headers=headers, body=b""))
    assert session.url == exchange["response"]["headers"]["Location"]
    assert session.granularity == 262_144
    assert "upload_id" not in repr(session)


def test_a_display_name_is_kept_with_the_object() -> None:
    request = GCS.start_upload(
        name="gs://my-bucket/x", size=1, mime_type="text/plain", display_name="Täglich"
    )

    assert request.body == '{"metadata":{"displayName":"Täglich"}}'.encode()


def test_chunks_and_queries_are_as_recorded() -> None:
    first, query, last = recorded_json("gcs/resumable-chunks.exchange.json")
    session = UploadSession(url="https://storage.googleapis.com/u?upload_id=ABC", size=BIG)
    made = [
        (first, GCS.upload_chunk(session, offset=0, body=body_of(8 << 20), last=False)),
        (query, GCS.query_upload(session)),
        (last, GCS.upload_chunk(session, offset=8 << 20, body=body_of(1 << 20), last=True)),
    ]
    for exchange, request in made:
        theirs = dict(exchange["request"]["headers"])
        del theirs["Content-Length"]  # aiohttp's business
        assert request.method == exchange["request"]["method"]
        assert request.headers == theirs
        assert request.url == session.url
        assert session.url not in repr(request)
        assert 308 in request.answers
        assert request.idempotent is (exchange is query)

    for exchange in (first, query):
        told = exchange["response"]
        state = GCS.read_upload(answer(told["status"], range=told["headers"]["Range"]))
        assert (state.status, state.received) == ("active", 8 << 20)
    state = GCS.read_upload(answer(200, recorded("gcs/object.json")))
    assert state.status == "final"
    assert state.file is not None
    assert (state.file.size_bytes, state.file.generation) == (BIG, 1751371200000000)


def test_nothing_is_stored_where_no_range_is_told() -> None:
    assert GCS.read_upload(answer(308)).received == 0


@pytest.mark.parametrize("told", ["bytes=1-5", "bytes=0-", "0-5", "bytes=0-5,7-9"])
def test_a_range_that_tells_nothing(told: str) -> None:
    with pytest.raises(TransportError, match="does not tell how much"):
        GCS.read_upload(answer(308, range=told))


def test_an_empty_object_has_no_range() -> None:
    session = UploadSession(url="https://storage.googleapis.com/u", size=0)
    request = GCS.upload_chunk(session, offset=0, body=body_of(0), last=True)

    assert request.headers["Content-Range"] == "bytes */0"


def test_an_object_is_read() -> None:
    stored = GCS.read_file(recorded("gcs/object.json"))

    assert stored.name == "gs://my-bucket/in/input.jsonl"
    assert GCS.digest_of(stored) == "d41d8cd98f00b204e9800998ecf8427e"
    check(
        GCS.get(stored.name),
        {
            "method": "GET",
            "url": recorded_json("gcs/object.json")["selfLink"],
            "headers": {},
        },
    )
    assert GCS.delete(stored.name) == evolve(GCS.get(stored.name), method="DELETE")


def test_an_object_without_md5() -> None:
    stored = GCS.read_file(b'{"bucket": "b-1", "name": "n", "generation": "5"}')

    assert (stored.md5, stored.size_bytes, stored.generation) == (None, 0, 5)


def test_a_list_is_read() -> None:
    page = GCS.read_page(recorded("gcs/list.response.json"))
    empty = GCS.read_page(recorded("gcs/list-empty.response.json"))

    assert page.next_page_token == "CkE="
    assert [item.size_bytes for item in page.items] == [100, 2048]
    assert page.items[1].name.startswith("gs://my-bucket/out/job-0001/prediction-model-")
    assert (empty.items, empty.next_page_token) == ((), None)


def test_a_list_is_asked_for() -> None:
    first = GCS.list("gs://my-bucket/out/job-0001/")
    next_ = GCS.list("gs://my-bucket", page_token="CkE=")

    assert first.path == next_.path == "/storage/v1/b/my-bucket/o"
    assert first.query == {"prefix": "out/job-0001/", "maxResults": "1000"}
    assert next_.query == {"pageToken": "CkE=", "maxResults": "1000"}


def test_a_range_is_asked_for_as_recorded() -> None:
    exchange = recorded_json("gcs/media-range.exchange.json")
    first = GCS.content("gs://my-bucket/out/predictions.jsonl")
    told = {k.lower(): v for k, v in exchange["response"]["headers"].items()}
    pinned = first.opened(told)

    assert "generation" not in first.request(0).query
    assert "Range" not in first.request(0).headers
    check(pinned.request(1 << 20), exchange["request"])
    assert pinned.digest is None  # it tells a CRC alone


def test_another_generation_is_another_object() -> None:
    pinned = ObjectContent(name="gs://bkt/o", generation=5)

    assert pinned.opened({}) == pinned
    with pytest.raises(TransportError, match="gs://bkt/o changed while it was read"):
        pinned.opened({"x-goog-generation": "6"})


@pytest.mark.parametrize(
    ("headers", "digest"),
    [
        ({"x-goog-hash": "md5=1B2M2Y8AsgTpgAmY7PhCfg=="}, True),
        ({"x-goog-hash": "crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg=="}, True),
        ({"x-goog-hash": "crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmY7PhCfg=="}, True),
        ({"x-goog-hash": "md5=None"}, False),
        ({"x-goog-hash": "crc32c=AAAAAA=="}, False),
        ({}, False),
        (
            {
                "x-goog-hash": "md5=1B2M2Y8AsgTpgAmY7PhCfg==",
                "x-goog-stored-content-encoding": "gzip",
            },
            False,
        ),
    ],
)
def test_the_digest_of_what_is_sent(headers: Mapping[str, str], digest: bool) -> None:
    content = ObjectContent(name="gs://bkt/o").opened(headers)

    told = ("md5", "d41d8cd98f00b204e9800998ecf8427e")
    assert content.digest == (told if digest else None)


def test_an_object_that_is_gone_has_changed() -> None:
    error = NotFoundError(status_code=404)

    with pytest.raises(NotFoundError):
        ObjectContent(name="gs://bkt/o").missing(error)
    with pytest.raises(TransportError, match="changed while it was read"):
        ObjectContent(name="gs://bkt/o", generation=1).missing(error)


def test_a_session_needs_a_url_of_its_own_service() -> None:
    with pytest.raises(TransportError, match="without giving its URL"):
        GCS.read_session(answer())
    with pytest.raises(SecurityError, match="evil"):
        GCS.read_session(answer(location="https://evil.example/?upload_id=abc"))


@pytest.mark.parametrize(("name", "status"), [("error-404", 404), ("error-412", 412)])
def test_errors_are_read(name: str, status: int) -> None:
    body = recorded(f"gcs/{name}.json")
    error = read_error(
        Codec(), status_code=status, headers={}, body=body, method="GET", path="/x"
    )

    assert (error.status_code, error.message != "") == (status, True)
    assert "errors" not in error.message


NAMES = st.text(min_size=1, max_size=200).filter(
    lambda s: not set(s) & {"\r", "\n"} and s not in {".", ".."} and _is_unicode(s)
)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


@given(NAMES)
def test_any_name_is_one_segment_of_a_path(name: str) -> None:
    request = GCS.get(f"gs://my-bucket/{name}")

    *head, last = request.path.split("/")
    assert "/".join(head) == "/storage/v1/b/my-bucket/o"
    assert unquote(last) == name
    assert str(parse_object(f"gs://my-bucket/{name}")) == f"gs://my-bucket/{name}"


@pytest.mark.parametrize(
    "uri",
    [
        "gs://",
        "gs:///x",
        "gs://b/x",
        "gs://UPPER/x",
        "gs://a b/x",
        "gs://bkt/.",
        "gs://bkt/..",
        "gs://bkt/",
        "gs://bkt",
        "gs://bkt/a\nb",
        "gs://bkt/a\rb",
        "gs://bkt/\ud800",
        f"gs://bkt/{'ü' * 513}",
        "https://storage.googleapis.com/bkt/x",
        "bkt/x",
    ],
)
def test_what_names_no_object(uri: str) -> None:
    with pytest.raises(InputError, match="Names look like 'gs://bucket/folder/file"):
        parse_object(uri)


@pytest.mark.parametrize(
    ("uri", "path"),
    [("gs://bkt", ""), ("gs://bkt/", ""), ("gs://bkt/a", "a"), ("gs://bkt/a/b/", "a/b/")],
)
def test_what_names_a_prefix(uri: str, path: str) -> None:
    assert (parse_prefix(uri).bucket, parse_prefix(uri).path) == ("bkt", path)


def test_what_names_no_prefix() -> None:
    with pytest.raises(InputError, match="Names look like 'gs://bucket/folder'"):
        parse_prefix("bkt/a")
