"""The benchmark's results as tables."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.bench.paired import REPEATS
from archsim.bench.speed import Speed


def speed_report(speed: Speed) -> RenderableType:
    """Return a table with a row a case."""
    table = Table(title="one timestep of an LSTM layer, cycle accurate", title_justify="left")
    table.add_column("network")
    for name in ("batch", "threads"):
        table.add_column(name, justify="right")
    table.add_column("recorded")
    table.add_column("kernel")
    for name in ("us a step", "NumPy us", "ratio", "tile-cycles/s"):
        table.add_column(name, justify="right")
    last = ""
    for case in speed.cases:
        if last and case.network != last:
            table.add_section()
        table.add_row(
            f"{case.network} {case.rows} x {case.columns}" if case.network != last else "",
            str(case.batch),
            str(case.threads),
            case.recording,
            case.kernel,
            f"{case.timestep_us:,.1f}",
            f"{case.numpy_us:,.1f}",
            f"{case.ratio:.3f}",
            f"{case.tile_cycles_per_s:,.0f}",
        )
        last = case.network
    held = "" if speed.threads_limited else "; its threads are not held (install threadpoolctl)"
    note = (
        f"medians of {REPEATS} pairs in one process; NumPy {speed.numpy_version}: a float32 LSTM "
        f"step of the same size and number of threads{held}; peak memory "
        f"{speed.peak_mib:,.0f} MiB; two threads are {speed.two_threads:.2f} times as fast as one, "
        "NumPy's threads at rest"
    )
    return Group(table, Text(note))
