"""Ranges from data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from archsim.api.runs import Changes, Source, load
from archsim.errors import InputError

if TYPE_CHECKING:
    from archsim.simulation.calibrate import Calibration
    from archsim.workloads.sequences import Sequences


def calibrate(
    config: Source,
    /,
    *,
    data: Sequences | Iterable[Any] | str | Path | None = None,
    split: str | None = None,
    method: Literal["maximum", "percentile", "mse"] = "maximum",
    percentile: float = 99.9,
    sequences: int | None = None,
    set: Changes | None = None,
) -> Calibration:
    """Find the ranges of a configuration in data that its test does not see.

    Parameters
    ----------
    config, set
        As of `load`.
    data : Sequences, iterable of arrays (timesteps, inputs), or a file, optional
        The sequences.
    split : str, optional
        The split of the configuration's own workload to take in its place.
    method : str
        ``maximum``, ``percentile``, or ``mse``, the least mean square error of rounding and
        clipping.
    percentile : float
        Percent of magnitudes below the range.
    sequences : int, optional
        How many sequences to take, from the first; all by default.

    Returns
    -------
    Calibration
        Ranges place by place, the keys to set, and how the chip agrees with the float network
        before and after.

    Raises
    ------
    InputError
        If neither data nor a split is given, or the sequences do not fit.

    Examples
    --------
    >>> found = archsim.calibrate("vowels", split="train", sequences=40)
    >>> found.seen_in_test
    0
    >>> mine = found.apply(archsim.load("vowels"))
    """
    from archsim.simulation.calibrate import calibrate as find
    from archsim.simulation.calibrate import of_file, of_split
    from archsim.simulation.ranges import Method
    from archsim.workloads.sequences import Sequences

    loaded = load(config, set=set)
    if data is None and split is None:
        msg = (
            "calibrate: say which sequences: --data FILE, or --split NAME of the workload; those "
            "that the configuration runs are what it is scored on"
        )
        raise InputError(msg)
    if not 0 < percentile <= 100:
        msg = f"--percentile: {percentile:g} is not above 0 and at most 100"
        raise InputError(msg)
    if isinstance(data, str | Path):
        given = of_file(loaded, str(Path(data).absolute()))
    elif data is not None:
        given = data if isinstance(data, Sequences) else Sequences.of(data)
    else:
        given = of_split(loaded, str(split))
    taken = given if sequences is None else given.part(slice(sequences))
    return find(loaded, taken, method=Method(method), percentile=percentile)


def write_calibration(found: Calibration, config: str | Path, out: str | Path, /) -> None:
    """Write a configuration that extends another one with ranges that were found.

    Parameters
    ----------
    found : Calibration
        The ranges.
    config : str or Path
        The configuration: a path, or the name of one that comes with archsim.
    out : str or Path
        The file to write (.yaml).

    Raises
    ------
    OutputError
        If it cannot be written, or something else is there.

    Examples
    --------
    >>> found = archsim.calibrate("vowels", split="train", sequences=40)
    >>> archsim.write_calibration(found, "vowels", "ranges.yaml")
    >>> archsim.load("ranges.yaml").network.input_range == found.values["network.input_range"]
    True
    """
    from archsim.simulation.calibrated_file import write_ranges

    write_ranges(found, Path(config), Path(out))
