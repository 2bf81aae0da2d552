"""How many cases of the conformance suites foreign clients passed, told at the end of a run.

The hooks are those of the whole suite: where tests run side by side, the process that adds up
loads no conftest but the topmost.
"""

import re
from collections import Counter
from importlib.metadata import version

import pytest

_GENAI = re.compile(r"conformance/test_google_genai\w*\.py::.*\[(a?sync)")
_passed = Counter[str]()
_node_version: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count a case."""
    if report.when != "call" or not report.passed:
        return
    if "conformance/test_node.py::test_case[" in report.nodeid:
        _passed["node"] += 1
        _node_version[:] = [str(v) for k, v in report.user_properties if k == "genai"]
    elif found := _GENAI.search(report.nodeid):
        _passed[found[1]] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the counts, if there are any."""
    if not _passed:
        return
    line = (
        f"conformance: google-genai {version('google-genai')} sync {_passed['sync']} passed, "
        f"async {_passed['async']} passed"
    )
    if _passed["node"]:
        line += f"; @google/genai {_node_version[0]} {_passed['node']} passed"
    terminalreporter.write_line(line)
