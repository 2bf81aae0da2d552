"""What rows share is written once, and a change is noticed."""

import json
from typing import Any

import pytest
from attrs import evolve

from gemini_batch._codec.request_structs import Uncommon
from gemini_batch._requests import fast_check, shared_parts
from gemini_batch._requests.checker import RequestChecker
from gemini_batch._requests.shared_parts import (
    Shared,
    is_frozen,
    is_plain,
    snapshot_of,
)
from gemini_batch.types import (
    Content,
    GenerateRequest,
    GenerationConfig,
    HarmBlockThreshold,
    HarmCategory,
    Part,
    SafetySetting,
    ThinkingConfig,
)
from tests.support.checked import CODEC, HELLO

LONG = "be brief " * 100


def config(**members: Any) -> GenerateRequest:
    return GenerateRequest(
        contents=(Content.from_text("hello"),),
        generation_config=GenerationConfig(**members),
    )


def sent(checker: RequestChecker, value: Any, number: int = 1) -> Any:
    row = checker.request(value, number)
    assert row is not None
    return json.loads(row.request)


def test_a_mapping_that_changes_between_rows_is_noticed() -> None:
    checker = RequestChecker(CODEC)
    schema: dict[str, Any] = {"type": "STRING", "maxItems": 1}
    request = config(response_mime_type="application/json", response_schema=schema)
    plain = {"top_k": 1}
    mapping = {**HELLO, "generationConfig": plain}

    for number in range(1, 6):
        schema["maxItems"] = plain["top_k"] = number
        assert sent(checker, request)["generationConfig"]["responseSchema"] == schema
        assert sent(checker, mapping)["generationConfig"] == {"topK": number}

    plain["top_k"] = True
    assert checker.request(mapping, 9) is None
    schema["maxItems"] = 1.5
    assert checker.request(request, 9) is None


def test_a_content_that_changes_between_rows_is_noticed() -> None:
    checker = RequestChecker(CODEC)
    instruction = Content.from_text(LONG)
    request = GenerateRequest(
        contents=(Content.from_text("x"),), system_instruction=instruction
    )
    for _ in range(3):
        assert sent(checker, request)["systemInstruction"]["parts"] == [{"text": LONG}]

    instruction.parts[0].text = "other " * 100
    assert sent(checker, request)["systemInstruction"]["parts"] == [
        {"text": "other " * 100}
    ]
    instruction.parts[0].text = ""
    assert checker.request(request, 9) is None


def test_an_instruction_of_several_parts_is_written_whole() -> None:
    checker = RequestChecker(CODEC)
    request = GenerateRequest(
        contents=(Content.from_text("x"),),
        system_instruction=Content(parts=(Part(text="a"), Part(text="b"))),
    )
    for _ in range(2):
        parts = sent(checker, request)["systemInstruction"]["parts"]
        assert parts == [{"text": "a"}, {"text": "b"}]


def test_a_list_in_a_frozen_config_may_change() -> None:
    checker = RequestChecker(CODEC)
    stops = ["a"]
    request = config(stop_sequences=stops)

    for _ in range(4):
        assert sent(checker, request)["generationConfig"]["stopSequences"] == stops
        stops.append("b")


def test_configs_of_equal_numbers_but_other_types_are_told_apart() -> None:
    checker = RequestChecker(CODEC)

    for value in (1, 1.0, 1):
        assert sent(checker, config(top_p=value)) == sent(checker, config(top_p=1))
        assert sent(checker, {**HELLO, "generationConfig": {"top_k": value}})
    assert checker.request(config(top_p=True), 1) is None
    assert checker.request({**HELLO, "generationConfig": {"top_k": True}}, 2) is None


def test_configs_that_differ_in_their_innermost_are_told_apart() -> None:
    checker = RequestChecker(CODEC)
    inner = [None, *(ThinkingConfig(thinking_budget=n) for n in (0, 1)), ThinkingConfig()]
    texts = {
        json.dumps(sent(checker, config(thinking_config=each, top_k=1))) for each in inner
    }

    assert len(texts) == len(inner)


def test_what_is_shared_is_remembered_by_what_it_is_for() -> None:
    checker = RequestChecker(CODEC)
    members = {"parts": [{"text": "x"}]}

    assert (
        sent(checker, {**HELLO, "systemInstruction": members})["systemInstruction"]
        == members
    )
    assert checker.request({**HELLO, "generationConfig": members}, 2) is None


def test_configs_and_settings_that_come_again_are_written_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checker = RequestChecker(CODEC)
    settings = (
        SafetySetting(category=HarmCategory("A"), threshold=HarmBlockThreshold("B")),
    )
    request = evolve(config(top_k=3), safety_settings=settings)
    expected = [sent(checker, request) for _ in range(3)]

    def again(_: Any) -> None:
        pytest.fail("it was written again")

    monkeypatch.setattr(fast_check, "_held", again)
    checker._quick._write_safety = again  # type: ignore[assignment]

    assert sent(checker, request) == expected[0] == expected[2]


