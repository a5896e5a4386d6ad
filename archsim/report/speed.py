"""The benchmark's results as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from textwrap import fill
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from archsim.bench.aims import Bound, Figure
from archsim.bench.limits import Limits
from archsim.bench.machine import CORETYPE_VARIABLE, Machine
from archsim.bench.overhead import NOISE, Overheads
from archsim.bench.paired import REPEATS
from archsim.bench.sections import Bench, Section
from archsim.bench.speed import Case, Speed, case_name, kept
from archsim.bench.start import Start
from archsim.bench.tracefile import TraceFile

WIDTH = 100
"""Columns that the tables take at most."""

_SIGNS = {Bound.AT_MOST: "<=", Bound.AT_LEAST: ">="}
_WORDS = {"network", "recorded", "what", "command", "bound by", "met"}
_NOT_HELD = " NumPy's threads are not held (install threadpoolctl)."
_MET = {True: "yes", False: "NO", None: ""}


def bench_report(bench: Bench) -> RenderableType:
    """Return a table or two for each section, and how many aims are met."""
    parts: list[RenderableType] = [*_machine(bench)]
    for section, result in bench.results.items():
        parts += ["", *_TABLES[section](result)]
    return Group(*parts, "", *_verdict(bench))


def _machine(bench: Bench) -> Iterable[RenderableType]:
    """Yield what the benchmark ran on."""
    machine: Machine = bench.machine
    yield _note(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load:.2f} before; {machine.date}"
    )
    yield _note(
        f"Python {machine.python}, Numba {machine.numba}, NumPy {machine.numpy} with "
        f"{machine.blas}; peak memory {bench.peak_mib:,.0f} MiB"
    )
    if machine.coretype:
        yield _note(
            f"{CORETYPE_VARIABLE}={machine.coretype} is set: NumPy is held to that kernel, and may "
            "be faster without; ratios to it are those of this setting"
        )


def _verdict(bench: Bench) -> Iterable[RenderableType]:
    """Yield a table of all figures that have an aim."""
    claims = list(bench.claims())
    if not claims:
        return
    met = sum(bool(claim.figure.met) for claim in claims)
    table = _table(f"aims: {met} of {len(claims)} met", "what", "value", "aim", "met")
    for claim in claims:
        value, aim, verdict = _cells(claim.figure)
        table.add_row(claim.what, f"{value} {claim.unit}".rstrip(), aim, verdict)
    yield table


def _speed(speed: Speed) -> Iterable[RenderableType]:
    table = _table(
        "speed: one timestep of an LSTM layer, every tile and clock cycle simulated",
        *("network", "batch", "threads", "recorded", "us", "NumPy us", "ratio", "aim", "met"),
    )
    for case, name in _named(speed.cases):
        if name and table.row_count:
            table.add_section()
        table.add_row(
            name,
            str(case.batch),
            str(case.threads),
            case.recording,
            f"{case.timestep_us:,.1f}",
            f"{case.numpy_us:,.1f}",
            *_cells(case.ratio),
        )
    yield table
    held = "" if speed.threads_limited else _NOT_HELD
    yield _note(
        f"Medians of {REPEATS} pairs, timed in turn in one process. NumPy: a float32 LSTM step of "
        f"the same size with as many threads; two of those go on spinning after a product and take "
        f"a core from ours.{held}"
    )
    yield _note(_sizes_and_kernels(speed.cases))
    yield ""
    yield from _rates(speed)


def _sizes_and_kernels(cases: Sequence[Case]) -> str:
    """Return how large the networks are, and which kernel ran in which cases."""
    sizes = {case.network: f"{case.rows} x {case.columns} gates" for case in cases}
    kernels: dict[str, dict[str, None]] = {}
    for case in cases:
        kernels.setdefault(case.kernel, {})[case.recording] = None
    parts = [f"{name}: {size}" for name, size in sizes.items()]
    for kernel, which in kernels.items():
        how = kernel.replace("cycles: ", "cycle by cycle, because ")
        parts.append(f"kernel for {', '.join(which)}: {how}")
    return "; ".join(parts)


def _rates(speed: Speed) -> Iterable[RenderableType]:
    table = _table("speed: tile-cycles a second, one thread", "what", "value", "aim", "met")
    for case, name in _named(speed.cases):
        if case.threads == 1:
            if name and table.row_count:
                table.add_section()
            what = case_name(case.network, case.batch, case.recording)
            table.add_row(what, *_cells(case.tile_cycles_per_s))
    yield from (table, "")
    table = _table(
        "speed: two threads, timesteps of all sequences",
        *("what", "us of one", "us of two", "times as fast", "aim", "met"),
    )
    for gain in speed.gains:
        table.add_row(
            f"{gain.network}, {gain.sequences} sequences, {kept(gain.recording)}",
            f"{gain.one_us:,.1f}",
            f"{gain.two_us:,.1f}",
            *_cells(gain.gain),
        )
    yield table
    cores = " and ".join(f"{gain.cores:.2f}" for gain in speed.gains)
    yield _note(
        "Two plain loops that share nothing were, right after each, "
        f"{cores} times as fast in two threads: less than 2 where the machine had other work."
    )


def _overheads(title: str, note: str) -> Callable[[Overheads], Iterable[RenderableType]]:
    """Return what makes the table of a section of overheads."""

    def tables(overheads: Overheads) -> Iterable[RenderableType]:
        columns = ("network", "batch", "recorded", "us with", "us without", "ratio", "aim", "met")
        table = _table(title, *columns)
        for case, name in _named(overheads.cases):
            table.add_row(
                name,
                str(case.batch),
                case.recording,
                f"{case.with_us:,.1f}",
                f"{case.without_us:,.1f}",
                *_cells(case.ratio),
            )
        yield table
        yield _note(note)

    return tables


def _limits(limits: Limits) -> Iterable[RenderableType]:
    table = _table(
        "limits: what a timestep has to do, at this machine's rates with one thread, us",
        *("network", "batch", "recorded", "read", "multiply", "write", "bound by", "measured"),
        "used",
    )
    for case, name in _named(limits.cases):
        table.add_row(
            name,
            str(case.batch),
            case.recording,
            f"{case.read_us:,.2f}",
            f"{case.macs_us:,.2f}",
            f"{case.write_us:,.2f}",
            case.bound,
            f"{case.measured_us:,.2f}",
            f"{case.fraction:.0%}",
        )
    yield table
    held = "" if limits.threads_limited else _NOT_HELD
    yield _note(
        "read: two bytes a cell; write: the record's bytes; both at the rate of a loop over a "
        "buffer of that size, in the cache that holds it. multiply: NumPy's float32 product of "
        f"matrices, {limits.macs_per_s / 1e9:,.1f} billion multiply-accumulates/s. The longest of "
        "the three is the bound; codes, activity, energies and the LSTM's arithmetic come on top. "
        f"used: the bound over the measured time.{held}"
    )
    for case in limits.cases:
        if case.written_bytes:
            yield _note(
                f"{case.network}, batch {case.batch}: "
                f"cells {_moved(case.read_bytes, case.read_us)}, "
                f"record {_moved(case.written_bytes, case.write_us)}"
            )


def _moved(size: float, microseconds: float) -> str:
    return f"{size / 1e3:,.0f} kB at {size / microseconds / 1e3:,.0f} GB/s"


def _file(file: TraceFile) -> Iterable[RenderableType]:
    table = _table(
        f"file: cycles of all tiles and units in a trace ({file.network}, {file.sequences} "
        "sequences)",
        *("command", "s with", "s without", "ratio", "aim", "met"),
    )
    for name, times in (
        ("archsim run, start-up included", file.command),
        ("the simulation alone, in this process", file.simulation),
    ):
        table.add_row(name, f"{times.with_s:.2f}", f"{times.without_s:.2f}", *_cells(times.ratio))
    yield table
    rate = "in no time that could be measured"
    if file.mib_per_s:
        share = file.mib_per_s / file.plain_mib_per_s
        rate = f"at {file.mib_per_s:,.0f} MiB/s, {share:.0%} of that"
    yield _note(
        f"Trace: {file.mib:,.1f} MiB. Plain writing of as many bytes into the same folder goes at "
        f"{file.plain_mib_per_s:,.0f} MiB/s; the trace is made and written {rate} (its size over "
        "what it adds to the simulation alone). Neither waits for the disk."
    )


def _start(start: Start) -> Iterable[RenderableType]:
    table = _table("start: from the prompt to the prompt", "command", "s", "aim", "met")
    table.add_row("archsim --help", f"{start.help_s:.2f}", "", "")
    table.add_row(f"archsim validate {start.config}", f"{start.validate_s:.2f}", "", "")
    table.add_row(f"archsim run {start.config}, second start", *_cells(start.run_s))
    table.add_row("  of it importing Numba, loading kernels", f"{start.load_s:.2f}", "", "")
    table.add_row("  of it waiting for kernels", *_cells(start.kernels_s))
    table.add_row("archsim run, first start, once", f"{start.first.seconds:.2f}", "", "")
    table.add_row("  of it compiling", f"{start.first.compile_s:.2f}", "", "")
    yield table
    yield _note(
        f"Medians; the first start compiled {start.first.kernels} functions, and ran "
        "on a cache of its own."
    )


_TABLES: dict[Section, Callable[[Any], Iterable[RenderableType]]] = {
    Section.SPEED: _speed,
    Section.RECORDING: _overheads(
        "recording: a timestep with every cycle recorded, and with nothing recorded",
        "Activity and energy of every cycle and component; nothing is written to a file.",
    ),
    Section.NOISE: _overheads(
        f"noise: a timestep with {NOISE:.0%} read noise of every device, and without any",
        "The same is recorded with noise and without.",
    ),
    Section.LIMITS: _limits,
    Section.FILE: _file,
    Section.START: _start,
}


def number(value: float) -> str:
    """Write a figure with about three digits."""
    if value >= 1e6:
        return f"{value / 1e6:,.1f} M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _cells(figure: Figure) -> tuple[str, str, str]:
    """Return a figure, its aim, and whether it is met."""
    return number(figure.value), _aim(figure), _MET[figure.met]


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    aim = f"{figure.aim:g}" if figure.aim < 1e6 else f"{figure.aim / 1e6:g} M"
    return f"{_SIGNS[figure.bound]} {aim}"


def _named(cases: Iterable[Any]) -> Iterable[tuple[Any, str]]:
    """Yield cases with the network's name where it is another than in the row above."""
    last = ""
    for case in cases:
        yield case, case.network if case.network != last else ""
        last = case.network


def _table(title: str, *columns: str) -> Table:
    """Return an empty table; words are on the left of their columns, numbers on the right."""
    table = Table(title=title, title_justify="left", min_width=len(title))
    for name in columns:
        table.add_column(name, justify="left" if name in _WORDS else "right")
    return table


def _note(text: str) -> Text:
    return Text(fill(text, WIDTH))
