"""What there is to name: files that come with archsim, and the kinds that a configuration takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsim import shipped
from archsim.config.activations import ACTIVATIONS
from archsim.config.converter import CONVERTERS
from archsim.config.device import DEVICES
from archsim.config.experiment import EXPERIMENTS
from archsim.config.kinds import Kinds
from archsim.config.sections import LAYERS, WORKLOADS
from archsim.config.tasks import TASKS
from archsim.config.yaml_source import read_yaml
from archsim.report.table import Column, Report, report, table

_SHELVES = {
    "run": shipped.CONFIGURATIONS,
    "extends": shipped.BASES,
    "experiment": shipped.EXPERIMENTS,
    "adc --device": shipped.DEVICES,
    "components --library": shipped.LIBRARIES,
    "compare --published": shipped.PUBLISHED,
}
"""Files that come with archsim, by the command or key that takes their names."""

_KINDS: dict[str, Kinds[Any]] = {
    "adc.kind": CONVERTERS,
    "network.layers kind": LAYERS,
    "workload.kind": WORKLOADS,
    "task.kind": TASKS,
    "device.model": DEVICES,
    "functions": ACTIVATIONS,
    "experiment kind": EXPERIMENTS,
}
"""Kinds by the key that takes them."""

_END = re.compile(r"(?<=[a-z0-9)])\.(?= [A-Z])")
_COMMENT = re.compile(r"^#(?! yaml-language-server:)(.*)$")


@dataclass(frozen=True)
class Entry:
    """A file that comes with archsim.

    Attributes
    ----------
    name : str
        Its name.
    path : Path
        Where it is.
    what : str
        What it is, in a line.
    """

    name: str
    path: Path
    what: str


@dataclass(frozen=True)
class Catalogue:
    """What there is to name.

    Attributes
    ----------
    files : dict of str to tuple of Entry
        Files by the command that takes their names.
    kinds : dict of str to tuple of str
        Kinds by the key that takes them, those of installed packages among them.
    """

    files: dict[str, tuple[Entry, ...]]
    kinds: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim list --json`` prints."""
        return {
            "files": {
                taker: [{"name": e.name, "path": str(e.path), "what": e.what} for e in entries]
                for taker, entries in self.files.items()
            },
            "kinds": {key: list(names) for key, names in self.kinds.items()},
        }


def catalogue() -> Catalogue:
    """Return all files that come with archsim and all kinds; no kind of a package is imported."""
    files = {
        taker: tuple(Entry(name, path, _what(path)) for name, path in shelf.files().items())
        for taker, shelf in _SHELVES.items()
    }
    return Catalogue(files, {key: kinds.names() for key, kinds in _KINDS.items()})


def _what(path: Path) -> str:
    """Return what a file says it is: its description, or else the first sentence of its comment."""
    given = read_yaml(path).data.get("description")
    text = str(given) if given else " ".join(_comment(path))
    sentence = _END.split(" ".join(text.split()))[0].rstrip(".")
    head, semicolon, _ = sentence.partition(";")
    return head if semicolon and head.count("(") == head.count(")") else sentence


def _comment(path: Path) -> Iterator[str]:
    """Yield the lines of a file's first comment."""
    begun = False
    for line in path.read_text(encoding="utf-8").splitlines():
        found = _COMMENT.match(line)
        if found:
            begun = True
            yield found[1]
        elif begun:
            return


def catalogue_report(found: Catalogue) -> Report:
    """Return tables of files and kinds."""
    rows: list[tuple[str, str, str] | None] = []
    for taker, entries in found.files.items():
        rows += [*((taker, entry.name, entry.what) for entry in entries), None]
    columns = [
        Column("for", "for", once=True, fold=True),
        Column("name", "name", fold=True),
        Column("what", "what it is", fold=True),
    ]
    kinds = [(key, ", ".join(names)) for key, names in found.kinds.items()]
    of_kinds = [Column("key", "key", fold=True), Column("kinds", "kinds", fold=True)]
    return report(
        table("files that come with archsim, by name", columns, rows),
        table("kinds, by the key that takes them", of_kinds, kinds),
        "'archsim init FOLDER' copies a project to start from.",
    )