def test_a_value_that_is_gone_is_not_taken_for_another_one() -> None:
    """The id of an object is given to the next one when it is gone."""
    checker = RequestChecker(CODEC)

    for number in range(1, 500):
        for _ in range(3):
            assert sent(checker, config(top_k=number))["generationConfig"] == {
                "topK": number
            }


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_parts, "_MOST_BYTES", 1000)
    shared = Shared()

    def held() -> int:
        return sum(len(key[1]) + len(text) for key, text in shared.texts.items())

    for number in range(500):
        assert shared.tree("slot", [number], lambda value: value) == b"[%d]" % number
        assert held() <= 1000
    assert shared.tree("slot", ["x" * 2000], len) == b"1"
    assert held() <= 1000

    configs = [GenerationConfig(top_k=number) for number in range(200)]
    for each in configs:
        shared.note("slot", each, b"x")
    assert shared.values == {}
    for each in configs:
        for _ in range(2):
            shared.note("slot", each, b"x")
    assert 0 < len(shared.values) <= 64


def test_only_plain_values_are_remembered() -> None:
    shared = Shared()
    for odd in (b"x", bytearray(b"x"), {1: "x"}, [{1, 2}], object(), [float]):
        with pytest.raises(Uncommon):
            shared.tree("slot", odd, lambda value: value)
    with pytest.raises(Uncommon):
        shared.tree("slot", ["\ud800"], lambda value: value)

    assert shared.texts == {}


def test_snapshots_tell_equal_values_of_other_types_apart() -> None:
    values: list[Any] = [1, 1.0, True, "1", [1], (1,), {"1": 1}, None, -0.0, 0.0, ["a"], []]

    assert len({snapshot_of(value) for value in values}) == len(values)
    assert snapshot_of(["ab", "a" + str(5)]) == snapshot_of(["a" + "b", "a5"])
    assert snapshot_of(object()) is None
    assert all(map(is_plain, values))


def test_what_cannot_change_is_told() -> None:
    assert is_frozen(
        GenerationConfig(thinking_config=ThinkingConfig(), stop_sequences=("x",))
    )
    assert not is_frozen(GenerationConfig(response_schema={}))
    assert not is_frozen(GenerationConfig(stop_sequences=["x"]))  # type: ignore[arg-type]
    assert not is_frozen(Content.from_text("x"))


def line_of(**members: str) -> bytes:
    parts = '"contents":[{"parts":[{"text":"x"}]}]'
    rest = "".join(f",{json.dumps(name)}:{text}" for name, text in members.items())
    return f'{{"key":"a","request":{{{parts}{rest}}}}}'.encode()


def test_what_lines_share_is_known_by_its_text() -> None:
    checker = RequestChecker(CODEC)
    for text, top_k in (('{"topK":1}', 1), ('{"topK": 1}', 1), ('{"top_k":2}', 2)) * 2:
        line = line_of(generationConfig=text, systemInstruction='{"parts":[{"text":"y"}]}')
        row = sent(checker, line)
        assert row["generationConfig"] == {"topK": top_k}
        assert row["systemInstruction"] == {"parts": [{"text": "y"}]}

    # The same text, in another place.
    for _ in range(2):
        assert checker.request(line_of(systemInstruction='{"topK":1}'), 1) is None


@pytest.mark.parametrize("name", ["generation_config", "generationConfig"])
def test_a_null_in_a_line_leaves_the_default(name: str) -> None:
    checker = RequestChecker(CODEC, generation_config=GenerationConfig(top_k=7))
    for _ in range(2):
        row = sent(checker, line_of(**{name: "null"}))
        assert row["generationConfig"] == {"topK": 7}


def test_both_spellings_in_a_line_are_refused() -> None:
    checker = RequestChecker(CODEC)
    given = {"generationConfig": '{"topK":1}', "generation_config": '{"topK":1}'}
    assert checker.request(line_of(**given), 1) is None


@pytest.mark.parametrize(
    "text", ['{"topK":1,}', '{"stopSequences":["\\ud800"]}', "[1]", "5"]
)
def test_text_that_says_nothing_sound_is_not_remembered(text: str) -> None:
    checker = RequestChecker(CODEC)
    for number in range(1, 4):
        assert checker.request(line_of(generationConfig=text), number) is None
    assert len(checker.problems) == 3


def test_text_is_read_once() -> None:
    shared, asked = Shared(), []

    def make(value: Any) -> Any:
        asked.append(value)
        return value

    assert [shared.read("Content", b'{"a": 1}', make) for _ in range(2)] == [b'{"a":1}'] * 2
    assert asked == [{"a": 1}]
    with pytest.raises(Uncommon):
        shared.read("Content", b"\xff", make)
