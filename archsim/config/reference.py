"""Every key of a configuration, with its unit, default and range, read from the sections.

A key is declared once, where it is checked; what a reader is told of it comes from there too.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from archsim.config.activations import ACTIVATIONS
from archsim.config.base import Section
from archsim.config.fields import OfKinds
from archsim.config.quantity import Quantity
from archsim.config.run import RunConfig
from archsim.errors import InputError
from archsim.listing import listed

REQUIRED = "required"
_EXTENDS = "file or files that this one starts from, relative to it, or names of archsim's own"
_PLAIN = {str: "text", float: "number", int: "whole number", bool: "true or false", Path: "path"}
_NEAR = 3


@dataclass(frozen=True)
class Key:
    """A key of a configuration.

    Attributes
    ----------
    path : str
        Its name with dots, as ``--set`` takes it; N stands for the place in a list, from 0.
    of : str
        The kinds that have it; empty where all do.
    unit : str
        Unit of its dimension; ``1`` of a share, which may be in %; empty where it is no quantity.
    default : str
        What holds where it is not given; `REQUIRED` where it has to be.
    allowed : str
        Its range, or what it may be.
    meaning : str
        What it is.
    """

    path: str
    of: str
    unit: str
    default: str
    allowed: str
    meaning: str


@dataclass(frozen=True)
class Keys:
    """The keys of a section.

    Attributes
    ----------
    path : str
        The section's name with dots; empty for the top of a file.
    of : str
        The kinds that it is of, separated by commas; empty where it is there for all.
    what : str
        What it is, in a paragraph.
    keys : tuple of Key
        Its own keys, without those of sections below it.
    """

    path: str
    of: str
    what: str
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Reference:
    """Keys that were looked up.

    Attributes
    ----------
    sections : tuple of Keys
        They, by their sections.
    """

    sections: tuple[Keys, ...]


def all_keys() -> tuple[Keys, ...]:
    """Return the keys of all sections, those of every kind that loads among them."""
    top = Key("extends", "", "", "none", "text, or list of text", _EXTENDS)
    first, *others = _joined(_sections(RunConfig, "", "", ""))
    return (replace(first, keys=(top, *first.keys)), *others)


def keys_below(wanted: str) -> tuple[Keys, ...]:
    """Return the keys that a name stands for.

    Parameters
    ----------
    wanted : str
        A key or a section with dots (``adc.bits``, ``tile``); the end of one (``bits``); or a kind
        (``lstm``).

    Raises
    ------
    InputError
        If there is none; the message has the names that are near.
    """
    sections = all_keys()
    path = re.sub(r"(?<=\.)\d+(?=\.|$)", "N", wanted.strip().strip("."))
    for fits in (_is_below, _is_of, _ends_in):
        found = [replace(s, keys=tuple(k for k in s.keys if fits(path, s, k))) for s in sections]
        left = tuple(section for section in found if section.keys)
        if left:
            return left
    names = {name for s in sections for k in s.keys for name in (s.path, k.path, *_kinds_of(s))}
    short = {name.rpartition(".")[2] for name in names}
    near = get_close_matches(path, sorted(names), n=_NEAR)
    near = near or get_close_matches(path, sorted(short), n=_NEAR)
    hint = f"did you mean {listed(near)}?" if near else "'archsim keys' shows all"
    msg = f"there is no key, section or kind '{wanted}' ({hint})"
    raise InputError(msg)


def functions() -> dict[str, tuple[str, str]]:
    """Return the range and the meaning of every activation function that loads, by name."""
    out = {}
    for name, cls in ACTIVATIONS.all().items():
        bounds = cls().bounds
        span = f"{bounds[0]:g} .. {bounds[1]:g}" if bounds is not None else "unbounded"
        out[name] = (span, first_paragraph(cls))
    return out


def first_paragraph(cls: type) -> str:
    """Return the first paragraph of a class's docstring, in one line, as Markdown."""
    text = inspect.getdoc(cls) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")


def _is_below(path: str, section: Keys, key: Key) -> bool:
    return key.path == path or f"{key.path}.".startswith(f"{path}.") or section.path == path


def _is_of(path: str, section: Keys, key: Key) -> bool:
    del key
    return path in _kinds_of(section)


def _ends_in(path: str, section: Keys, key: Key) -> bool:
    return key.path.endswith(f".{path}") or f".{section.path}.".endswith(f".{path}.")


def _kinds_of(section: Keys) -> list[str]:
    return section.of.partition(" ")[2].split(", ") if section.of else []


# ----------------------------------------------------------------- sections


def _sections(model: type[Section], path: str, of: str, what: str) -> Iterator[Keys]:
    """Yield a section and those below it; `of` says the kind as ``kind lstm``."""
    keys, below = [], []
    for name, field in model.model_fields.items():
        here = f"{path}.{name}" if path else name
        inside = list(_inside(field))
        below += [(section, here + each, kind or of, field) for section, each, kind in inside]
        if not inside or (not field.is_required() and field.default is None):
            keys.append(_key(here, of, field, "null, or the keys below it" if inside else ""))
    yield Keys(path, of, what or first_paragraph(model), tuple(keys))
    for section, place, kind, field in below:
        said = "" if kind != of else field.description or ""
        yield from _sections(section, place, kind, said)


