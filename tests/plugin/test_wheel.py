"""The wheel, installed where nothing else is: the README's test file runs as it stands."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
[EXAMPLE] = re.findall(
    r"```python\n((?:(?!```).)*gemini_emulator.*?)```",
    (ROOT / "README.md").read_text(),
    re.DOTALL,
)


def _run(*command: str | Path, folder: Path) -> str:
    """Run a command that must succeed; what the tests set for themselves is left out."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "COV_", "COVERAGE", "PYTHONPATH", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder)
    [found] = folder.glob("gemini_batch-*.whl")
    return found


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"gemini_batch"}
    assert "gemini_batch/py.typed" in names
    assert "gemini_batch/testing/pytest_plugin.py" in names


def test_the_readme_example_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_titles.py").write_text(EXAMPLE, "utf-8")

    pip = (scripts / "python", "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", wheel, "pytest", folder=tests)
    output = _run(scripts / "python", "-m", "pytest", "-W", "error", folder=tests)

    assert "1 passed" in output
