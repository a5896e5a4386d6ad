"""Plain data of a program as if it stood in a YAML file: checked, copied, with its origin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from archsim.config.origin import KeyPath, Origin, SourceStr
from archsim.config.yaml_source import MAX_DEPTH, YamlSource

__all__ = ["plain_source"]


def plain_source(value: Any, origin: Origin) -> YamlSource:
    """Return data of a program as `archsim.config.yaml_source.read_yaml` returns that of a file.

    Parameters
    ----------
    value : Any
        Mappings with text as keys, lists and tuples, text, paths, numbers (those of NumPy too),
        truth values and None. A quantity is text with its unit, such as ``"200 mV"``.
    origin : Origin
        What every value is recorded to come from.

    Raises
    ------
    ConfigError
        If there is anything else in it; names its key and type.
    """
    origins: dict[KeyPath, Origin] = {}
    return YamlSource(_plain(value, (), origin, origins), origins)


def _plain(value: Any, path: KeyPath, origin: Origin, origins: dict[KeyPath, Origin]) -> Any:
    origins[path] = origin
    if len(path) > MAX_DEPTH:
        raise origin.error(f"nested more than {MAX_DEPTH} deep; flatten it")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise origin.error(f"{_named(path)}the key {key!r} is no text; write it in quotes")
        return {
            str(key): _plain(child, (*path, str(key)), origin, origins)
            for key, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(each, (*path, n), origin, origins) for n, each in enumerate(value)]
    return _scalar(value, path, origin)


def _scalar(value: Any, path: KeyPath, origin: Origin) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if not isinstance(value, str | int | float | None) and hasattr(value, "item"):
        value = value.item() if getattr(value, "ndim", 0) == 0 else value  # a number of NumPy's
    if isinstance(value, str | Path):
        return SourceStr(str(value), origin)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    what = f"{value} is no finite number" if isinstance(value, float) else _of_type(value)
    raise origin.error(f"{_named(path)}{what}")


def _of_type(value: Any) -> str:
    kind = type(value).__name__
    return (
        f"a value of type {kind} cannot stand in a configuration; give text, a number, a truth "
        "value, a list or a mapping"
    )


def _named(path: KeyPath) -> str:
    return f"{'.'.join(map(str, path))}: " if path else ""