def _inside(field: FieldInfo) -> Iterator[tuple[type[Section], str, str]]:
    """Yield the sections that a field may hold, their place below it and their kind."""
    yield from _held(field.annotation, field.metadata, "")


def _held(hint: Any, marks: Iterable[Any], place: str) -> Iterator[tuple[type[Section], str, str]]:
    mark = next((each for each in marks if isinstance(each, OfKinds)), None)
    if mark is not None:
        found = mark.sections()
        tag = getattr(mark, "key", "")
        yield from ((s, place, _kind(s, tag) if len(found) > 1 else "") for s in found)
    elif get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        yield from _held(inner, more, place)
    elif isinstance(hint, type) and issubclass(hint, Section):
        yield hint, place, ""
    elif get_origin(hint) is tuple:
        yield from _held(get_args(hint)[0], (), f"{place}.N")
    else:
        for each in get_args(hint):
            yield from _held(each, (), place)


def _kind(section: type[Section], tag: str) -> str:
    return f"{tag} {get_args(section.model_fields[tag].annotation)[0]}"


def _joined(sections: Iterable[Keys]) -> list[Keys]:
    """Return sections, those that several kinds have in the same form only once."""
    out: dict[Any, Keys] = {}
    for section in sections:
        bare = tuple(replace(key, of="") for key in section.keys)
        known = out.get((section.path, section.what, bare))
        kind = section.of.partition(" ")[2]
        of = f"{known.of}, {kind}" if known and kind else section.of
        keys = tuple(replace(key, of=of) for key in section.keys)
        out[section.path, section.what, bare] = replace(section, of=of, keys=keys)
    return [section for section in out.values() if section.keys]


# ----------------------------------------------------------------- keys


def _key(path: str, of: str, field: FieldInfo, allowed: str) -> Key:
    quantity = _quantity(field.annotation, field.metadata)
    return Key(
        path,
        of,
        quantity.unit if quantity else "",
        _default(field, quantity),
        allowed or _allowed(field.annotation, [*field.metadata, field]),
        field.description or "",
    )


def _quantity(hint: Any, marks: Iterable[Any]) -> Quantity | None:
    """Return the quantity that a field, or what is in its list or mapping, is."""
    found = next((each for each in marks if isinstance(each, Quantity)), None)
    if found is None and get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        return _quantity(inner, more)
    if found is None and get_origin(hint) is not Literal:
        return next(filter(None, (_quantity(each, ()) for each in get_args(hint))), None)
    return found


def _default(field: FieldInfo, quantity: Quantity | None) -> str:
    if field.is_required():
        return REQUIRED
    return _shown(field.get_default(call_default_factory=True), quantity)


def _shown(value: Any, quantity: Quantity | None = None) -> str:
    """Return a value as a file would give it."""
    if quantity is not None and isinstance(value, float):
        return quantity.text(value)
    if isinstance(value, bool | NoneType):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, float):
        return _short(value)
    return str(value.value if isinstance(value, Enum) else value) or "empty"


def _allowed(hint: Any, marks: list[Any]) -> str:  # noqa: PLR0911 - a line for each form
    """Return what a value may be."""
    origin, inside = get_origin(hint), get_args(hint)
    for mark in marks:
        if isinstance(mark, OfKinds):
            return ", ".join(mark.choices())
        if isinstance(mark, Quantity):
            return _together(dict(_bounds(mark)), mark.text) or "any"
    if origin is Annotated:
        return _allowed(inside[0], [*inside[1:], *marks])
    if origin is Literal:
        return ", ".join(map(_shown, inside))
    if origin in {Union, UnionType}:
        return " or ".join(_allowed(each, marks) for each in inside if each is not NoneType)
    if origin is tuple and inside[-1] is not Ellipsis:
        return f"[{', '.join(_allowed(each, []) for each in inside)}]"
    if origin is tuple:
        return f"list of {_allowed(inside[0], [])}"
    if origin is dict:
        return f"mapping of names to {_allowed(inside[1], [])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(str(each.value) for each in hint)
    return _of_plain(hint, marks)


def _of_plain(hint: Any, marks: list[Any]) -> str:
    if hint is str and any(_has_pattern(mark) for mark in marks):
        return "name: letters, digits, _ and -, a letter first"
    bounds = {key: bound for mark in _flat(marks) for key, bound in _bounds(mark)}
    plain = _PLAIN.get(hint, "any")
    if not bounds or hint not in {int, float}:
        return plain
    return f"{plain}, {_together(bounds, str if hint is int else _short)}"


def _short(number: float) -> str:
    """Return a number as a file would give it: 1e6, not 1e+06."""
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{number:g}")


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    """Yield marks, and those that a field as a mark has."""
    for mark in marks:
        yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


def _has_pattern(mark: Any) -> bool:
    extra = getattr(mark, "json_schema_extra", None) or {}
    return bool(getattr(mark, "pattern", None)) or "pattern" in extra


_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _bounds(mark: Any) -> Iterator[tuple[str, Any]]:
    for key in _BOUNDS:
        bound = getattr(mark, key, None)
        if bound is not None:
            yield key, bound


def _together(bounds: dict[str, Any], show: Callable[[Any], str]) -> str:
    if {"ge", "le"} <= bounds.keys():
        return f"{show(bounds['ge'])} .. {show(bounds['le'])}"
    return ", ".join(f"{_BOUNDS[key]} {show(bound)}" for key, bound in bounds.items())
