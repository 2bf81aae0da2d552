"""Requests in the forms that are quick to write."""

from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from gemini_batch import (
    Client,
    Content,
    EmbedRequest,
    File,
    FunctionCallingConfig,
    FunctionDeclaration,
    GenerateRequest,
    GenerationConfig,
    Part,
    SafetySetting,
    TaskType,
    Tool,
    ToolConfig,
    few_shot,
)
from gemini_batch.testing import ManualClock
from gemini_batch.types import (
    Blob,
    FileData,
    FunctionCallingMode,
    HarmBlockThreshold,
    HarmCategory,
)
from gemini_batch.types._content import MAX_INLINE_BYTES
from tests.support.rows import MODEL

UPLOADED = File(name="files/a", uri="https://x/files/a", mime_type="application/pdf")
POINTER = Part(
    file_data=FileData(file_uri="https://x/files/a", mime_type="application/pdf")
)
SETTING = SafetySetting(
    category=HarmCategory.HARASSMENT, threshold=HarmBlockThreshold.BLOCK_NONE
)


# From parts


def test_parts_are_texts_parts_and_uploaded_files_in_order() -> None:
    image = Part.from_bytes(b"x", mime_type="image/png")

    request = GenerateRequest.from_parts([image, UPLOADED, "What is this?"], key="a")

    assert request == GenerateRequest(
        contents=(
            Content(parts=(image, POINTER, Part(text="What is this?")), role="user"),
        ),
        key="a",
    )


@pytest.mark.parametrize("single", ["hello", Part(text="hello")])
def test_a_single_part_needs_no_list(single: Any) -> None:
    assert GenerateRequest.from_parts(single) == GenerateRequest.from_text("hello")
    assert EmbedRequest.from_parts(single) == EmbedRequest.from_text("hello")


def test_all_members_have_their_place() -> None:
    config = GenerationConfig(top_k=1)
    tool = Tool(code_execution={})

    request = GenerateRequest.from_parts(
        "x",
        key="a",
        examples=[("in", "out")],
        system_instruction="be brief",
        generation_config=config,
        safety_settings=[SETTING],
        tools=[tool, {"url_context": {}}],
        tool_config=ToolConfig(),
        cached_content="cachedContents/1",
        metadata={"x": 1},
    )

    assert request == GenerateRequest(
        contents=(
            Content.from_text("in", role="user"),
            Content.from_text("out", role="model"),
            Content.from_text("x", role="user"),
        ),
        key="a",
        system_instruction=Content.from_text("be brief"),
        generation_config=config,
        safety_settings=(SETTING,),
        tools=(tool, {"url_context": {}}),
        tool_config=ToolConfig(),
        cached_content="cachedContents/1",
        metadata={"x": 1},
    )


def test_an_instruction_may_be_a_content() -> None:
    content = Content.from_text("be brief")

    assert GenerateRequest.from_parts("x", system_instruction=content) == (
        GenerateRequest.from_text("x", system_instruction="be brief")
    )


def test_embedding_requests_have_a_title_and_metadata() -> None:
    request = EmbedRequest.from_parts(
        ["x", "y"],
        key="a",
        task_type=TaskType.RETRIEVAL_DOCUMENT,
        title="t",
        output_dimensionality=5,
        metadata={"x": 1},
    )

    assert request == EmbedRequest(
        content=Content(parts=(Part(text="x"), Part(text="y"))),
        key="a",
        task_type=TaskType.RETRIEVAL_DOCUMENT,
        title="t",
        output_dimensionality=5,
        metadata={"x": 1},
    )


def test_a_text_to_embed_may_have_a_title() -> None:
    options: Any = {
        "key": "a",
        "task_type": TaskType.RETRIEVAL_DOCUMENT,
        "title": "t",
        "output_dimensionality": 5,
    }

    @frozen(kw_only=True)
    class Mine(EmbedRequest):
        note: str = ""

    assert EmbedRequest.from_text("x", **options) == EmbedRequest.from_parts("x", **options)
    mine = Mine.from_text("x", **options)
    assert type(mine) is Mine
    assert mine.title == "t"


@pytest.mark.parametrize("parts", [[5], [b"x"], b"x", [["x"]]])
def test_what_is_no_part_is_refused(parts: Any) -> None:
    with pytest.raises(TypeError, match="a part is a text, a Part or a File, not "):
        GenerateRequest.from_parts(parts)


def test_there_is_at_least_one_part() -> None:
    with pytest.raises(ValueError, match="there are no parts"):
        EmbedRequest.from_parts([])


