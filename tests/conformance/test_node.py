"""@google/genai, Google's JavaScript SDK, run by Node's own test runner.

Its packages come from the npm registry into a scratch folder. Without Node or the registry
these tests are skipped, unless ``CONFORMANCE_NODE=require`` is set; ``skip`` skips them
always.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.stage import SERVE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

HERE = Path(__file__).parent / "node"
CASES = [
    f"{path.name.removesuffix('.test.mjs')}: {name}"
    for path in sorted(HERE.glob("*.test.mjs"))
    for name in re.findall(r'^test\("([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
]
# ``npm ci`` with what it needs to leave no trace and to give up soon without a network.
INSTALL = [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--loglevel=error",
]


def _unavailable(reason: str) -> None:
    if os.environ.get("CONFORMANCE_NODE") == "require":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scratch folder with the suite and the packages it needs."""
    if os.environ.get("CONFORMANCE_NODE") == "skip":
        pytest.skip("CONFORMANCE_NODE=skip")
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _unavailable("Node and npm are needed")
    assert npm is not None
    scratch = tmp_path_factory.mktemp("node")
    for path in HERE.iterdir():
        if path.is_file():
            shutil.copy(path, scratch)
    done = subprocess.run(
        [npm, *INSTALL],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    if done.returncode:
        _unavailable(f"npm could not install @google/genai: {done.stderr[-2000:]}")
    return scratch


@pytest.fixture(scope="module")
def version(folder: Path) -> str:
    package = folder / "node_modules" / "@google" / "genai" / "package.json"
    return str(json.loads(package.read_text("utf-8"))["version"])


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[str, str]:
    """What became of each case: an empty text, or what went wrong."""
    environment = {
        **os.environ,
        "STAGE_PYTHON": sys.executable,
        "STAGE_SERVE": str(SERVE),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        ["node", "--test", "--test-concurrency=2", "--test-reporter=./reporter.mjs"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, done.stderr
    return {f"{line['file']}: {line['name']}": line["error"] for line in lines}


def test_the_version_is_the_pinned_one(version: str) -> None:
    wanted = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]

    assert wanted == {"@google/genai": version}


@pytest.mark.parametrize("case", CASES)
def test_case(
    outcomes: dict[str, str],
    version: str,
    case: str,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("genai", version)

    assert not outcomes[case], outcomes[case]


def test_no_case_is_overlooked(outcomes: dict[str, str]) -> None:
    assert outcomes.keys() == set(CASES)
