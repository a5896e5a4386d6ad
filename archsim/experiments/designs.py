"""A run as one design of a comparison, in plain data that a store keeps, and back from it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from archsim.analysis.compare import Design, read_designs
from archsim.analysis.levels import Level, LevelMetrics
from archsim.metrics import Metric
from archsim.simulation.simulate import RunResult
from archsim.trace.summary import Summary
from archsim.trace.trace import Trace


def read_design(result: RunResult, path: Path) -> dict[str, Any]:
    """Read what a comparison needs of a run: its summary, its levels, its critical path.

    Raises
    ------
    TraceError
        If the trace lacks cycles of a tile or of a group's sequence.
    """
    del result
    (design,) = read_designs([Trace(path)])
    bare = replace(design.summary, trace=None, clipped=())  # the trace goes, and none is compared
    return asdict(replace(design, summary=bare))


def design_of(data: dict[str, Any]) -> Design:
    """Return the design that `read_design` read; of its summary, what it clipped is left out."""
    levels = {
        Level(name): LevelMetrics(**{**numbers, "level": Level(name)})
        for name, numbers in data["levels"].items()
    }
    metrics = {name: Metric(**metric) for name, metric in data["summary"]["metrics"].items()}
    summary = Summary(**{**data["summary"], "clipped": (), "metrics": metrics})
    return Design(**{**data, "summary": summary, "levels": levels})