def test_a_file_has_something_to_point_at() -> None:
    with pytest.raises(ValueError, match="files/a has no URI"):
        GenerateRequest.from_parts([File(name="files/a")])


# Examples


def test_examples_are_turns_of_user_and_model() -> None:
    image = Part.from_bytes(b"x", mime_type="image/png")

    assert few_shot([("1 + 1", "2"), ([image, "What?"], ["A", "cat."])]) == (
        Content.from_text("1 + 1", role="user"),
        Content.from_text("2", role="model"),
        Content(parts=(image, Part(text="What?")), role="user"),
        Content(parts=(Part(text="A"), Part(text="cat.")), role="model"),
    )
    assert few_shot([]) == ()


@pytest.mark.parametrize("examples", [["in"], ["ab"], [("in",)], [("in", "out", "x")]])
def test_an_example_is_a_pair(examples: Any) -> None:
    with pytest.raises(TypeError, match="an example is a pair of prompt and answer"):
        few_shot(examples)


# Local files


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.HEIC", "image/heic"),
        ("a.pdf", "application/pdf"),
        ("a.md", "text/markdown"),
    ],
)
def test_a_file_travels_inside_and_its_name_tells_its_type(
    name: str, mime_type: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"\x89data")
    part = Part(inline_data=Blob(data=b"\x89data", mime_type=mime_type))

    assert Part.from_file(path) == Part.from_file(str(path)) == part
    assert GenerateRequest.from_file(
        path,
        prompt="What is this?",
        key="a",
        system_instruction="be brief",
        generation_config={"topK": 1},
    ) == GenerateRequest.from_parts(
        [part, "What is this?"],
        key="a",
        system_instruction="be brief",
        generation_config={"topK": 1},
    )
    assert EmbedRequest.from_file(
        path, key="a", task_type=TaskType.CLUSTERING, output_dimensionality=5
    ) == EmbedRequest.from_parts(
        part, key="a", task_type=TaskType.CLUSTERING, output_dimensionality=5
    )
    assert EmbedRequest.from_file(path, text="x") == EmbedRequest.from_parts([part, "x"])


@pytest.mark.parametrize("name", ["scan", "scan.unheardof", "scan.pdf.gz"])
def test_where_the_name_does_not_tell_the_type_it_is_given(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")

    with pytest.raises(ValueError, match=r"does not tell its MIME type: give mime_type"):
        Part.from_file(path)
    part = Part.from_file(path, mime_type="application/pdf")
    assert part.inline_data == Blob(data=b"x", mime_type="application/pdf")
    for request in (GenerateRequest, EmbedRequest):
        assert request.from_file(path, mime_type="application/pdf") == (
            request.from_parts(part)
        )


def test_a_file_that_is_too_large_or_empty_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(FileNotFoundError):
        Part.from_file(path)

    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is empty"):
        Part.from_file(path)

    with path.open("wb") as file:
        file.truncate(MAX_INLINE_BYTES)
    blob = Part.from_file(path).inline_data
    assert blob is not None
    assert len(blob.data) == 15_000_000

    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"larger than 15 MB.*files\.upload"):
        Part.from_file(path)


# To the service, which refuses what it does not know


async def test_all_of_it_is_taken_and_answered(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG")
    function = FunctionDeclaration(
        name="look_up",
        description="Looks a word up.",
        parameters={"type": "OBJECT", "properties": {"word": {"type": "STRING"}}},
    )
    requests = [
        GenerateRequest.from_file(path, prompt="What is this?", key="file"),
        GenerateRequest.from_parts(
            "x",
            key="tools",
            examples=[("in", "out")],
            safety_settings=[SETTING],
            tools=[
                Tool(function_declarations=(function,)),
                Tool(google_search={}, url_context={}, code_execution={}, google_maps={}),
            ],
            tool_config=ToolConfig(
                function_calling_config=FunctionCallingConfig(
                    mode=FunctionCallingMode.ANY, allowed_function_names=("look_up",)
                ),
                retrieval_config={"languageCode": "de"},
            ),
        ),
        GenerateRequest.from_parts("x", key="cached", cached_content="cachedContents/1"),
    ]

    job = await client.batches.submit(MODEL, requests)
    clock.advance(3600)
    results = [r async for r in client.batches.results(await client.batches.get(job))]

    assert {result.key: result.ok for result in results} == {
        "file": True,
        "tools": True,
        "cached": True,
    }
