"""A network of 4 LSTM units on 20 random sequences, for tests that only need some run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.runs import ROOT

UNITS, INPUTS, TIMESTEPS, CLASSES, SEQUENCES = 4, 6, 5, 3, 20
CONFIG = """\
name: small
technology: {node: 16 nm, clock: 1 GHz, supply: 800 mV, components: library.yaml}
device: {model: ideal, g_min: 0 S, g_max: 150 uS}
tile: {rows: 16, columns: 16, input_bits: 4, v_read: 200 mV, v_clp: 400 mV, full_scale: 300 mV}
adc: {bits: 4}
network:
  inputs: 6
  timesteps: 5
  weights: weights.safetensors
  layers:
    - {kind: lstm, name: lstm, units: 4}
    - {kind: linear, name: output, units: 3}
workload: {kind: keyword_spotting, source: features.npz}
"""


def tensors(*, units=UNITS, lstm="lstm", output="output", dtype=np.float32):
    """Return random weights by PyTorch's names."""
    rng = np.random.default_rng(7)
    shapes = {
        f"{lstm}.weight_ih_l0": (4 * units, INPUTS),
        f"{lstm}.weight_hh_l0": (4 * units, units),
        f"{lstm}.bias_ih_l0": (4 * units,),
        f"{lstm}.bias_hh_l0": (4 * units,),
        f"{output}.weight": (CLASSES, units),
        f"{output}.bias": (CLASSES,),
    }
    return {name: rng.normal(0, 0.5, shape).astype(dtype) for name, shape in shapes.items()}


def features(**changes):
    """Return the arrays of a feature file; None as a change leaves an array out."""
    rng = np.random.default_rng(8)
    arrays = {
        "format": np.array("archsim-features/1"),
        "features": rng.integers(-127, 128, (SEQUENCES, TIMESTEPS, INPUTS)).astype(np.int8),
        "labels": rng.integers(0, CLASSES, SEQUENCES),
        "classes": np.array(["a", "b", "c"]),
        "names": np.array([f"n{n}" for n in range(SEQUENCES)]),
        "synthetic": np.array(True),
        "description": np.array("random"),
        **changes,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def write_small_run(folder: Path) -> Path:
    """Write the configuration and every file that it names; return the configuration's path."""
    save_file(tensors(), folder / "weights.safetensors")
    np.savez_compressed(folder / "features.npz", **features())
    shutil.copy(ROOT / "configs/components/cmos-16nm.yaml", folder / "library.yaml")
    path = folder / "small.yaml"
    path.write_text(CONFIG)
    return path
