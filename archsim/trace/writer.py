"""Writer of traces: lays the whole file out first, then fills it in."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, TraceError
from archsim.trace.layout import SCHEMA, Group, Scale, Values, Variable
from archsim.trace.repeated import Repeated

_METADATA_CACHE_BYTES = 1 << 24
_CHUNK = 4096
# What HDF5 could not write: freeing or closing it may crash the process, so it is kept to the end.
_LOST: list[Any] = []
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class TraceWriter:
    """Context manager that writes one trace.

    Calls have an order: `define` once, then `write` and `advance`, then `finish` once. Leaving the
    context closes the file; without `finish` it keeps ``status: running``.

    The new trace takes the place of an older one when its layout is whole on disk, at the end of
    `define`: a run that fails or is killed before leaves the older one as it was.

    Parameters
    ----------
    path : Path
        File to write; a trace that is already there is replaced, any other file is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = Path(os.path.realpath(path))  # a link stays, what it names is written
        self._draft = self._target.with_name(f".archsim-{os.getpid()}.part")
        self._file: h5py.File | None = None
        self._entered = False
        self._finished = False
        self._broken = False

    def __enter__(self) -> TraceWriter:
        try:
            _refuse_foreign(self.path)
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._draft.touch()
            self._draft.unlink()
        except OSError as error:
            raise self._refused(error) from error
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        file, self._file, self._entered = self._file, None, False
        if file is not None and self._broken:
            _LOST.append(file)
        elif file is not None:
            with self._writing():
                file.close()

    def define(self, attributes: dict[str, Any], groups: Iterable[Group]) -> None:
        """Create every group, dataset and attribute, and write what is known beforehand."""
        if not self._entered or self._file is not None:
            msg = f"{self.path}: the trace is laid out already or not entered; call define once"
            raise ArchsimError(msg)
        try:
            with self._writing():
                self._lay_out({**attributes, "schema": SCHEMA, "status": "running"}, groups)
                self._draft.replace(self._target)
                self._file = h5py.File(self._target, "r+")
                _keep_metadata_in_memory(self._file)
        finally:
            self._draft.unlink(missing_ok=True)

    def _lay_out(self, attributes: dict[str, Any], groups: Iterable[Group]) -> None:
        file = h5py.File(self._draft, "w")
        try:
            _keep_metadata_in_memory(file)
            file.attrs.update({**attributes, "sequences_done": np.int64(0)})
            for group in groups:
                _create_group(file, group)
            file.flush()
        except BaseException as error:
            if not _is_lost(error):  # a file that cannot be written cannot be closed either
                file.close()
            raise
        file.close()

    def write(self, name: str, first: int, values: NDArray[Any]) -> None:
        """Write `values` into the dataset `name`, from index `first` of its first axis on."""
        file = self._open()
        with self._writing():
            dataset = file[name]
            if dataset.maxshape[0] is None and first + values.shape[0] > dataset.shape[0]:
                dataset.resize(first + values.shape[0], axis=0)
            dataset[first : first + values.shape[0]] = values
            dataset.flush()  # here an error is raised; where a dataset is freed it is only printed

    def cut(self, group: str, length: int) -> None:
        """Cut the first dimension of a resizable group to what was filled."""
        file = self._open()
        with self._writing():
            first = next(dataset for dataset in file[group].values() if dataset.is_scale)
            for dataset in file[group].values():
                if dataset.maxshape[0] is None:
                    dataset.resize(length, axis=0)
            first.flush()

    def advance(self, sequences_done: int) -> None:
        """Note how many sequences are in the file, and let other processes see them."""
        file = self._open()
        with self._writing():
            file.attrs.modify("sequences_done", np.int64(sequences_done))
            file.flush()

    def finish(self, attributes: dict[str, dict[str, Any]]) -> None:
        """Fill in attributes, by group, and mark the trace complete."""
        file = self._open()
        with self._writing():
            for path, values in attributes.items():
                for key, value in values.items():
                    file[path].attrs.modify(key, value)
            file.flush()
            file.attrs.modify("status", "complete")
            file.flush()
        self._finished = True

    def _open(self) -> h5py.File:
        if self._file is None or self._finished:
            msg = f"{self.path}: the trace is not open for writing"
            raise ArchsimError(msg)
        return self._file

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what HDF5 raises where it cannot write into one sentence."""
        try:
            yield
        except Exception as error:
            if _is_lost(error):
                raise self._failed(error) from error
            raise

    def _failed(self, error: Exception) -> ArchsimError:
        self._broken = True
        _LOST.append(error)  # with its traceback, and so with the open objects in its frames
        return ArchsimError(
            f"{self.path}: writing the trace failed ({_reason(error)}): free space or choose "
            "another --out; what was written before is kept"
        )

    def _refused(self, error: OSError) -> ArchsimError:
        if error.errno in _FULL:
            return self._failed(error)
        return TraceError(
            f"{self.path}: cannot be written ({_reason(error)}): choose another --out"
        )


def exit_is_unsafe() -> bool:
    """Return whether the interpreter may crash at its exit, since HDF5 could not write a file.

    A program that has nothing else to do at exit then leaves with ``os._exit``.
    """
    return bool(_LOST)


def _is_lost(error: BaseException) -> bool:
    """Return whether HDF5 could not write; which type of error it makes of that varies."""
    return isinstance(error, OSError | RuntimeError) or "write failed" in str(error)


def _refuse_foreign(path: Path) -> None:
    """Raise unless `path` is free or holds a trace that nobody is writing."""
    if path.is_dir():
        msg = f"{path}: is a directory: give --out a file name"
        raise TraceError(msg)
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return
    if path.is_file() and _is_trace(path):
        return
    msg = f"{path}: exists and is not a trace, so it is not overwritten: choose another --out"
    raise TraceError(msg)


def _is_trace(path: Path) -> bool:
    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get("schema", "")).startswith("archsim-trace/")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        if in_use(error):
            msg = f"{path}: another process is writing it: wait for it or choose another --out"
            raise TraceError(msg) from error
        return False


def in_use(error: Exception) -> bool:
    """Return whether h5py could not open a file because it is open elsewhere."""
    return "unable to lock file" in str(error) or "already open" in str(error)


def _reason(error: Exception) -> str:
    """Return the operating system's words for an error, not HDF5's."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return error.strerror
    if told := re.search(r"error message = '([^']*)'", text):
        return told[1]
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else type(error).__name__


