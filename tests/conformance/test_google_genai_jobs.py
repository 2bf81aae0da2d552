"""google-genai's batch calls, judged by what they return."""

import json
from typing import Any

import pytest

from tests.conformance.genai import MIB, Genai, embed_rows, generate_rows, read_rows
from tests.conformance.stage import Stage

pytestmark = [
    # google-genai derives from aiohttp.ClientSession.
    pytest.mark.filterwarnings(
        "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    ),
    # google-genai hands each chunk of 8 MiB to aiohttp as bytes.
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
    # Google's own word about create_embeddings.
    pytest.mark.filterwarnings("ignore:batches.create_embeddings.. is experimental"),
]

MODEL = "gemini-2.5-flash"
EMBEDDER = "gemini-embedding-001"


async def create(genai: Genai, *prompts: str, **config: Any) -> Any:
    """Make a job of inlined requests."""
    return await genai(
        genai.api.batches.create(
            model=MODEL, src=[{"contents": prompt} for prompt in prompts], config=config
        )
    )


async def get(genai: Genai, job: Any) -> Any:
    return await genai(genai.api.batches.get(name=job.name))


async def answers(genai: Genai, stage: Stage, requests: list[Any]) -> list[Any]:
    """Make a job of inlined requests, let it end, and return its answers."""
    job = await genai(genai.api.batches.create(model=MODEL, src=requests))
    stage.advance(60)
    done = await get(genai, job)
    assert done.state.name == "JOB_STATE_SUCCEEDED"
    return list(done.dest.inlined_responses)


async def test_the_life_of_a_job_made_from_a_file(genai: Genai, stage: Stage) -> None:
    file = await genai.upload(generate_rows("One", "Two", "[emulator:error:8]"))

    job = await genai(
        genai.api.batches.create(
            model=MODEL, src=file.name, config={"display_name": "Nächtlich"}
        )
    )
    states = [job.state.name]
    for seconds in (1, 1, 3.9, 0.1):
        stage.advance(seconds)
        states.append((await get(genai, job)).state.name)
    done = await get(genai, job)

    assert states == [
        "JOB_STATE_PENDING",
        "JOB_STATE_PENDING",
        "JOB_STATE_RUNNING",
        "JOB_STATE_RUNNING",
        "JOB_STATE_SUCCEEDED",
    ]
    assert job.name.startswith("batches/")
    assert job.display_name == done.display_name == "Nächtlich"
    assert job.model == done.model == f"models/{MODEL}"
    assert job.create_time == done.create_time
    assert job.end_time is None
    assert (done.end_time - done.create_time).total_seconds() == 6
    assert not job.done
    assert done.done
    rows = read_rows(await genai(genai.api.files.download(file=done.dest.file_name)))
    assert rows.keys() == {"r0", "r1", "r2"}
    assert rows["r0"]["response"]["candidates"][0]["content"]["parts"][0]["text"]
    assert rows["r2"]["error"]["code"] == 8


async def test_a_job_made_from_a_file_that_took_several_chunks(
    genai: Genai, stage: Stage
) -> None:
    rows = generate_rows(*(f"{n} " + "word " * 200_000 for n in range(18)))
    assert len(rows) > 16 * MIB
    file = await genai.upload(rows)

    job = await genai(genai.api.batches.create(model=MODEL, src=file.name))
    stage.advance(60)
    done = await get(genai, job)

    results = read_rows(await genai(genai.api.files.download(file=done.dest.file_name)))
    assert set(results) == {f"r{n}" for n in range(18)}


async def test_a_source_may_be_an_object(genai: Genai) -> None:
    from google.genai import types

    file = await genai.upload(generate_rows("One"))

    job = await genai(
        genai.api.batches.create(
            model=f"models/{MODEL}", src=types.BatchJobSource(file_name=file.name)
        )
    )

    assert job.state is types.JobState.JOB_STATE_PENDING


async def test_an_inlined_request_with_all_its_options(genai: Genai, stage: Stage) -> None:
    from google.genai import types
    from pydantic import BaseModel

    class Recipe(BaseModel):
        title: str
        minutes: int
        steps: list[str]

    request = types.InlinedRequest(
        contents=[types.Content(role="user", parts=[types.Part(text="Bake bread")])],
        metadata={"key": "bread", "shelf": "3"},
        config=types.GenerateContentConfig(
            system_instruction="You are a baker.",
            temperature=0.2,
            top_p=0.9,
            top_k=40,
            candidate_count=1,
            max_output_tokens=2000,
            stop_sequences=["THE END"],
            seed=7,
            presence_penalty=0.1,
            frequency_penalty=0.1,
            response_mime_type="application/json",
            response_schema=Recipe,
            thinking_config=types.ThinkingConfig(thinking_budget=0),
            safety_settings=[
                types.SafetySetting(
                    category=types.HarmCategory.HARM_CATEGORY_DANGEROUS_CONTENT,
                    threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH,
                )
            ],
        ),
    )

    [answer] = await answers(genai, stage, [request])

    assert answer.error is None
    assert answer.metadata == {"key": "bread", "shelf": "3"}
    assert Recipe.model_validate_json(answer.response.text).title
    assert answer.response.candidates[0].finish_reason is types.FinishReason.STOP
    assert answer.response.usage_metadata.prompt_token_count > 0
    assert answer.response.model_version == MODEL


async def test_a_schema_of_plain_json(genai: Genai, stage: Stage) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 5}},
        "required": ["n"],
    }
    config = {"response_mime_type": "application/json", "response_json_schema": schema}

    [answer] = await answers(genai, stage, [{"contents": "Count", "config": config}])

    assert 3 <= json.loads(answer.response.text)["n"] <= 5


