"""Reader of traces: opens a file, checks that it is a trace, and gives its summary back."""

from __future__ import annotations

import math
import stat
from pathlib import Path
from typing import Any

import h5py

from archsim.errors import TraceError
from archsim.trace.layout import SCHEMA
from archsim.trace.summary import Summary
from archsim.trace.writer import in_use


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
        file = h5py.File(path, "r")
    except OSError as error:
        msg = f"{path}: {_unreadable(error)}"
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


def _unreadable(error: OSError) -> str:
    """Say why a file cannot be opened, and what to do."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file: name a trace that 'archsim run' wrote"
    if in_use(error):
        return "another process is writing it: wait until it has ended"
    if error.filename is not None and error.strerror:  # from the operating system, not HDF5
        return f"cannot be read ({error.strerror}): check the path"
    what = "is cut short" if "truncated file" in str(error) else "is not an HDF5 file"
    return f"{what}, so it is not a trace: run the simulation again"


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
        ideal_converter=bool(numbers.get("ideal_converter", False)),
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
