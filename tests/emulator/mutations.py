"""Makes wrong requests of right ones, one fault each, and says what must be named.

It knows the service from wire-protocol.md alone: no table of the emulator's is read here.

Users' own mappings take anything inside by definition, so nothing inside them is mutated:
`metadata` and `userMetadata` come back as they were sent, `labels` and `args` have the keys
their user chose, and a JSON schema is another language. That the mapping itself is one is
checked like every other type.
"""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

from attrs import frozen

Step = str | int
Path = tuple[Step, ...]

OPEN = {"metadata", "userMetadata", "labels", "args", "responseJsonSchema", "example"}
MAPS = {"properties"}
INT32 = {
    "maxOutputTokens",
    "thinkingBudget",
    "outputDimensionality",
    "output_dimensionality",
}
INT64 = {"priority", "sizeBytes"}
# `type` is left out of the lower-case mutation: the guides write it so, and it is taken.
ENUMS = {"category", "threshold", "mode", "type", "taskType"}

PART = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
CACHED = ("CachedContent can not be used", {"systemInstruction", "tools", "toolConfig"})
REQUIRED = {
    "batch": "batch is not specified",
    "inputConfig": "at least one request",
    "fileName": "at least one request",
    "requests": "at least one request",
    "request": "request is not specified",
    "contents": "contents is not specified",
    "content": "content is not specified",
    "parts": "parts must not be empty",
}
DATA = {"text", "inlineData", "fileData"}


@frozen
class Mutation:
    """A wrong request, and what is wrong with it."""

    body: Any
    kind: Literal["unknown", "misfit", "list", "twice", "oneof", "rule"]
    at: str
    """Field that must be named, in the service's spelling; for a rule, its words."""

    name: str = ""
    """Member that must be named."""

    def in_json(self) -> tuple[str, str]:
        """Field of the violation, and a part of its text."""
        quoted = f'"{self.name}"'
        text = {
            "unknown": f"Unknown name {quoted}",
            "misfit": f"Invalid value at '{self.at}'",
            "list": f"Unknown name {quoted}",
            "twice": f"Unknown name {quoted}",
            "oneof": f"Cannot set '{self.name}'",
        }
        return self.at, text.get(self.kind, self.at)

    def in_line(self) -> str:
        """Part of the text that an error on a line must have."""
        text = {
            "unknown": f"no such field: '{self.name}'",
            "misfit": f"at '{self.at}'",
            "list": f"not a list: '{self.name}'",
            "twice": f"field set twice: '{self.name}'",
            "oneof": f"Cannot set '{self.name}'",
        }
        return text.get(self.kind, self.at)


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def in_snake_case(value: Any, member: Step = "") -> Any:
    """The same request in the other spelling."""
    if member in OPEN:
        return value
    if isinstance(value, list):
        return [in_snake_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelt = str if member in MAPS else snake
    return {spelt(name): in_snake_case(inner, name) for name, inner in value.items()}


def field_of(path: Path) -> str:
    """How the service writes the place `path`."""
    text = ""
    for before, step in zip((None, *path), path, strict=False):
        if isinstance(step, int):
            text += f"[{step}]"
        elif before in MAPS:
            text += f'["{step}"]'
        else:
            text += f".{snake(step)}" if text else snake(step)
    return text


def _member_of(path: Path) -> int:
    """Length of the path of the object that has the member `path` leads into."""
    return max((n for n, step in enumerate(path) if isinstance(step, str)), default=0)


def at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step]
    return body


