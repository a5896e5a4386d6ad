"""Reading a safetensors file, and what is said of a file that is none."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.errors import WorkloadError

Tensors = dict[str, NDArray[np.float64]]

_LARGEST_FILE = 1 << 30
_FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_BFLOAT16 = "BF16"
_SAVE = "save the tensors with safetensors.torch.save_file(model.state_dict(), path)"
_OTHER_FILES = (
    (b"PK\x03\x04", f"is a zip archive, as torch.save and NumPy write: {_SAVE}"),
    (b"\x80", f"is a Python pickle, as torch.save wrote before: {_SAVE}"),
    (b"\x89HDF", "is an HDF5 file, as Keras writes: save its weights as safetensors"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it"),
    (b"\x08", "is an ONNX file or another binary one: save its weights as safetensors"),
    (b"version https://git-lfs", "is a pointer to a file in Git LFS: fetch it with git lfs pull"),
)
"""First bytes of files that people give in place of a safetensors file."""


def read_weights_file(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read a safetensors file.

    Returns
    -------
    dict of str to float64 array
        Tensors of 16, 32 or 64 bit floating point, bfloat16 among them.
    dict of str to str
        Types of all other tensors.

    Raises
    ------
    WorkloadError
        If the file is missing, cannot be read, is cut, or is no safetensors file.
    """
    from safetensors import SafetensorError, deserialize

    try:
        data = _read(path)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}): check network.weights"
        raise WorkloadError(msg) from error
    try:
        return _parse(deserialize(data))  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        what = _other_file(data) or ("is not a whole safetensors file: copy it again or train anew")
        msg = f"{path}: {what}"
        raise WorkloadError(msg) from error


def _read(path: Path) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        msg = f"{path}: is a directory, not a safetensors file: check network.weights"
        raise WorkloadError(msg)
    if not stat.S_ISREG(status.st_mode):
        msg = f"{path}: is not a regular file: check network.weights"
        raise WorkloadError(msg)
    if status.st_size > _LARGEST_FILE:
        msg = f"{path}: is larger than 1 GiB, which no weights file here should be"
        raise WorkloadError(msg)
    return path.read_bytes()


def _parse(entries: list[tuple[str, dict[str, object]]]) -> tuple[Tensors, dict[str, str]]:
    tensors: Tensors = {}
    others: dict[str, str] = {}
    for name, entry in sorted(entries):
        kind, shape, data = str(entry["dtype"]), entry["shape"], entry["data"]
        assert isinstance(shape, list)
        assert isinstance(data, bytes | bytearray)
        if kind == _BFLOAT16:
            tensors[name] = _widened(data).reshape(shape)
        elif kind in _FLOATS:
            numbers = np.frombuffer(data, dtype=_FLOATS[kind])
            tensors[name] = numbers.astype(np.float64).reshape(shape)
        else:
            others[name] = kind
    return tensors, others


def _widened(data: bytes | bytearray) -> NDArray[np.float64]:
    """Return bfloat16 numbers: the upper halves of 32-bit ones."""
    upper = np.frombuffer(data, dtype="<u2").astype("<u4")
    return (upper << 16).view("<f4").astype(np.float64)


def _other_file(data: bytes) -> str | None:
    """Return what a file is that is no safetensors file, where its first bytes say so."""
    if data[8:9] == b"{":  # the header's length in 8 bytes, and the header: cut, or longer
        return None
    return next((what for start, what in _OTHER_FILES if data.startswith(start)), None)
