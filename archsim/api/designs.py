"""For who designs circuits: ramps, what components cost, netlists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archsim.api.runs import Changes, Source, load

if TYPE_CHECKING:
    from archsim.costs.library import ComponentLibrary
    from archsim.experiments.base import Progress
    from archsim.experiments.jobs import Executor
    from archsim.report.result import ExperimentResult
    from archsim.transfer.ramp import Ramp


def design_ramp(
    function: str,
    /,
    bits: int = 5,
    *,
    input_range: tuple[float, float] | None = None,
    g_max: str | None = None,
    device: str | Path | None = None,
    config: str | Path | None = None,
) -> Ramp:
    """Design the ramp of a function: its levels, thresholds, and conductances of its cells.

    Parameters
    ----------
    function : str
        Name of the function.
    bits : int
        Resolution, 1 to 10.
    input_range : (float, float), optional
        Where an unbounded function begins and ends.
    g_max : str, optional
        Conductance of the largest cell, as text with a unit; 150 uS by default.
    device : str or Path, optional
        Device file, or the name of one that comes with archsim, whose range the cells have.
    config : str or Path, optional
        Configuration whose own functions are known.

    Returns
    -------
    Ramp
        The ideal ramp.

    Raises
    ------
    InputError
        If a file cannot be used, or the function cannot be such a ramp.

    Examples
    --------
    >>> archsim.design_ramp("tanh", 4).level.shape
    (16,)
    """
    from archsim.experiments.converter import Wanted, design

    return design(
        Wanted(
            function,
            bits,
            input_range,
            g_max,
            None if device is None else Path(device),
            None if config is None else Path(config),
        )
    )


def program_ramp(
    function: str,
    device: str | Path,
    /,
    bits: int = 5,
    *,
    trials: int = 100,
    seed: int = 0,
    copies: int = 1,
    calibrate: bool | None = None,
    input_range: tuple[float, float] | None = None,
    g_max: str | None = None,
    config: str | Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> ExperimentResult:
    """Program the ramp of a function into devices many times, and measure it.

    Parameters
    ----------
    function, bits, input_range, g_max, config
        As of `design_ramp`.
    device : str or Path
        Device file, or the name of one that comes with archsim.
    trials : int
        Ramps to program.
    seed : int
        Seed of the devices' errors.
    copies : int
        Columns of which the best is used.
    calibrate : bool, optional
        Whether bias cells are calibrated; both by default, a row of the table each.
    executor : Executor, optional
        Does the trials, side by side and kept; one by one in this process by default.
    progress : callable, optional
        Called with the jobs done and in all.

    Returns
    -------
    ExperimentResult
        Errors of the levels: INL and DNL, and yield.

    Raises
    ------
    InputError
        If a file cannot be used, or the function cannot be such a ramp.

    Examples
    --------
    >>> len(archsim.program_ramp("tanh", "yang2025-taox", trials=3).rows)
    2
    """
    from archsim.experiments.converter import Wanted, trials_of
    from archsim.experiments.jobs import Executor
    from archsim.experiments.ramp_trials import How

    own = None if config is None else Path(config)
    wanted = Wanted(function, bits, input_range, g_max, Path(device), own)
    modes: Sequence[bool] = (False, True) if calibrate is None else (calibrate,)
    return trials_of(
        wanted,
        How(trials, seed, copies),
        modes=modes,
        executor=executor or Executor(),
        progress=progress or (lambda _done, _of: None),
    )


def components(
    library: str | Path | None = None, /, *, node: str | None = None, supply: str | None = None
) -> ComponentLibrary:
    """Return a component library: what every component costs, and where each number is from.

    Parameters
    ----------
    library : str or Path, optional
        The file, or the name of one that comes with archsim; CMOS at 16 nm by default.
    node, supply : str, optional
        What to scale it to, as text with a unit, such as ``28 nm``.

    Returns
    -------
    ComponentLibrary
        The library.

    Raises
    ------
    InputError
        If it cannot be read, or there is no rule to scale by.

    Examples
    --------
    >>> archsim.components(node="28 nm").components["adder"].area.value > 0
    True
    """
    from archsim.report.components import library_from_text
    from archsim.shipped import shipped

    path = Path(library) if library else shipped("components/cmos-16nm.yaml")
    return library_from_text(path, node=node, supply=supply)


@dataclass(frozen=True)
class Netlist:
    """A netlist that was written.

    Attributes
    ----------
    path : Path
        The netlist.
    command : str
        How ngspice runs it.
    table : Path
        What it writes then: voltages over time.
    codes : tuple of int
        Codes that the simulator latches in its columns.

    Examples
    --------
    >>> found = archsim.netlist("kws", "kws.cir", columns=4)
    >>> found.path.name, found.table.name, len(found.codes)
    ('kws.cir', 'kws.txt', 4)
    """

    path: Path
    command: str
    table: Path
    codes: tuple[int, ...]


def netlist(
    config: Source,
    out: str | Path,
    /,
    *,
    set: Changes | None = None,
    rows: int | None = None,
    columns: int | None = None,
) -> Netlist:
    """Write an ngspice netlist of a corner of the first tile at its first conversion.

    Parameters
    ----------
    config, set
        As of `load`.
    out : str or Path
        The netlist to write (.cir).
    rows, columns : int, optional
        Wordlines and columns to take; 8 and 4 by default.

    Returns
    -------
    Netlist
        What was written.

    Raises
    ------
    ConfigError, WorkloadError, OutputError
        If the configuration is wrong, or the netlist cannot be written.

    Examples
    --------
    >>> len(archsim.netlist("kws", "tile.cir").codes)
    4
    """
    from archsim.simulation.prepare import in_file, prepare
    from archsim.spice.excerpt import first_conversion
    from archsim.spice.netlist import check_netlist, command_of, table_path, write_netlist

    loaded, path = load(config, set=set), Path(out)
    check_netlist(path, inputs=loaded.inputs)
    chip, data = prepare(loaded)
    with in_file(loaded):
        part = first_conversion(chip, data, rows=rows, columns=columns)
    write_netlist(part, path, inputs=loaded.inputs)
    return Netlist(path, command_of(path), Path(table_path(path)), tuple(map(int, part.code)))
