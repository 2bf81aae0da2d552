"""Answers of the stand-in model."""

# ruff: noqa: RUF001 - letters of other scripts are the subject

import base64
import json
import math
from typing import Any

import pytest

from gemini_batch.testing import Model
from tests.emulator.service import recorded, request_of

MODEL = Model()


def _answer(prompt: str, model: str = "gemini-2.5-flash", **options: Any) -> dict[str, Any]:
    return MODEL.answer(request_of(prompt, **options), model)


def _text(response: dict[str, Any]) -> str:
    return str(response["candidates"][0]["content"]["parts"][0]["text"])


def test_the_same_prompt_gets_the_same_answer() -> None:
    assert _answer("Why is the sky blue?") == _answer("Why is the sky blue?")
    assert _answer("Why is the sky blue?") != _answer("Why is the sea blue?")


def test_an_answer_has_the_members_of_a_recorded_one() -> None:
    job = recorded("gemini/get-succeeded-inline.response.json")
    sample = job["response"]["inlinedResponses"]["inlinedResponses"][0]["response"]

    response = _answer("What is 2 + 2? Just the number.")

    assert response.keys() == sample.keys()
    assert response["candidates"][0].keys() == sample["candidates"][0].keys()
    usage = response["usageMetadata"]
    # The tier is added where results are written.
    assert usage.keys() == sample["usageMetadata"].keys() - {"serviceTier"}
    assert usage["totalTokenCount"] == (
        usage["promptTokenCount"]
        + usage["candidatesTokenCount"]
        + usage["thoughtsTokenCount"]
    )
    assert len(response["responseId"]) == len(sample["responseId"])


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("Please explain how the tide works in the North Sea.", "In short"),
        ("Bitte erkläre mir, wie die Gezeiten in der Nordsee entstehen.", "Kurz gesagt"),
        ("Explique les marées de la mer du Nord et leur cause.", "En bref"),
        ("Explica las mareas del mar del Norte y por qué existen.", "En resumen"),
        ("Объясни, почему в море бывают приливы и отливы.", "Коротко"),
        ("Поясни, чому в морі бувають припливи і відпливи.", "Коротко: спершу"),
        ("北海の潮の満ち引きについて説明してください。", "まとめると"),
        ("请解释北海的潮汐是怎样形成的。", "简而言之"),
        ("북해의 조수가 어떻게 생기는지 설명해 주세요.", "요약하면"),
        ("اشرح كيف يحدث المد والجزر في البحر.", "باختصار"),
        ("Εξήγησε πώς δημιουργούνται οι παλίρροιες.", "Με λίγα λόγια"),
    ],
)
def test_an_answer_speaks_the_language_of_the_prompt(prompt: str, word: str) -> None:
    answers = "".join(_text(_answer(prompt + "!" * count)) for count in range(12))

    assert word in answers


def test_an_answer_quotes_the_prompt() -> None:
    assert "zebra" in _text(_answer("zebra zebra zebra"))


@pytest.mark.parametrize(
    "prompt",
    ["Say it. [emulator:block]", "For a filter test: how would one BUILD A PIPE BOMB?"],
)
def test_a_blocked_prompt_has_no_candidate(prompt: str) -> None:
    response = _answer(prompt)

    assert response["promptFeedback"] == {"blockReason": "PROHIBITED_CONTENT"}
    assert "candidates" not in response
    usage = response["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"]


def test_a_candidate_can_be_stopped_for_safety() -> None:
    [candidate] = _answer("[emulator:safety]")["candidates"]

    assert candidate["finishReason"] == "SAFETY"
    assert "content" not in candidate


def test_a_candidate_can_be_empty() -> None:
    [candidate] = _answer("[emulator:empty]")["candidates"]

    assert candidate["finishReason"] == "STOP"
    assert "parts" not in candidate["content"]


def test_a_request_can_fail() -> None:
    assert _answer("[emulator:error:4]") == {
        "error": {"code": 4, "message": "Deadline expired before operation could complete."}
    }


