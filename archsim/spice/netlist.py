"""Write a small tile as an ngspice netlist: one conversion, cycle by cycle, as archsim models it.

The circuit has what the simulator counts: resistors for memristors, a source a row, an integrator
with its feedback capacitor for every column and every ramp, a comparator and a latch a column. What
the simulator idealises is ideal here as well (op-amps, current mirrors, switches, comparators); the
charge, the ramp and the crossings come out of ngspice's solution of the circuit.

Names count as the tile counts: ``row_3`` and ``col_7`` are wordline 3 and differential column 7,
whichever of them were chosen. Edges of the rows and of the ramp's lines are centred on the edges of
the clock, so that the area of a pulse of m cycles is exactly ``m * T * V_read``. Everything is
plain SPICE with behavioural sources, for ngspice 39 and later; no XSPICE code model is needed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from archsim.errors import OutputError
from archsim.outputs import OutputKind, begins_with, check_output, first_bytes, target_of, writing
from archsim.spice.excerpt import Excerpt

EDGES_PER_PERIOD = 1000
"""A rise or fall takes the clock period over this."""

_PRELUDE = """\
*
* One conversion of a tile whose ramp converter computes an activation function while it
* digitises, as archsim models it. Run it in batch mode; it writes, beside this file,
* {table}
*
*     ngspice -b FILE.cir
*
* Phases of the conversion (one clock, period {period:g} s):
{phases}
*
* Table: one line a clock edge; line k after the first is the end of clock cycle k - 1.
* Its columns are named in its first line: ramps, then col, cmp and latch of every column.
*
* Nodes:
*   clp              clamp voltage V_CLP, what an integrator stands at with no charge
*   row_<i>          wordline i, driven at V_CLP + s V_read for m cycles
*   plus_<j> minus_<j>  bit lines of differential column j
*   col_<j>          integrator of column j
*   cell_<q>         line of ramp cell q of every ramp, driven in ramp cycle q
*   bias             line of the bias cells, driven in the last integrate cycle
*   ramp_<k>         integrator of ramp k
*   cmp_<j>          comparator of column j: 1 V where its ramp is above its column, else 0 V
*   latch_<j>        ramp cycle that the latch of column j holds: 1 V is ramp cycle 1
*
* Not in the circuit: noise, offsets, leak and clipping. What archsim computes for this drive
* without them (for a function that rises everywhere, a code is the number of its ramp cycle):
{expected}"""

_SUPPORT = """
* --- Clamp, logic level, clock and control signals ------------------------------------------
Vclp clp 0 {vclp}
Vone one 0 1
* The clock rises at every clock edge; it makes the edges time points of the simulation.
Vclk clk 0 PULSE(0 1 0 {tedge} {tedge} {tclk/2-tedge} {tclk})
* Reset: all integrators and latches are held; it ends just before the first rows rise.
Vreset reset 0 PWL(0 1 {t_int-2*tedge} 1 {t_int-tedge} 0)
* Strobe: comparators are sampled in the last moment of every ramp cycle (in readout as well, where
* nothing moves any more).
Vstrobe strobe 0 PULSE(0 1 {t_ramp+tclk-tedge} {tedge/4} {tedge/4} {tedge/2} {tclk})
* Switches of the latches charge 1 fF in a twentieth of an edge.
.param clatch=1f
.model latch_switch sw(vt=0.5 vh=0 ron={tedge/20/clatch} roff={tedge/clatch*5e8})"""

_INTEGRATOR = """
* --- Integrator -----------------------------------------------------------------------------
* Moves its output by (charge into plus - charge into minus) / c. The plus line is clamped by an
* ideal current mirror that takes its current out of the minus line; the minus line is the
* virtual ground of an ideal op-amp with feedback capacitor c. Reset shorts the capacitor.
.subckt integrator plus minus out clp reset c=1p
Vsense plus clp 0
Fmirror minus clp Vsense 1
Eamp out clp clp minus 1e6
Cfb minus out {c}
Sreset minus out reset 0 reset_switch
.model reset_switch sw(vt=0.5 vh=0 ron={tclk/50/c} roff={tclk/c*2e8})
.ends integrator"""

_LATCH = """
* --- Comparator and latch -------------------------------------------------------------------
* cmp is high while the ramp is above the column. trip is set by the first strobe that finds cmp
* high, and stays set. held follows the counter until trip is set: the ramp cycle of that moment.
.subckt latch ramp col cmp held count strobe reset one
Bcmp cmp 0 V = 0.5 + 0.5 * tanh(1e6 * (v(ramp) - v(col)))
Bset set 0 V = v(strobe) * v(cmp)
Sset one trip set 0 latch_switch
Sclear trip 0 reset 0 latch_switch
Ctrip trip 0 {clatch}
Shold count held one trip latch_switch
Cheld held 0 {clatch}
.ends latch"""


NETLIST = OutputKind("a netlist of archsim", begins_with(b"archsim: tile '"))

# What ngspice changes in the name of a folder, whatever one writes around it.
_NOT_FOR_NGSPICE = "`{}"


def check_netlist(path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Raise unless a netlist can be written, and ngspice can write its table beside it.

    Raises
    ------
    OutputError
        If one of the two would overwrite something else, or cannot be written.
    """
    table = table_path(path)
    check_output(path, NETLIST, inputs=inputs)
    if target_of(table) == target_of(path):
        msg = f"{path}: ngspice would overwrite it with its table of the same name"
        raise OutputError(f"{msg}: name it {path.with_suffix('.cir').name}")
    if odd := sorted(set(str(path.parent)) & set(_NOT_FOR_NGSPICE)):
        msg = f"{path}: ngspice cannot write into a folder with {' '.join(odd)} in its name"
        raise OutputError(f"{msg}: choose another --out")
    check_output(table, TABLE, inputs=inputs)


