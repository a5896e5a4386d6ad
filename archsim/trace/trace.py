"""A trace as an object: what a run left, read part by part when it is asked for."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError
from archsim.listing import listed
from archsim.trace import checked
from archsim.trace.checked import DamageError
from archsim.trace.conversion import Waveforms, read_waveforms
from archsim.trace.events import GroupEvents, check_sequence, read_group_of, read_groups
from archsim.trace.reader import read_summary, reading
from archsim.trace.source import Source
from archsim.trace.summary import Summary
from archsim.trace.work import Work, read_work

__all__ = ["Array", "DamageError", "GroupEvents", "Trace", "Waveforms", "Work", "check_sequence"]


@dataclass(frozen=True)
class Array:
    """A dataset of a trace.

    Attributes
    ----------
    dims : tuple of str
        Names of its axes; an array that is named like its one axis has the axis' values.
    values : array
        Its values; of an enumeration, their names.
    units, long_name : str
        As in the file; a unit of 1 is a count or a name.
    """

    dims: tuple[str, ...]
    values: NDArray[Any]
    units: str
    long_name: str


class Trace:
    """What a run left.

    The file is opened for each reading, and what was read of `summary`, `config` and `parts` is
    kept. ``with trace:`` keeps it open from the first reading of the block to the last.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    TraceError
        If it is not a complete trace.

    Examples
    --------
    >>> trace = archsim.open_trace("traces/kws.h5")
    >>> trace.parts["tiles"]
    ('lstm', 'output')
    >>> tile = trace.cycles("lstm")
    >>> tile["energy"].values.sum(axis=0)  # J of each component, over the recorded cycles
    >>> trace.outputs("lstm")["h"].values.shape  # sequences, timesteps, units
    (12, 49, 32)
    >>> trace.codes()["lstm"].shape  # sequences, conversions, columns
    (12, 49, 128)
    >>> [work.name for work in trace.tiles()], len([*trace.units()]) > 0
    (['lstm', 'output'], True)
    >>> len(trace.groups()), trace.group_of(3) is not None
    (12, True)
    >>> trace.waveforms(conversion=0, tile="lstm")
    >>> trace.setting("adc", "kind"), trace.setting("adc", "bits", kind=int)
    ('nonlinear_ramp', 5)
    >>> with trace.reading():  # for who reads a trace and finds that it is not what a run writes
    ...     raise trace.damage("tiles/lstm", "is empty")
    Traceback (most recent call last):
    archsim.errors.TraceError: traces/kws.h5: ...
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._source = Source(self.path)
        self._summary = read_summary(self.path)

    def __enter__(self) -> Trace:
        self._source.hold()
        return self

    def __exit__(self, *_: object) -> None:
        self._source.release()

    def __repr__(self) -> str:
        return f"<Trace of {self.summary.name}, {self.path}>"

    @property
    def summary(self) -> Summary:
        """Numbers of the run."""
        return self._summary

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, as plain data; `archsim.load` takes it, paths apart."""
        with self._source.lent() as file:
            return checked.stored_config(file)

    @cached_property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """Names of what there is: ``tiles`` and ``units`` that have cycles, ``outputs`` of layers.

        Levels ``summary`` and ``event`` have no cycles.
        """
        with self._source.lent() as file:
            return {
                name: tuple(key for key in file[name] if isinstance(file[name][key], h5py.Group))
                if name in file
                else ()
                for name in ("tiles", "units", "outputs")
            }

    def cycles(self, name: str) -> Any:
        """Return what a tile or digital unit did in each of its recorded cycles.

        Parameters
        ----------
        name : str
            Name of the tile or unit; `parts` has them all.

        Returns
        -------
        xarray.Dataset, or dict of str to Array
            By ``cycle``: ``phase``, ``active_rows``, ``undecided_columns``, ``latched_columns`` and
            ``energy`` (cycle, component) in J of a tile, ``busy`` and ``energy`` of a unit. A
            dataset where xarray is installed.

        Raises
        ------
        InputError
            If there is none of the name, or the run recorded no cycles.
        TraceError
            If the trace is damaged.
        """
        for room in ("tiles", "units"):
            if name in self.parts[room]:
                return _as_dataset(self._arrays(room, name))
        raise self._none(
            "tile or unit", name, (*self.parts["tiles"], *self.parts["units"]), "cycle"
        )

    def outputs(self, layer: str) -> Any:
        """Return what a layer put out.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        xarray.Dataset, or dict of str to Array
            Codes, h or logits by ``sequence``, ``timestep`` and column, unit or class. A dataset
            where xarray is installed.

        Raises
        ------
        InputError
            If there is none of the name, or the run recorded none of its outputs.
        TraceError
            If the trace is damaged.
        """
        if layer not in self.parts["outputs"]:
            raise self._none("layer", layer, self.parts["outputs"], "event")
        return _as_dataset(self._arrays("outputs", layer))

    @property
    def events(self) -> Any:
        """The operations of all tiles and units in time.

        A pandas.DataFrame, or a dict of str to Array without pandas: ``start_cycle``,
        ``end_cycle``, ``resource``, ``kind``, ``layer``, ``stream``, ``sequence``, ``timestep``,
        ``waited_for``, an event a row.
        """
        with self._source.lent() as file:
            if "events" not in file:
                raise self._none("event", "", (), "event")
        found = self._arrays("events")
        if importlib.util.find_spec("pandas") is None:
            return found
        import pandas as pd

        along = next(array.dims for array in found.values())
        columns = {
            key: a.values for key, a in found.items() if a.dims == along and key not in along
        }
        return pd.DataFrame(columns)

    def tiles(self) -> Iterator[Work]:
        """Yield when each tile worked, on which sequences, in which phases; none without cycles.

        Raises
        ------
        TraceError
            If the trace is damaged.
        """
        return read_work(self._source, "tiles")

    def units(self) -> Iterator[Work]:
        """Yield when each digital unit worked, and on which sequences; none without cycles.

        Raises
        ------
        TraceError
            If the trace is damaged.
        """
        return read_work(self._source, "units")

    def groups(self, numbers: Sequence[int] | None = None) -> list[GroupEvents]:
        """Return the events of groups of sequences that were at work together.

        Parameters
        ----------
        numbers : sequence of int, optional
            Which groups; by default all whose streams all have a sequence, or else the only one.

        Raises
        ------
        InputError
            If there is no such group.
        TraceError
            If the run recorded no events, or the trace is damaged.
        """
        return read_groups(self._source, self.summary, numbers)

    def group_of(self, sequence: int) -> GroupEvents:
        """Return the events of the group that a sequence belongs to.

        Parameters
        ----------
        sequence : int
            The sequence, from 0.

        Raises
        ------
        InputError
            If there is no such sequence.
        TraceError
            If the run recorded no events, or the trace is damaged.
        """
        return read_group_of(self._source, self.summary, sequence)

    def waveforms(self, conversion: int = 0, tile: str | None = None) -> Waveforms:
        """Return voltages, latches and energy of one conversion, cycle by cycle.

        Parameters
        ----------
        conversion : int
            Which of the recorded conversions of the tile, from 0.
        tile : str, optional
            Name of the tile; the first one by default.

        Raises
        ------
        TraceError, InputError
            If the run recorded no waveforms, or there is no such tile or conversion.
        """
        return read_waveforms(self._source, conversion, tile)

    def codes(self) -> dict[str, NDArray[np.uint16]]:
        """Return the codes (sequences, conversions, columns) of every layer that has some.

        Raises
        ------
        TraceError
            If the trace is damaged.
        """
        with self._source.lent() as file:
            outputs = checked.group(file, "outputs")
            found = {name: checked.group(outputs, name) for name in outputs}
            return {name: group["code"][...] for name, group in found.items() if "code" in group}

    def setting(self, *keys: str, kind: type = str) -> Any:
        """Return a value of the run's configuration by its keys, as text or of another kind.

        Parameters
        ----------
        *keys : str
            Keys from the outermost section to the value.
        kind : type
            What it has to be.

        Raises
        ------
        TraceError
            If there is no such value of that kind.
        """
        with self._source.lent() as file:
            return checked.setting(file, *keys, kind=kind)

    def reading(self) -> AbstractContextManager[None]:
        """Return a context that says of what turns out damaged that it is in this trace."""
        return reading(self.path)

    @staticmethod
    def damage(part: str, reason: str) -> DamageError:
        """Return what to raise within `reading` for a part that is not what a run writes.

        Parameters
        ----------
        part : str
            Which part, such as ``tiles/lstm``.
        reason : str
            What is wrong with it.
        """
        return DamageError(f"{part} {reason}")

    def _arrays(self, *place: str) -> dict[str, Array]:
        with self._source.lent() as file:
            node = file
            for name in place:
                node = checked.group(node, name)
            return {name: _array(node, name) for name in node}

    def _none(self, what: str, name: str, known: tuple[str, ...], level: str) -> InputError:
        if known:
            return InputError(f"{self.path}: it has no {what} '{name}'; it has {listed(known)}")
        more = f"run with --set trace.level={level}"
        return InputError(f"{self.path}: the run recorded no {what}s: {more}")


def _array(node: h5py.Group, name: str) -> Array:
    """Read a dataset of a group."""
    found = node[name]
    free = (None,) * len(found.shape)
    if h5py.check_string_dtype(found.dtype) is not None:
        values: Any = np.array(checked.names(node, name), dtype=object)
    elif h5py.check_enum_dtype(found.dtype) is not None:
        values = np.array(checked.named(node, name, None, slice(None)), dtype=object)
    else:
        kind = "f" if found.dtype.kind == "f" else "i"
        values = checked.dataset(node, name, kind, free)[...]
    dims = (name,) if found.is_scale else tuple(_dim(axis) for axis in found.dims)
    told = {key: checked.text(found, key) for key in ("units", "long_name")}
    return Array(dims, values, **told)


def _dim(axis: Any) -> str:
    """Return the name of an axis: that of the scale along it."""
    return str(axis[0].name).rpartition("/")[2]


def _as_dataset(arrays: dict[str, Array]) -> Any:
    """Return arrays as a dataset where xarray is installed, as they are elsewhere."""
    if importlib.util.find_spec("xarray") is None:
        return arrays
    import xarray as xr

    variables = {
        name: (array.dims, array.values, {"units": array.units, "long_name": array.long_name})
        for name, array in arrays.items()
    }
    scales = {name for name, array in arrays.items() if array.dims == (name,)}
    return xr.Dataset(
        {name: value for name, value in variables.items() if name not in scales},
        coords={name: value for name, value in variables.items() if name in scales},
    )
