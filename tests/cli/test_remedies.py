"""What an error says is looked up by its facts, in words of the command line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from cyclopts import App

import gemini_batch
from gemini_batch import (
    BatchJob,
    CreateOutcomeUnknownError,
    CredentialsError,
    ErrorCode,
    InputError,
    InputProblem,
    JobKind,
    JobState,
    ResultsUnavailableError,
    SecurityError,
)
from gemini_batch._unavailable import UnavailableReason
from gemini_batch.cli.app import build
from gemini_batch.cli.display.json import error_json
from gemini_batch.cli.remedies import ADDRESSES, OPTIONS, REMEDIES, UNAVAILABLE, explain
from tests.cli.program import Program

SOURCE = Path(gemini_batch.__file__).parent
COMMAND_LINE = SOURCE / "cli"
# Their remedies are the same in Python and on the command line.
UNCHANGED = {ErrorCode.MISSING_PACKAGE, ErrorCode.COST_ABOVE_LIMIT}
# Arguments of the SDK that no command passes.
NOT_PASSED = {
    "as_json_schema",
    "cls",
    "delimiter",
    "dtype",
    "encoding",
    "inlined_requests",
    "max_bytes",
    "page_size",
    "response_type",
    "template",
    "title",
    "vertex_dataset",
}
# Members of requests, beside a line.
MEMBERS = {"key"}
JOB = BatchJob(name="batches/abc", state=JobState.RUNNING, kind=JobKind.GENERATE)
PYTHON = re.compile(r"\w\(|\w=[…'\"]|\bsubmit\(\)|None|True|False")


def options_of(app: App) -> set[str]:
    """Return the options of all commands, as their parsers know them."""
    found: set[str] = set()
    for name in app:
        if not name.startswith("-"):
            command = app[name]
            if command.default_command is not None:
                for argument in command.assemble_argument_collection():
                    found.update(argument.names)
            found |= options_of(command)
    return found


def words() -> Iterator[str]:
    yield from REMEDIES.values()
    yield from UNAVAILABLE.values()
    yield explain(CreateOutcomeUnknownError(intent_token="t", model="m")).remedy


def test_every_code_has_its_remedy() -> None:
    assert set(REMEDIES) | UNCHANGED == set(ErrorCode)
    assert not set(REMEDIES) & UNCHANGED


def test_every_reason_has_its_remedy() -> None:
    assert set(UNAVAILABLE) == set(get_args(UnavailableReason))


def test_remedies_name_options_that_there_are_and_no_python() -> None:
    known = options_of(build())

    for text in words():
        assert set(re.findall(r"--[a-z-]+", text)) <= known, text
        assert not PYTHON.search(text), text
    assert {option for option in OPTIONS.values() if option.startswith("--")} <= known


def literal_fields() -> Iterator[tuple[str, str]]:
    """Yield the arguments that errors of the SDK are about, where they are literals."""
    for path in SOURCE.rglob("*.py"):
        if COMMAND_LINE in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for keyword in node.keywords if isinstance(node, ast.Call) else ():
                value = keyword.value
                if keyword.arg == "field" and isinstance(value, ast.Constant):
                    yield str(value.value), f"{path.name}:{value.lineno}"


def test_every_argument_has_its_option() -> None:
    fields = dict(literal_fields())

    assert len(fields) > 20
    for field, where in fields.items():
        assert field in OPTIONS.keys() | NOT_PASSED | MEMBERS, (field, where)


def test_the_command_line_searches_no_text_of_an_error() -> None:
    """No comparison or search has the text of an error in it."""
    text = re.compile(
        r"\bstr\((exc|error|problem|reason)\b|\b(exc|error|problem)\.(message|args|remedy)\b"
    )

    def searches(node: ast.AST) -> bool:
        if isinstance(node, ast.Compare):
            return bool(text.search(ast.unparse(node)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            return method in {
                "startswith",
                "endswith",
                "find",
                "index",
                "count",
                "match",
                "search",
                "fullmatch",
            } and bool(text.search(ast.unparse(node)))
        return False

    for path in COMMAND_LINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not searches(node), f"{path.name}:{getattr(node, 'lineno', 0)}"


@pytest.mark.parametrize("code", ErrorCode)
def test_a_problem_with_a_code_says_what_to_do_here(code: ErrorCode) -> None:
    error = InputError.one("it is wrong", remedy="Call f().", field="staging", code=code)

    explained = explain(error)

    assert explained.message == "--staging: it is wrong"
    assert explained.code is code
    assert (explained.remedy == "Call f().") is (code in UNCHANGED)
    assert "{" not in explained.remedy
    (problem,) = error_json(error)["error"]["problems"]
    assert problem["code"] == code
    assert problem["field"] == "--staging"
    assert problem["remedy"] == explained.remedy


@pytest.mark.parametrize(
    ("field", "line", "shown"),
    [
        ("dest", None, "--dest: "),
        ("labels.team", None, "--label: team: "),
        ("generation_config.topP", None, "--generation-config: topP: "),
        ("request.contents[0]", None, "request.contents[0]: "),
        ("model", 3, "3: model: "),
        ("labels.team", 3, "3: labels.team: "),
        (None, None, ""),
    ],
)
def test_an_argument_is_shown_as_an_option_and_a_member_as_it_is(
    field: str | None, line: int | None, shown: str
) -> None:
    problem = InputProblem(message="it is wrong", field=field, line=line)

    assert explain(InputError(problems=(problem,))).message == f"{shown}it is wrong"


def test_all_problems_are_listed() -> None:
    problems = tuple(
        InputProblem(message=f"m{n}", remedy="R.", line=n) for n in range(1, 13)
    )
    explained = explain(InputError(problems=problems, omitted=1000))

    lines = str(explained).splitlines()
    assert lines == [*(f"{n}: m{n}. R." for n in range(1, 13)), "… and 1,000 more"]
    assert explained.problems == problems


@pytest.mark.parametrize("field", ["base_url", "storage_url", "bigquery_url"])
@pytest.mark.parametrize("code", [ErrorCode.INVALID_URL, ErrorCode.INSECURE_URL])
def test_an_address_says_where_it_is_read_from(field: str, code: ErrorCode) -> None:
    explained = explain(SecurityError(message="m", field=field, code=code))

    assert f"read from {ADDRESSES[field]}" in explained.remedy


def test_credentials_are_explained_by_their_code_alone() -> None:
    error = CredentialsError(message="there is no API key", code=ErrorCode.MISSING_API_KEY)
    other = CredentialsError(message="there is no API key", remedy="Pass api_key.")

    assert explain(error).remedy == REMEDIES[ErrorCode.MISSING_API_KEY]
    assert explain(other).remedy == "Pass api_key."
    assert error_json(error)["error"]["code"] == "missing_api_key"
    assert error_json(other)["error"]["code"] is None


@pytest.mark.parametrize("reason", get_args(UnavailableReason))
def test_results_that_are_not_there_are_explained_by_their_reason(
    reason: UnavailableReason,
) -> None:
    error = ResultsUnavailableError(reason=reason, job=JOB, location="gs://bucket/out")

    explained = explain(error)

    assert explained.message == error.message
    assert "()" not in str(explained)
    assert error_json(error)["error"]["reason"] == reason


async def test_a_missing_key(cli: Program) -> None:
    ran = await cli("list")

    assert ran.err == (
        "error: there is no API key\n"
        "       Set GEMINI_API_KEY or GOOGLE_API_KEY; --vertex takes Google credentials "
        "instead. --emulator needs neither, and costs nothing.\n"
    )