def write_netlist(part: Excerpt, path: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Write the netlist of one conversion; ngspice puts its table beside it.

    Parameters
    ----------
    part : Excerpt
        What to write; see `archsim.spice.excerpt`.
    path : Path
        File to write, such as ``tile.cir``; the table will be `table_path`, ``tile.txt``.
    inputs : iterable of Path
        What was read for it, and what is therefore not overwritten.

    Raises
    ------
    OutputError
        If the file cannot be written, or it or its table would overwrite something else.
    """
    check_netlist(path, inputs=inputs)
    with writing(path, NETLIST, inputs=inputs) as draft:
        draft.write_text(netlist(part, table=table_path(path).name), encoding="ascii")


def table_path(path: Path) -> Path:
    """Return where ngspice puts the table of a netlist: beside it, wherever ngspice is started."""
    return path.with_name(re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem) + ".txt")


def command_of(path: Path) -> str:
    """Return the command that runs ngspice on a netlist, quoted for a shell."""
    named = path if path.is_absolute() else f"./{path}"
    plain = str(path)[:1] not in "-~"  # which ngspice would not take for a file's name
    return f"ngspice -b {shlex.quote(str(path if plain else named))}"


def _is_table(path: Path) -> bool:
    return first_bytes(path).split()[:2] == [b"time", b"v(ramp_0)"]


TABLE = OutputKind("a table that ngspice wrote for archsim", _is_table)


def netlist(part: Excerpt, *, table: str = "tile.txt") -> str:
    """Return the netlist of one conversion.

    Parameters
    ----------
    part : Excerpt
        What to write.
    table : str
        Name of the file for the voltages at every clock edge, beside the netlist.
    """
    sections = (
        _title(part),
        _prelude(part, table),
        *_parameters(part),
        _SUPPORT,
        *_counter(part),
        *_rows(part),
        *_crossbar(part),
        _INTEGRATOR,
        *_ramps(part),
        _LATCH,
        *_columns(part),
        *_analysis(part, table),
    )
    return "\n".join(sections) + "\n"


def _heading(text: str) -> str:
    return f"\n* --- {text} ".ljust(95, "-")


def _title(part: Excerpt) -> str:
    bank = part.bank
    several = f" ({len(bank.tiles)} row blocks)" if len(bank.tiles) > 1 else ""
    return (
        f"archsim: tile '{bank.name}'{several}, {part.rows.size} of {bank.rows} rows x "
        f"{part.columns.size} of {bank.columns} columns"
    )


def _prelude(part: Excerpt, table: str) -> str:
    arrays = part.bank.arrays
    phases = []
    start = 0
    for name, length in (
        ("reset", arrays.reset_cycles),
        ("integrate", arrays.integrate_cycles),
        ("ramp", arrays.convert_cycles),
        ("readout", arrays.readout_cycles),
    ):
        phases.append(f"*   {name:9} cycles {start} to {start + length - 1}")
        start += length
    volts = part.bank.column_voltage(part.charge)
    expected = [
        f"*   column {column}: {voltage:.6f} V, code {code}"
        for column, voltage, code in zip(part.columns, volts, part.code, strict=True)
    ]
    return _PRELUDE.format(
        table=table,
        period=part.bank.design.period,
        phases="\n".join(phases),
        expected="\n".join(expected),
    )


def _parameters(part: Excerpt) -> Iterator[str]:
    arrays, values = part.bank.arrays, part.bank.design
    yield _heading("Parameters: scale vread and vramp alike, and the codes stay")
    yield f".param tclk={values.period:.12g} tedge={{tclk/{EDGES_PER_PERIOD}}}"
    yield f".param vclp={part.bank.v_clp:.12g} vread={values.v_read:.12g}"
    yield f".param vramp={part.v_ramp:.12g}"
    yield f".param t_int={{{arrays.reset_cycles}*tclk}}"
    yield f".param t_ramp={{t_int+{arrays.integrate_cycles}*tclk}}"
    yield f".param t_read={{t_ramp+{arrays.convert_cycles}*tclk}}"
    yield f".param t_end={{t_read+{arrays.readout_cycles}*tclk}}"


def _counter(part: Excerpt) -> Iterator[str]:
    """Count ramp cycles in volts, changing in the middle of a cycle, away from the strobes."""
    yield "* Code counter: q volts from the middle of ramp cycle q to the middle of the next one."
    yield "Vcount count 0 PWL(0 0"
    for count in range(1, part.bank.arrays.convert_cycles):
        middle = f"t_ramp+{count}.5*tclk"
        yield f"+ {{{middle}}} {count - 1} {{{middle}+tedge}} {count}"
    yield "+ )"


def _pulse(name: str, start: str, stop: str, volts: str) -> str:
    """Drive a line above V_CLP between two times, edges centred on them."""
    rise = f"{{{start}-tedge/2}} 0 {{{start}+tedge/2}} {{{volts}}}"
    fall = f"{{{stop}-tedge/2}} {{{volts}}} {{{stop}+tedge/2}} 0"
    return f"V{name} {name} clp PWL(0 0\n+ {rise}\n+ {fall})"


def _rows(part: Excerpt) -> Iterator[str]:
    yield _heading("Row drivers: sign and number of cycles of each input")
    for row, width in zip(part.rows.tolist(), part.drive.tolist(), strict=True):
        if width == 0:
            yield f"Vrow_{row} row_{row} clp 0"
        else:
            volts = "vread" if width > 0 else "-vread"
            yield _pulse(f"row_{row}", "t_int", f"t_int+{abs(width)}*tclk", volts)


def _crossbar(part: Excerpt) -> Iterator[str]:
    yield _heading("Crossbar: G+ to plus, G- to minus (ohms); 0 S is left out")
    lines = zip(("plus", "minus"), ("p", "m"), part.conductances, strict=True)
    for line, letter, conductance in lines:
        for i, row in enumerate(part.rows):
            for j, column in enumerate(part.columns):
                cell = (f"R{letter}_{row}_{column}", f"row_{row}", f"{line}_{column}")
                yield from _memristor(*cell, conductance[i, j])


def _memristor(name: str, row: str, line: str, siemens: float) -> Iterator[str]:
    if siemens > 0:
        yield f"{name} {row} {line} {1 / siemens:.12g}"


def _ramps(part: Excerpt) -> Iterator[str]:
    arrays = part.bank.arrays
    yield _heading("Lines of the ramp columns: bias cells first, then a cell a cycle")
    yield _pulse("bias", "t_ramp-tclk", "t_ramp", "vramp")
    for step in range(arrays.convert_cycles):
        yield _pulse(f"cell_{step}", f"t_ramp+{step}*tclk", f"t_ramp+{step + 1}*tclk", "vramp")
    for k, (ramp, c_fb) in enumerate(zip(part.bank.ramps, part.converter.c_fb, strict=True)):
        yield _heading(f"Ramp {k}: {ramp.function}, {ramp.bits} bits")
        for step, siemens in enumerate(ramp.cell):
            line = "rplus" if siemens > 0 else "rminus"
            yield from _memristor(f"Rcell_{k}_{step}", f"cell_{step}", f"{line}_{k}", abs(siemens))
        for cell, siemens in enumerate(ramp.bias):
            yield from _memristor(f"Rbias_{k}_{cell}", "bias", f"rminus_{k}", siemens)
        yield f"Xramp_{k} rplus_{k} rminus_{k} ramp_{k} clp reset integrator c={c_fb:.12g}"


def _columns(part: Excerpt) -> Iterator[str]:
    yield _heading("Columns: integrator, comparator with its ramp, latch")
    periphery = part.bank.design.periphery
    assert periphery is not None
    c_fb = periphery.c_fb
    for j, ramp in zip(part.columns, part.ramp_of_column, strict=True):
        yield f"Xcol_{j} plus_{j} minus_{j} col_{j} clp reset integrator c={c_fb:.12g}"
        yield f"Xlatch_{j} ramp_{ramp} col_{j} cmp_{j} latch_{j} count strobe reset one latch"


def _analysis(part: Excerpt, table: str) -> Iterator[str]:
    """Simulate, put every node on the grid of the clock's edges, and write the table."""
    nodes = [f"ramp_{k}" for k in range(len(part.bank.ramps))]
    nodes += [f"{kind}_{j}" for kind in ("col", "cmp", "latch") for j in part.columns]
    yield _heading("Analysis: the voltages at every clock edge go to the table")
    # Gear integration damps the switches, where the trapezoidal rule would ring.
    yield ".options reltol=1e-5 vntol=1e-8 noinit method=gear"
    yield ".tran {tclk} {t_end} 0 {tclk/4}"
    yield from _wrapped(".save", nodes)
    yield ".control"
    yield "if $?inputdir = 0"  # where the netlist comes on standard input
    yield "  set inputdir = ."
    yield "end"
    yield "set wr_singlescale"
    yield "set wr_vecnames"
    yield "set numdgt=9"
    yield "run"
    yield "if $sim_status"
    yield "  quit 1"
    yield "end"
    yield from _wrapped("linearize", nodes)
    yield from _wrapped(f"wrdata $inputdir/{table}", nodes)
    yield "quit 0"
    yield ".endc"
    yield ".end"


def _wrapped(command: str, nodes: Iterable[str]) -> Iterator[str]:
    yield command
    for node in nodes:
        yield f"+ v({node})"