async def test_a_tool_is_called(genai: Genai, stage: Stage) -> None:
    from google.genai import types

    weather = types.FunctionDeclaration(
        name="weather",
        description="Tells the weather.",
        parameters=types.Schema(
            type=types.Type.OBJECT,
            properties={"city": types.Schema(type=types.Type.STRING)},
            required=["city"],
        ),
    )
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[weather])],
        tool_config=types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(
                mode=types.FunctionCallingConfigMode.ANY,
                allowed_function_names=["weather"],
            )
        ),
    )

    [answer] = await answers(
        genai, stage, [{"contents": "Rain in Rome?", "config": config}]
    )

    [call] = answer.response.function_calls
    assert call.name == "weather"
    assert set(call.args) == {"city"}


async def test_the_tools_of_the_service_are_accepted(genai: Genai, stage: Stage) -> None:
    from google.genai import types

    tools = [
        types.Tool(google_search=types.GoogleSearch()),
        types.Tool(code_execution=types.ToolCodeExecution()),
        types.Tool(url_context=types.UrlContext()),
    ]

    found = await answers(
        genai, stage, [{"contents": "News?", "config": {"tools": [tool]}} for tool in tools]
    )

    assert all(answer.response.text for answer in found)


@pytest.mark.parametrize(
    "config",
    [
        {"cached_content": "cachedContents/abc"},
        {"image_config": {"aspect_ratio": "1:1"}, "response_modalities": ["IMAGE"]},
        {"labels": {"team": "a"}},
        {"media_resolution": "MEDIA_RESOLUTION_LOW"},
        {"response_logprobs": True, "logprobs": 2},
        {
            "response_modalities": ["AUDIO"],
            "speech_config": {
                "voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}
            },
        },
        {"service_tier": "standard"},
        {"thinking_config": {"thinking_level": "LOW"}},
        {"tools": [{"computer_use": {"environment": "ENVIRONMENT_BROWSER"}}]},
        {"tools": [{"file_search": {"file_search_store_names": ["fileSearchStores/a"]}}]},
        {"tools": [{"google_maps": {}}]},
    ],
    ids=lambda config: "-".join(config),
)
async def test_rarer_options_are_accepted(
    genai: Genai, stage: Stage, config: dict[str, Any]
) -> None:
    [answer] = await answers(genai, stage, [{"contents": "Hello", "config": config}])

    assert answer.error is None
    assert answer.response.candidates[0].content.parts


async def test_thoughts_images_and_choices_come_back_as_what_they_are(
    genai: Genai, stage: Stage
) -> None:
    choice = {"type": "STRING", "enum": ["yes", "no"]}
    thinking, drawing, choosing = await answers(
        genai,
        stage,
        [
            {"contents": "x", "config": {"thinking_config": {"include_thoughts": True}}},
            {"contents": "x", "config": {"response_modalities": ["TEXT", "IMAGE"]}},
            {
                "contents": "x",
                "config": {"response_mime_type": "text/x.enum", "response_schema": choice},
            },
        ],
    )

    assert [part.thought for part in thinking.response.parts] == [True, None]
    assert thinking.response.usage_metadata.thoughts_token_count > 0
    assert drawing.response.parts[1].inline_data.data.startswith(b"\x89PNG")
    assert choosing.response.text in {"yes", "no"}


