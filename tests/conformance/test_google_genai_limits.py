"""What google-genai cannot do; README.md lists it. A new release may fail these."""

import io
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conformance.genai import MIB, Genai, embed_rows, generate_rows
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


async def create(genai: Genai, **config: Any) -> Any:
    return await genai(
        genai.api.batches.create(model=MODEL, src=[{"contents": "x"}], config=config)
    )


async def embeddings(genai: Genai, **source: Any) -> Any:
    return await genai(
        genai.api.batches.create_embeddings(model="gemini-embedding-001", src=source)
    )


def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the 1 to 10 seconds out of google-genai's own repeat."""
    monkeypatch.setattr(
        "google.genai._api_client.random", SimpleNamespace(randint=lambda *_: -1)
    )


async def test_it_does_not_tell_why_a_job_failed(genai: Genai, stage: Stage) -> None:
    job = await create(genai)
    look = {"state": "BATCH_STATE_FAILED", "error": {"code": 9, "message": "Because."}}
    stage.script(job.name, look)

    assert (await genai(genai.api.batches.get(name=job.name))).error is None


async def test_it_shows_no_counts_no_source_and_no_start(
    genai: Genai, stage: Stage
) -> None:
    file = await genai.upload(generate_rows("a", "b"))
    job = await genai(genai.api.batches.create(model=MODEL, src=file.name))
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))

    assert done.completion_stats is None
    assert done.src is None
    assert done.start_time is None


async def test_its_list_is_empty_unless_a_page_size_is_given(genai: Genai) -> None:
    await create(genai)

    assert await genai.all(genai.api.batches.list()) == []


async def test_it_cannot_filter_a_list(genai: Genai) -> None:
    with pytest.raises(ValueError, match="filter parameter is only supported in"):
        await genai(genai.api.batches.list(config={"page_size": 5, "filter": "x"}))


async def test_it_has_no_update(genai: Genai) -> None:
    assert not hasattr(genai.api.batches, "update")


async def test_it_cannot_set_a_priority(genai: Genai) -> None:
    with pytest.raises(ValueError, match="priority"):
        await create(genai, priority=5)


async def test_metadata_are_strings_only(genai: Genai) -> None:
    with pytest.raises(ValueError, match="metadata"):
        await genai(
            genai.api.batches.create(
                model=MODEL, src=[{"contents": "x", "metadata": {"row": 1}}]
            )
        )


async def test_inlined_embeddings_carry_no_metadata(genai: Genai) -> None:
    with pytest.raises(ValueError, match="metadata"):
        await embeddings(
            genai, inlined_requests={"contents": ["a"], "metadata": {"key": "a"}}
        )


async def test_embeddings_that_all_failed_are_taken_for_texts(
    genai: Genai, stage: Stage
) -> None:
    job = await embeddings(genai, inlined_requests={"contents": ["[emulator:error:13]"]})
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))

    assert done.dest.inlined_embed_content_responses is None
    assert done.dest.inlined_responses[0].error.code == 13


async def test_an_error_with_details_cannot_be_read(genai: Genai, stage: Stage) -> None:
    error = {"code": 3, "message": "No.", "details": [{"@type": "x", "reason": "Y"}]}
    inlined = {"inlinedResponses": [{"error": error}]}
    output = {"inlinedResponses": inlined}
    job = await create(genai)
    stage.script(
        job.name, {"state": "BATCH_STATE_SUCCEEDED", "output": output, "response": output}
    )

    with pytest.raises(ValueError, match="details"):
        await genai(genai.api.batches.get(name=job.name))


async def test_an_unknown_state_keeps_its_wire_name_and_warns(
    genai: Genai, stage: Stage
) -> None:
    job = await create(genai)
    stage.script(job.name, "BATCH_STATE_FROZEN")

    with pytest.warns(UserWarning, match="is not a valid JobState"):
        found = await genai(genai.api.batches.get(name=job.name))

    assert found.state.name == "BATCH_STATE_FROZEN"
    assert not found.done


async def test_it_does_not_guess_the_type_of_a_jsonl_file(
    genai: Genai, tmp_path: Any
) -> None:
    path = tmp_path / "input.jsonl"
    path.write_bytes(generate_rows("x"))

    with pytest.raises(ValueError, match="Unknown mime type"):
        await genai(genai.api.files.upload(file=path))


