"""Layers of a built chip, run by themselves: for tests of what they compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from archsim.chip.build import Chip, build_chip
from archsim.chip.flow import float_outputs, flow
from archsim.chip.layers.signal import Recorder, Signal
from archsim.config.load import load_config
from tests.runs import ROOT

FINE = (
    *("tile.input_bits=10", "adc.kind=ideal", "digital.word_bits=24", "digital.fraction_bits=12"),
    *("digital.table_entries=16384", "device.conductance_steps=32767"),
)
"""Ten bits of inputs, and nothing else that is coarse."""

Tensors = dict[str, np.ndarray]


def recurrent_tensors(
    name: str, gates: int, inputs: int, units: int, *, bias: bool = True, **more: Any
) -> Tensors:
    """Return random tensors of a recurrent layer, by PyTorch's names."""
    rng = np.random.default_rng([gates, inputs, units])
    suffix = more.get("suffix", "_l0")
    shapes = {"weight_ih": (gates * units, inputs), "weight_hh": (gates * units, units)}
    if bias:
        shapes |= {"bias_ih": (gates * units,), "bias_hh": (gates * units,)}
    return {
        f"{name}.{key}{suffix}": rng.normal(0, more.get("size", 0.4), shape).astype(np.float32)
        for key, shape in shapes.items()
    }


def chip_of(
    folder: Path,
    layers: list[str],
    tensors: Tensors | None = None,
    *settings: str,
    inputs: int = 5,
    timesteps: int = 7,
) -> Chip:
    """Return a chip with layers and tensors, random ones if there are none."""
    keys = [
        *("tile.rows=64", "tile.columns=64", "tile.input_bits=4", "adc.bits=4"),
        *(f"network.inputs={inputs}", f"network.timesteps={timesteps}"),
        f"network.layers=[{', '.join(layers)}]",
    ]
    if tensors is not None:
        path = folder / "layers.safetensors"
        save_file(tensors, path)
        keys.append(f"network.weights={path}")
    return build_chip(load_config(ROOT / "configs/random-lstm.yaml", [*keys, *settings]).config)


def random_inputs(*shape: int, seed: int = 0) -> np.ndarray:
    """Return inputs (sequences, timesteps, inputs) of -1 .. 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def recorder(sequences: int, **more: Any) -> Recorder:
    """Return a recorder that keeps no cycles."""
    return Recorder(np.full(sequences, -1), 0, more.pop("waveforms", False), **more)


def run_layers(
    chip: Chip, x: np.ndarray, length: np.ndarray | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """Return what each layer computes."""
    outputs, whole = {}, chip.encode(x, length)

    def run(number: int, taken: Signal) -> Signal:
        result = chip.layers[number].run(taken, recorder(len(x)))
        outputs[chip.layers[number].name] = result.outputs
        return result.signal

    flow(chip.config.network, whole, run, Signal.side_by_side)
    return outputs


def run_floats(chip: Chip, x: np.ndarray, length: np.ndarray | None = None) -> np.ndarray:
    """Return what the last layer of the float64 network gives."""
    return float_outputs(chip.config.network, chip.layers, x.astype(np.float64), length)
