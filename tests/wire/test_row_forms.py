"""Which rows are taken, how they are named, and what comes out."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from gemini_batch._requests.checker import RequestChecker
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
    Part,
    TaskType,
    ThinkingConfig,
)
from tests.support.checked import CODEC, EMBED, HELLO, bad, good

RECORDED = Path(__file__).parents[1] / "recorded"
HELLO_TEXT = b'{"contents":[{"parts":[{"text":"hello"}]}]}'


@pytest.mark.parametrize(
    "value",
    [
        {"key": "a", "request": HELLO},
        {**HELLO, "key": "a"},
        GenerateRequest.from_text("hello", key="a"),
        GenerateRequest(contents=(Content.from_text("hello"),), key="a"),
        {"key": "a", "request": GenerateRequest.from_text("hello")},
        {"key": "a", "request": {"contents": (Content(parts=(Part(text="hello"),)),)}},
        MappingProxyType({"key": "a", "request": MappingProxyType(HELLO)}),
        json.dumps({"key": "a", "request": HELLO}),
        json.dumps({"request": HELLO, "key": "a"}, indent=1).encode(),
        bytearray(b'{"key":"a","request":%b}' % HELLO_TEXT),
    ],
)
def test_every_accepted_form_gives_the_same_row(value: Any) -> None:
    row = good(value)

    assert row.key == "a"
    assert row.number == 3
    assert json.loads(row.request)["contents"][0]["parts"] == [{"text": "hello"}]
    assert row.metadata is None


def test_a_line_and_an_inline_row_are_what_the_service_takes() -> None:
    row = good({"key": 'ü"1', "request": HELLO})

    assert row.file_line() == b'{"key":"\xc3\xbc\\"1","request":%b}\n' % HELLO_TEXT
    assert (
        row.inline_row() == b'{"request":%b,"metadata":{"key":"\xc3\xbc\\"1"}}' % HELLO_TEXT
    )


@pytest.mark.parametrize(
    "value", [HELLO, {"request": HELLO}, {"key": None, "request": HELLO}]
)
def test_a_row_without_key_gets_one_from_its_position(value: Any) -> None:
    assert good(value).key == "row-000000003"


def test_typed_requests_are_encoded_as_the_service_spells_them() -> None:
    request = GenerateRequest(
        contents=(Content(parts=(Part.from_bytes(b"\xff\x00", mime_type="image/png"),)),),
        system_instruction=Content.from_text("be brief"),
        generation_config=GenerationConfig(
            top_p=0.5,
            temperature=0.0,
            stop_sequences=("x",),
            response_modalities=("TEXT",),
            thinking_config=ThinkingConfig(thinking_budget=0),
        ),
        tools=({"google_search": {}},),
        tool_config={"function_calling_config": {"mode": "AUTO"}},
    )

    assert json.loads(good(request).request) == {
        "contents": [
            {"parts": [{"inlineData": {"mimeType": "image/png", "data": "/wA="}}]}
        ],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "generationConfig": {
            "topP": 0.5,
            "temperature": 0,
            "stopSequences": ["x"],
            "responseModalities": ["TEXT"],
            "thinkingConfig": {"thinkingBudget": 0},
        },
        "tools": [{"googleSearch": {}}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }


def test_typed_embedding_requests_too() -> None:
    request = EmbedRequest.from_text(
        "x", task_type=TaskType("BORN_LATER"), output_dimensionality=3
    )
    checker = RequestChecker(CODEC)

    row = checker.request(request, 1)

    assert row is not None
    assert json.loads(row.request) == {
        "content": {"parts": [{"text": "x"}]},
        "taskType": "BORN_LATER",
        "outputDimensionality": 3,
    }
    assert checker.kind == JobKind.EMBED


@pytest.mark.parametrize("key", ["", 7, 1.5, True, ["a"], {}])
def test_a_key_is_a_non_empty_string(key: Any) -> None:
    problem = bad({"key": key, "request": HELLO})

    assert problem.field == "key"
    assert problem.remedy


def test_a_number_as_key_is_told_to_be_quoted() -> None:
    problem = bad({"key": 7, "request": HELLO})

    assert problem.message == "a key is a string, not a number"
    assert problem.remedy == 'Write it in quotes: "7".'


@pytest.mark.parametrize("name", ["custom_id", "customId", "id"])
@pytest.mark.parametrize("row", [{"request": HELLO}, HELLO])
def test_other_names_for_the_key_are_corrected(name: str, row: Any) -> None:
    problem = bad({**row, name: "a"})

    assert problem.field == name
    assert problem.remedy == 'A row is named by "key".'


@pytest.mark.parametrize("name", ["body", "messages"])
def test_rows_of_other_apis_are_told_what_a_row_is(name: str) -> None:
    problem = bad({"custom_id": "a", "method": "POST", "url": "/v1", name: {}})

    assert problem.field == name
    assert '"request": {"contents"' in problem.remedy


def test_messages_in_a_request_are_one_problem() -> None:
    problem = bad({"key": "a", "request": {"messages": []}})

    assert problem.field == "request.messages"
    assert '{"key": "…", "request"' in problem.remedy


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("generationConfig", "It belongs in request."),
        ("task_type", "It belongs in request."),
        ("temperature", "It belongs in request.generationConfig."),
        ("comment", 'A row has "key" and "request".'),
        (5, 'A row has "key" and "request".'),
    ],
)
def test_members_beside_the_request_are_refused(name: str, remedy: str) -> None:
    problem = bad({"key": "a", "request": HELLO, name: 1})

    assert problem.field == str(name)
    assert problem.remedy.startswith(remedy)


# Metadata


@pytest.mark.parametrize(
    "value",
    [
        {"request": HELLO, "metadata": {"key": "a"}},
        GenerateRequest(contents=(Content.from_text("x"),), metadata={"a": "b"}),
    ],
)
def test_metadata_travels_inline_only(value: Any) -> None:
    problem = bad(value)

    assert problem.field == "metadata"
    assert "create(inlined_requests=…)" in problem.remedy


@pytest.mark.parametrize(
    ("value", "key", "metadata"),
    [
        ({"request": HELLO, "metadata": {"key": "a"}}, "a", None),
        ({"key": "a", "request": HELLO, "metadata": {"key": "a"}}, "a", None),
        ({"key": "a", "request": HELLO, "metadata": {}}, "a", None),
        ({"key": "a", "request": HELLO, "metadata": None}, "a", None),
        (
            {"request": HELLO, "metadata": {"custom_id": "0"}},
            "row-000000003",
            b'{"custom_id":"0"}',
        ),
        ({**HELLO, "key": "a", "metadata": {"x_y": {"z": 1}}}, "a", b'{"x_y":{"z":1}}'),
        (
            EmbedRequest(
                content=Content.from_text("x"), key="a", metadata={"x": "1", "y": "2"}
            ),
            "a",
            b'{"x":"1","y":"2"}',
        ),
    ],
)
def test_inline_rows_may_carry_metadata(value: Any, key: Any, metadata: Any) -> None:
    row = good(value, allow_metadata=True)

    assert (row.key, row.metadata) == (key, metadata)
    inline = json.loads(row.inline_row())
    assert inline["metadata"] == {"key": key, **json.loads(metadata or b"{}")}
    assert inline["request"] == json.loads(row.request)


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ({"key": "b", "metadata": {"key": "a"}}, "metadata.key", "another key"),
        ({"metadata": {"key": ""}}, "metadata.key", "empty"),
        ({"metadata": {"key": 5}}, "metadata.key", "a string, not a number"),
        ({"metadata": [1]}, "metadata", "expected an object, got a list"),
        ({"metadata": {"x": float("nan")}}, "metadata.x", "finite"),
        ({"metadata": {5: "x"}}, "metadata", "names that are strings"),
    ],
)
def test_bad_metadata_is_refused(row: Any, field: str, message: str) -> None:
    problem = bad({"request": HELLO, **row}, allow_metadata=True)

    assert problem.field == field
    assert message in problem.message


# Kinds


def test_the_first_good_row_tells_the_kind() -> None:
    checker = RequestChecker(CODEC)

    checker.request({"contents": []}, 1)
    assert checker.kind is None
    checker.request(EMBED, 2)

    assert checker.kind == JobKind.EMBED


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (
            JobKind.GENERATE,
            EMBED,
            "this is an embedding row, where a generation row is due",
        ),
        (JobKind.EMBED, HELLO, "this is a generation row, where an embedding row is due"),
        (
            JobKind.EMBED,
            GenerateRequest.from_text("x"),
            "this is a generation row, where an embedding row is due",
        ),
        (
            JobKind.GENERATE,
            EmbedRequest.from_text("x"),
            "this is an embedding row, where a generation row is due",
        ),
    ],
)
def test_a_row_of_the_other_kind_is_refused(kind: Any, value: Any, message: str) -> None:
    problem = bad(value, kind=kind)

    assert problem.message == message
    assert "one kind" in problem.remedy


def test_kinds_are_not_mixed() -> None:
    checker = RequestChecker(CODEC)
    checker.request(HELLO, 1)

    assert checker.request({"key": "b", "request": {"task_type": "X", **EMBED}}, 2) is None

    (problem,) = checker.problems
    assert (problem.line, problem.field) == (2, "request")


# Recorded rows


@pytest.mark.parametrize(
    "path", sorted(RECORDED.glob("jsonl/*input*.jsonl")), ids=lambda path: path.name
)
def test_recorded_input_files_are_accepted(path: Path) -> None:
    checker = RequestChecker(CODEC)

    lines = path.read_bytes().splitlines()
    rows = [checker.line(line, number) for number, line in enumerate(lines, start=1)]

    assert checker.problems == []
    assert None not in rows


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(RECORDED.glob("gemini/*create*.request.json"))
        if "requests" in path.read_text()
    ],
    ids=lambda path: path.name,
)
def test_recorded_inline_requests_are_accepted_unchanged(path: Path) -> None:
    batch = json.loads(path.read_bytes())["batch"]
    checker = RequestChecker(CODEC, allow_metadata=True)

    for number, sent in enumerate(batch["inputConfig"]["requests"]["requests"], start=1):
        row = checker.request(sent, number)

        assert checker.problems == []
        assert row is not None
        inline = json.loads(row.inline_row())
        assert inline["request"] == sent["request"]
        assert inline["metadata"] == {"key": row.key, **sent["metadata"]}
