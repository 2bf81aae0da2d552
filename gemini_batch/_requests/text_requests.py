"""The commonest requests: one text in, and perhaps another one that instructs.

The functions here are generated, so that no member a class may get is left out of sight, and
written flat, because calls are what costs at this size.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from attrs import fields

from gemini_batch._requests.encoded import BETWEEN
from gemini_batch._requests.shared_parts import encoded
from gemini_batch.types import Content, GenerateRequest, Part


def _nothing_but(name: str, cls: type[Any], *members: str) -> str:
    """Return the condition that the value `name` has no other members."""
    others = [field.name for field in fields(cls) if field.name not in members]
    return " and ".join([f"{name}.{other} is None" for other in others] or ["True"])


_IS_LIST = "({0}.__class__ is tuple or {0}.__class__ is list) and len({0}) == 1"
_TEXT_OF: Final = f"""
    if {{content}}.__class__ is not Content: return None
    parts, {{role}} = {{content}}.parts, {{content}}.role
    if not ({_IS_LIST.format("parts")}): return None
    if {{role}} is not None and {{role}}.__class__ is not str: return None
    if not ({_nothing_but("{content}", Content, "parts", "role")}): return None
    part = parts[0]
    if part.__class__ is not Part: return None
    {{text}} = part.text
    if {{text}}.__class__ is not str: return None
    if not ({_nothing_but("part", Part, "text")}): return None
"""
_OWN: Final = ("contents", "key", "system_instruction", "generation_config")
_SOURCE: Final = f"""
def content_text(content):
    {_TEXT_OF.format(content="content", role="role", text="text").strip()}
    return role, text

def request_texts(request):
    contents, instruction = request.contents, request.system_instruction
    if not ({_IS_LIST.format("contents")}): return None
    if not ({_nothing_but("request", GenerateRequest, *_OWN)}): return None
    content = contents[0]
    {_TEXT_OF.format(content="content", role="role", text="text").strip()}
    if instruction is None: return role, text, None, None
    {_TEXT_OF.format(content="instruction", role="told_by", text="told").strip()}
    return role, text, told_by, told
"""
_functions: dict[str, Any] = {"Content": Content, "Part": Part}
# Written from our own classes alone.
exec(compile(_SOURCE, __file__, "exec"), _functions)  # noqa: S102

Text: TypeAlias = tuple[str | None, str]
"""A role and a text, of Python's own type."""

Texts: TypeAlias = tuple[str | None, str, str | None, str | None]
"""Role and text of the content, and of the instruction, if there is one."""

content_text: Final[Callable[[Any], Text | None]] = _functions["content_text"]
"""Return what a content with one text holds; None if it is another value."""

request_texts: Final[Callable[[GenerateRequest], Texts | None]] = _functions[
    "request_texts"
]
"""Return what a request holds that has one text, perhaps an instruction of one text, and
nothing else but a key and a config, which are not looked at; None if it is another one."""


def _head(role: str | None) -> bytes:
    if role is None:
        return b'{"parts":[{"text":'
    return b'{"role":%b,"parts":[{"text":' % encoded(role)


_HEADS: Final = {role: _head(role) for role in (None, "user", "model")}


def start(role: str | None) -> bytes:
    """Return what stands between the key of a row and its one text."""
    return b'%b{"contents":[%b' % (BETWEEN, _head(role))


STARTS: Final = {role: start(role) for role in _HEADS}
"""The same for the usual roles."""


def text_content(role: str | None, text: str) -> bytes:
    """Return the JSON text of a content with one text.

    Raises:
        Uncommon: The text is no Unicode.
    """
    return b"%b%b}]}" % (_HEADS.get(role) or _head(role), encoded(text))
