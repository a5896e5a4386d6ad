"""Keys that somebody wrote and that change nothing in this configuration, each with the reason.

Most of them are no mistake: a base file describes converters of one kind, and a file that extends
it takes another one. So they are told and not refused. A key that holds its default is not told
either: whether it was written or not, it says the same.

Each section says which of its keys they are (`Section.without_effect`). What depends on sizes is
not told: ``tile.row_sum`` matters where a layer is larger than a tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from archsim.config.base import Section
from archsim.config.merge import Document
from archsim.config.origin import KeyPath
from archsim.config.run import RunConfig


class _Rule(NamedTuple):
    """A key, and why it has no effect; the reason is empty where it has one."""

    key: KeyPath
    why: str


def keys_without_effect(config: RunConfig, document: Document) -> tuple[str, ...]:
    """Return a sentence for each key that was written and changes nothing.

    Parameters
    ----------
    config : RunConfig
        A checked configuration.
    document : Document
        What it was checked from, which knows where keys were written.
    """
    notes = []
    for rule in _rules(config, config):
        changed = _changed(config, rule.key) if rule.why else []
        if changed:
            key = changed[0] if len(changed) == 1 else rule.key
            name = ".".join(map(str, key))
            notes.append(f"{document.origin(changed[0])}: {name} has no effect {rule.why}")
    return tuple(dict.fromkeys(notes))


def _changed(config: RunConfig, key: KeyPath) -> list[KeyPath]:
    """Return the keys at and below `key` that do not hold their defaults."""
    parent: Any = config
    for part in key[:-1]:
        parent = parent[part] if isinstance(part, int) else getattr(parent, part)
    last = key[-1]
    if isinstance(last, int):
        return [key]
    field, value = type(parent).model_fields[last], getattr(parent, last)
    if not field.is_required() and value == field.get_default(call_default_factory=True):
        return []
    if not isinstance(value, Section):
        return [key]
    return [each for name in type(value).model_fields for each in _changed(config, (*key, name))]


def _rules(section: Section, config: RunConfig, place: KeyPath = ()) -> Iterator[_Rule]:
    """Yield what a section and those below it say of their keys."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _rules(value, config, (*place, name))
        elif isinstance(value, tuple):
            for index, each in enumerate(value):
                if isinstance(each, Section):
                    yield from _rules(each, config, (*place, name, index))
    for key, why in section.without_effect(config):
        parts = (int(part) if part.isdigit() else part for part in key.split("."))
        yield _Rule((*place, *parts), why)