def _keep_metadata_in_memory(file: h5py.File) -> None:
    """Let metadata reach the disk at flushes only, so that between them the file is whole."""
    config = file.id.get_mdc_config()
    config.set_initial_size = True
    config.initial_size = _METADATA_CACHE_BYTES
    config.max_size = max(config.max_size, 2 * _METADATA_CACHE_BYTES)
    config.evictions_enabled = False
    config.incr_mode = 0
    config.flash_incr_mode = 0
    config.decr_mode = 0
    file.id.set_mdc_config(config)


def _create_group(file: h5py.File, group: Group) -> None:
    node = file.require_group(group.path)
    node.attrs.update(group.attributes)
    scales = {}
    for place, scale in enumerate(group.scales):
        resizable = group.resizable and place == 0
        scales[scale.name] = _create_scale(node, scale, resizable=resizable)
    for variable in group.variables:
        _create_variable(node, variable, scales)


def _create_scale(node: h5py.Group, scale: Scale, *, resizable: bool) -> h5py.Dataset:
    growing = {"maxshape": (None,), "chunks": (_CHUNK,)} if resizable else {}
    if isinstance(scale.values, Repeated):
        shape, dtype = scale.values.shape, scale.values.dtype
        dataset = node.create_dataset(scale.name, shape=shape, dtype=dtype, **growing)
        _fill_in(dataset, scale.values)
    else:
        dataset = node.create_dataset(scale.name, data=scale.values, **growing)
    dataset.make_scale(scale.name)
    dataset.attrs.update({"units": scale.units, "long_name": scale.long_name})
    dataset.flush()
    return dataset


def _fill_in(dataset: h5py.Dataset, values: Values) -> None:
    """Write what is known beforehand."""
    if not isinstance(values, Repeated):
        dataset[...] = values
        return
    for first, part in values.parts():
        dataset[first : first + part.shape[0]] = part


def _create_variable(node: h5py.Group, variable: Variable, scales: dict[str, h5py.Dataset]) -> None:
    dtype = np.dtype(variable.dtype)
    stored = h5py.enum_dtype(variable.enum, basetype=dtype) if variable.enum else dtype
    shape = tuple(scales[name].shape[0] for name in variable.dims)
    allocate = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    allocate.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    if variable.values is not None:
        allocate.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    limits = tuple(scales[name].maxshape[0] for name in variable.dims)
    growing = {}
    if None in limits:
        growing = {"maxshape": limits, "chunks": (min(_CHUNK, max(shape[0], 1)), *shape[1:])}
    dataset = node.create_dataset(
        variable.name, shape=shape, dtype=stored, fillvalue=_fill(dtype), dcpl=allocate, **growing
    )
    if variable.values is not None:
        _fill_in(dataset, variable.values)
    dataset.flush()
    dataset.attrs.update({"units": variable.units, "long_name": variable.long_name})
    if variable.enum:
        dataset.attrs["flag_values"] = np.array(list(variable.enum.values()), dtype=dtype)
        dataset.attrs["flag_meanings"] = " ".join(variable.enum)
    for axis, name in enumerate(variable.dims):
        dataset.dims[axis].attach_scale(scales[name])


def _fill(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return np.nan
    return -1 if dtype.kind == "i" else 0
