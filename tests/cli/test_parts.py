"""The parts that need no service: figures, text, JSON, views, exit codes."""

import datetime as dt
import io
import json

import pytest
from rich.console import Console

from gemini_batch import (
    APIError,
    BadRequestError,
    BatchJob,
    CompletionStats,
    CreateOutcomeUnknownError,
    CredentialsError,
    GeminiBatchError,
    InputError,
    InputProblem,
    JobFailedError,
    JobKind,
    JobState,
    Progress,
    ResultsUnavailableError,
    RpcStatus,
    SecurityError,
    TransferProgress,
    TransportError,
    WaitTimeoutError,
)
from gemini_batch.cli.display import live, progress_bars
from gemini_batch.cli.display import text as _text
from gemini_batch.cli.display.json import dumps, error_json, job_json
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.exit_codes import ExitCode, code_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (12_345, "12.3 kB"),
        (12_345_678, "12.3 MB"),
        (2e9, "2.0 GB"),
        (5e12, "5000.0 GB"),
    ],
)
def test_sizes(value: float, text: str) -> None:
    assert _text.size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600 * 1.4, "1 h 24 min"),
        (86400 * 2 + 3600 * 3, "2 d 3 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert _text.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1,234 requests/s"),
        (3.14, "3.1 requests/s"),
        (0.1, "6.0 requests/min"),
        (0.001, "3.6 requests/h"),
    ],
)
def test_rates(value: float, text: str) -> None:
    assert _text.rate(value, "requests") == text


def test_ages() -> None:
    now = dt.datetime.now(dt.UTC)

    assert _text.ago(None) == _text.ahead(None) == ""
    assert _text.ago(now - dt.timedelta(hours=3, minutes=5)) == "3 h ago"
    assert _text.ago(now + dt.timedelta(hours=3)) == "0 s ago"
    assert _text.ahead(now + dt.timedelta(days=1, hours=23)) == "in 1 d"


def test_counts() -> None:
    assert _text.count(1, "row") == "1 row"
    assert _text.count(1204, "row") == "1,204 rows"


def test_foreign_text_is_one_line_without_controls() -> None:
    assert (
        _text.clean("a\r\nb\tc\x1b[31m\x9b\x00\ud800 ")
        == "a b c\ufffd[31m\ufffd\ufffd\ufffd"
    )
    assert _text.shorten("x" * 50, 10) == "x" * 9 + "…"
    assert _text.shorten("short", 10) == "short"


def test_json_is_one_line_whatever_it_holds() -> None:
    line = dumps({"text": "a\nb\u2028\x85\x9b\x1b ü"})

    assert len(line.splitlines()) == 1
    assert "ü".encode() in line
    assert json.loads(line) == {"text": "a\nb\u2028\x85\x9b\x1b ü"}
    assert json.loads(dumps({"text": "\ud800"})) == {"text": "\ud800"}


def job(
    state: JobState = JobState.RUNNING,
    *,
    stats: CompletionStats | None = None,
    error: RpcStatus | None = None,
) -> BatchJob:
    return BatchJob(
        name="batches/abc",
        state=state,
        kind=JobKind.GENERATE,
        model="models/gemini-2.5-flash",
        display_name="Nightly",
        completion_stats=stats,
        error=error,
    )


STATS = CompletionStats(
    total_count=300, success_count=180, failure_count=3, pending_count=117
)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (
            Progress(
                job=job(stats=STATS), elapsed=8, polls=4, next_poll_in=2, rate=24.1, eta=4.9
            ),
            "running: 183 of 300 requests (61 %), 24.1 requests/s, about 5 s left, waited 8 s, 3 failed",
        ),
        (
            Progress(
                job=job(JobState.PENDING),
                elapsed=700,
                polls=4,
                next_poll_in=2,
                stalled_for=650,
            ),
            "pending: no counts from the service yet, waited 11 min 40 s, no change for 10 min 50 s",
        ),
        (
            Progress(
                job=job(JobState.CANCELLED), elapsed=3, polls=4, next_poll_in=0, eta=0.0
            ),
            "cancelled: took 3 s",
        ),
        (
            # Counts may be stale at the end; what is said is what is true.
            Progress(
                job=job(JobState.SUCCEEDED, stats=STATS), elapsed=3, polls=4, next_poll_in=0
            ),
            "succeeded: 300 of 300 requests (100 %), took 3 s, 3 failed",
        ),
    ],
)
def test_a_look_as_a_line(progress: Progress, line: str) -> None:
    assert live.plain_line(progress) == line


def drawn(view: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True)
    console.print(view)
    file = console.file
    assert isinstance(file, io.StringIO)
    return (
        "\n".join(
            row.rstrip() for row in file.getvalue().replace("\x1b[1m", "").splitlines()
        )
        .replace("\x1b[0m", "")
        .replace("\x1b[2m", "")
    )


def test_the_view_before_the_first_look() -> None:
    assert drawn(live.JobView()) == "waiting for the service"


def test_the_view_without_counts_is_honest() -> None:
    now = [100.0]
    view = live.JobView(clock=lambda: now[0])
    view.update(Progress(job=job(JobState.PENDING), elapsed=5, polls=1, next_poll_in=60))
    now[0] += 30

    text = drawn(view)

    assert text == (
        "pending  batches/abc · Nightly · gemini-2.5-flash\n"
        "no counts from the service yet · waited 35 s"
    )


