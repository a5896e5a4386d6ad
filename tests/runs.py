"""Runs of the shipped ideal chip that tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from archsim.config.load import Config, load_config
from archsim.simulation.simulate import RunResult, run

ROOT = Path(__file__).parent.parent
KWS = ROOT / "configs" / "kws-ideal.yaml"


def load(*overrides: str, sequences: int | str = 3) -> Config:
    """Load the ideal chip with few sequences and overrides."""
    return load_config(KWS, [f"workload.sequences={sequences}", *overrides])


def run_to(path: Path, *overrides: str, sequences: int | str = 3) -> RunResult:
    """Run the ideal chip and write its trace to `path`."""
    return run(load(*overrides, sequences=sequences), path)


def contents(path: Path) -> dict[str, Any]:
    """Return every dataset of a trace."""
    out: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                out.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return out
