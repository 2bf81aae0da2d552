"""The codec: strict scalars, renamed members, untouched user mappings."""

import datetime as dt
import pickle
from array import array
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import astuple, frozen
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._codec.scalar_hooks import proto3_float, structure_float
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    Blob,
    Content,
    File,
    GenerateRequest,
    GenerationConfig,
    HarmBlockThreshold,
    HarmCategory,
    Part,
    SafetySetting,
    ThinkingConfig,
    Usage,
)
from tests.support.own_class import own_class

CODEC = Codec()


@own_class
@frozen(kw_only=True)
class Leaves:
    text: str = ""
    flag: bool = False
    count: int = 0
    ratio: float = 0.0
    moment: dt.datetime | None = None
    data: bytes = b""
    user_map: Mapping[str, Any] | None = None


def test_proto3_numbers_are_read() -> None:
    leaves = CODEC.loads(b'{"count": "12345678901234567890", "ratio": 2}', Leaves)

    assert (leaves.count, leaves.ratio) == (12345678901234567890, 2.0)
    assert CODEC.loads(b'{"count": 1.0}', Leaves).count == 1
    assert type(leaves.ratio) is float


def test_left_out_members_have_their_defaults_and_unknown_ones_are_passed_over() -> None:
    assert CODEC.loads(b'{"bornNextYear": [1, {"x": null}]}', Leaves) == Leaves()


@pytest.mark.parametrize(
    "text",
    [
        '{"text": 3}',
        '{"flag": "false"}',
        '{"flag": 1}',
        '{"flag": true, "count": "x"}',
        '{"count": 12.9}',
        '{"count": true}',
        '{"count": "x"}',
        '{"count": "1_000"}',
        '{"count": " 12 "}',
        '{"count": "١٢"}',
        '{"ratio": "1"}',
        '{"ratio": true}',
        '{"moment": 3}',
        '{"moment": "yesterday"}',
        '{"moment": "2026-01-01T00:00:00"}',
        '{"data": "*"}',
        '{"data": 3}',
        "[]",
        "null",
        "{",
        "",
        "<html>",
    ],
)
def test_nothing_is_coerced(text: str) -> None:
    with pytest.raises(DecodeError):
        CODEC.loads(text.encode(), Leaves)


def test_null_stands_for_the_default() -> None:
    """As everywhere in proto3 JSON; what has no default must be there."""
    nothing = (
        b'{"text": null, "flag": null, "count": null, "moment": null, "userMap": null}'
    )

    assert CODEC.loads(nothing, Leaves) == Leaves()
    assert CODEC.members(b'{"a": null, "b": 1}') == {"b": b"1"}
    with pytest.raises(DecodeError, match="required field missing"):
        CODEC.loads(b'{"name": null}', File)


def test_what_has_no_number_in_json_has_a_word() -> None:
    assert CODEC.loads(b'{"ratio": "-Infinity"}', Leaves).ratio == float("-inf")
    assert str(CODEC.loads(b'{"ratio": "NaN"}', Leaves).ratio) == "nan"


def test_subclasses_of_plain_types_are_written_as_these() -> None:
    """As numpy's numbers and texts are."""

    class Text(str):
        __slots__ = ()

    class Whole(int): ...

    class Real(float): ...

    assert CODEC.dumps([Text("a"), Whole(1), Real(0.5)]) == b'["a",1,0.5]'
    with pytest.raises(TypeError, match="a object has no place in JSON"):
        CODEC.dumps([object()])


def test_a_misfit_says_where() -> None:
    with pytest.raises(
        DecodeError, match=r"expected a string, got int @ \$.parts\[1\].text"
    ):
        CODEC.loads(b'{"parts": [{}, {"text": 3}]}', Content)


def test_timestamps_are_cut_to_microseconds_in_utc() -> None:
    for text in ["2026-07-02T14:40:59.019821594Z", "2026-07-02T16:40:59.019821+02:00"]:
        moment = CODEC.loads(f'{{"moment": "{text}"}}'.encode(), Leaves).moment
        assert moment == dt.datetime(2026, 7, 2, 14, 40, 59, 19821, tzinfo=dt.UTC)
        assert moment.tzinfo is dt.UTC


