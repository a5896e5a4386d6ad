"""Reader of traces: opens a file, checks that it is a trace, and gives its summary back."""

from __future__ import annotations

import errno
import math
import stat
from pathlib import Path
from typing import Any

import h5py

from archsim.clipping import Clipping, Place
from archsim.errors import TraceError
from archsim.trace.hdf5 import errno_of, in_use, open_to_read, reason
from archsim.trace.layout import SCHEMA
from archsim.trace.summary import Summary

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def open_trace(path: str | Path) -> h5py.File:
    """Open a trace for reading; close it, or use it as a context manager.

    Raises
    ------
    TraceError
        If the file is missing, is not HDF5, is cut, or is not a trace of this schema.
    """
    path = Path(path)
    try:
        _check_file(path)
        file = open_to_read(path)
    except OSError as error:
        msg = f"{path}: {_unreadable(path, error)}"
        raise TraceError(msg) from error
    try:
        schema = str(file.attrs.get("schema", ""))
    except (OSError, RuntimeError, ValueError, TypeError):
        schema = ""
    if schema != SCHEMA:
        file.close()
        found = f"has the schema '{schema}'" if schema else "is HDF5 but not a trace"
        msg = f"{path}: {found}; this version reads '{SCHEMA}': run the simulation again"
        raise TraceError(msg)
    return file


def _check_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        msg = f"{path}: is a directory: name a trace in it"
        raise TraceError(msg)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path}: is not a regular file: name a trace that 'archsim run' wrote"
        raise TraceError(msg)


def _unreadable(path: Path, error: OSError) -> str:
    """Say why a file cannot be opened, and what to do."""
    number = errno_of(error)
    if number == errno.ENOENT:
        return "there is no such file: name a trace that 'archsim run' wrote"
    if in_use(error):
        return "another process is writing it: wait until it has ended"
    if number is not None:  # from the operating system, not HDF5
        return f"cannot be read ({reason(error)}): check the path"
    what = "is cut short or damaged" if _begins_as_hdf5(path) else "is not an HDF5 file"
    return f"{what}, so it is not a trace: run the simulation again"


def _begins_as_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def read_summary(path: str | Path) -> Summary:
    """Return the summary of a complete trace.

    Raises
    ------
    TraceError
        If the file is not a trace, or the run that wrote it did not finish.
    """
    with open_trace(path) as file:
        try:
            if file.attrs["status"] != "complete":
                done, of = int(file.attrs["sequences_done"]), file["summary/sequence"].shape[0]
                msg = (
                    f"{path}: the run that wrote it did not finish ({done} of {of} sequences): "
                    "run it again"
                )
                raise TraceError(msg)
            return _checked(_summary(file, str(path)))
        except (KeyError, OSError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            msg = f"{path}: a part of the trace is missing or damaged: run the simulation again"
            raise TraceError(msg) from error


def _summary(file: h5py.File, path: str) -> Summary:
    group = file["summary"]
    numbers = group.attrs

    def table(name: str, scale: str) -> dict[str, float]:
        names = group[scale].asstr()[...].tolist()
        return dict(zip(names, group[name][...].tolist(), strict=True))

    return Summary(
        name=str(numbers["name"]),
        config_hash=str(file.attrs["config_hash"]),
        clock_hz=float(file.attrs["clock_hz"]),
        total_cycles=int(numbers["total_cycles"]),
        groups=int(numbers["groups"]),
        streams=int(numbers["streams"]),
        sequences=int(numbers["sequences"]),
        timesteps=int(numbers["timesteps"]),
        operations=int(numbers["operations"]),
        energy_by_component=table("energy_by_component", "component"),
        area_by_component=table("area_by_component", "area_component"),
        leakage_by_component=table("leakage_by_component", "leakage_component"),
        utilisation=table("utilisation", "resource"),
        accuracy=_number(numbers["accuracy"]),
        accuracy_float=_number(numbers["accuracy_float"]),
        programming_pulses=int(numbers["programming_pulses"]),
        programming_energy_j=float(numbers["programming_energy_j"]),
        synthetic=bool(numbers["synthetic"]),
        trace=path,
        clipped=_clipped(group),
        ideal_converter=bool(numbers.get("ideal_converter", False)),
    )


def _clipped(group: h5py.Group) -> tuple[Clipping, ...]:
    """Return what was clipped; nothing of traces that do not say."""
    if "clipped" not in group:
        return ()
    names = [str(name).partition(".") for name in group["place"].asstr()[...].tolist()]
    columns = ("clipped_limit", "clipped", "clipped_of", "clipped_lost", "clipped_largest")
    numbers = zip(*(group[column][...].tolist() for column in columns), strict=True)
    return tuple(
        Clipping(layer, Place(place), *values)
        for (layer, _, place), values in zip(names, numbers, strict=True)
    )


def _checked(summary: Summary) -> Summary:
    """Raise unless the numbers can be those of a run."""
    parts = [*summary.energy_by_component.values(), *summary.area_by_component.values()]
    counts = (
        *(summary.clock_hz, summary.total_cycles, summary.groups, summary.streams),
        *(summary.sequences, summary.timesteps, summary.operations),
    )
    if not all(count > 0 for count in counts) or not all(map(math.isfinite, parts)):
        msg = "a number of the summary is not what a run can find"
        raise ValueError(msg)
    return summary


def _number(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)
