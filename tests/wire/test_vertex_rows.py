"""What a request may be in a row of Vertex AI, and the form it is sent in."""

from typing import Any

import pytest

from gemini_batch._requests.api_rules import DEVELOPER
from gemini_batch._requests.messages import MESSAGES
from gemini_batch._requests.normalize import Normalizer
from gemini_batch._requests.vertex import VERTEX, is_legacy_embedding
from gemini_batch.types import JobKind

HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}
EMBED = {"content": {"parts": [{"text": "hello"}]}}


def shaped(
    request: dict[str, Any], kind: JobKind = JobKind.GENERATE
) -> tuple[dict[str, Any], list[str]]:
    """Return what is sent for a request, and what is said of it."""
    said: list[str] = []

    def report(field: str, message: str, remedy: str) -> None:
        said.append(f"{field}: {message}. {remedy}")

    normalizer = Normalizer(report, trusted=False, after=VERTEX.after(report))
    message = VERTEX.embed if kind == JobKind.EMBED else VERTEX.generate
    clean = VERTEX.check(kind, normalizer.message(message, request, None), None, report)
    return VERTEX.sent(kind, clean), said


def part(**members: Any) -> dict[str, Any]:
    return {"contents": [{"parts": [members]}]}


def file_part(uri: Any) -> dict[str, Any]:
    return part(fileData={"fileUri": uri, "mimeType": "image/png"})


@pytest.mark.parametrize(
    "request_",
    [
        HELLO,
        {**HELLO, "labels": {"team": "search"}},
        {**HELLO, "modelArmorConfig": {"promptTemplateName": "x"}},
        {**HELLO, "generationConfig": {"routingConfig": {"autoMode": {}}}},
        {**HELLO, "generationConfig": {"audioTimestamp": True}},
        {**HELLO, "safetySettings": [{"category": "A", "method": "SEVERITY"}]},
        {**HELLO, "tools": [{"enterpriseWebSearch": {}}, {"googleSearch": {}}]},
        file_part("gs://bucket/object.png"),
        file_part("https://www.youtube.com/watch?v=abc"),
        file_part("https://youtu.be/abc"),
    ],
)
def test_it_is_taken(request_: dict[str, Any]) -> None:
    assert shaped(request_) == (request_, [])


@pytest.mark.parametrize(
    ("request_", "field", "said"),
    [
        ({**HELLO, "store": True}, "store", "Only the Gemini Developer API"),
        (
            {**HELLO, "tools": [{"fileSearch": {}}]},
            "tools[0].fileSearch",
            "Only the Gemini Developer API",
        ),
        (
            part(partMetadata={}, text="x"),
            "contents[0].parts[0].partMetadata",
            "Only the Gemini Developer API",
        ),
        (
            {**HELLO, "cachedContent": "cachedContents/x"},
            "cachedContent",
            "no explicit cache",
        ),
        ({**HELLO, "labels": {"Team": "x"}}, "labels.Team", "lower-case"),
        ({**HELLO, "labels": {"team": 5}}, "labels.team", "not a string"),
        ({**HELLO, "labels": 5}, "labels", "expected an object"),
        (
            file_part("https://generativelanguage.googleapis.com/v1beta/files/abc"),
            "contents[0].parts[0].fileData.fileUri",
            "gs://bucket/object",
        ),
        (
            file_part("https://youtube.com.example.com/x"),
            "contents[0].parts[0].fileData.fileUri",
            "gs://bucket/object",
        ),
        (file_part(5), "contents[0].parts[0].fileData.fileUri", "expected a string"),
        (
            part(fileData={"mimeType": "x"}),
            "contents[0].parts[0].fileData.fileUri",
            "there is no fileUri",
        ),
        (part(text="x", fileSearch=1), "contents[0].parts[0].fileSearch", "no member"),
        ({"contents": [{}]}, "contents[0].parts", "the content has no parts"),
    ],
)
def test_it_is_not(request_: dict[str, Any], field: str, said: str) -> None:
    (problem,) = shaped(request_)[1]

    assert problem.startswith(f"{field}: ")
    assert said in problem


def test_the_model_stays_out_of_the_row() -> None:
    assert shaped({**HELLO, "model": "models/x"}) == (HELLO, [])
    assert shaped({**EMBED, "model": "models/x"}, JobKind.EMBED) == (EMBED, [])


@pytest.mark.parametrize(
    "options",
    [
        {"taskType": "RETRIEVAL_DOCUMENT", "title": "Doc", "outputDimensionality": 768},
        {"embedContentConfig": {"taskType": "RETRIEVAL_DOCUMENT", "title": "Doc"},
         "output_dimensionality": "768"},
        {"embed_content_config": {"output_dimensionality": 768, "title": "Doc",
                                  "task_type": "RETRIEVAL_DOCUMENT"}},
    ],
)  # fmt: skip
def test_options_of_an_embedding_are_sent_as_the_guide_writes_them(
    options: dict[str, Any],
) -> None:
    sent, said = shaped({**EMBED, **options}, JobKind.EMBED)

    assert said == []
    assert sent == {
        **EMBED,
        "embed_content_config": {
            "task_type": "RETRIEVAL_DOCUMENT",
            "title": "Doc",
            "output_dimensionality": 768,
        },
    }


def test_an_option_is_given_once() -> None:
    request = {**EMBED, "title": "a", "embedContentConfig": {"title": "b"}}

    assert shaped(request, JobKind.EMBED)[1] == [
        "title: it is also in embedContentConfig. Keep one."
    ]


@pytest.mark.parametrize(
    ("model", "full"),
    [
        ("gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("projects/1/locations/eu/models/2", "projects/1/locations/eu/models/2"),
    ],
)
def test_models_that_rows_name(model: str, full: str) -> None:
    assert VERTEX.full_model(model) == full


@pytest.mark.parametrize(
    ("model", "legacy"),
    [
        ("publishers/google/models/text-embedding-005", True),
        ("text-embedding-004@001", True),
        ("text-multilingual-embedding-002", True),
        ("gemini-embedding-001", False),
        ("gemini-2.5-flash", False),
    ],
)
def test_older_embedding_models(model: str, legacy: bool) -> None:
    assert is_legacy_embedding(model) is legacy


def test_the_other_flavour_is_as_it_was() -> None:
    assert DEVELOPER.generate is MESSAGES["GenerateContentRequest"]
    assert DEVELOPER.full_model("x") == "models/x"
    assert DEVELOPER.full_model("tunedModels/x") == "tunedModels/x"
    assert DEVELOPER.sent(JobKind.EMBED, EMBED) is EMBED
    assert DEVELOPER.check(JobKind.EMBED, EMBED, None, lambda *_: None) is EMBED
