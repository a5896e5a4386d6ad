"""Reader of traces: opens a file, checks that it is a trace, and gives its summary back."""

from __future__ import annotations

import errno
import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from archsim.clipping import Clipping, Place
from archsim.errors import TraceError
from archsim.metrics import Metric, share_of
from archsim.shown import shown_in_line
from archsim.trace import checked
from archsim.trace.checked import DamageError
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
    schema = _schema(file)
    if schema != SCHEMA:
        file.close()
        found = f"has the schema '{schema}'" if schema else "is HDF5 but not a trace"
        msg = f"{path}: {found}; this version reads '{SCHEMA}': run the simulation again"
        raise TraceError(msg)
    return file


def _schema(file: h5py.File) -> str:
    """Return what a file says it is, empty if it says nothing."""
    try:
        if checked.has(file, "schema") and file.attrs.get_id("schema").dtype.kind in "iu":
            return str(checked.count(file, "schema"))
        return checked.text(file, "schema")
    except (OSError, RuntimeError, ValueError, TypeError):
        return ""


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong while a damaged trace is read into one sentence."""
    damaged = f"{path}: a part of the trace is missing or damaged"
    try:
        yield
    except DamageError as error:
        msg = f"{damaged} ({error}): run the simulation again"
        raise TraceError(msg) from error
    except (
        *(KeyError, IndexError, OSError, RuntimeError, ValueError, TypeError, AttributeError),
        ArithmeticError,
    ) as error:
        msg = f"{damaged}: run the simulation again"
        raise TraceError(msg) from error


def _check_file(path: Path) -> None:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        msg = f"{path}: is a directory: name a trace in it"
        raise TraceError(msg)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path}: is not a regular file: name a trace that 'archsim run' wrote"
        raise TraceError(msg)
    if path.suffix.lower() in {".yaml", ".yml"}:
        msg = (
            f"{path}: is not an HDF5 file but a configuration: run it with 'archsim run' and name "
            "the trace that it writes"
        )
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
    with open_trace(path) as file, reading(path):
        if checked.text(file, "status") != "complete":
            done = checked.count(file, "sequences_done")
            of = checked.whole(checked.group(file, "summary"), "sequence").size
            msg = (
                f"{path}: the run that wrote it did not finish ({done} of {of} sequences): "
                "run it again"
            )
            raise TraceError(msg)
        return _checked(_summary(file, str(path)), checked.group(file, "summary"))


def _summary(file: h5py.File, path: str) -> Summary:
    node = checked.group(file, "summary")

    def table(name: str, scale: str, most: float = 1e30) -> dict[str, float]:
        names = checked.names(node, scale)
        if len(set(names)) < len(names):
            raise checked.damage(node, scale, "has a name twice")
        values = checked.real(node, name, (len(names),), slice(None)).tolist()
        if not all(0 <= value <= most for value in values):
            raise checked.damage(node, name, "holds a number that no run can find")
        return dict(zip(names, values, strict=True))

    return Summary(
        name=shown_in_line(checked.text(node, "name")),
        config_hash=shown_in_line(checked.text(file, "config_hash")),
        clock_hz=checked.number(file, "clock_hz", least=1e-12, most=1e18),
        total_cycles=checked.count(node, "total_cycles", least=1),
        groups=checked.count(node, "groups", least=1),
        streams=checked.count(node, "streams", least=1),
        sequences=checked.count(node, "sequences", least=1),
        timesteps=checked.count(node, "timesteps", least=1),
        operations=_whole(checked.number(node, "operations", least=1)),
        energy_by_component=table("energy_by_component", "component"),
        area_by_component=table("area_by_component", "area_component"),
        leakage_by_component=table("leakage_by_component", "leakage_component"),
        utilisation=table("utilisation", "resource", most=1 + 1e-9),
        programming_pulses=checked.count(node, "programming_pulses"),
        programming_energy_j=checked.number(node, "programming_energy_j"),
        synthetic=checked.truth(node, "synthetic"),
        trace=path,
        clipped=_clipped(node),
        ideal_converter=checked.has(node, "ideal_converter")
        and checked.truth(node, "ideal_converter"),
        network_hash=_hash(file, "network_hash"),
        workload_hash=_hash(file, "workload_hash"),
        choices=checked.texts(file, "choices"),
        components={
            name: checked.as_texts(file, "components", used)
            for name, used in checked.json_object(file, "components").items()
        },
        mean_timesteps=_whole(checked.number(node, "mean_timesteps", least=1))
        if checked.has(node, "mean_timesteps")
        else math.nan,
        metrics=_metrics(node, checked.count(node, "sequences", least=1)),
    )


def _clipped(node: h5py.Group) -> tuple[Clipping, ...]:
    """Return what was clipped; nothing of traces that do not say."""
    if "clipped" not in node:
        return ()
    names = checked.names(node, "place")
    counts = [
        checked.whole(node, name, len(names)).tolist()
        for name in ("clipped", "clipped_of", "clipped_lost")
    ]
    limit = checked.real(node, "clipped_limit", (len(names),), slice(None)).tolist()
    largest = checked.dataset(node, "clipped_largest", "f", (len(names),))[...].tolist()
    return tuple(
        Clipping(layer, _place(node, place), room, count, of, lost, _known(most))
        for (layer, _, place), room, count, of, lost, most in zip(
            (name.partition(".") for name in names), limit, *counts, largest, strict=True
        )
    )


def _metrics(node: h5py.Group, sequences: int) -> dict[str, Metric]:
    """Return what was measured of the answers; of earlier traces that is the accuracy alone."""
    if "metric" not in node:
        found = checked.number_or_none(node, "accuracy", most=1.0)
        if found is None:
            return {}
        reference = checked.number_or_none(node, "accuracy_float", most=1.0)
        return {"accuracy": share_of(round(found * sequences), sequences).beside(reference)}
    names = [shown_in_line(name) for name in checked.names(node, "metric")]
    values, low, high, reference = (
        checked.dataset(node, f"metric_{part}", "f", (len(names),))[...].tolist()
        for part in ("value", "low", "high", "reference")
    )
    counts = checked.whole(node, "metric_count", len(names)).tolist()
    shares = map(bool, checked.whole(node, "metric_share", len(names)).tolist())
    rows = zip(names, values, low, high, counts, map(_known, reference), shares, strict=True)
    return {name: Metric(*row) for name, *row in rows}


def _whole(value: float) -> float:
    return int(value) if value.is_integer() else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _place(node: h5py.Group, name: str) -> Place:
    try:
        return Place(name)
    except ValueError as error:
        raise checked.damage(
            node, "place", f"names '{name}', which this version knows not"
        ) from error


def _hash(file: h5py.File, name: str) -> str | None:
    """Return a hash, None of a trace that does not say."""
    return shown_in_line(checked.text(file, name)) if checked.has(file, name) else None


def _checked(summary: Summary, node: h5py.Group) -> Summary:
    """Raise unless the numbers belong together."""
    checked.whole(node, "sequence", summary.sequences)
    if summary.groups != math.ceil(summary.sequences / summary.streams):
        raise checked.damage(node, "groups", "does not fit the sequences and the streams")
    return summary
