"""The classes of model.values behave as the standard library's, which makes each of them here as well."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from buddywatch.model import value_class as own


def made(by: Any) -> dict[str, Any]:
    """The same classes, made by the standard library's names or by ours."""

    @by.dataclass(frozen=True)
    class Plain:
        name: str
        size: int = 3
        parts: list[int] = by.field(default_factory=list, hash=False)
        note: str = by.field(default="", compare=False)
        hidden: int = by.field(default=0, repr=False)

        def doubled(self) -> int:
            return 2 * self.size

    @by.dataclass(frozen=True)
    class Child(Plain):
        size: int = 4
        more: tuple[int, ...] = ()

    @by.dataclass(slots=True, unsafe_hash=True)
    class Slotted:
        name: str
        size: int = 3

    @by.dataclass(frozen=True, slots=True)
    class FrozenSlots:
        name: str

    found = (Plain, Child, Slotted, FrozenSlots, *made_with_less(by))
    return {one.__name__: one for one in found}


def made_with_less(by: Any) -> tuple[Any, ...]:
    """Neither frozen, nor with all of the methods."""

    @by.dataclass
    class Loose:
        name: str
        by_name: int = by.field(default=1, kw_only=True)
        last: int = 2

    @by.dataclass(eq=False)
    class Alone:
        name: str

    @by.dataclass(frozen=True)
    class Empty:
        pass

    @by.dataclass(eq=False)
    class WithOwn:
        name: str

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    return Loose, Alone, Empty, WithOwn


OURS, THEIRS = made(own), made(dataclasses)


def outcome(trial: Callable[[dict[str, Any], Any], Any], classes: dict[str, Any], by: Any) -> object:
    try:
        result = trial(classes, by)
    except (TypeError, AttributeError) as error:
        return type(error), "arguments" if "argument" in str(error) else str(error)
    return repr(result)


TRIALS = {
    "defaults": lambda c, by: (c["Plain"]("a"), c["Child"]("a"), c["Slotted"]("a"), c["Loose"]("a"), c["Empty"]()),
    "a default is the class's attribute": lambda c, by: (c["Plain"].size, c["Child"].size, c["Plain"].note),
    "a factory is called for each": lambda c, by: c["Plain"]("a").parts is c["Plain"]("a").parts,
    "no attribute for a factory": lambda c, by: c["Plain"].parts,
    "by position": lambda c, by: c["Plain"]("a", 1, [2], "n", 5),
    "by name": lambda c, by: c["Child"](more=(1,), name="b", size=2),
    "too few": lambda c, by: c["Plain"](),
    "too many": lambda c, by: c["FrozenSlots"]("a", 1),
    "an unknown name": lambda c, by: c["FrozenSlots"](other=1),
    "by name only": lambda c, by: (c["Loose"]("a", 5), c["Loose"]("a", by_name=5), c["Loose"].__match_args__),
    "not by position": lambda c, by: c["Loose"]("a", 5, 6),
    "equal": lambda c, by: c["Plain"]("a", note="x") == c["Plain"]("a", note="y"),
    "unequal": lambda c, by: c["Plain"]("a") == c["Plain"]("a", hidden=1),
    "of other classes": lambda c, by: (c["Plain"]("a") == c["Child"]("a", 3), c["Plain"]("a") == "a"),
    "equal without eq": lambda c, by: c["Alone"]("a") == c["Alone"]("a"),
    "empty ones": lambda c, by: (c["Empty"]() == c["Empty"](), hash(c["Empty"]()) == hash(c["Empty"]())),
    "hash": lambda c, by: hash(c["Plain"]("a", parts=[1])) == hash(c["Plain"]("a", parts=[2], note="n")),
    "hash of others": lambda c, by: hash(c["Plain"]("a")) == hash(c["Plain"]("b")),
    "hash of slots": lambda c, by: hash(c["Slotted"]("a")) == hash(c["Slotted"]("a")),
    "hash is by identity": lambda c, by: len({c["Alone"]("a"), c["Alone"]("a")}),
    "no hash": lambda c, by: hash(c["Loose"]("a")),
    "own methods": lambda c, by: (c["WithOwn"]("a") == 1, hash(c["WithOwn"]("a")), c["WithOwn"]("a")),
    "a method": lambda c, by: c["Child"]("a").doubled(),
    "set": lambda c, by: setattr(c["Plain"]("a"), "name", "b"),
    "set another": lambda c, by: setattr(c["Plain"]("a"), "other", "b"),
    "delete": lambda c, by: delattr(c["FrozenSlots"]("a"), "name"),
    "set what is not frozen": lambda c, by: setattr(c["Slotted"]("a"), "size", 1),
    "slots": lambda c, by: (c["Slotted"].__slots__, hasattr(c["Slotted"]("a"), "__dict__")),
    "set beside slots": lambda c, by: setattr(c["Slotted"]("a"), "other", 1),
    "fields": lambda c, by: [(f.name, f.type, f.compare, f.kw_only) for f in by.fields(c["Child"])],
    "fields of a value": lambda c, by: [f.name for f in by.fields(c["Loose"]("a"))],
    "a field without default": lambda c, by: [f.default is by.MISSING for f in by.fields(c["Plain"])],
    "replace": lambda c, by: (by.replace(c["Child"]("a"), size=9), by.replace(c["Loose"]("a", by_name=5), name="b")),
    "replace what is not there": lambda c, by: by.replace(c["Plain"]("a"), other=9),
    "asdict": lambda c, by: by.asdict(c["Plain"](c["Child"]("a"), parts=[1, c["Empty"]()])),
    "the library's functions": lambda c, by: (
        dataclasses.is_dataclass(c["Child"]),
        dataclasses.asdict(c["Child"]("a")),
        dataclasses.replace(c["Loose"]("a", by_name=3), last=1),
        [(f.name, f.default is dataclasses.MISSING, f.kw_only, f.repr) for f in dataclasses.fields(c["Plain"]("a"))],
        [f.name for f in dataclasses.fields(c["Loose"])],
    ),
    "a pattern": lambda c, by: c["Plain"].__match_args__ + c["Child"].__match_args__,
}


@pytest.mark.parametrize("name", TRIALS)
def test_a_class_behaves_as_the_standard_librarys(name: str) -> None:
    assert outcome(TRIALS[name], OURS, own) == outcome(TRIALS[name], THEIRS, dataclasses)


def test_the_first_value_of_a_child_leaves_the_parent_as_it_is() -> None:
    classes = made(own)
    assert classes["Child"]("a").size == 4
    assert (classes["Plain"]("a").size, classes["Child"]("a").more) == (3, ())


def test_making_and_using_values_loads_nothing_of_the_standard_library() -> None:
    script = (
        "import sys; from buddywatch.model.values import dataclass, field, fields, replace\n"
        "One = dataclass(frozen=True)(type('One', (), {'__annotations__': {'a': 'int'}}))\n"
        "assert replace(One(1), a=2) == One(2) and hash(One(1)) and repr(One(1)) == 'One(a=1)' and fields(One)\n"
        "print({'dataclasses', 'inspect'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
