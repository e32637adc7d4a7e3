"""`dataclass` of the standard library, with less to compile.

Every command defines some hundred frozen classes when it starts, and `dataclasses` compiles up to
six functions for each: most of what the imports take. Here one is compiled, `__init__`; what
compares and hashes is compiled when it is first asked for, and what shows and pickles goes by the
names. Modules whose classes many commands need import it from here; nothing else differs
(tests/unit/foundation/test_dataclass.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """A frozen class with slots; any other is left to `dataclasses`."""

        def made(cls: type) -> type:
            if options in _LIGHT:
                return _light(cls, kw_only="kw_only" in options)
            return dataclasses.dataclass(**options)(cls)

        return made if cls is None else made(cls)


_LIGHT = ({"frozen": True, "slots": True}, {"frozen": True, "slots": True, "kw_only": True})
_MISSING = dataclasses.MISSING
_set = object.__setattr__
_DEFAULT = object()
"""Stands where nothing is given and a default is to be made."""


def _light(cls: type, kw_only: bool) -> Any:
    own = {name for name, value in cls.__dict__.items() if (name, value) != ("__hash__", None)}
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else `dataclasses` writes the signature, which takes long
    made: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=kw_only
    )(cls)
    fields = dataclasses.fields(made)
    methods = {
        "__init__": _init(made, fields),
        "__repr__": _repr(tuple(each.name for each in fields if each.repr)),
        "__eq__": _eq(made, tuple(each.name for each in fields if each.compare)),
        "__hash__": _hash(
            made,
            tuple(
                each.name for each in fields if (each.compare if each.hash is None else each.hash)
            ),
        ),
        **_pickling(tuple(each.name for each in fields)),
    }
    for name, method in methods.items():
        if name not in own:
            method.__qualname__ = f"{made.__qualname__}.{name}"
            setattr(made, name, method)
    made.__setattr__, made.__delattr__ = _no_assigning, _no_deleting
    return made


def _init(made: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    names: dict[str, Any] = {"_set": _set, "_DEFAULT": _DEFAULT}
    plain: list[str] = []
    only: list[str] = []
    lines: list[str] = []
    for each in fields:
        value, name = each.name, each.name
        default = f"_default_{name}"
        has_factory = each.default_factory is not _MISSING
        if has_factory:
            names[default] = each.default_factory
            made_now = f"{default}()"
            value = f"{made_now} if {name} is _DEFAULT else {name}" if each.init else made_now
        elif each.default is not _MISSING:
            names[default] = each.default
            value = name if each.init else default
        elif not each.init:
            continue
        if each.init:
            given = "=_DEFAULT" if has_factory else f"={default}" if default in names else ""
            (only if each.kw_only else plain).append(name + given)
        lines.append(f" _set(self,{name!r},{value})\n")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()\n")
    taken = ",".join(("self", *plain, *(("*", *only) if only else ())))
    exec(f"def __init__({taken}):\n{''.join(lines) or ' pass'}", names)
    init: Callable[..., None] = names["__init__"]
    init.__module__ = made.__module__
    init.__annotations__ = {each.name: each.type for each in fields if each.init}
    return init


def _eq(made: type, names: tuple[str, ...]) -> Callable[..., Any]:
    one, other = (_tuple(each, names) for each in ("self", "other"))
    body = (
        f" if other.__class__ is self.__class__:\n  return {one} == {other}\n return NotImplemented"
    )
    return _compiled_later(made, "__eq__", f"def __eq__(self, other):\n{body}")


def _hash(made: type, names: tuple[str, ...]) -> Callable[..., Any]:
    text = f"def __hash__(self):\n return hash({_tuple('self', names)})"
    return _compiled_later(made, "__hash__", text)


def _tuple(each: str, names: tuple[str, ...]) -> str:
    return f"({''.join(f'{each}.{name},' for name in names)})"


def _compiled_later(made: type, name: str, text: str) -> Callable[..., Any]:
    """A method that is compiled, and takes its place in the class, when it is first called."""

    def first(self: object, *others: object) -> Any:
        names: dict[str, Any] = {}
        exec(text, names)
        method = names[name]
        method.__qualname__, method.__module__ = f"{made.__qualname__}.{name}", made.__module__
        if made.__dict__[name] is first:  # no other thread was faster
            setattr(made, name, method)
        return method(self, *others)

    return first


def _repr(names: tuple[str, ...]) -> Callable[[object], str]:
    @recursive_repr()
    def __repr__(self: object) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return __repr__


def _pickling(names: tuple[str, ...]) -> dict[str, Any]:
    values = _values(names)

    def __getstate__(self: object) -> Any:
        return values(self)

    def __setstate__(self: object, state: Any) -> None:
        for name, value in zip(names, state, strict=True):
            _set(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _values(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """What gives the values of these names."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _: ()
    one = attrgetter(names[0])
    return lambda each: (one(each),)


def _no_assigning(self: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deleting(self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
