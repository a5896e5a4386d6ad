"""Traces of what may be a trace already, or a configuration that is run for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from archsim.config.load import is_config, load_config
from archsim.simulation.observer import Progress
from archsim.simulation.simulate import run


def traced(
    path: Path, out: Path, overrides: Iterable[str] = (), *, progress: Progress | None = None
) -> Path:
    """Return a trace as it is; of a configuration, run it and return its trace, `out`."""
    if not is_config(path):
        return path
    run(load_config(path, overrides), out, progress=progress)
    return out
