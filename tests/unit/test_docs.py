"""The documents hold together: what is cited, linked or listed is there.

A section is cited as `docs/wire-protocol.md 3.5`, a decision as `docs/architecture.md D8`, by
code, tests and documents alike.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "recorded"
WIRE = ROOT / "docs" / "wire-protocol.md"
PARTS = ["gemini_batch", "tests", "benchmarks", "docs", "scripts", ".ci", ".github"]
SUFFIXES = {"", ".md", ".mjs", ".py", ".toml", ".yaml", ".yml"}
LEFT_OUT = {"__pycache__", "node_modules"}

SECTION = r"(?:D\d+|\d+(?:\.\d+)*)"
CITED = re.compile(
    rf"docs/(?P<name>[\w-]+)\.md(?P<sections>(?:(?:,| and|, and)? {SECTION}\b)*)"
)
LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NUMBERED = re.compile(
    r'(?:^<a id="(?P<id>[^"]+)"></a>\n\n)?^##+ (?P<number>\d+(?:\.\d+)?)\.? ', re.MULTILINE
)
SYMBOL = re.compile(r"`([\w/]+\.py)::([\w.]+)`")
PATH = re.compile(r"`((?:gemini_batch|tests|benchmarks|docs|scripts)/[\w./-]*)`")
SAMPLE = re.compile(r"`((?:bigquery|errors|files|gcs|gemini|jsonl|vertex)/[\w.*-]+)`")


def files() -> Iterator[Path]:
    yield from (p for p in ROOT.iterdir() if p.suffix in {".md", ".toml", ".yaml"})
    for part in PARTS:
        for path in (ROOT / part).rglob("*"):
            if path.suffix in SUFFIXES and path.is_file() and not LEFT_OUT & {*path.parts}:
                yield path


def text_of(path: Path) -> str:
    """Return a file as one line: a citation may be broken, in a comment as well."""
    return re.sub(r"\s*\n[\s#]*", " ", path.read_text(encoding="utf-8"))


def citations(text: str) -> Iterator[tuple[str, str | None]]:
    for cited in CITED.finditer(text):
        sections = re.findall(SECTION, cited["sections"])
        yield from ((cited["name"], section) for section in sections or [None])


def anchors(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    slugs = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(text)
    }
    return slugs | set(ANCHOR.findall(text))


def test_citations_are_found_whole_and_broken(tmp_path: Path) -> None:
    name = "docs/" + "no-such.md"
    path = tmp_path / "code.py"
    path.write_text(
        f'"""Jobs ({name} 1.7 and 1.14).\n\nSee {name}."""\n# as in {name}\n# D4, 2\n'
    )

    found = [section for _, section in citations(text_of(path))]

    assert found == ["1.7", "1.14", None, "D4", "2"]


def test_what_is_cited_is_there() -> None:
    missing = []
    for path in files():
        text = text_of(path)
        for name, section in citations(text):
            document = ROOT / "docs" / f"{name}.md"
            if not document.is_file() or (section and section not in anchors(document)):
                missing.append((str(path.relative_to(ROOT)), name, section))

    assert not missing


def test_links_lead_somewhere() -> None:
    broken = []
    for path in (path for path in files() if path.suffix == ".md"):
        for link in LINK.finditer(path.read_text(encoding="utf-8")):
            target = path.parent / unquote(link["path"]) if link["path"] else path
            anchor = link["anchor"]
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append((str(path.relative_to(ROOT)), link[0]))

    assert not broken


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.stem)
def test_every_section_has_an_anchor_that_stays(path: Path) -> None:
    sections = [match.groupdict() for match in NUMBERED.finditer(path.read_text())]
    numbers = [tuple(map(int, section["number"].split("."))) for section in sections]

    assert numbers
    assert all(section["id"] == section["number"] for section in sections)
    assert numbers == sorted(set(numbers))


def test_what_the_architecture_names_is_in_the_code() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named, paths = SYMBOL.findall(text), PATH.findall(text)

    assert named
    assert not [f"{path}::{name}" for path, name in named if not defined(path, name)]
    assert paths
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_floors_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [c["layers"] for c in contracts["contracts"] if c["type"] == "layers"]
    text = (ROOT / "docs" / "architecture.md").read_text()
    floors = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \| .*\?", text, re.MULTILINE)

    assert [set(re.findall(r"[\w.]+", floor)) for floor in floors] == [
        {name.removeprefix("gemini_batch.") for name in re.findall(r"[\w.]+", layer)}
        for layer in layers
    ]


def defined(path: str, name: str) -> bool:
    """True if a file, of the package or of the repository, defines a dotted name."""
    file = next(
        (f for f in (ROOT / "gemini_batch" / path, ROOT / path) if f.is_file()), None
    )
    if file is None:
        return False
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = next((node for node in body if part in names_of(node)), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def names_of(node: ast.stmt) -> set[str]:
    match node:
        case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
            return {node.name}
        case ast.Assign():
            return {target.id for target in node.targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def test_samples_of_the_wire_protocol_are_recorded() -> None:
    patterns = set(SAMPLE.findall(WIRE.read_text()))

    assert len(patterns) > 40
    assert not [pattern for pattern in patterns if not any(RECORDED.glob(pattern))]


def test_every_recorded_payload_has_its_origin() -> None:
    listed = re.findall(
        r"^\| `([^`]+)` \|", (RECORDED / "README.md").read_text(), re.MULTILINE
    )
    kept = [p.relative_to(RECORDED).as_posix() for p in RECORDED.glob("*/*")]

    assert sorted(listed) == sorted(kept)
