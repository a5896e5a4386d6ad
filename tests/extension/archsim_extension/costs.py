"""Costs of components from a small table of this package, by the component's name."""

from __future__ import annotations

from typing import Any

from archsim.config.merge import Document
from archsim.costs.models.base import CostModel

TABLE = {"fast_comparator": ("20 fJ", "25 um^2", "10 nW")}
SOURCE = "assumed: a table of this package"


class FromTable(CostModel):
    """``from_table: NAME`` takes a component's numbers from `TABLE`."""

    key = "from_table"

    def resolve(self, document: Document, name: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the component's entry with the table's numbers."""
        wanted = entry[self.key]
        if wanted not in TABLE:
            at = document.origin(("components", name, self.key))
            raise at.error(f"components.{name}.{self.key}: the table has no '{wanted}'")
        energy, area, leakage = TABLE[wanted]

        own = {key: value for key, value in entry.items() if key != self.key}
        return {
            "node": document.data["node"],
            **own,
            "source": SOURCE,
            "actions": {"compare": {"energy": energy}},
            "area": area,
            "leakage": leakage,
        }
