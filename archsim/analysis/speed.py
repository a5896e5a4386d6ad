"""The benchmark's result as a table."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.bench import REPEATS, Speed


def speed_report(speed: Speed) -> RenderableType:
    """Return a table with a row a tile."""
    table = Table(title="one conversion of one tile, a clock cycle at a time", title_justify="left")
    for name in (
        "tile",
        "bits in/out",
        "cycles",
        "us a timestep",
        "tile-cycles/s",
        "NumPy float32 us",
        "ratio",
    ):
        table.add_column(name, justify="right")
    for tile in speed.tiles:
        table.add_row(
            f"{tile.rows} x {tile.columns}",
            f"{tile.input_bits}/{tile.bits}",
            str(tile.cycles),
            f"{tile.conversion_us:.1f}",
            f"{tile.tile_cycles_per_s:,.0f}",
            f"{tile.numpy_us:.1f}",
            f"{tile.ratio:.1f}",
        )
    note = (
        f"medians of {REPEATS} runs in one process; ratio to NumPy {speed.numpy_version}'s "
        "vector-matrix product of the same size"
    )
    return Group(table, Text(note))
