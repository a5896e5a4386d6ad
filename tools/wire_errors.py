"""Print how far the approximation of resistive wires is from the exact solution.

    python tools/wire_errors.py [--sizes 64x128,256x256] [--resistances 0.1,1,10]

The tables of docs/wires.md. Needs SciPy (pip install 'archsim[exact]') and a few minutes, most of
them for the exact solutions of the largest arrays.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.wires import effective_conductance
from archsim.chip.wires_exact import exact_effective_conductance

Matrix = NDArray[np.float64]

G_MAX = 150e-6
"""Largest conductance of a cell, S."""

SIZES = ((16, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256))
RESISTANCES = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
RANDOM_DRIVES = 20


def uniform_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Draw every cell uniformly from [0, G_MAX]."""
    return G_MAX * rng.random((rows, columns))


def weight_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Put normal weights on differential pairs, one side of each at G_MAX / 100."""
    weight = np.clip(rng.normal(0.0, 0.3, (rows, columns // 2)), -1.0, 1.0)
    pairs = np.stack((np.maximum(weight, 0.0), np.maximum(-weight, 0.0)), axis=2)
    return G_MAX * np.maximum(pairs.reshape(rows, -1), 0.01)


def sparse_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Put one cell in ten at G_MAX, the others at zero."""
    return G_MAX * (rng.random((rows, columns)) < 0.1)


def top_rows_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Leave the lower half of the rows unused."""
    return uniform_array(rows, columns, rng) * (np.arange(rows) < rows // 2)[:, None]


def right_columns_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Leave the left half of the columns unused."""
    return uniform_array(rows, columns, rng) * (np.arange(columns) >= columns // 2)


def block_diagonal_array(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Use two blocks on the diagonal and leave the other two empty."""
    same = (np.arange(rows) < rows // 2)[:, None] == (np.arange(columns) < columns // 2)
    return uniform_array(rows, columns, rng) * same


ARRAYS: dict[str, Callable[[int, int, np.random.Generator], Matrix]] = {
    "uniform": uniform_array,
    "weights on pairs": weight_array,
    "one cell in ten": sparse_array,
    "upper rows only": top_rows_array,
    "right columns only": right_columns_array,
    "block diagonal": block_diagonal_array,
}


def drive_patterns(rows: int, rng: np.random.Generator) -> Matrix:
    """Return drives (drives, rows) in units of V_read: all on, halves, random and signed ones."""
    upper = (np.arange(rows) < rows // 2).astype(np.float64)
    shape = (RANDOM_DRIVES, rows)
    return np.concatenate(
        (
            np.ones((1, rows)),
            np.stack((upper, 1.0 - upper)),
            rng.choice([0.0, 1.0], shape),
            rng.choice([-1.0, 1.0], shape),
            rng.choice([-1.0, 0.0, 1.0], shape),
        )
    )


@dataclass(frozen=True)
class WireErrors:
    """Largest error of a column current, as parts of two full scales.

    Attributes
    ----------
    of_ideal : float
        Over the largest column current without wire resistance, of the same drive.
    of_actual : float
        Over the largest column current with wire resistance, of the same drive.
    """

    of_ideal: float
    of_actual: float


def wire_errors(g: Matrix, effective: Matrix, *, exact: Matrix) -> WireErrors:
    """Compare effective conductances with the exact ones over all drive patterns."""
    drives = drive_patterns(len(g), np.random.default_rng(2))
    error = np.abs(drives @ (effective - exact)).max(axis=1)
    scales = (np.abs(drives @ g).max(axis=1), np.abs(drives @ exact).max(axis=1))
    return WireErrors(*(float((error[s > 0] / s[s > 0]).max()) for s in scales))


def measure(name: str, rows: int, columns: int, ohms: float) -> tuple[WireErrors, WireErrors]:
    """Return the errors of ignoring the wires and of the approximation, for equal resistances."""
    g = ARRAYS[name](rows, columns, np.random.default_rng(1))
    exact = exact_effective_conductance(g, r_row=ohms, r_column=ohms)
    fast = effective_conductance(g, r_row=ohms, r_column=ohms)
    return wire_errors(g, g, exact=exact), wire_errors(g, fast, exact=exact)


def print_table(title: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table with a title."""
    print(f"\n{title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" + " ---: |" * (len(head) - 1))
    for line in lines:
        print("| " + " | ".join(line) + " |")


def percent(value: float) -> str:
    """Return a part as per cent, with two digits where it is small."""
    return f"{100 * value:.2g}" if value < 0.095 else f"{100 * value:.0f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sizes", default=",".join(f"{r}x{c}" for r, c in SIZES))
    parser.add_argument("--resistances", default=",".join(str(r) for r in RESISTANCES))
    options = parser.parse_args(arguments)
    sizes = [tuple(int(n) for n in size.split("x")) for size in options.sizes.split(",")]
    ohms = [float(value) for value in options.resistances.split(",")]
    cases = {f"{rows} x {columns}": ("uniform", rows, columns) for rows, columns in sizes}
    cases |= {f"64 x 128, {name}": (name, 64, 128) for name in ARRAYS if name != "uniform"}
    measured = {label: [measure(*case, ohm) for ohm in ohms] for label, case in cases.items()}
    head = ["rows x bit lines", *(f"{value:g} ohm" for value in ohms)]
    for title, column, scale in (
        ("Wires ignored, % of the largest ideal current", 0, "of_ideal"),
        ("Approximation, % of the largest ideal current", 1, "of_ideal"),
        ("Approximation, % of the largest actual current", 1, "of_actual"),
    ):
        lines = [
            [label, *(percent(getattr(pair[column], scale)) for pair in pairs)]
            for label, pairs in measured.items()
        ]
        print_table(title, head, lines)


if __name__ == "__main__":
    main()