@pytest.mark.parametrize("text", ["+/8=", "+/8", "-_8=", "-_8"])
def test_bytes_are_base64_in_any_spelling(text: str) -> None:
    assert CODEC.loads(f'{{"data": "{text}"}}'.encode(), Leaves).data == b"\xfb\xff"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values))
def test_a_users_mapping_passes_untouched(mapping: dict[str, Any]) -> None:
    wire = CODEC.unstructure(Leaves(user_map=mapping))

    assert wire == {"userMap": mapping}
    assert CODEC.structure(wire, Leaves).user_map == mapping


leaves = st.builds(
    Leaves,
    text=st.text(),
    flag=st.booleans(),
    count=st.integers(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    moment=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
    data=st.binary(),
    user_map=st.none() | st.dictionaries(st.text(), json_values),
)


@given(leaves)
def test_values_survive_the_round_trip(value: Leaves) -> None:
    again = CODEC.structure(CODEC.unstructure(value), Leaves)

    assert again == value
    assert [type(v) for v in vars_of(again)] == [type(v) for v in vars_of(value)]


def vars_of(value: Leaves) -> list[Any]:
    return list(astuple(value, recurse=False))


def test_a_request_is_sent_in_the_wires_spelling_without_defaults() -> None:
    request = GenerateRequest(
        contents=(
            Content(
                role="user", parts=(Part(inline_data=Blob(data=b"\xfb", mime_type="a/b")),)
            ),
        ),
        generation_config=GenerationConfig(
            max_output_tokens=5,
            thinking_config=ThinkingConfig(thinking_budget=0),
            response_schema={"type": "OBJECT", "properties": {"snake_case": {}}},
        ),
        safety_settings=(
            SafetySetting(
                category=HarmCategory.HARASSMENT, threshold=HarmBlockThreshold("NEW")
            ),
        ),
    )

    assert CODEC.unstructure(request) == {
        "contents": [
            {"role": "user", "parts": [{"inlineData": {"mimeType": "a/b", "data": "+w=="}}]}
        ],
        "generationConfig": {
            "maxOutputTokens": 5,
            "thinkingConfig": {"thinkingBudget": 0},
            "responseSchema": {"type": "OBJECT", "properties": {"snake_case": {}}},
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "NEW"}],
    }


def test_enums_come_back_as_enums() -> None:
    setting = CODEC.loads(b'{"category": "NEW", "threshold": "OFF"}', SafetySetting)

    assert type(setting.category) is HarmCategory
    assert setting.threshold is HarmBlockThreshold.OFF


def test_vectors_are_compact_both_ways() -> None:
    from gemini_batch.types import ContentEmbedding

    embedding = CODEC.loads(b'{"values": [1, -0.5]}', ContentEmbedding)

    assert embedding.values == array("f", [1.0, -0.5])
    assert CODEC.unstructure(embedding) == {"values": [1.0, -0.5]}
    with pytest.raises(DecodeError, match="list of numbers"):
        CODEC.loads(b'{"values": "x"}', ContentEmbedding)
    with pytest.raises(DecodeError):
        CODEC.loads(b'{"values": [null]}', ContentEmbedding)


def test_objects_and_lists_are_cut_without_decoding() -> None:
    assert CODEC.members(b'{"a": {"x" : 1}, "b":[ ]}') == {"a": b'{"x" : 1}', "b": b"[ ]"}
    assert CODEC.items(b'[1, {"x" : 1}]') == [b"1", b'{"x" : 1}']
    for bad in (b"[]", b"{", b"\xff"):
        with pytest.raises(DecodeError, match="expected JSON"):
            CODEC.members(bad)
    with pytest.raises(DecodeError, match="expected JSON"):
        CODEC.items(b"{}")


def test_a_codec_can_be_pickled() -> None:
    twin = pickle.loads(pickle.dumps(CODEC))

    assert twin.loads(b'{"totalTokenCount": 3}', Usage).total_token_count == 3


def test_floats_take_integers() -> None:
    assert structure_float(3, float) == 3.0
    assert proto3_float(3, float) == 3.0
