"""Runs of the shipped ideal chip that tests share."""

from __future__ import annotations

from pathlib import Path

from archsim.config.load import LoadedConfig, load_config
from archsim.run.simulate import RunResult, run

ROOT = Path(__file__).parent.parent
KWS = ROOT / "configs" / "kws-ideal.yaml"


def load(*overrides: str, sequences: int | str = 3) -> LoadedConfig:
    """Load the ideal chip with few sequences and overrides."""
    return load_config(KWS, [f"workload.sequences={sequences}", *overrides])


def run_to(path: Path, *overrides: str, sequences: int | str = 3) -> RunResult:
    """Run the ideal chip and write its trace to `path`."""
    return run(load(*overrides, sequences=sequences), path)
