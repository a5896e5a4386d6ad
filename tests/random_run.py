"""Runs of small networks with random weights and inputs, for tests of time, energy and cuts."""

from __future__ import annotations

from archsim.config.load import Config, load_config
from tests.runs import ROOT

LSTM = "{kind: lstm, name: lstm, units: 6}"
OUTPUT = "{kind: linear, name: output, units: 5, input_range: [-0.4, 0.4]}"


def load_random(
    *overrides: str,
    layers: tuple[str, ...] = (LSTM, OUTPUT),
    inputs: int = 5,
    timesteps: int = 4,
    sequences: int = 3,
) -> Config:
    """Load a network of `layers` on a chip on which each of them fits one tile."""
    return load_config(
        ROOT / "configs" / "random-lstm.yaml",
        [
            *("tile.rows=64", "tile.columns=64", "tile.input_bits=3", "adc.bits=3"),
            "adc.sharing.component=adc_survey_5b",  # of any resolution
            f"network.inputs={inputs}",
            f"network.timesteps={timesteps}",
            f"network.layers=[{', '.join(layers)}]",
            f"workload.sequences={sequences}",
            "trace.sequences=all",
            *overrides,
        ],
    )
