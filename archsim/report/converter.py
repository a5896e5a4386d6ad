"""A ramp converter as a table and as JSON."""

from __future__ import annotations

from typing import Any

from archsim.report.table import Cell, Column, Report, Value, number, report, table
from archsim.transfer.ramp import Ramp


def ramp_to_json(ramp: Ramp) -> dict[str, Any]:
    """Return the object that ``archsim adc --json`` prints."""
    return {
        "function": ramp.function,
        "bits": ramp.bits,
        "levels": ramp.level.tolist(),
        "thresholds": ramp.theta.tolist(),
        "step_codes": ramp.step_code.tolist(),
        "branches": list(ramp.branches),
        "ramp_cells_s": ramp.cell.tolist(),
        "bias_cells_s": ramp.bias.tolist(),
        "start": ramp.start,
        "full_scale": float(ramp.position[-1]),
        "input_per_siemens": ramp.x_per_siemens,
    }


def ramp_report(ramp: Ramp) -> Report:
    """Return a table with a row a step: its code and level, where it begins, its ramp cell."""
    headings = {
        "step": "step",
        "code": "code",
        "level": "level y",
        "from": "from x",
        "cell": "ramp cell (uS)",
        "position": "ramp after it, x",
    }
    rows: list[tuple[Cell, ...] | None] = []
    steps = zip(ramp.step_code.tolist(), ramp.cell.tolist(), ramp.position.tolist(), strict=True)
    for step, (code, cell, position) in enumerate(steps):
        if step in ramp.branches[1:]:
            rows.append(None)
        begins = float(ramp.theta[step - 1]) if step else None
        rows.append(
            (
                number(step, ""),
                number(code, ""),
                number(float(ramp.level[code]), ".5f"),
                Value("-inf", None) if begins is None else number(begins, ".5f"),
                number(cell, ".3f", "S", scale=1e6),
                number(position + 1e-12, ".5f"),
            )
        )
    bias = ramp.bias.sum() * 1e6
    low, high = ramp.x_range
    assumed = (
        f"largest ramp cell {ramp.cell.max() * 1e6:.4g} uS; made for inputs from {low:.4g} to "
        f"{high:.4g}"
    )
    note = (
        f"{ramp.bias.size} bias cells, {bias:.3f} uS together, start the ramp at {ramp.start:.5f}; "
        f"1 uS moves it by {ramp.x_per_siemens * 1e-6:.6f} in x"
    )
    columns = [Column(key, heading, right=True) for key, heading in headings.items()]
    return report(table(f"{ramp.function}, {ramp.bits} bits", columns, rows), note, assumed)
