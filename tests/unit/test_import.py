"""Importing the package is cheap, and shows what is public."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gemini_batch

# Of the standard library, what costs next to nothing.
ALLOWED = {
    "_collections",
    "_functools",
    "_operator",
    "_sre",
    "_typing",
    "collections",
    "contextlib",
    "copyreg",
    "enum",
    "functools",
    "gemini_batch",
    "importlib",
    "itertools",
    "keyword",
    "operator",
    "re",
    "reprlib",
    "types",
    "typing",
    "warnings",
}
# What waiting for a job needs nothing of: checks of input, retries, all extras.
NOT_FOR_WAITING = {
    "anyio._backends._asyncio",
    "cryptography",
    "cyclopts",
    "gemini_batch._transfer.cloud_storage",
    "gemini_batch._input.prepare",
    "gemini_batch._wire.gcs",
    "gemini_batch._requests.checker",
    "gemini_batch.cli",
    "gemini_batch.resources.batches.create",
    "gemini_batch.resources.batches.results.reconcile",
    "gemini_batch.resources.batches.results.result_reader",
    "gemini_batch.resources.objects",
    "gemini_batch.testing",
    "gemini_batch.types._requests",
    "google.auth",
    "importlib.metadata",
    "rich",
    "sqlite3",
    "stamina",
    "tenacity",
}
# What the one API has and the other does not need.
DEVELOPER = {
    "gemini_batch._codec.developer_jobs",
    "gemini_batch._wire.developer.jobs",
    "gemini_batch._wire.developer.batches",
}
VERTEX = {
    "gemini_batch._wire.bigquery",
    "gemini_batch._wire.vertex.jobs",
    "gemini_batch._wire.vertex.names",
    "gemini_batch._wire.vertex.batches",
    "gemini_batch.resources.batches.vertex_staging",
}
READY = """
import asyncio
from gemini_batch import Client, DeveloperAPI, VertexAI

async def main():
    async with Client({api}) as client:
        assert client.batches
        assert client.files

asyncio.run(main())
"""


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules and our own that a fresh interpreter has loaded."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    return set(output.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_after("import gemini_batch")
    tops = {name.partition(".")[0] for name in loaded - loaded_after("")}

    assert tops <= ALLOWED
    assert {name for name in loaded if name.startswith("gemini_batch")} == {
        "gemini_batch",
        "gemini_batch._lazy",
    }


def test_types_and_errors_load_no_transport() -> None:
    loaded = loaded_after("from gemini_batch import BatchJob, InputError, Outcome")

    assert {"aiohttp", "anyio", "cattrs", "msgspec", "sqlite3", "stamina"}.isdisjoint(
        loaded
    )


@pytest.mark.parametrize(
    ("api", "needed", "other"),
    [
        ('DeveloperAPI(api_key="k")', DEVELOPER, VERTEX),
        ('VertexAI(project="p", location="eu")', VERTEX, DEVELOPER),
    ],
)
def test_a_client_that_is_ready_has_loaded_what_waiting_takes_and_no_more(
    api: str, needed: set[str], other: set[str]
) -> None:
    loaded = loaded_after(READY.format(api=api))

    assert loaded >= {"aiohttp", *needed}
    assert loaded & (NOT_FOR_WAITING | other) == set()


def test_values_are_loaded_one_kind_at_a_time() -> None:
    loaded = loaded_after("from gemini_batch.types import JobState")

    assert "gemini_batch.types._enums" in loaded
    assert {"attrs", "gemini_batch.types._jobs"}.isdisjoint(loaded)


def test_every_value_is_there_and_listed() -> None:
    from gemini_batch import types

    assert dir(types) == sorted(set(types.__all__))
    for name in types.__all__:
        assert getattr(types, name) is not None


def test_the_version_is_that_of_the_package() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    version = tomllib.loads(project.read_text())["project"]["version"]

    assert gemini_batch.__version__ == version


def test_every_public_name_is_there_and_listed() -> None:
    assert dir(gemini_batch) == sorted(set(gemini_batch.__all__))
    for name in gemini_batch.__all__:
        assert getattr(gemini_batch, name) is not None
    assert gemini_batch.errors.InputError is gemini_batch.InputError


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        gemini_batch.Clinet  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError):
        from gemini_batch import import_modules  # type: ignore[attr-defined]  # noqa: F401


def test_what_type_checkers_see_is_what_is_there() -> None:
    """Every public name has a home; none is missing from the list."""
    from gemini_batch import errors

    assert set(errors.__all__) <= set(gemini_batch.__all__)
