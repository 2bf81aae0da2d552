"""An old public name says the new one, wherever it is used."""

import importlib
import pickle
import pkgutil
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import errors
from gemini_batch._renamed import ARGUMENTS, ATTRIBUTES, NAMES
from gemini_batch.errors import APIError

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
API_ERRORS = [APIError, *APIError.__subclasses__()]
OLD_NAMES = [
    (module, old, new) for module, names in NAMES.items() for old, new in names.items()
]
OLD_ATTRIBUTES = [
    (cls, old, new)
    for name, entries in ATTRIBUTES.items()
    for cls in [getattr(errors, name), *getattr(errors, name).__subclasses__()]
    for old, new in entries.items()
]
OLD_ARGUMENTS = [
    (cls, old, kind, new)
    for name, entries in ARGUMENTS.items()
    for cls in [getattr(errors, name), *getattr(errors, name).__subclasses__()]
    for old, (kind, new) in entries.items()
]


@pytest.mark.parametrize(("module", "old", "new"), OLD_NAMES)
def test_an_old_name_says_the_new_one(module: str, old: str, new: str) -> None:
    home = importlib.import_module(module)

    assert old not in dir(home)
    assert not hasattr(home, old)
    with pytest.raises(
        AttributeError, match=rf"no attribute '{old}': use {re.escape(new)}$"
    ):
        getattr(home, old)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="reads CPython's bytecode")
@pytest.mark.parametrize(("module", "old", "new"), OLD_NAMES)
def test_an_import_of_an_old_name_says_the_new_one(module: str, old: str, new: str) -> None:
    expected = f"^cannot import name '{old}' from '{module}': use {re.escape(new)}$"

    with pytest.raises(ImportError, match=expected):
        exec(f"from {module} import {old}", {})
    with pytest.raises(ImportError, match=expected):
        exec(f"from {module} import __doc__, {old} as other", {})


@pytest.mark.parametrize(("module", "old", "new"), OLD_NAMES)
def test_what_is_named_instead_is_there(module: str, old: str, new: str) -> None:
    for name in new.split(" or "):
        assert pkgutil.resolve_name(
            name if "." in name and name[0].islower() else f"{module}.{name}"
        )


@pytest.mark.parametrize(
    "module", ["gemini_batch", "gemini_batch.errors", "gemini_batch.types"]
)
def test_a_name_that_never_was_is_no_attribute(module: str) -> None:
    with pytest.raises(
        AttributeError, match=f"^module '{module}' has no attribute 'nope'$"
    ):
        _ = importlib.import_module(module).nope
    with pytest.raises(ImportError, match="cannot import name 'nope'"):
        exec(f"from {module} import nope", {})


@pytest.mark.parametrize(("cls", "old", "new"), OLD_ATTRIBUTES)
def test_an_old_attribute_says_the_new_one(cls: type[APIError], old: str, new: str) -> None:
    error = cls(status_code=429)

    assert not hasattr(error, old)
    with pytest.raises(AttributeError, match=rf"no attribute '{old}': use {new}$"):
        getattr(error, old)
    with pytest.raises(
        AttributeError, match=f"^'{cls.__name__}' object has no attribute 'x'$"
    ):
        _ = error.x  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(error)).status_code == 429


@pytest.mark.parametrize(("cls", "old", "kind", "new"), OLD_ARGUMENTS)
def test_an_old_argument_says_the_new_one(
    cls: type[APIError], old: str, kind: type, new: str
) -> None:
    value: Any = 429 if kind is int else "RESOURCE_EXHAUSTED"

    with pytest.raises(TypeError, match=rf"^{cls.__name__}\(\) got {old}=.*: use {new}$"):
        cls(**{old: value})
    with pytest.raises(TypeError, match=rf": use {new}$"):
        cls(**{"status_code": 429, old: value})


@pytest.mark.parametrize("cls", API_ERRORS)
def test_other_arguments_are_as_before(cls: type[APIError]) -> None:
    error = cls(status_code=429, status="RESOURCE_EXHAUSTED")

    assert (error.status_code, error.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
        cls(status_code=429, nope=1)  # type: ignore[call-arg]


def test_the_changelog_has_every_old_name_beside_the_new_one() -> None:
    rows = [line for line in CHANGELOG.read_text("utf-8").splitlines() if line[:2] == "| "]
    renamed = [(old, new) for _, old, new in OLD_NAMES]
    renamed += [
        (f"{cls}.{old}", new) for cls, e in ATTRIBUTES.items() for old, new in e.items()
    ]
    renamed += [
        (f"{cls}({old}=", new)
        for cls, e in ARGUMENTS.items()
        for old, (_, new) in e.items()
    ]

    for old, new in renamed:
        assert any(
            re.search(rf"\b{re.escape(old)}", row.split("|")[1])
            and all(name in row.split("|")[2] for name in new.split(" or "))
            for row in rows
        ), (old, new)