def _changed(body: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """`body` with what stands at `path` changed."""
    if not path:
        return change(copy.deepcopy(body))
    body = copy.deepcopy(body)
    holder = at(body, path[:-1])
    holder[path[-1]] = change(holder[path[-1]])
    return body


def _put(body: Any, path: Path, value: Any) -> Any:
    """`body` with `value` at `path`."""
    return _changed(body, path, lambda _: value)


def _places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All there is in a request, users' own mappings unopened."""
    yield path, value
    if path and path[-1] in OPEN:
        return
    inner = value.items() if isinstance(value, dict) else ()
    for step, item in enumerate(value) if isinstance(value, list) else inner:
        yield from _places(item, (*path, step))


def mutations(body: Any, seed: int) -> Iterator[Mutation]:
    """Every mutation of a request."""
    typist = random.Random(seed)
    for path, value in _places(body):
        last = path[-1] if path else ""
        if isinstance(value, dict) and last not in OPEN:
            if last not in MAPS:
                yield from _members(body, path, value, typist)
            yield from _choices(body, path, value)
        yield from _types(body, path, value)
        yield from _requirements(body, path, value)


def _members(
    body: Any, path: Path, value: dict[str, Any], typist: random.Random
) -> Iterator[Mutation]:
    """Members that do not exist, or come twice."""
    where = field_of(path)

    def adding(**extra: Any) -> Any:
        return _changed(body, path, lambda v: {**v, **extra})

    for name, inner in (
        ("bogus", 1),
        ("http_options", {}),
        ("config", None),
        ("@type", ""),
    ):
        yield Mutation(adding(**{name: inner}), "unknown", where, name)
    for name, held in value.items():
        wrong = {name.capitalize() if name.islower() else name.lower()}
        wrong |= {_typo(name, typist) for _ in range(2)}
        for typo in sorted(wrong - value.keys()):

            def renamed(v: dict[str, Any], old: str = name, new: str = typo) -> Any:
                return {new if n == old else n: inner for n, inner in v.items()}

            yield Mutation(_changed(body, path, renamed), "unknown", where, typo)
        other = snake(name)
        if other != name:
            yield Mutation(adding(**{other: held}), "twice", where, other)


def _typo(name: str, typist: random.Random) -> str:
    place = typist.randrange(1, len(name))
    if typist.random() < 0.5:
        return name[:place] + name[place - 1] + name[place:]
    return name[:place] + "q" + name[place + 1 :]


def _wrong_values(value: Any, member: str) -> list[Any]:
    """Values that cannot stand where `value` does."""
    if isinstance(value, dict):
        return [7, "x", True]
    if isinstance(value, list):
        return [7, "x", True, {}]
    if member in INT32 | INT64:
        edge = 2**31 if member in INT32 else 2**63
        beyond = [edge, -edge - 1, str(edge), 10**30]
        return [True, {}, "x", "", "1.5", 1.5, *beyond]
    if member in ENUMS:
        # A number is left out: JSON of protocol buffers takes the number of an enum's value.
        lower = [] if member == "type" else [value.lower()]
        return [True, {}, "WRONG", "", value + "_", *lower]
    if isinstance(value, str):
        return [True, {}, 7, -0.5]
    # Texts that are numbers are left out: the same JSON takes them for numbers.
    return [True, {}, "x", "0x1"]


def _types(body: Any, path: Path, value: Any) -> Iterator[Mutation]:
    """Values of another type, or out of range."""
    last = next((step for step in reversed(path) if isinstance(step, str)), "")
    for other in _wrong_values(value, last):
        yield Mutation(_put(body, path, other), "misfit", field_of(path))
    if path and isinstance(path[-1], int):
        yield Mutation(_put(body, path, None), "misfit", field_of(path))
    if path and last in MAPS:
        yield Mutation(_put(body, path, [value]), "misfit", field_of(path))
    elif path and not isinstance(value, list):
        owner = path[: _member_of(path)]
        if owner and owner[-1] in MAPS:
            # Keys of a map are no members; the map itself is what the complaint is about.
            owner, last = owner[:-1], str(owner[-1])
        yield Mutation(_put(body, path, [value]), "list", field_of(owner), last)


def _choices(body: Any, path: Path, value: dict[str, Any]) -> Iterator[Mutation]:
    """Two of which only one may be, and values that exclude each other."""
    where = field_of(path)

    def adding(**extra: Any) -> Any:
        return _changed(body, path, lambda v: {**v, **extra})

    if "fileName" in value:
        requests: dict[str, Any] = {"requests": {"requests": []}}
        yield Mutation(adding(**requests), "oneof", where, "requests")
    elif path and path[-1] == "inputConfig":
        yield Mutation(adding(fileName="files/x"), "oneof", where, "fileName")
    if value.keys() & DATA:
        extra = PART if "inlineData" not in value else {"text": "x"}
        yield Mutation(adding(**extra), "oneof", where, next(iter(extra)))
        yield Mutation(adding(functionCall={}), "oneof", where, "functionCall")
    text, excluded = CACHED
    if "cachedContent" in value:
        others: dict[str, Any] = {
            "systemInstruction": {"parts": [{"text": "x"}]},
            "tools": [{"googleSearch": {}}],
            "toolConfig": {},
        }
        for name, other in others.items():
            yield Mutation(adding(**{name: other}), "rule", text)
    elif value.keys() & excluded:
        yield Mutation(adding(cachedContent="cachedContents/x"), "rule", text)
    if "temperature" in value:
        inside = adding(cachedContent="cachedContents/x")
        yield Mutation(inside, "unknown", where, "cachedContent")


def _requirements(body: Any, path: Path, value: Any) -> Iterator[Mutation]:
    """What must be there and is not."""
    last = path[-1] if path else ""
    texts = dict(REQUIRED)
    if "key" in body:
        texts |= {"request": "missing required field: 'request'"}
        texts |= {"key": "missing required field: 'key'"}
    if last in texts:
        text = texts[str(last)]
        for gone in (_without(body, path), _put(body, path, None)):
            yield Mutation(gone, "rule", text)
        if isinstance(value, list):
            yield Mutation(_put(body, path, []), "rule", text)
    if isinstance(value, dict) and value.keys() & DATA:
        empty = _put(body, path, {})
        yield Mutation(empty, "rule", "must have one initialized field")
        thought = _put(body, path, {"thought": True})
        yield Mutation(thought, "rule", "must have one initialized field")
    if last == "text" and "systemInstruction" in path:
        yield Mutation(_put(body, path, ""), "rule", "text must not be empty")
    if last == "key":
        yield Mutation(_put(body, path, ""), "rule", texts.get("key", ""))
    if last == "role":
        for role in ("system", "assistant", "USER"):
            changed = _put(body, path, role)
            yield Mutation(changed, "rule", "valid role")


def _without(body: Any, path: Path) -> Any:
    body = copy.deepcopy(body)
    del at(body, path[:-1])[path[-1]]
    return body


def broken_texts(body: Any) -> Iterator[str]:
    """Texts that are no JSON, or not one object."""
    text = json.dumps(body)
    for share in range(1, 12):
        yield text[: len(text) * share // 12]
    yield from (text + "}", text + text, "\ufeff" + text, f"[{text}]", text[1:])
    yield text.replace('"', "'", 2)
    yield text.replace(": ", ":: ", 1)
    first = next(iter(body))
    yield json.dumps(body)[:-1] + f', "{first}": null}}'
