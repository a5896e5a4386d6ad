"""A ramp converter as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

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


def ramp_report(ramp: Ramp) -> RenderableType:
    """Return a table with a row a step: its code and level, where it begins, its ramp cell."""
    table = Table(title=f"{ramp.function}, {ramp.bits} bits", title_justify="left")
    for name in ("step", "code", "level y", "from x", "ramp cell (uS)", "ramp after it, x"):
        table.add_column(name, justify="right")
    rows = zip(ramp.step_code, ramp.cell, ramp.position, strict=True)
    for step, (code, cell, position) in enumerate(rows):
        if step in ramp.branches[1:]:
            table.add_section()
        lower = f"{ramp.theta[step - 1]:.5f}" if step else "-inf"
        numbers = (f"{ramp.level[code]:.5f}", lower, f"{cell * 1e6:.3f}", f"{position + 1e-12:.5f}")
        table.add_row(str(step), str(code), *numbers)
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
    return Group(table, Text(note), Text(assumed))
