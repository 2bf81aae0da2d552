"""Errors carry facts, can be pickled, and read well."""

import copy
import inspect
import pickle
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from attrs import evolve

import gemini_batch
from gemini_batch import errors
from gemini_batch._unavailable import UNAVAILABLE, UnavailableReason
from gemini_batch.errors import (
    APIError,
    CreateOutcomeUnknownError,
    CredentialsError,
    GeminiBatchError,
    InputError,
    InputProblem,
    JobFailedError,
    ResultsUnavailableError,
    SecurityError,
    WaitTimeoutError,
)
from gemini_batch.types import (
    BatchJob,
    ErrorCode,
    JobKind,
    JobState,
    Outcome,
    RpcStatus,
    UnusableResult,
)

JOB = BatchJob(
    name="batches/abc",
    state=JobState.FAILED,
    kind=JobKind.GENERATE,
    error=RpcStatus(code=13, message="boom"),
)
FACTS = {
    "status_code": 503,
    "message": "m",
    "name": "batches/abc",
    "job": JOB,
    "problems": (InputProblem(message="bad"),),
    "reason": "not_finished",
    "intent_token": "gb0",
    "model": "models/x",
    "unusable": (
        UnusableResult(key="a", index=0, outcome=Outcome.EMPTY, reason="no vector"),
    ),
}
CLASSES = [
    cls
    for cls in vars(errors).values()
    if inspect.isclass(cls)
    and issubclass(cls, GeminiBatchError)
    and cls is not GeminiBatchError
]


def make(cls: type[GeminiBatchError]) -> GeminiBatchError:
    required = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty
    ]
    return cls(**{name: FACTS[name] for name in required})


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_survives_pickling_and_copying(cls: type[GeminiBatchError]) -> None:
    error = make(cls)

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is cls
        assert str(twin) == str(error)
        assert repr(twin) == repr(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_public(cls: type[GeminiBatchError]) -> None:
    assert cls.__name__ in errors.__all__
    assert getattr(gemini_batch, cls.__name__) is cls


def drawn_tree(cls: type[BaseException], indent: str = "") -> list[str]:
    """Return the classes below `cls`, as a tree is drawn."""
    subclasses = [c for c in cls.__subclasses__() if c.__module__ == errors.__name__]
    lines = []
    for sub in subclasses:
        last = sub is subclasses[-1]
        lines.append(f"{indent}{'└──' if last else '├──'} {sub.__name__}")
        lines += drawn_tree(sub, indent + ("    " if last else "│   "))
    return lines


def test_the_docstring_has_the_tree_of_errors() -> None:
    text = (errors.__doc__ or "").partition("::")[2]
    tree = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    drawn = [re.sub(r"(?<=\w)  +.*", "", line) for line in tree]

    assert drawn == ["GeminiBatchError", *drawn_tree(GeminiBatchError)]
    for line, name in zip(tree, drawn, strict=True):
        cls = getattr(errors, name.split()[-1])
        builtin = [c.__name__ for c in cls.__bases__ if c.__module__ == "builtins"]
        assert re.findall(r"; a (\w+)$", line) == (
            [] if builtin == ["Exception"] else builtin
        )


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_raised_somewhere(code: ErrorCode) -> None:
    source = Path(gemini_batch.__file__).parent
    text = f"ErrorCode.{code.name}"

    assert any(
        text in path.read_text("utf-8")
        for path in source.rglob("*.py")
        if "cli" not in path.relative_to(source).parts
    )


@pytest.mark.parametrize("reason", get_args(UnavailableReason))
def test_every_reason_reads_well(reason: UnavailableReason) -> None:
    error = ResultsUnavailableError(reason=reason, job=JOB, location="gs://bucket/out")

    assert set(UNAVAILABLE) == set(get_args(UnavailableReason))
    assert str(error).startswith("batches/abc ")
    assert str(error) == f"{error.message}. {error.remedy}".removesuffix(". ")
    assert "{" not in str(error)


def test_a_job_without_results_says_how_it_ended() -> None:
    texts = {
        state: str(JobFailedError(job=evolve(JOB, state=state, error=None)))
        for state in (
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.EXPIRED,
            JobState.PAUSED,
        )
    }

    assert list(texts.values()) == [
        "batches/abc failed and has no results",
        "batches/abc was cancelled and has no results",
        "batches/abc expired and has no results",
        "batches/abc ended in state paused and has no results",
    ]


def test_credentials_and_addresses_say_what_to_do() -> None:
    for cls in (CredentialsError, SecurityError):
        assert str(cls(message="it is wrong")) == "it is wrong"
        assert str(cls(message="it is wrong", remedy="Mend it.")) == "it is wrong. Mend it."
        assert cls(message="x").code is None


def test_an_api_error_reads_well() -> None:
    error = APIError(
        status_code=429, status="R", message="slow down", method="GET", path="/v1beta/x"
    )

    assert str(error) == "429 R: slow down (GET /v1beta/x)"


def test_a_timeout_is_a_timeout_and_says_that_the_job_runs() -> None:
    error = WaitTimeoutError(name="batches/abc", last=None, elapsed=2.0)

    assert isinstance(error, TimeoutError)
    assert "had not ended after 2.0 s (state unknown); it keeps running" in str(error)
    assert "state failed" in str(WaitTimeoutError(name="x", last=JOB))


def test_a_failed_job_says_why() -> None:
    assert str(JobFailedError(job=JOB)) == (
        "batches/abc failed and has no results: INTERNAL: boom"
    )


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("not_finished", "is failed. Wait for it first."),
        ("not_ready", "not there yet. Try again"),
        ("in_file", "in files/x. Read them with results()."),
        ("expired", "cannot be read any more"),
    ],
)
def test_unavailable_results_say_what_to_do(reason: Any, text: str) -> None:
    error = ResultsUnavailableError(reason=reason, job=JOB, location="files/x")

    assert text in str(error)


def test_an_unknown_outcome_names_the_token() -> None:
    error = CreateOutcomeUnknownError(intent_token="gb0", model="models/x")

    assert "no job with the token gb0 was found" in str(error)


def test_a_problem_names_file_line_field_and_remedy() -> None:
    problem = InputProblem(
        file="in.jsonl",
        line=3,
        field="key",
        message="it is taken",
        remedy="Choose another.",
    )

    assert str(problem) == "in.jsonl:3: key: it is taken. Choose another."
    assert str(InputProblem(message="it is empty")) == "it is empty"


def test_many_problems_are_cut() -> None:
    problems = tuple(InputProblem(message=f"p{n}") for n in range(12))
    text = str(InputError(problems=problems, omitted=5))

    assert text.splitlines()[0] == "p0"
    assert text.splitlines()[-1] == "… and 7 more"