async def test_it_cannot_download_by_the_file_object_of_an_upload(genai: Genai) -> None:
    file = await genai.upload(b"{}\n")

    with pytest.raises(ValueError, match="download_uri"):
        await genai(genai.api.files.download(file=file))


async def test_it_cuts_the_address_of_a_result_file_short(
    genai: Genai, stage: Stage
) -> None:
    """It asks for ``files/batch``."""
    from google.genai import errors

    file = await genai.upload(generate_rows("a"))
    job = await genai(genai.api.batches.create(model=MODEL, src=file.name))
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))
    host = "https://generativelanguage.googleapis.com"
    address = f"{host}/v1beta/{done.dest.file_name}:download?alt=media"

    with pytest.raises(errors.ClientError, match="File batch or it may not exist"):
        await genai(genai.api.files.download(file=address))


async def test_it_loses_the_token_count_of_newer_embeddings(
    genai: Genai, stage: Stage
) -> None:
    """They come as `usageMetadata`, which older models do not send."""
    job = await genai(
        genai.api.batches.create_embeddings(
            model="gemini-embedding-2", src={"inlined_requests": {"contents": ["a"]}}
        )
    )
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))

    [answer] = done.dest.inlined_embed_content_responses
    assert answer.response.embedding.values
    assert answer.response.token_count is None
    assert not hasattr(answer.response, "usage_metadata")


async def test_it_gets_no_record_of_a_result_file(genai: Genai, stage: Stage) -> None:
    """The service refuses, because such names are longer than it allows."""
    from google.genai import errors

    file = await genai.upload(embed_rows("a", size=3))
    job = await embeddings(genai, file_name=file.name)
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))

    with pytest.raises(errors.ClientError, match="more than 40 characters"):
        await genai(genai.api.files.get(name=done.dest.file_name))


async def test_an_upload_does_not_survive_a_cut_connection(
    genai: Genai, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pause(monkeypatch)
    data = io.BytesIO(bytes(20 * MIB))
    stage.fault(command="upload, finalize", drop_body_after=MIB, times=2)

    with pytest.raises(Exception) as caught:  # the exception of httpx or aiohttp
        await genai(genai.api.files.upload(file=data, config={"mime_type": "jsonl"}))

    assert type(caught.value).__module__.split(".")[0] in {"httpx", "httpx2", "aiohttp"}
    assert "query" not in {entry["command"] for entry in stage.log()}


async def test_a_lost_answer_to_create_leaves_jobs_behind(
    genai: Genai, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync client raises; the async one sends the create again, and two are paid."""
    no_pause(monkeypatch)
    stage.fault(path="*:batchGenerateContent", drop="after")

    try:
        await create(genai)
    except Exception as error:  # noqa: BLE001 - httpx's, which need not be installed by name
        raised = type(error).__module__
    else:
        raised = ""

    jobs = await genai.all(genai.api.batches.list(config={"page_size": 10}))
    expected = (1, "httpx") if genai.kind == "sync" else (2, "")
    assert (len(jobs), raised.split(".")[0].rstrip("2")) == expected


@pytest.mark.http_options(
    retry_options={"attempts": 3, "initial_delay": 0.001, "jitter": 0.001}
)
async def test_told_to_try_again_it_is_the_same(genai: Genai, stage: Stage) -> None:
    """The sync client tries again for statuses only; the async one for lost answers too."""
    stage.fault(path="*:batchGenerateContent", drop="after")

    try:
        await create(genai)
    except Exception as error:  # noqa: BLE001 - httpx's, which need not be installed by name
        raised = type(error).__module__
    else:
        raised = ""

    jobs = await genai.all(genai.api.batches.list(config={"page_size": 10}))
    expected = (1, "httpx") if genai.kind == "sync" else (2, "")
    assert (len(jobs), raised.split(".")[0].rstrip("2")) == expected


async def test_a_cut_download_is_not_continued(
    genai: Genai, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pause(monkeypatch)
    file = await genai.upload(generate_rows("a", "b"))
    job = await genai(genai.api.batches.create(model=MODEL, src=file.name))
    stage.advance(60)
    done = await genai(genai.api.batches.get(name=job.name))
    stage.fault(path="*:download", truncate_after=10)

    with pytest.raises(Exception) as caught:  # the exception of httpx or aiohttp
        await genai(genai.api.files.download(file=done.dest.file_name))

    assert type(caught.value).__module__.split(".")[0] in {"httpx", "httpx2", "aiohttp"}
