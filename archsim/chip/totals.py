"""Sums of what parts have, component by component."""

from __future__ import annotations

from collections.abc import Iterable


def total(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    """Add up dictionaries of numbers by key."""
    out: dict[str, float] = {}
    for part in parts:
        for key, value in part.items():
            out[key] = out.get(key, 0.0) + value
    return out
