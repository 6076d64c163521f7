"""Makes the classes of values.py: as the standard library's @dataclass does, but late.

A command loads up to 150 such classes, and makes values of about twenty. The standard library compiles six functions
for each class while it is loaded, and loads `inspect` and `ast` for itself: more than half of the CPU time of a start.
Here one function is compiled for a class, when its first value is made. The standard library's own `replace`, `asdict`
and `fields` take these classes too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

MISSING = object()


class Field:
    """A field of a class. What is not given is MISSING."""

    __slots__ = ("compare", "default", "default_factory", "hash", "kw_only", "name", "repr", "type")

    def __init__(self, default: Any, default_factory: Any, repr: bool, hash: bool | None, compare: bool, kw_only: bool):
        self.name, self.type = "", ""
        self.default, self.default_factory, self.kw_only = default, default_factory, kw_only
        self.repr, self.hash, self.compare = repr, hash, compare

    def standard(self) -> Any:
        """As the standard library has it."""
        import dataclasses

        given = {"default": self.default, "default_factory": self.default_factory}
        return dataclasses.field(
            repr=self.repr,
            hash=self.hash,
            compare=self.compare,
            kw_only=self.kw_only,
            **{name: value for name, value in given.items() if value is not MISSING},
        )


def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    repr: bool = True,
    hash: bool | None = None,
    compare: bool = True,
    kw_only: bool = False,
) -> Any:
    """As dataclasses.field()."""
    return Field(default, default_factory, repr, hash, compare, kw_only)


def dataclass(
    cls: Any = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True, unsafe_hash: bool = False
) -> Any:
    """As dataclasses.dataclass()."""

    def made(cls: Any) -> Any:
        own = _own_fields(cls)
        if slots:
            cls = _with_slots(cls, own)
        cls._fields_of_class = {**getattr(super(cls, cls), "_fields_of_class", {}), **own}
        cls.__dataclass_fields__ = _StandardFields()
        _add_methods(cls, frozen, eq, unsafe_hash)
        return cls

    return made if cls is None else made(cls)


def fields(of: Any) -> tuple[Field, ...]:
    """The fields of a class or of a value, in their order."""
    return tuple(of._fields_of_class.values())


def replace(value: Any, /, **changes: Any) -> Any:
    """A copy of the value, with changes."""
    cls = value.__class__
    kept = {name: getattr(value, name) for name in cls._fields_of_class if name not in changes}
    return cls(**kept, **changes)


def asdict(value: Any) -> dict[str, Any]:
    """As dataclasses.asdict()."""
    import dataclasses

    return dataclasses.asdict(value)


class _StandardFields:
    """__dataclass_fields__, by which the standard library's functions know a class: made when one of them asks."""

    def __get__(self, value: Any, cls: Any) -> Any:
        import dataclasses

        body: dict[str, Any] = {one.name: one.standard() for one in fields(cls)}
        body["__annotations__"] = {one.name: one.type for one in fields(cls)}
        twin: Any = dataclasses.dataclass(type(cls.__name__, (), body))
        cls.__dataclass_fields__ = twin.__dataclass_fields__
        return cls.__dataclass_fields__


def _own_fields(cls: Any) -> dict[str, Field]:
    """The class's own fields by name. Afterwards it has as attributes what they are if nothing is given."""
    found = {}
    for name, kind in cls.__annotations__.items():
        given = cls.__dict__.get(name, MISSING)
        one = given if isinstance(given, Field) else field(default=given)
        one.name, one.type = name, kind
        found[name] = one
        if one.default is not MISSING:
            setattr(cls, name, one.default)
        elif given is not MISSING:
            delattr(cls, name)
    return found


def _with_slots(cls: Any, own: Iterable[str]) -> Any:
    """The class made anew: it can get slots only then."""
    replaced = {*own, "__dict__", "__weakref__"}
    body = {name: value for name, value in cls.__dict__.items() if name not in replaced}
    body |= {"__slots__": tuple(own), "__qualname__": cls.__qualname__}
    return type(cls)(cls.__name__, cls.__bases__, body)


def _add_methods(cls: Any, frozen: bool, eq: bool, unsafe_hash: bool) -> None:
    """All but what the class has itself."""
    found = fields(cls)
    methods: dict[str, Any] = {"__init__": _first_init(cls, frozen), "__repr__": _repr}
    if eq:
        methods["__eq__"] = _equality(_values(one.name for one in found if one.compare))
        methods["__hash__"] = None
    if unsafe_hash or (eq and frozen):
        methods["__hash__"] = _hashing(_values(one.name for one in found if _is_hashed(one)))
    if frozen:
        methods |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    methods["__match_args__"] = tuple(one.name for one in found if not one.kw_only)
    for name, method in methods.items():
        if cls.__dict__.get(name) is None:
            setattr(cls, name, method)


def _is_hashed(one: Field) -> bool:
    return one.compare if one.hash is None else one.hash


def _values(names: Iterable[str]) -> Callable[[Any], Any]:
    of_fields = tuple(names)
    return attrgetter(*of_fields) if of_fields else lambda value: ()


def _first_init(cls: Any, frozen: bool) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        cls.__init__ = _compiled_init(cls, frozen)
        cls.__init__(self, *args, **named)

    return __init__


def _compiled_init(cls: Any, frozen: bool) -> Any:
    names: dict[str, Any] = {"_missing": MISSING, "_set": object.__setattr__}
    parameters: list[str] = ["self"]
    named_only: list[str] = []
    lines = []
    for one in fields(cls):
        parameter = value = one.name
        if one.default is not MISSING:
            names[f"_default_{one.name}"] = one.default
            parameter += f"=_default_{one.name}"
        elif one.default_factory is not MISSING:
            names[f"_make_{one.name}"] = one.default_factory
            value = f"_make_{one.name}() if {one.name} is _missing else {one.name}"
            parameter += "=_missing"
        (named_only if one.kw_only else parameters).append(parameter)
        lines.append(f" _set(self, {one.name!r}, {value})" if frozen else f" self.{one.name} = {value}")
    if named_only:
        parameters += ["*", *named_only]
    exec(f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines or [" pass"]), names)
    return names["__init__"]


def _equality(values: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def __eq__(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    return __eq__


def _hashing(values: Callable[[Any], Any]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")