def test_the_view_ticks_between_two_looks() -> None:
    now = [100.0]
    view = live.JobView(named=False, clock=lambda: now[0])
    view.update(
        Progress(
            job=job(stats=STATS), elapsed=8, polls=4, next_poll_in=60, rate=2.0, eta=58
        )
    )
    now[0] += 20

    first, bar, last = drawn(view).splitlines()

    assert first == "running  Nightly · gemini-2.5-flash"
    assert bar.endswith("183 of 300 requests  61 %")
    assert last == "2.0 requests/s · about 38 s left · waited 28 s · 3 failed"


@pytest.mark.parametrize("width", [40, 70, 110])
def test_the_view_fits(width: int) -> None:
    view = live.JobView()
    view.update(
        Progress(job=job(stats=STATS), elapsed=8, polls=4, next_poll_in=60, rate=2.0)
    )

    rows = drawn(view, width).splitlines()

    assert len(rows) == 3
    assert max(map(len, rows)) <= width


def test_a_transfer_on_a_terminal() -> None:
    now = [0.0]
    view = progress_bars.BarView("downloading", clock=lambda: now[0])
    now[0] = 2.0
    view.state = TransferProgress(done=4_000_000, total=None)
    unknown = drawn(view)
    view.state = TransferProgress(done=4_000_000, total=8_000_000)
    half = drawn(view)

    assert unknown.split() == ["downloading", "4.0", "MB", "2.0", "MB/s"]
    assert half.endswith("4.0 MB of 8.0 MB  2.0 MB/s, 2 s left")


def test_a_long_transfer_says_something_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress_bars.transfer(Screen(), "downloading") as on_progress:
        for second in range(11):
            now[0] = float(second)
            on_progress(TransferProgress(done=second * 1000, total=None))
        on_progress(TransferProgress(done=12_000, total=12_000))

    assert capsys.readouterr().err.splitlines() == [
        "downloading: 5.0 kB",
        "downloading: 10.0 kB",
        "downloading: 12.0 kB of 12.0 kB",
    ]


ERRORS: list[tuple[BaseException, ExitCode]] = [
    (InputError.one("x"), ExitCode.USAGE),
    (SecurityError(message="x"), ExitCode.USAGE),
    (CredentialsError(message="x"), ExitCode.USAGE),
    (FileNotFoundError("x"), ExitCode.USAGE),
    (OSError("disk full"), ExitCode.FAILED),
    (APIError(status_code=500), ExitCode.FAILED),
    (TransportError(message="x"), ExitCode.FAILED),
    (JobFailedError(job=job(JobState.FAILED)), ExitCode.FAILED),
    (ResultsUnavailableError(reason="expired", job=job()), ExitCode.FAILED),
    (ResultsUnavailableError(reason="not_located", job=job()), ExitCode.FAILED),
    (ResultsUnavailableError(reason="not_finished", job=job()), ExitCode.NOT_ENDED),
    (ResultsUnavailableError(reason="not_ready", job=job()), ExitCode.NOT_ENDED),
    (WaitTimeoutError(name="batches/abc"), ExitCode.NOT_ENDED),
    (CreateOutcomeUnknownError(intent_token="t", model="m"), ExitCode.CREATE_UNKNOWN),
    (GeminiBatchError("x"), ExitCode.FAILED),
]


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_every_error_has_a_code_and_a_text(
    error: BaseException, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen().error(error)
    told = capsys.readouterr().err
    Screen(as_json=True).error(error)
    data = json.loads(capsys.readouterr().out)

    assert code_of(error) is code
    assert told.startswith("error: ")
    assert data["error"]["type"] == type(error).__name__
    assert data["error"]["message"].startswith(str(error).split(". ")[0])


def test_problems_in_several_files(capsys: pytest.CaptureFixture[str]) -> None:
    problems = tuple(InputProblem(message=f"m{i}", file=f"f{i}", line=1) for i in range(12))
    Screen().error(InputError(problems=problems, omitted=1234))

    told = capsys.readouterr().err.splitlines()
    assert told[0] == "error: f0:1: m0"
    assert told[11] == "       f11:1: m11"
    assert told[12] == "       … and 1,234 more"


def test_refused_rows_reach_machines() -> None:
    error = BadRequestError(status_code=400, line_errors=((3, "bad"),), retry_after=1.5)

    body = error_json(error)["error"]

    assert body["problems"] == [{"line": 3, "message": "bad"}]
    assert (body["status_code"], body["retry_after"]) == (400, 1.5)


def test_a_job_without_anything_known() -> None:
    body = job_json(job(error=RpcStatus(code=13, message="x")))

    assert body["dest"] is None
    assert body["error"] == {"code": 13, "reason": "INTERNAL", "message": "x"}
    assert body["percent"] is None


def test_reading_many_rows_says_something_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with progress_bars.reading(Screen(), 1200) as show:
        for rows in range(1, 1201):
            now[0] = rows / 100
            show(rows)
    with progress_bars.reading(Screen(as_json=True), 1200) as show:
        show(100)

    assert capsys.readouterr() == ("", "reading: 500 of 1,200\nreading: 1,000 of 1,200\n")
