"""Networks whose hidden values exceed 1, for tests of ranges and clipping."""

from __future__ import annotations

import numpy as np

from tests.small_run import CLASSES, INPUTS, UNITS, tensors

ELEMENTS = 3
PROJECTED = ("network.layers.0.projection=3", "network.layers.0.projection_range=[-8, 8]")
FINE = ("adc.bits=8", "tile.input_bits=6", "network.layers.1.input_range=auto")
LINEARS = (
    "network.layers=[{kind: linear, name: hidden, units: 5, timesteps: all},"
    " {kind: linear, name: output, units: 3, input_range: auto}]"
)


def projected_tensors(*, scale=1.0):
    """Return weights with |h| up to 3.3; a scale leaves the same function with |h| / scale."""
    rng = np.random.default_rng(0)
    changes = {
        "lstm.weight_hh_l0": rng.normal(0, 0.5, (4 * UNITS, ELEMENTS)) * scale,
        "lstm.weight_hr_l0": rng.normal(0, 3, (ELEMENTS, UNITS)) / scale,
        "output.weight": rng.normal(0, 0.5, (CLASSES, ELEMENTS)) * scale,
    }
    return tensors() | {name: value.astype(np.float32) for name, value in changes.items()}


def linear_tensors():
    """Return weights of two linear layers with hidden values up to 5."""
    rng = np.random.default_rng(0)
    shapes = {"hidden": (5, INPUTS), "output": (CLASSES, 5)}
    weights = {f"{n}.weight": rng.normal(0, 1.5, shape) for n, shape in shapes.items()}
    biases = {f"{n}.bias": rng.normal(0, 0.5, shape[:1]) for n, shape in shapes.items()}
    return {name: value.astype(np.float32) for name, value in (weights | biases).items()}