async def test_a_conversation_with_a_tool(genai: Genai, stage: Stage) -> None:
    from google.genai import types

    call = types.FunctionCall(name="weather", args={"city": "Rome"}, id="1")
    contents = [
        types.Content(role="user", parts=[types.Part(text="Rain in Rome?")]),
        types.Content(
            role="model", parts=[types.Part(function_call=call, thought_signature=b"abc")]
        ),
        types.Content(
            role="user",
            parts=[types.Part.from_function_response(name="weather", response={"rain": 1})],
        ),
    ]

    [answer] = await answers(genai, stage, [types.InlinedRequest(contents=contents)])

    assert answer.response.text


async def test_a_job_with_a_webhook(genai: Genai) -> None:
    job = await create(
        genai,
        "x",
        webhook_config={
            "uris": ["https://hooks.example.com/x"],
            "user_metadata": {"a": "b"},
        },
    )

    assert job.state.name == "JOB_STATE_PENDING"


async def test_a_tuned_model(genai: Genai) -> None:
    model = "tunedModels/mine"

    job = await genai(genai.api.batches.create(model=model, src=[{"contents": "x"}]))

    assert job.model == model


async def test_several_turns_and_an_image(genai: Genai, stage: Stage) -> None:
    from google.genai import types

    contents = [
        types.Content(
            role="user",
            parts=[
                types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
                types.Part.from_text(text="What is this?"),
            ],
        ),
        types.Content(role="model", parts=[types.Part.from_text(text="A picture.")]),
        types.Content(role="user", parts=[types.Part.from_text(text="Of what?")]),
    ]

    [answer] = await answers(genai, stage, [types.InlinedRequest(contents=contents)])

    assert answer.response.text


async def test_answers_come_in_order_with_their_outcomes(
    genai: Genai, stage: Stage
) -> None:
    from google.genai import types

    good, blocked, empty, stopped, failed, cut = await answers(
        genai,
        stage,
        [
            {"contents": "Hello"},
            {"contents": "[emulator:block]"},
            {"contents": "[emulator:empty]"},
            {"contents": "[emulator:safety]"},
            {"contents": "[emulator:error:4]"},
            {"contents": "Tell much", "config": {"max_output_tokens": 2}},
        ],
    )

    assert good.response.text
    reason = types.BlockedReason.PROHIBITED_CONTENT
    assert blocked.response.prompt_feedback.block_reason is reason
    assert blocked.response.candidates is None
    assert empty.response.text is None
    assert stopped.response.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert failed.response is None
    assert failed.error.code == 4
    assert failed.error.message == "Deadline expired before operation could complete."
    assert cut.response.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


async def test_embeddings_of_inlined_texts(genai: Genai, stage: Stage) -> None:
    job = await genai(
        genai.api.batches.create_embeddings(
            model=EMBEDDER,
            src={
                "inlined_requests": {
                    "contents": ["first", "second"],
                    "config": {
                        "task_type": "RETRIEVAL_DOCUMENT",
                        "output_dimensionality": 8,
                    },
                }
            },
            config={"display_name": "vectors"},
        )
    )
    stage.advance(60)
    done = await get(genai, job)

    assert done.display_name == "vectors"
    first, second = done.dest.inlined_embed_content_responses
    assert len(first.response.embedding.values) == 8
    assert sum(v * v for v in first.response.embedding.values) == pytest.approx(1)
    assert first.response.embedding.values != second.response.embedding.values
    assert first.response.token_count == 2


async def test_embeddings_of_a_file(genai: Genai, stage: Stage) -> None:
    file = await genai.upload(embed_rows("first", "second", size=4))

    job = await genai(
        genai.api.batches.create_embeddings(model=EMBEDDER, src={"file_name": file.name})
    )
    stage.advance(60)
    done = await get(genai, job)

    rows = read_rows(await genai(genai.api.files.download(file=done.dest.file_name)))
    assert rows.keys() == {"r0", "r1"}
    assert len(rows["r1"]["response"]["embedding"]["values"]) == 4


