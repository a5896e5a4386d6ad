"""Compare the simulated codes of a run with an independent float64 computation, code for code.

From the same conductances and the same input codes, every code is computed again as a designer
would on paper: matrix product, function, nearest level, in float64; row blocks that convert by
themselves have their codes added up. The two may differ only where a value lies within one charge
quantum of a threshold; such cases are counted and printed.

    python tools/check_codes.py configs/kws.yaml [KEY=VALUE ...]

Exits with 1 if any code differs elsewhere. The device has to be ideal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank
from archsim.chip.layers.signal import Recorder
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.config.load import load_config
from archsim.network.activations import get_activation
from archsim.simulation.prepare import prepare


@dataclass(frozen=True)
class Comparison:
    """How a layer's codes compare: all of them, those near a threshold, those that differ."""

    layer: str
    codes: int
    near: int
    differ_near: int
    differ: int

    def __str__(self) -> str:
        """Return the line that is printed."""
        return (
            f"{self.layer}: {self.codes:,} codes; {self.near:,} values within one charge "
            f"quantum of a threshold, of which {self.differ_near:,} differ; elsewhere "
            f"{self.differ:,} differ"
        )


def nearest_codes(bank: Bank, drive: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return codes (vectors, columns) from float64, and which lie within a quantum of a threshold.

    Parameters
    ----------
    bank : Bank
        Gives conductances and scale; its integer thresholds are not used.
    drive : int (vectors, rows)
        Signed pulse widths.
    """
    charge = drive.astype(np.float64) @ bank.arrays.difference.astype(np.float64)
    x = charge / bank.scale.quanta_per_unit
    code = np.empty(x.shape, dtype=np.int64)
    near = np.empty(x.shape, dtype=np.bool_)
    for index, ramp in enumerate(bank.ramps):
        mine = bank.arrays.readout.ramp_of_column[0] == index
        y = get_activation(ramp.function).value(np.clip(x[:, mine], *ramp.x_range))
        step = ramp.level[1] - ramp.level[0]
        nearest = np.floor((y - ramp.level[0]) / step + 0.5)
        code[:, mine] = np.clip(nearest, 0, ramp.level.size - 1).astype(np.int64)
        threshold = ramp.theta * bank.scale.quanta_per_unit
        above = np.searchsorted(threshold, charge[:, mine]).clip(1, threshold.size - 1)
        gap = np.minimum(
            np.abs(charge[:, mine] - threshold[above]),
            np.abs(charge[:, mine] - threshold[above - 1]),
        )
        near[:, mine] = gap <= 1.0
    return code, near


def codes_of_layer(
    matrix: MappedMatrix, drive: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return what `nearest_codes` does for all columns of a layer (vectors, columns)."""
    shape = (drive.shape[0], matrix.arrays.columns)
    code, near = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    for bank in matrix.banks:
        rows = drive[:, bank.first_input : bank.first_input + bank.rows]
        more, close = nearest_codes(bank, rows)
        code[:, bank.column] += more
        near[:, bank.column] |= close
    return code, near


def compare(config: str, overrides: Sequence[str] = ()) -> list[Comparison]:
    """Run a configuration and compare every tile layer's codes."""
    chip, data = prepare(load_config(config, overrides))
    signal = chip.encode(data.inputs)
    full = 2**chip.config.tile.input_bits - 1
    results = []
    for layer in chip.layers:
        recorder = Recorder(np.full(len(data), -1), 0, waveforms=False)
        result = layer.run(signal, recorder)
        if layer.matrices:
            matrix = layer.matrices[0]
            inputs = max(bank.first_input + bank.rows for bank in matrix.banks)
            code = result.outputs["code"]
            drive = signal.drive[:, -code.shape[1] :]
            if inputs > drive.shape[2] + 1:  # a recurrent layer: h of the timestep before
                h = np.zeros_like(result.signal.drive)
                h[:, 1:] = result.signal.drive[:, :-1]
                drive = np.concatenate([drive, h], axis=2)
            bias = np.full((*drive.shape[:2], 1), full)
            rows = np.concatenate([drive, bias], axis=2).reshape(-1, inputs)
            expected, near = codes_of_layer(matrix, rows)
            differ = code.reshape(expected.shape) != expected
            results.append(
                Comparison(
                    layer.name,
                    differ.size,
                    int(near.sum()),
                    int((differ & near).sum()),
                    int((differ & ~near).sum()),
                )
            )
        signal = result.signal
    return results


def main() -> int:
    """Compare, print, and return the exit code."""
    results = compare(sys.argv[1], sys.argv[2:])
    for result in results:
        print(result)
    return int(any(result.differ for result in results))


if __name__ == "__main__":
    sys.exit(main())
