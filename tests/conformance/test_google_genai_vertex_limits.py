"""What google-genai cannot do on Vertex AI; README.md lists it. A new release may fail these."""

from typing import Any

import pytest

from tests.conformance.genai import Genai, generate_rows
from tests.conformance.stage import Stage

pytestmark = [
    # google-genai derives from aiohttp.ClientSession.
    pytest.mark.filterwarnings(
        "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    ),
    # Google's own word about create_embeddings.
    pytest.mark.filterwarnings("ignore:batches.create_embeddings.. is experimental"),
]

MODEL = "gemini-2.5-flash"
IN = "gs://emulator-bucket/in/rows.jsonl"
OUT = "gs://emulator-bucket/out"


async def create(vertex: Genai, src: Any = IN, **config: Any) -> Any:
    options = {"dest": OUT, **config}
    return await vertex(vertex.api.batches.create(model=MODEL, src=src, config=options))


async def get(vertex: Genai, job: Any) -> Any:
    return await vertex(vertex.api.batches.get(name=job.name))


@pytest.mark.parametrize("option", ["labels", "service_account", "encryption_spec"])
async def test_it_has_no_options_for_the_project(vertex: Genai, option: str) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        await create(vertex, **{option: {}})


async def test_it_does_not_see_the_end_of_a_partial_success(
    vertex: Genai, stage: Stage
) -> None:
    stage.put(IN, generate_rows("One").decode())
    uris = [IN, "gs://emulator-bucket/in/nothing.jsonl"]
    job = await create(vertex, {"format": "jsonl", "gcs_uri": uris})
    stage.advance(60)
    done = await get(vertex, job)

    assert done.state.name == "JOB_STATE_PARTIALLY_SUCCEEDED"
    assert not done.done
    assert not hasattr(done, "partial_failures")


async def test_it_drops_the_data_set_of_the_output(vertex: Genai, stage: Stage) -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "One"}]}]}
    stage.table("bq://emulator-project.data.asked", [{"request": request}])
    job = await create(
        vertex,
        "bq://emulator-project.data.asked",
        dest="bq://emulator-project.data.told",
    )
    stage.advance(60)
    done = await get(vertex, job)

    assert done.output_info.bigquery_output_table == "told"
    assert not hasattr(done.output_info, "bigquery_output_dataset")


async def test_it_cannot_read_a_job_whose_error_has_details(
    vertex: Genai, stage: Stage
) -> None:
    from pydantic import ValidationError

    job = await create(vertex)
    error = {"code": 3, "message": "No.", "details": [{"@type": "x"}]}
    stage.script(job.name, {"state": "JOB_STATE_FAILED", "error": error})

    with pytest.raises(ValidationError):
        await get(vertex, job)


async def test_its_destination_is_not_where_the_results_are(
    vertex: Genai, stage: Stage
) -> None:
    stage.put(IN, generate_rows("One").decode())
    job = await create(vertex)
    stage.advance(60)
    done = await get(vertex, job)

    assert done.dest.gcs_uri == OUT
    assert done.output_info.gcs_output_directory != OUT


async def test_it_refuses_embeddings_by_their_own_call(vertex: Genai) -> None:
    with pytest.raises(ValueError, match="Enterprise"):
        await vertex(
            vertex.api.batches.create_embeddings(
                model="gemini-embedding-001", src={"file_name": "files/x"}
            )
        )


@pytest.mark.parametrize("src", ["files/abc", [{"contents": "x"}]], ids=["file", "inlined"])
async def test_it_refuses_sources_of_the_other_api(vertex: Genai, src: Any) -> None:
    with pytest.raises(ValueError, match="sources are not supported"):
        await create(vertex, src)