async def test_jobs_are_listed_across_pages_newest_first(
    genai: Genai, stage: Stage
) -> None:
    file = await genai.upload(generate_rows("One"))
    made = [(await create(genai, "x", display_name=f"job {n}")) for n in range(4)]
    made.append(await genai(genai.api.batches.create(model=MODEL, src=file.name)))
    stage.advance(60)

    listed = await genai.all(genai.api.batches.list(config={"page_size": 2}))

    assert [job.name for job in listed] == [job.name for job in reversed(made)]
    assert {job.state.name for job in listed} == {"JOB_STATE_SUCCEEDED"}
    assert listed[0].dest.file_name == f"files/batch-{made[-1].name[len('batches/') :]}"
    # A list hides inlined results.
    assert listed[1].dest is None


async def test_a_page_knows_the_next(genai: Genai) -> None:
    made = [(await create(genai, "x")).name for _ in range(3)]

    pager = await genai(genai.api.batches.list(config={"page_size": 2}))
    first = [job.name for job in pager.page]
    second = [job.name for job in await genai(pager.next_page())]

    assert (first, second) == ([made[2], made[1]], [made[0]])
    with pytest.raises(IndexError):
        await genai(pager.next_page())


async def test_no_jobs_are_an_empty_list(genai: Genai) -> None:
    assert await genai.all(genai.api.batches.list(config={"page_size": 10})) == []


async def test_a_cancelled_job_ends_soon_after(genai: Genai, stage: Stage) -> None:
    job = await create(genai, "x")

    assert await genai(genai.api.batches.cancel(name=job.name)) is None

    before = await get(genai, job)
    stage.advance(1)
    after = await get(genai, job)
    assert before.state.name == "JOB_STATE_PENDING"
    assert after.state.name == "JOB_STATE_CANCELLED"
    assert after.done
    assert after.dest is None


async def test_a_deleted_job_is_gone(genai: Genai) -> None:
    from google.genai import errors

    job = await create(genai, "x")

    await genai(genai.api.batches.delete(name=job.name))

    with pytest.raises(errors.ClientError, match="404 NOT_FOUND"):
        await get(genai, job)
    assert await genai.all(genai.api.batches.list(config={"page_size": 10})) == []


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ("PENDING", False),
        ("RUNNING", False),
        ("SUCCEEDED", True),
        ("FAILED", True),
        ("CANCELLED", True),
        ("EXPIRED", True),
    ],
)
@pytest.mark.parametrize("source", ["inline", "file"])
async def test_every_state_is_known(
    genai: Genai, stage: Stage, source: str, state: str, *, done: bool
) -> None:
    from google.genai import types

    stage.script("scripted", f"BATCH_STATE_{state}")
    config = {"display_name": "scripted"}
    src: Any = [{"contents": "x"}]
    if source == "file":
        src = (await genai.upload(generate_rows("x"))).name
    made = await genai(genai.api.batches.create(model=MODEL, src=src, config=config))

    job = await get(genai, made)

    assert job.state is types.JobState[f"JOB_STATE_{state}"]
    assert job.done is done
    assert (job.dest is not None) == (state == "SUCCEEDED")
    assert (job.end_time is not None) == done


@pytest.mark.limits(pending=1e9)
async def test_a_job_nobody_works_on_expires(genai: Genai, stage: Stage) -> None:
    job = await create(genai, "x")
    stage.advance(48 * 3600 - 1)
    before = await get(genai, job)
    stage.advance(1)
    after = await get(genai, job)

    assert before.state.name == "JOB_STATE_PENDING"
    assert after.state.name == "JOB_STATE_EXPIRED"
    assert (after.end_time - after.create_time).total_seconds() == 48 * 3600


async def test_googles_polling_loop_ends(genai: Genai, stage: Stage) -> None:
    """The loop of the guide."""
    job = await create(genai, "x")
    completed = {
        "JOB_STATE_SUCCEEDED",
        "JOB_STATE_FAILED",
        "JOB_STATE_CANCELLED",
        "JOB_STATE_EXPIRED",
    }

    looks = 0
    while (job := await get(genai, job)).state.name not in completed:
        looks += 1
        stage.advance(1)

    assert looks == 6


@pytest.mark.http_options(api_version="v1beta")
async def test_both_versions_are_served(genai: Genai, stage: Stage) -> None:
    file = await genai.upload(generate_rows("x"))
    job = await genai(genai.api.batches.create(model=MODEL, src=file.name))
    stage.advance(60)

    done = await get(genai, job)

    assert read_rows(await genai(genai.api.files.download(file=done.dest.file_name)))
    assert {entry["path"].split("/")[1] for entry in stage.log()} == {"upload", "v1beta"}
