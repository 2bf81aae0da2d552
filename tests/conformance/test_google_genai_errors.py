"""What google-genai raises when the service refuses or fails."""

from typing import Any

import pytest

from tests.conformance.genai import VERSION, Genai, generate_rows
from tests.conformance.stage import Stage

# google-genai derives from aiohttp.ClientSession.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)

MODEL = "gemini-2.5-flash"
NOBODY = "batches/0000000000000000000000000000000000000000"


async def create(
    genai: Genai, src: Any = "inline", model: str = MODEL, **config: Any
) -> Any:
    source = [{"contents": "x", "config": config}] if src == "inline" else src
    return await genai(genai.api.batches.create(model=model, src=source))


async def test_the_version_is_the_pinned_one(genai: Genai) -> None:
    from google.genai import __version__

    assert __version__ == VERSION, "pip install -e '.[dev]' brings the pinned version"


async def test_400_for_lines_that_do_not_fit(genai: Genai) -> None:
    from google.genai import errors

    good = generate_rows("x").decode()
    rows = good + '{"key": "b"}\n' + good.replace('"contents"', '"content"') + "{\n"
    file = await genai.upload(rows.encode())

    with pytest.raises(errors.ClientError) as caught:
        await create(genai, file.name)

    assert caught.value.code == 400
    assert caught.value.status == "INVALID_ARGUMENT"
    lines = str(caught.value.message).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "Error on line 2",
        "Error on line 3",
        "Error on line 4",
    ]


async def test_400_for_a_bad_key(genai: Genai, stage: Stage) -> None:
    from google.genai import Client, errors

    client = Client(api_key="wrong", http_options={"base_url": stage.url})
    api = client if genai.kind == "sync" else client.aio
    try:
        with pytest.raises(errors.ClientError) as caught:
            await genai(api.batches.list(config={"page_size": 10}))
    finally:
        await client.aio.aclose()
        client.close()

    assert caught.value.code == 400
    assert caught.value.status == "INVALID_ARGUMENT"
    assert "API key not valid" in str(caught.value.message)
    assert caught.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"


async def test_400_for_a_job_that_has_ended(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    job = await create(genai)
    stage.advance(60)

    with pytest.raises(errors.ClientError) as caught:
        await genai(genai.api.batches.cancel(name=job.name))

    assert caught.value.code == 400
    assert caught.value.status == "FAILED_PRECONDITION"


async def test_400_for_a_request_that_excludes_itself(genai: Genai) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await create(
            genai, cached_content="cachedContents/abc", system_instruction="Be brief"
        )

    assert caught.value.code == 400


async def test_400_for_a_bad_file_name(genai: Genai) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await genai.upload(b"{}\n", name="My File")

    assert caught.value.code == 400


@pytest.mark.parametrize("call", ["get", "cancel", "delete"])
async def test_404_for_no_such_job(genai: Genai, call: str) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await genai(getattr(genai.api.batches, call)(name=NOBODY))

    assert caught.value.code == 404
    assert caught.value.status == "NOT_FOUND"
    assert caught.value.message == "Requested entity was not found."


async def test_404_for_no_such_model(genai: Genai) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await create(genai, model="gemini-embedding-001")

    assert caught.value.code == 404
    assert "batchGenerateContent" in str(caught.value.message)


async def test_a_missing_input_file_is_refused(genai: Genai) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await create(genai, "files/nothing")

    assert caught.value.code in {403, 404}


async def test_409_for_a_name_that_is_taken(genai: Genai) -> None:
    from google.genai import errors

    await genai.upload(b"{}\n", name="mine")

    with pytest.raises(errors.ClientError) as caught:
        await genai.upload(b"{}\n", name="mine")

    assert caught.value.code == 409
    assert caught.value.status == "ALREADY_EXISTS"


@pytest.mark.limits(max_open_jobs=2)
async def test_429_for_too_many_open_jobs(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    await create(genai)
    await create(genai)

    with pytest.raises(errors.ClientError) as caught:
        await create(genai)
    stage.advance(60)

    assert caught.value.code == 429
    assert caught.value.status == "RESOURCE_EXHAUSTED"
    assert (await create(genai)).name


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
@pytest.mark.parametrize("call", ["get", "create", "upload"])
async def test_the_service_fails(
    genai: Genai, stage: Stage, call: str, status: int, name: str
) -> None:
    from google.genai import errors

    stage.fault(status=status)

    calls = {
        "get": lambda: genai(genai.api.batches.get(name=NOBODY)),
        "create": lambda: create(genai),
        "upload": lambda: genai.upload(b"{}\n"),
    }
    with pytest.raises(errors.ServerError) as caught:
        await calls[call]()

    assert caught.value.code == status
    assert caught.value.status == name


async def test_429_from_the_service_itself(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    stage.fault(status=429, headers={"Retry-After": "7"})

    with pytest.raises(errors.ClientError) as caught:
        await create(genai)

    assert caught.value.code == 429
    assert caught.value.status == "RESOURCE_EXHAUSTED"
    assert str(caught.value.message).startswith("You exceeded your current quota")


async def test_a_page_instead_of_json(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    page = "<html>Bad Gateway</html>"
    stage.fault(status=502, body=page, headers={"Content-Type": "text/html"})

    with pytest.raises(errors.ServerError) as caught:
        await genai(genai.api.batches.get(name=NOBODY))

    assert caught.value.code == 502
    assert page in str(caught.value)


@pytest.mark.http_options(
    retry_options={"attempts": 3, "initial_delay": 0.001, "jitter": 0.001}
)
@pytest.mark.parametrize("status", [429, 503])
async def test_it_tries_again_if_told_to(genai: Genai, stage: Stage, status: int) -> None:
    job = await create(genai)
    stage.fault(status=status, times=2)

    assert (await genai(genai.api.batches.get(name=job.name))).name == job.name
