"""What became of a network that was imported: found, mapped, assumed, left out, refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsim.shown import shown_in_line


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    source : str
        What was read.
    sort : str
        What sort of file it is.
    files : tuple of Path
        What was written, the configuration first.
    layers : tuple of str
        Layers of the configuration, a line each.
    weights : int
        Numbers of all tensors.
    found, mapped, assumed, left_out : tuple of str
        As in `archsim.network.importers.base.Notes`.
    refused : tuple of str
        Why this archsim does not take the configuration as it is.
    """

    source: str
    sort: str
    files: tuple[Path, ...]
    layers: tuple[str, ...]
    weights: int
    found: tuple[str, ...]
    mapped: tuple[str, ...]
    assumed: tuple[str, ...]
    left_out: tuple[str, ...]
    refused: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the report as lines of text."""
        yield f"read {self.source}: {self.sort}, {self.weights:,} weights"
        parts = {
            "found": self.found,
            "mapped": self.mapped,
            "assumed": self.assumed,
            "left out": self.left_out,
            "layers": self.layers,
            "refused": self.refused,
        }
        for what, items in parts.items():
            for number, item in enumerate(items):
                yield shown_in_line(f"{'' if number else what:9} {item}")
        for file in self.files:
            yield f"wrote {file}"

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim import --json`` prints."""
        return {
            "source": self.source,
            "sort": self.sort,
            "files": [str(file) for file in self.files],
            "weights": self.weights,
            "layers": list(self.layers),
            "found": list(self.found),
            "mapped": list(self.mapped),
            "assumed": list(self.assumed),
            "left_out": list(self.left_out),
            "refused": list(self.refused),
        }
