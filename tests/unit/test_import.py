"""Importing the package is cheap, and shows what is public."""

import subprocess
import sys

import pytest

import gemini_batch

HEAVY = {
    "aiohttp",
    "anyio",
    "asyncio",
    "attrs",
    "cattrs",
    "cyclopts",
    "google",
    "msgspec",
    "rich",
    "sqlite3",
    "stamina",
}


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules and our own that a fresh interpreter has loaded."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    )
    return set(output.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_after("import gemini_batch")

    assert HEAVY.isdisjoint(loaded)
    assert {name for name in loaded if name.startswith("gemini_batch")} == {
        "gemini_batch",
        "gemini_batch._lazy",
    }


def test_types_and_errors_load_no_transport() -> None:
    loaded = loaded_after("from gemini_batch import BatchJob, InputError, Outcome")

    assert {"aiohttp", "anyio", "cattrs", "msgspec", "sqlite3", "stamina"}.isdisjoint(
        loaded
    )


def test_the_client_loads_no_extra_and_no_emulator() -> None:
    loaded = loaded_after("from gemini_batch import Client")

    assert {"rich", "cyclopts", "google.auth", "cryptography"}.isdisjoint(loaded)
    assert not any(name.startswith("gemini_batch.testing") for name in loaded)


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
