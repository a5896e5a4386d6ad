"""Writer of traces: makes the whole structure first, then fills it in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from archsim.drafts import Draft, unlock
from archsim.errors import ArchsimError
from archsim.outputs import (
    SPACE,
    OutputKind,
    check_output,
    not_written,
    refuse_foreign,
    remedy,
    target_of,
)
from archsim.trace.hdf5 import errno_of, hdf5_locks, open_to_read, open_to_write, reason
from archsim.trace.layout import SCHEMA, Group, Values
from archsim.trace.structure import create_group, fill_in

_METADATA_CACHE_BYTES = 1 << 24
# What HDF5 could not write: freeing or closing it may crash the process, so it is kept to the end.
_LOST: list[Any] = []


def is_trace(path: Path) -> bool:
    """Return whether a file is a trace, of any version and complete or not.

    Raises
    ------
    OSError
        If it cannot be read, or another process has it locked.
    """
    try:
        with open_to_read(path) as file:
            return str(file.attrs.get("schema", "")).startswith("archsim-trace/")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        if (number := errno_of(error)) is None:
            return False
        raise OSError(number, os.strerror(number), str(path)) from error


TRACE = OutputKind("a trace", is_trace)


class TraceWriter:
    """Context manager that writes one trace.

    Calls have an order: `define` once, then `write` and `advance`, then `finish` once. Leaving the
    context closes the file; without `finish` it keeps ``status: running``.

    The new trace takes the place of an older one early in `define`, when its structure is on disk
    and its space reserved: a run that fails or is killed before leaves the older one as it was.
    While it is written, the file is locked.

    Parameters
    ----------
    path : Path
        File to write; a trace that is already there is replaced, any other file is refused.
    inputs : iterable of Path
        What the run reads, and what is therefore not overwritten.

    Raises
    ------
    OutputError
        On entering, if the file cannot be written or is something else.
    ArchsimError
        If writing fails, or calls are out of order.
    """

    def __init__(self, path: Path, inputs: Iterable[Path] = ()) -> None:
        self.path = path
        self._inputs = tuple(inputs)
        self._draft: Draft | None = None
        self._file: h5py.File | None = None
        self._entered = False
        self._finished = False
        self._broken = False

    def __enter__(self) -> TraceWriter:
        check_output(self.path, TRACE, inputs=self._inputs, make_folder=True)
        self._entered = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        file, self._file, self._entered = self._file, None, False
        draft, self._draft = self._draft, None
        try:
            if file is not None and self._broken:
                _LOST.append(file)
            elif file is not None:
                with self._writing():
                    file.close()
        finally:
            if draft is not None:
                draft.discard()

    def define(self, attributes: dict[str, Any], groups: Iterable[Group]) -> None:
        """Create every group, dataset and attribute, and write what is known beforehand."""
        if not self._entered or self._draft is not None:
            msg = f"{self.path}: the trace is laid out already or not entered; call define once"
            raise ArchsimError(msg)
        try:
            self._draft = Draft(target_of(self.path).parent)
        except OSError as error:
            raise not_written(self.path, error, TRACE) from error
        with self._writing():
            if hdf5_locks():
                unlock(self._draft.descriptor)
            self._file = open_to_write(self._draft.path)
            _keep_metadata_in_memory(self._file)
            waiting = self._lay_out(
                self._file, {**attributes, "schema": SCHEMA, "status": "running"}, groups
            )
            _reserve(self._draft.descriptor)
            self._publish(self._draft)
            fill_in(self._file, waiting)
            self._file.flush()

    def _lay_out(
        self, file: h5py.File, attributes: dict[str, Any], groups: Iterable[Group]
    ) -> dict[str, Values | None]:
        """Make the structure of the file, and return what is to be filled in."""
        file.attrs.update({**attributes, "sequences_done": np.int64(0)})
        waiting: dict[str, Values | None] = {}
        for group in groups:
            waiting |= create_group(file, group)
        file.flush()
        return waiting

    def _publish(self, draft: Draft) -> None:
        """Put the file in its place, unless something else has come there in the meantime."""
        refuse_foreign(self.path, TRACE, inputs=self._inputs)
        draft.publish(target_of(self.path))

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
        self._check_place()
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

    def _check_place(self) -> None:
        assert self._draft is not None
        if not self._draft.is_at(target_of(self.path)):
            msg = (
                f"{self.path}: was moved, removed or replaced while the run wrote it: run it again"
            )
            raise ArchsimError(msg)

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
            f"{self.path}: writing the trace failed ({reason(error)}): "
            f"{remedy(errno_of(error), TRACE)}; what was written before is kept"
        )


def exit_is_unsafe() -> bool:
    """Return whether the interpreter may crash at its exit, since HDF5 could not write a file.

    A program that has nothing else to do at exit then leaves with ``os._exit``.
    """
    return bool(_LOST)


def _is_lost(error: BaseException) -> bool:
    """Return whether HDF5 could not write; which type of error it makes of that varies."""
    return isinstance(error, OSError | RuntimeError) or errno_of(error) is not None


def _reserve(descriptor: int) -> None:
    """Take the disk space of the whole file, where the system can, so that it cannot run out.

    Raises
    ------
    OSError
        If there is not enough.
    """
    reserve = getattr(os, "posix_fallocate", None)
    if reserve is not None:
        try:
            reserve(descriptor, 0, os.fstat(descriptor).st_size)
        except OSError as error:
            if error.errno in SPACE:
                raise


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
