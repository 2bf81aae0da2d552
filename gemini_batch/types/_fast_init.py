"""Values that are made by the million."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from attrs import NOTHING, fields

T = TypeVar("T")

_OPEN: Final = {
    "__slots__": (),
    "__setattr__": object.__setattr__,
    "__delattr__": object.__delattr__,
}

_TWIN: Final = "__open_twin__"


def quickly_made(cls: type[T]) -> type[T]:
    """Give a frozen attrs class an ``__init__`` that does the same at half the cost.

    Instances of a frozen class refuse to be set, so that attrs has to call a function for every
    field. Here an instance is of a twin of its class that is open until it is filled.
    """
    members = fields(cls)  # type: ignore[arg-type]
    parameters = [
        f.name if f.default is NOTHING else f"{f.name}=default[{f.name!r}]" for f in members
    ]
    source = f"""
def __init__(self, *, {", ".join(parameters)}):
    if self.__class__ is not cls:
        # A subclass may have members of its own, and then no twin of ours fits.
        return frozen_init(self, {", ".join(f"{f.name}={f.name}" for f in members)})
    become(self, "__class__", twin)
    {"; ".join(f"self.{f.name} = {f.name}" for f in members)}
    self.__class__ = cls
"""
    names: dict[str, Any] = {
        "become": object.__setattr__,
        "cls": cls,
        "default": {f.name: f.default for f in members},
        "frozen_init": cls.__init__,
        "twin": type(cls.__name__, (cls,), _OPEN),
    }
    # Written from our own classes alone; attrs makes its functions the same way.
    exec(compile(source, f"<make {cls.__name__}>", "exec"), names)  # noqa: S102
    init = names["__init__"]
    init.__annotations__ = cls.__init__.__annotations__
    setattr(init, _TWIN, names["twin"])
    init.__module__, init.__qualname__ = cls.__module__, f"{cls.__qualname__}.__init__"
    cls.__init__ = init  # type: ignore[method-assign]
    return cls


def maker(cls: type[T], *given: str) -> Callable[..., T]:
    """Return a function that makes values of some members, in the order given, by position.

    Half of what a value costs is its class being called: keywords are packed and unpacked, and
    those left out are looked up. Constructors of the commonest values do without.

    Args:
        cls: An attrs class, without validators, that `quickly_made` made if it is frozen. All
            of its other members have plain defaults.
        given: The members.
    """
    open_class = getattr(cls.__init__, _TWIN, cls)
    others = [f for f in fields(cls) if f.name not in given]  # type: ignore[arg-type]
    members = [*given, *[f.name for f in others]]
    source = f"""
def make({", ".join(given)}):
    made = new(open_class)
    {"; ".join(f"made.{name} = {name}" for name in members)}
    {"made.__class__ = cls" if open_class is not cls else ""}
    return made
"""
    names: dict[str, Any] = {"cls": cls, "open_class": open_class, "new": object.__new__}
    names |= {f.name: f.default for f in others}
    exec(compile(source, f"<make {cls.__name__}>", "exec"), names)  # noqa: S102
    make: Callable[..., T] = names["make"]
    return make


def frozen_maker(cls: type[T]) -> Callable[..., T]:
    """Return a function that makes an instance of a frozen attrs class.

    It takes every field by name, those with a default too, and neither converts nor checks:
    for values that are made at every look of thousands of waits. attrs sets each field of a
    frozen class by name; this sets its slot.
    """
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    slots = "\n    ".join(f"set_{name}(made, {name})" for name in names)
    source = f"""
def make(*, {", ".join(names)}):
    made = new(cls)
    {slots}
    return made
"""
    given: dict[str, Any] = {f"set_{n}": getattr(cls, n).__set__ for n in names}
    given |= {"cls": cls, "new": object.__new__}
    # Written from our own classes alone, as attrs does.
    exec(compile(source, f"<make {cls.__name__}>", "exec"), given)  # noqa: S102
    make: Callable[..., T] = given["make"]
    return make
