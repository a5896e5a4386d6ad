"""The benchmark's results as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from textwrap import fill
from typing import Any

from archsim.bench.aims import Bound, Figure
from archsim.bench.limits import Limits
from archsim.bench.machine import CORETYPE_VARIABLE, Machine
from archsim.bench.overhead import NOISE, Overheads
from archsim.bench.paired import REPEATS
from archsim.bench.sections import Bench, Section
from archsim.bench.speed import Case, Speed, case_name, kept
from archsim.bench.start import Start
from archsim.bench.tracefile import TraceFile
from archsim.report.table import Cell, Column, Line, Part, Report, Table, Value, number, table

WIDTH = 100
"""Columns that the tables take at most."""

_SIGNS = {Bound.AT_MOST: "<=", Bound.AT_LEAST: ">="}
_WORDS = {"network", "recorded", "what", "command", "bound by", "met"}
_NOT_HELD = " NumPy's threads are not held (install threadpoolctl)."
_EMPTY = Line("")
_MET = {True: "yes", False: "NO", None: ""}


def bench_report(bench: Bench) -> Report:
    """Return a table or two for each section, and how many aims are met."""
    parts: list[Part] = [*_machine(bench)]
    for section, result in bench.results.items():
        parts += [_EMPTY, *_TABLES[section](result)]
    return Report((*parts, _EMPTY, *_verdict(bench)))


def _machine(bench: Bench) -> Iterable[Part]:
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


def _verdict(bench: Bench) -> Iterable[Part]:
    """Yield a table of all figures that have an aim."""
    claims = list(bench.claims())
    if not claims:
        return
    met = sum(bool(claim.figure.met) for claim in claims)
    rows = []
    for claim in claims:
        value, aim, verdict = _cells(claim.figure)
        shown = replace(value, text=f"{value.text} {claim.unit}".rstrip(), unit=claim.unit or "1")
        rows.append((claim.what, shown, aim, verdict))
    yield _table(f"aims: {met} of {len(claims)} met", ("what", "value", "aim", "met"), rows)


def _speed(speed: Speed) -> Iterable[Part]:
    yield _table(
        "speed: one timestep of an LSTM layer, every tile and clock cycle simulated",
        ("network", "batch", "threads", "recorded", "us", "NumPy us", "ratio", "aim", "met"),
        _by_network(
            speed.cases,
            lambda case: (
                number(case.batch, ""),
                number(case.threads, ""),
                case.recording,
                _us(case.timestep_us),
                _us(case.numpy_us),
                *_cells(case.ratio),
            ),
        ),
    )
    held = "" if speed.threads_limited else _NOT_HELD
    yield _note(
        f"Medians of {REPEATS} pairs, timed in turn in one process. NumPy: a float32 LSTM step of "
        f"the same size with as many threads; two of those go on spinning after a product and take "
        f"a core from ours.{held}"
    )
    yield _note(_sizes_and_kernels(speed.cases))
    yield _EMPTY
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


def _rates(speed: Speed) -> Iterable[Part]:
    rows: list[tuple[Cell, ...] | None] = []
    for case, name in _named([case for case in speed.cases if case.threads == 1]):
        if name and rows:
            rows.append(None)
        what = case_name(case.network, case.batch, case.recording)
        rows.append((what, *_cells(case.tile_cycles_per_s)))
    columns = ("what", "value", "aim", "met")
    yield from (_table("speed: tile-cycles a second, one thread", columns, rows), _EMPTY)
    yield _table(
        "speed: two threads, timesteps of all sequences",
        ("what", "us of one", "us of two", "times as fast", "aim", "met"),
        [
            (
                f"{gain.network}, {gain.sequences} sequences, {kept(gain.recording)}",
                _us(gain.one_us),
                _us(gain.two_us),
                *_cells(gain.gain),
            )
            for gain in speed.gains
        ],
    )
    cores = " and ".join(f"{gain.cores:.2f}" for gain in speed.gains)
    yield _note(
        "Two plain loops that share nothing were, right after each, "
        f"{cores} times as fast in two threads: less than 2 where the machine had other work."
    )


def _overheads(title: str, note: str) -> Callable[[Overheads], Iterable[Part]]:
    """Return what makes the table of a section of overheads."""

    def tables(overheads: Overheads) -> Iterable[Part]:
        columns = ("network", "batch", "recorded", "us with", "us without", "ratio", "aim", "met")
        yield _table(
            title,
            columns,
            [
                (
                    case.network,
                    number(case.batch, ""),
                    case.recording,
                    _us(case.with_us),
                    _us(case.without_us),
                    *_cells(case.ratio),
                )
                for case in overheads.cases
            ],
        )
        yield _note(note)

    return tables


def _limits(limits: Limits) -> Iterable[Part]:
    columns = ("network", "batch", "recorded", "read", "multiply", "write", "bound by", "measured")
    yield _table(
        "limits: what a timestep has to do, at this machine's rates with one thread, us",
        (*columns, "used"),
        [
            (
                case.network,
                number(case.batch, ""),
                case.recording,
                _us(case.read_us, ",.2f"),
                _us(case.macs_us, ",.2f"),
                _us(case.write_us, ",.2f"),
                case.bound,
                _us(case.measured_us, ",.2f"),
                number(case.fraction, ".0%"),
            )
            for case in limits.cases
        ],
    )
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


def _file(file: TraceFile) -> Iterable[Part]:
    yield _table(
        f"file: cycles of all tiles and units in a trace ({file.network}, {file.sequences} "
        "sequences)",
        ("command", "s with", "s without", "ratio", "aim", "met"),
        [
            (
                name,
                number(times.with_s, ".2f", "s"),
                number(times.without_s, ".2f", "s"),
                *_cells(times.ratio),
            )
            for name, times in (
                ("archsim run, start-up included", file.command),
                ("the simulation alone, in this process", file.simulation),
            )
        ],
    )
    rate = "in no time that could be measured"
    if file.mib_per_s:
        share = file.mib_per_s / file.plain_mib_per_s
        rate = f"at {file.mib_per_s:,.0f} MiB/s, {share:.0%} of that"
    yield _note(
        f"Trace: {file.mib:,.1f} MiB. Plain writing of as many bytes into the same folder goes at "
        f"{file.plain_mib_per_s:,.0f} MiB/s; the trace is made and written {rate} (its size over "
        "what it adds to the simulation alone). Neither waits for the disk."
    )


def _start(start: Start) -> Iterable[Part]:
    def seconds(value: float) -> tuple[Cell, ...]:
        return (number(value, ".2f", "s"), "", "")

    yield _table(
        "start: from the prompt to the prompt",
        ("command", "s", "aim", "met"),
        [
            ("archsim --help", *seconds(start.help_s)),
            (f"archsim validate {start.config}", *seconds(start.validate_s)),
            (f"archsim run {start.config}, second start", *_cells(start.run_s)),
            ("  of it importing Numba, loading kernels", *seconds(start.load_s)),
            ("  of it waiting for kernels", *_cells(start.kernels_s)),
            ("archsim run, first start, once", *seconds(start.first.seconds)),
            ("  of it compiling", *seconds(start.first.compile_s)),
        ],
    )
    yield _note(
        f"Medians; the first start compiled {start.first.kernels} functions, and ran "
        "on a cache of its own."
    )


_TABLES: dict[Section, Callable[[Any], Iterable[Part]]] = {
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


def in_three_digits(value: float) -> str:
    """Write a figure with about three digits."""
    if value >= 1e6:
        return f"{value / 1e6:,.1f} M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _us(value: float, form: str = ",.1f") -> Value:
    """Return microseconds."""
    return number(value / 1e6, form, "s", scale=1e6)


def _cells(figure: Figure) -> tuple[Value, str, str]:
    """Return a figure, its aim, and whether it is met."""
    value = Value(in_three_digits(figure.value), figure.value)
    return value, _aim(figure), _MET[figure.met]


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    aim = f"{figure.aim:g}" if figure.aim < 1e6 else f"{figure.aim / 1e6:g} M"
    return f"{_SIGNS[figure.bound]} {aim}"


def _by_network(
    cases: Iterable[Any], cells: Callable[[Any], tuple[Cell, ...]]
) -> Iterable[tuple[Cell, ...] | None]:
    """Yield a row a case, those of a network together."""
    begun = False
    for case, name in _named(cases):
        if name and begun:
            yield None
        begun = True
        yield (case.network, *cells(case))


def _named(cases: Iterable[Any]) -> Iterable[tuple[Any, str]]:
    """Yield cases with the network's name where it is another than in the row above."""
    last = ""
    for case in cases:
        yield case, case.network if case.network != last else ""
        last = case.network


def _table(title: str, columns: Sequence[str], rows: Iterable[tuple[Cell, ...] | None]) -> Table:
    """Return a table; words are on the left of their columns, numbers on the right."""
    heads = [
        Column(name, name, right=name not in _WORDS, once=name == "network") for name in columns
    ]
    return table(title, heads, rows, width=len(title))


def _note(text: str) -> Line:
    return Line(fill(text, WIDTH))
