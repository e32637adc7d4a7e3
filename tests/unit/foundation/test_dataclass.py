"""A light class does what a class of `dataclasses` does."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from protocol_logic.foundation.dataclass import dataclass


def classes(dataclass: Callable[..., Any]) -> list[Any]:
    """The same classes, made in one of two ways."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Base:
        """With words."""

        span: int = field(default=0, compare=False, repr=False)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Below(Base):
        name: str
        parts: list[int] = field(default_factory=list, hash=False)

        def __str__(self) -> str:
            return self.name

    @dataclass(frozen=True, slots=True)
    class Plain:
        first: Any
        second: Any = None
        third: tuple[int, ...] = field(init=False, compare=False)
        fourth: Any = field(default="d", kw_only=True)
        fifth: Any = field(default="e", init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "third", (1, 2))

    @dataclass(frozen=True, slots=True)
    class One:
        only: Any

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    @dataclass(frozen=True, slots=True)
    class Same:
        value: int

        def __eq__(self, other: object) -> bool:
            return True

    @dataclass(frozen=True, slots=True, eq=False)
    class Identity:
        value: int

    @dataclass(slots=True)
    class Changing:
        value: int = 1

    return [Base, Below, Plain, One, Nothing, Same, Identity, Changing]


ASKS: list[Callable[[list[Any]], Any]] = [
    lambda k: k[0](span=3),
    lambda k: k[0](3),
    lambda k: k[1](),
    lambda k: k[1](name="a", span=2),
    lambda k: str(k[1](name="a")),
    lambda k: k[1](name="a").parts is k[1](name="a").parts,
    lambda k: k[1](name="a", span=1) == k[1](name="a", span=2),
    lambda k: k[1](name="a", parts=[1]) == k[1](name="a"),
    lambda k: hash(k[1](name="a", parts=[1])) == hash(k[1](name="a", span=8)),
    lambda k: k[0]() == k[1](name="a"),
    lambda k: k[0]() == 0,
    lambda k: k[2](1),
    lambda k: k[2](1, 2, fourth=4),
    lambda k: k[2](1, 2, 3),
    lambda k: k[2](1, 2, 3, 4),
    lambda k: k[2](nobody=1),
    lambda k: {k[2](1): "found"}[k[2](1)],
    lambda k: hash(k[2]([])),
    lambda k: setattr(k[2](1), "first", 2),
    lambda k: delattr(k[2](1), "first"),
    lambda k: dataclasses.replace(k[2](1), second=3),
    lambda k: dataclasses.asdict(k[2](k[3](1))),
    lambda k: [[f.name, f.init, f.compare, f.kw_only] for c in k for f in dataclasses.fields(c)],
    lambda k: [c.__match_args__ for c in k],
    lambda k: [c.__slots__ for c in k],
    lambda k: [hasattr(c, "__dict__") and "__dict__" in dir(c) for c in k],
    lambda k: [list(inspect.signature(c).parameters) for c in k],
    lambda k: [(p.kind, p.annotation) for p in inspect.signature(k[2]).parameters.values()],
    lambda k: [c.__init__.__annotations__.get("first") for c in k],
    lambda k: k[3](k[3](1)) == k[3](k[3](1)),
    lambda k: k[3](1),
    lambda k: k[3](2) == k[3](1),
    lambda k: (k[4](), hash(k[4]()), k[4]() == k[4]()),
    lambda k: (k[5](1) == k[5](2), hash(k[5](1)) == hash(k[5](2))),
    lambda k: (k[6](1) == k[6](1), k[6](1).value),
    lambda k: setattr(k[7](), "value", 3),
    lambda k: copy.copy(k[2](1, 2)) == copy.deepcopy(k[2](1, 2)) == k[2](1, 2),
    lambda k: copy.deepcopy(k[2]([1])),
    lambda k: copy.copy(k[1](name="a", span=7)).span,
    lambda k: [c.__doc__ for c in k[:1]],
    lambda k: [c.__qualname__ for c in k],
    lambda k: k[0].__init__.__qualname__,
]


@pytest.mark.parametrize("number", range(len(ASKS)))
def test_as_in_dataclasses(number: int) -> None:
    def answer(made: list[Any]) -> str:
        try:
            return repr(ASKS[number](made))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    assert answer(classes(dataclass)) == answer(classes(dataclasses.dataclass))


@dataclass(frozen=True, slots=True)
class Kept:
    first: Any
    made: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "made", [self.first])


def test_it_can_be_pickled() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(Kept("x"), protocol))
        assert again == Kept("x") and again.made == ["x"]


def test_it_shows_itself_where_it_holds_itself() -> None:
    here: list[Any] = []
    kept = Kept(here)
    here.append(kept)
    assert repr(kept) == f"Kept(first=[...], made=[[{kept!r}]])" or "..." in repr(kept)