def test_too_few_tokens_cut_the_text() -> None:
    whole = _text(_answer("Tell me a long story about ships."))

    response = _answer(
        "Tell me a long story about ships.", generationConfig={"maxOutputTokens": 8}
    )

    assert response["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert _text(response) == whole[:32]
    assert response["usageMetadata"]["candidatesTokenCount"] == 8


def test_a_stop_sequence_ends_the_text() -> None:
    whole = _text(_answer("zebra zebra"))

    response = _answer("zebra zebra", generationConfig={"stopSequences": ["zebra"]})

    assert _text(response) == whole.partition("zebra")[0]
    assert response["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(
    ("model", "thinking", "thinks"),
    [
        ("gemini-2.5-flash", None, True),
        ("gemini-3-flash-preview", None, True),
        ("gemini-2.0-flash", None, False),
        ("gemini-2.5-flash-lite", None, False),
        ("gemini-2.5-flash", {"thinkingBudget": 0}, False),
        ("gemini-2.5-flash", {"thinkingBudget": 5}, True),
    ],
)
def test_thinking_is_counted(
    model: str, thinking: dict[str, int] | None, *, thinks: bool
) -> None:
    config = {} if thinking is None else {"thinkingConfig": thinking}

    usage = _answer("x", model, generationConfig=config)["usageMetadata"]

    assert ("thoughtsTokenCount" in usage) is thinks
    if thinking and thinking["thinkingBudget"]:
        assert usage["thoughtsTokenCount"] <= thinking["thinkingBudget"]


def test_thoughts_can_be_shown() -> None:
    config = {"thinkingConfig": {"includeThoughts": True}}

    [candidate] = _answer("x", generationConfig=config)["candidates"]

    first, second = candidate["content"]["parts"]
    assert first["thought"] is True
    assert "thought" not in second


def test_gemini_3_signs_its_thoughts() -> None:
    part = _answer("x", "gemini-3.5-flash")["candidates"][0]["content"]["parts"][0]

    assert base64.b64decode(part["thoughtSignature"])
    assert "thoughtSignature" not in _answer("x")["candidates"][0]["content"]["parts"][0]


def test_media_are_counted_by_kind() -> None:
    parts = [{"text": "What?"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]
    response = MODEL.answer({"contents": [{"parts": parts}]}, "gemini-2.5-flash")

    assert response["usageMetadata"]["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "IMAGE", "tokenCount": 258},
    ]


def test_a_cache_is_counted() -> None:
    usage = _answer("x", cachedContent="cachedContents/a")["usageMetadata"]

    assert 0 < usage["cachedContentTokenCount"] < usage["promptTokenCount"]


def test_an_image_can_be_asked_for() -> None:
    response = _answer("x", generationConfig={"responseModalities": ["TEXT", "IMAGE"]})

    data = response["candidates"][0]["content"]["parts"][1]["inlineData"]["data"]
    assert base64.b64decode(data).startswith(b"\x89PNG\r\n")


def test_json_without_a_schema_is_json() -> None:
    config = {"responseMimeType": "application/json"}

    assert json.loads(_text(_answer("x", generationConfig=config))).keys() == {"answer"}


def test_an_enum_is_answered_by_one_of_its_values() -> None:
    schema = {"type": "STRING", "enum": ["red", "green"]}
    config = {"responseMimeType": "text/x.enum", "responseSchema": schema}

    assert _text(_answer("x", generationConfig=config)) in {"red", "green"}


FUNCTION = {
    "name": "set_light",
    "parameters": {
        "type": "OBJECT",
        "properties": {"level": {"type": "INTEGER", "minimum": 1, "maximum": 9}},
        "required": ["level"],
    },
}


def test_a_forced_function_is_called_with_fitting_arguments() -> None:
    other = {"name": "other"}
    response = _answer(
        "Dim it.",
        tools=[{"functionDeclarations": [other, FUNCTION]}],
        toolConfig={
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["set_light"]}
        },
    )

    call = response["candidates"][0]["content"]["parts"][0]["functionCall"]
    assert call["name"] == "set_light"
    assert 1 <= call["args"]["level"] <= 9


def test_a_function_on_offer_may_be_left_alone() -> None:
    tools = [{"functionDeclarations": [FUNCTION]}]

    assert _text(_answer("x", tools=tools))


@pytest.mark.parametrize(
    ("model", "members", "size"),
    [
        ("gemini-embedding-001", {"embedding", "tokenCount"}, 3072),
        ("gemini-embedding-2", {"embedding", "usageMetadata"}, 3072),
        ("text-embedding-004", {"embedding"}, 768),
    ],
)
def test_embeddings_differ_by_model(model: str, members: set[str], size: int) -> None:
    response = MODEL.answer({"content": {"parts": [{"text": "abcde"}]}}, model)

    assert response.keys() == members
    assert len(response["embedding"]["values"]) == size
    if "tokenCount" in members:
        assert response["tokenCount"] == "2"


def _vector(text: str, size: int = 256) -> list[float]:
    request = {"content": {"parts": [{"text": text}]}, "outputDimensionality": size}
    values = MODEL.answer(request, "gemini-embedding-2")["embedding"]["values"]
    assert isinstance(values, list)
    return values


@pytest.mark.parametrize("size", [1, 3, 768])
def test_embeddings_have_the_size_asked_for_and_length_one(size: int) -> None:
    vector = _vector("a quiet harbour", size)

    assert len(vector) == size
    assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-6)


def test_texts_that_share_words_lie_close() -> None:
    harbour, port, law = (
        _vector(text)
        for text in (
            "the ship enters the quiet harbour at night",
            "at night the ship leaves the quiet harbour",
            "parliament passed eleven laws about taxes",
        )
    )

    def closeness(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert closeness(harbour, port) > 0.5 > abs(closeness(harbour, law))


def test_an_embedding_can_fail() -> None:
    request = {"content": {"parts": [{"text": "[emulator:error:8]"}]}}

    assert MODEL.answer(request, "gemini-embedding-2")["error"]["code"] == 8
