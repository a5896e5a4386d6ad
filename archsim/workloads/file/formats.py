"""Arrays by name from files of several formats; nothing in a file is executed."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import WorkloadError
from archsim.listing import listed

Arrays = dict[str, NDArray[Any]]

LARGEST = 4 << 30
"""Bytes that arrays may take: more is hardly meant."""


def read_arrays(path: Path, inputs: str) -> Arrays:
    """Return the arrays of a file by their names.

    Parameters
    ----------
    path : Path
        The file; its suffix says its format.
    inputs : str
        Name of the array of inputs: what a format without names holds.

    Raises
    ------
    WorkloadError
        If it cannot be read, is cut or too large, or holds objects of Python.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        msg = f"{path}: files of sequences are {listed(_READERS)}: save it as one of these"
        raise WorkloadError(msg)
    try:
        mode = path.stat()
        if not stat.S_ISREG(mode.st_mode):
            msg = f"{path}: is not a regular file: check workload.source"
            raise WorkloadError(msg)
        return reader(path, inputs)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}): check workload.source"
        raise WorkloadError(msg) from error
    except (ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        msg = f"{path}: is cut, damaged or holds more than numbers and text ({said}): save it again"
        raise WorkloadError(msg) from error


def _npz(path: Path, inputs: str) -> Arrays:
    del inputs
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            msg = f"{path}: is cut or not an .npz archive: save it again with np.savez"
            raise WorkloadError(msg)
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            _check_size(path, sum(item.file_size for item in archive.infolist()))
        file.seek(0)
        with np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}


def _npy(path: Path, inputs: str) -> Arrays:
    _check_size(path, path.stat().st_size)
    return {inputs: np.load(path, allow_pickle=False)}


def _hdf5(path: Path, inputs: str) -> Arrays:
    import h5py

    del inputs
    out: Arrays = {}
    with h5py.File(path) as file:
        hard = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
        found = {name: file[name] for name in hard if isinstance(file[name], h5py.Dataset)}
        _check_size(path, sum(int(np.prod(d.shape)) * d.dtype.itemsize for d in found.values()))
        for name, dataset in found.items():
            text = h5py.check_string_dtype(dataset.dtype) is not None
            out[name] = dataset.asstr()[...].astype(np.str_) if text else dataset[...]
    return out


def _parquet(path: Path, inputs: str) -> Arrays:
    """Return a table's columns; those whose names begin like the inputs side by side.

    A column ``sequence`` says which rows belong together.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        msg = f"{path}: reading Parquet takes pyarrow: pip install 'archsim[parquet]'"
        raise WorkloadError(msg) from error
    table = parquet.ParquetFile(path)
    metadata = table.metadata
    _check_size(path, metadata.num_rows * metadata.num_columns * 8)
    read = table.read()
    columns = {name: read.column(name).to_numpy() for name in read.column_names}
    features = [name for name in columns if name.startswith(inputs)]
    if "sequence" not in columns or not features:
        msg = (
            f"{path}: a table of sequences has a column 'sequence' and columns whose names begin "
            f"with '{inputs}'; it has {listed(columns)}: name them so, or set workload.inputs"
        )
        raise WorkloadError(msg)
    number = columns.pop("sequence")
    begins = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    out: Arrays = {inputs: np.stack([columns.pop(name) for name in features], axis=1)}
    out["lengths"] = np.diff(np.r_[begins, number.size]).astype(np.int64)
    if np.unique(number[begins]).size != begins.size:
        msg = f"{path}: rows of one sequence are not together: sort the table by 'sequence'"
        raise WorkloadError(msg)
    for name, values in columns.items():
        kept = values.astype(np.str_) if values.dtype == object else values
        out[name] = kept[begins] if name == "split" or _constant(kept, begins) else kept
    return out


def _constant(values: NDArray[Any], begins: NDArray[np.int64]) -> bool:
    """Return whether a column is the same in all rows of each sequence."""
    change = np.flatnonzero(values[1:] != values[:-1]) + 1
    return bool(np.isin(change, begins).all())


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST:
        msg = (
            f"{path}: its arrays take {size / (1 << 30):,.1f} GiB, more than {LARGEST >> 30} GiB: "
            "give a part of them"
        )
        raise WorkloadError(msg)


_READERS: Mapping[str, Callable[[Path, str], Arrays]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".parquet": _parquet,
}
