"""Packages outside archsim that add kinds to it, by their entry points."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """Return what packages offer to a group; read once, for it opens a file of every package."""
    return tuple(entry_points(group=group))


def place_of(spec: ModuleSpec) -> Path:
    """Return the folder of a package that was found, or the file of a module."""
    place = Path(str(spec.origin))
    return place.parent if spec.submodule_search_locations else place


def plugin_packages() -> dict[Path, str]:
    """Return where code that offers kinds lies, and the name of the package that brings it."""
    found = {}
    for group in entry_points().groups:
        for entry in installed(group) if group.startswith("archsim.") else ():
            try:
                spec = importlib.util.find_spec(entry.module.partition(".")[0])
            except (ImportError, ValueError):  # of a package that is half removed
                continue
            if spec is not None and spec.origin is not None:
                name = entry.dist.name if entry.dist is not None else entry.module
                found[place_of(spec)] = name
    return found
