"""Vertex AI on the command line: which service, where rows are, what is said of them."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

from gemini_batch.cli.commands.demo import PYTHON_ON_VERTEX
from gemini_batch.testing import Emulator, Limits
from tests.cli.program import KEY, Program, create, in_process_of_its_own, write_rows
from tests.support.token_server import service_account_file
from tests.support.web import everything, serving

TOKEN = "emulator-token"
HERE = ("--project=emulator-project", "--location=us-central1")
STAGING = "--staging=gs://emulator-bucket/staging"
IN = "gs://emulator-bucket/in/rows.jsonl"
OUT = "gs://emulator-bucket/out"
ASKED = "bq://emulator-project.data.asked"
TOLD = "bq://emulator-project.data.told"
LIMITS = Limits(pending=1.0, least_running=2.0, lag=0.5)
QUICKLY = ("--wait", "--poll-interval=0.02")


@pytest.fixture
async def google(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Emulator]:
    """An emulated Google Cloud that the environment leads to, and credentials for it.

    Nothing in the environment chooses Vertex AI.
    """
    folder = tmp_path_factory.mktemp("credentials")

    async def give(_: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": TOKEN, "expires_in": 3600})

    async with (
        serving(everything(give)) as tokens,
        Emulator(api_key=KEY, speed=40.0, limits=LIMITS) as emulator,
    ):
        account = service_account_file(folder, tokens)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(folder))
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        for name in (
            "GOOGLE_GEMINI_BASE_URL",
            "GOOGLE_VERTEX_BASE_URL",
            "STORAGE_EMULATOR_HOST",
            "BIGQUERY_EMULATOR_HOST",
        ):
            monkeypatch.setenv(name, emulator.url)
        yield emulator


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    """An emulator that --emulator finds."""
    async with Emulator(speed=40.0, limits=LIMITS) as emulator:
        monkeypatch.setenv("GEMINI_BATCH_EMULATOR", emulator.url)
        yield emulator


def created_as(emulator: Emulator) -> Any:
    """Return the body of the last create of a Vertex job."""
    (*_, create) = (
        entry
        for entry in emulator.log
        if entry.method == "POST" and entry.path.endswith("/batchPredictionJobs")
    )
    return create.json


async def test_a_job_from_its_file_to_its_answers(
    cli: Program, google: Emulator, input_file: Path, tmp_path: Path
) -> None:
    said = []

    async def say(*tokens: object) -> str:
        ran = await cli(*tokens, *HERE, "--vertex")
        assert ran.code == 0, ran.err
        said.append(ran.out + ran.err)
        return ran.out

    name = (await say("submit", input_file, "-m=gemini-2.5-flash", STAGING)).strip()
    waited = await say("wait", name, "--poll-interval=0.02")
    target = tmp_path / "out.jsonl"
    await say("results", name, "-o", target)
    got = await say("get", name)
    listed = await say("list")
    await say("delete", name)

    assert waited == f"{name} succeeded\n"
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert {row["key"] for row in rows} == {"k0", "k1", "k2"}
    assert all(row["outcome"] == "ok" and row["text"] for row in rows)
    assert "input" in got
    assert "gs://emulator-bucket/staging/" in got
    assert "started" in got
    assert f"\n{name.rpartition('/')[2]}  succeeded  " in listed
    assert "  gemini-2.5-flash\n" in listed
    assert not google.vertex_jobs
    assert not google.jobs
    assert TOKEN not in "".join(said)
    assert "--vertex --project emulator-project --location us-central1\n" in said[0]


async def test_a_job_as_machines_see_it(
    cli: Program, google: Emulator, input_file: Path
) -> None:
    ran = await cli(
        "submit", input_file, "-m=gemini-2.5-flash", *HERE, STAGING, *QUICKLY, "--json"
    )

    assert (ran.code, ran.err) == (0, "")
    job = ran.lines[-1]["job"]
    assert job["model"] == "publishers/google/models/gemini-2.5-flash"
    (uri,) = job["source"]["gcs_uris"]
    assert google.objects[uri].size > 100
    assert job["dest"]["gcs_directory"].startswith(job["dest"]["gcs_uri"])
    assert job["partial_failures"] == []
    assert job["start_time"]
    assert job["completion_stats"]["success_count"] == 3


async def test_an_option_wins_over_the_environment(
    cli: Program, google: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")

    wrong = await cli("list", "--vertex")
    right = await cli("list", "--project", "emulator-project")

    assert wrong.code == 1
    assert "projects/another/locations/europe-west4" in wrong.err
    assert right.code == 0
    assert right.err == "There are no jobs.\n"
    path = google.log[-1].path
    assert path.startswith("/v1/projects/emulator-project/locations/europe-west4/")


@pytest.mark.parametrize(
    ("enterprise", "vertex", "options", "path"),
    [
        (None, "true", (), "/v1/projects/"),
        ("1", None, (), "/v1/projects/"),
        ("false", "true", (), "/v1beta/batches"),
        (None, "true", ("--no-vertex",), "/v1beta/batches"),
        ("false", "false", ("--vertex",), "/v1/projects/"),
        (None, None, (), "/v1beta/batches"),
    ],
)
async def test_the_environment_says_which_service_unless_an_option_does(
    cli: Program,
    google: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    enterprise: str | None,
    vertex: str | None,
    options: tuple[str, ...],
    path: str,
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "emulator-project")
    for name, value in (
        ("GOOGLE_GENAI_USE_ENTERPRISE", enterprise),
        ("GOOGLE_GENAI_USE_VERTEXAI", vertex),
    ):
        if value is not None:
            monkeypatch.setenv(name, value)

    ran = await cli("list", *options)

    assert ran.code == 0, ran.err
    assert google.log[-1].path.startswith(path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--no-vertex", "--location=us-central1"], "--location: the Gemini Developer API"),
        (["--project=Not A Project"], "project must be the id"),
        (["--location=//evil.example"], "location must be a region"),
        (["--staging=/tmp/here"], "staging must be 'gs://bucket"),
        (["--vertex"], "GOOGLE_CLOUD_PROJECT"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_options_that_name_no_service(
    cli: Program, google: Emulator, options: list[str], told: str
) -> None:
    ran = await cli("list", *options)
    data = await cli("list", *options, "--json")

    assert (ran.code, data.code) == (2, 2)
    assert told in ran.err
    assert data.document["error"]["type"] in {"InputError", "CredentialsError"}
    assert google.log == []


async def test_without_credentials(
    cli: Program, google: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    ran = await cli("list", *HERE)

    assert ran.code == 2
    assert "there are no credentials" in ran.err
    assert "--emulator" in ran.err
    assert google.log == []


async def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['google.auth'] = None;"
        "sys.argv = ['gemini-batch', 'list', '--project=p'];"
        "from gemini_batch.__main__ import main; sys.exit(main())"
    )
    done = await anyio.run_process([sys.executable, "-c", code], check=False)

    assert done.returncode == 2
    assert "pip install 'gemini-batch[vertex]'" in done.stderr.decode()


async def test_a_file_needs_a_staging_prefix(
    cli: Program, google: Emulator, input_file: Path
) -> None:
    ran = await cli("submit", input_file, "-m=gemini-2.5-flash", *HERE)

    assert ran.code == 2
    assert "staging" in ran.err
    assert google.log == []


async def test_rows_that_are_stored_already(
    cli: Program, emulator: Emulator, input_file: Path
) -> None:
    emulator.objects.put(IN, input_file.read_bytes())

    ran = await cli(
        "submit",
        IN,
        "-m=gemini-2.5-flash",
        f"--dest={OUT}",
        "--emulator",
        "--vertex",
        *QUICKLY,
    )
    results = await cli("results", ran.out.split()[0], "--emulator", "--vertex")

    assert ran.code == 0, ran.err
    body = created_as(emulator)
    assert body["inputConfig"]["gcsSource"]["uris"] == [IN]
    assert body["outputConfig"]["gcsDestination"]["outputUriPrefix"] == OUT
    assert [uri for uri in emulator.objects if "/staging/" in uri] == []
    assert {row["key"] for row in results.lines} == {"k0", "k1", "k2"}
    assert ran.err.splitlines()[-1].endswith(" --emulator --vertex -o results.jsonl")


async def test_rows_of_a_table(cli: Program, emulator: Emulator) -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    emulator.tables[ASKED] = [
        {"id": "a", "request": request},
        {"id": "b", "request": request},
    ]
    options = ("--emulator", "--vertex")

    ran = await cli(
        "submit", ASKED, "-m=gemini-2.5-flash", f"--dest={TOLD}", *options, *QUICKLY
    )
    name = ran.out.split()[0]
    results = await cli("results", name, "--key-column=id", *options)
    wrong = await cli("results", name, "--key-column=none", *options)
    got = await cli("get", name, *options)

    assert ran.code == 0, ran.err
    assert {row["key"] for row in results.lines} == {"a", "b"}
    assert all(row["text"] for row in results.lines)
    assert wrong.code in {1, 2}
    assert "none" in wrong.err
    assert f"  {ASKED}\n" in got.out
    assert f"  {TOLD}\n" in got.out


async def test_stored_rows_that_embed(cli: Program, emulator: Emulator) -> None:
    row = {"key": "a", "request": {"content": {"parts": [{"text": "Hello"}]}}}
    emulator.objects.put(IN, json.dumps(row).encode() + b"\n")
    options = ("--emulator", "--vertex")

    ran = await cli(
        "submit", IN, "-m=gemini-embedding-001", "--embed", STAGING, *options, *QUICKLY
    )
    results = await cli("results", ran.out.split()[0], *options)

    assert ran.code == 0, ran.err
    assert len(results.document["embedding"]) > 100


@pytest.mark.parametrize(
    ("source", "option", "told"),
    [
        ("input.jsonl", "", "--embed: it is for input at gs:// or bq://"),
        (IN, "--system-instruction=Be brief", "--system-instruction: embedding requests"),
        (IN, '--generation-config={"topK": 1}', "--generation-config: embedding requests"),
    ],
)
async def test_embed_is_for_stored_rows_alone(
    cli: Program, emulator: Emulator, source: str, option: str, told: str
) -> None:
    ran = await cli("submit", source, "-m=m", "--embed", *filter(None, [option]), *HERE)

    assert ran.code == 2
    assert told in ran.err
    assert emulator.log == []


async def test_what_stored_rows_cannot_be_given(cli: Program, emulator: Emulator) -> None:
    ran = await cli(
        "submit",
        IN,
        "-m=gemini-2.5-flash",
        "--system-instruction=Be brief",
        "--emulator",
        "--vertex",
    )

    assert ran.code == 2
    assert ran.err == (
        "error: --system-instruction: it cannot be applied to requests that are stored\n"
        "       Put it into the requests, or submit a local file.\n"
    )
    assert not emulator.vertex_jobs


async def test_options_of_a_job_reach_it(
    cli: Program, emulator: Emulator, input_file: Path
) -> None:
    key = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"

    ran = await cli(
        "submit",
        "-m=gemini-2.5-flash",
        "--label=team=search",
        "--label",
        "stage=",
        input_file,
        "--service-account=bot@p.iam.gserviceaccount.com",
        f"--kms-key={key}",
        "--display-name=Nightly",
        "--emulator",
        "--vertex",
        "--json",
    )

    body = created_as(emulator)
    assert ran.code == 0
    assert ran.document["labels"] == {"team": "search", "stage": ""}
    assert ran.document["display_name"] == "Nightly"
    assert body["labels"].items() >= {"team": "search", "stage": ""}.items()
    assert body["serviceAccount"] == "bot@p.iam.gserviceaccount.com"
    assert body["encryptionSpec"] == {"kmsKeyName": key}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--label=team", "--label: 'team' has no '='"),
        ("--label=Team=x", "--label: Team: "),
        ("--priority=1", "--priority: Vertex AI does not have it"),
        ("--dest=/tmp/x", "--dest: "),
    ],
)
async def test_options_that_no_job_has(
    cli: Program, emulator: Emulator, input_file: Path, option: str, told: str
) -> None:
    ran = await cli(
        "submit", input_file, "-m=gemini-2.5-flash", option, "--emulator", "--vertex"
    )

    assert ran.code == 2
    assert told in ran.err
    assert not emulator.vertex_jobs
    assert list(emulator.objects) == []


@pytest.mark.parametrize(
    ("source", "options"),
    [
        (IN, []),
        (ASKED, []),
        ("input.jsonl", ["--label=team=search"]),
        ("input.jsonl", [f"--dest={OUT}"]),
        ("input.jsonl", ["--service-account=bot@p.iam.gserviceaccount.com"]),
    ],
    ids=str,
)
async def test_the_developer_api_is_not_given_what_it_does_not_have(
    cli: Program,
    service: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "input.jsonl", 1)

    ran = await cli("submit", source, "-m=gemini-2.5-flash", *options)

    assert ran.code == 2
    assert "Vertex AI has it: give --vertex and --project.\n" in ran.err
    assert service.log == []


async def test_check_goes_by_the_rules_of_the_service(cli: Program, tmp_path: Path) -> None:
    path = tmp_path / "input.jsonl"
    request = {
        "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
        "safetySettings": [
            {
                "category": "HARM_CATEGORY_HARASSMENT",
                "threshold": "BLOCK_NONE",
                "method": "SEVERITY",
            }
        ],
    }
    path.write_text(json.dumps({"key": "a", "request": request}) + "\n")

    developer = await cli("check", path)
    vertex = await cli("check", path, "--vertex", "--model=gemini-2.5-flash")
    data = await cli("check", path, "--project=p", "--json")

    assert developer.code == 2
    assert "method" in developer.err
    assert vertex.code == 0, vertex.err
    assert vertex.out.endswith("uploaded as a file\n")
    assert data.document["inline"] is False


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (["files", "upload", IN], "this command uploads files of this machine only"),
        (["files", "download", "x", "-o", OUT], "files of this machine only"),
        (["files", "list"], "Vertex AI does not have it"),
        (["files", "upload", __file__], "Vertex AI does not have it"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
async def test_what_is_refused_before_anything_is_sent(
    cli: Program, google: Emulator, tokens: list[str], told: str
) -> None:
    ran = await cli(*tokens, "--vertex", *HERE)
    data = await cli(*tokens, "--vertex", *HERE, "--json")

    assert (ran.code, data.code) == (2, 2)
    assert told in ran.err
    assert data.document["error"]["type"] == "InputError"
    assert google.log == []


async def test_a_name_fits_on_a_line(
    terminal: Program, cli: Program, emulator: Emulator, input_file: Path
) -> None:
    options = ("--emulator", "--vertex")
    emulator.script("*", "JOB_STATE_RUNNING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED")
    name = await create(cli, input_file, *options, "--display-name=Nightly summaries")
    short = name.rpartition("/")[2]

    await cli("get", name, *options)
    listed = await terminal("list", *options, width=80)
    waited = await terminal("wait", short, "--poll-interval=0.02", *options, width=80)

    assert f"{short}   running" in listed.out
    assert f"{short} · Nightly summaries · gemini-2.5-flash" in waited.err


async def test_a_job_that_was_stopped_has_what_was_done(
    cli: Program, emulator: Emulator, input_file: Path
) -> None:
    options = ("--emulator", "--vertex")
    emulator.script("stopped*", "JOB_STATE_RUNNING")
    name = await create(cli, input_file, *options, "--display-name=stopped")

    asked = await cli("cancel", name, *options)
    stopped = emulator.vertex_jobs[name].cancel_time
    emulator.script(
        name,
        {
            "state": "JOB_STATE_CANCELLED",
            "outputInfo": {"gcsOutputDirectory": "gs://emulator-bucket/there"},
        },
    )
    waited = await cli("wait", name, "--poll-interval=0.02", *options)

    assert asked.out == f"requested to cancel {name}\n"
    assert stopped is not None
    assert waited.code == 1
    assert waited.out.startswith(f"{name} cancelled")
    assert waited.err.endswith(
        f"  gemini-batch results {name} --emulator --vertex -o results.jsonl\n"
    )


async def test_an_emulator_inside_the_command(
    cli: Program, input_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_BATCH_EMULATOR", "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mine")

    ran = await cli(
        "submit",
        input_file,
        "-m=gemini-2.5-flash",
        "--emulator",
        "--vertex",
        "--wait",
        "--poll-interval=0.05",
    )

    assert ran.code == 0, ran.err
    assert ran.err.startswith("No emulator runs at http://127.0.0.1:9: using one inside")
    assert ran.out.startswith("projects/123456789012/locations/global/")
    assert "Read the results" not in ran.err


async def test_in_a_process_of_its_own(emulator: Emulator, input_file: Path) -> None:
    options = ("--emulator", "--vertex")

    ran = await in_process_of_its_own(
        "submit", input_file, "-m=gemini-2.5-flash", *QUICKLY, *options
    )
    results = await in_process_of_its_own("results", ran.out.split()[0], *options)
    again = await in_process_of_its_own("list", "--emulator", "--vertex", "--json")

    assert (ran.code, results.code, again.code) == (0, 0, 0)
    assert len(results.lines) == 3
    assert len(again.document["jobs"]) == 1


async def test_the_demo_on_vertex_ai(cli: Program) -> None:
    ran = await cli("demo", "--vertex", "--speed=40")

    assert ran.code == 0, ran.err
    lines = ran.err.splitlines()
    assert lines[0].startswith("Offline demo")
    assert any(line.startswith("uploaded  gs://emulator-bucket/") for line in lines)
    assert any("300 of 300 requests (100 %)" in line for line in lines)
    assert {line.split()[0] for line in ran.out.splitlines()[2:5]} == {
        "ok",
        "blocked",
        "truncated",
    }
    assert "VertexAI(project=" in ran.out
    assert "--staging gs://my-bucket/batch" in ran.err


async def test_the_demo_on_a_vertex_ai_that_is_set_up(
    cli: Program, google: Emulator
) -> None:
    offline = await cli("demo", "--requests=3", "--speed=40", *HERE, "--json")
    live = await cli("demo", "--requests=3", *HERE, STAGING)

    assert offline.lines[0]["live"] is False
    assert live.code == 0, live.err
    assert live.err.startswith(f"Demo on {google.url}, as GOOGLE_VERTEX_BASE_URL says.")
    assert len(google.vertex_jobs) == 1


async def test_the_python_the_demo_shows_runs(google: Emulator, tmp_path: Path) -> None:
    write_rows(tmp_path / "input.jsonl", 3)
    code = PYTHON_ON_VERTEX.replace("my-", "emulator-")

    done = await anyio.run_process([sys.executable, "-c", code], cwd=tmp_path)

    lines = done.stdout.decode().splitlines()
    assert lines[-4].startswith("succeeded 100.0")
    assert {line.split()[0] for line in lines[-3:]} == {"k0", "k1", "k2"}
    assert len(google.vertex_jobs) == 1
