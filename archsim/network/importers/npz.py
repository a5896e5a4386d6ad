"""Networks from NumPy archives: tensors by PyTorch's names, as ``numpy.savez`` writes them."""

from __future__ import annotations

import io

import numpy as np

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import Array, ImportedNetwork
from archsim.network.importers.files import NetworkFile
from archsim.network.importers.numbers import Budget, widened
from archsim.network.importers.options import Options
from archsim.network.importers.registry import Reader, register
from archsim.network.importers.tensor_groups import NamedTensors
from archsim.network.importers.tensors import network_of

_SUFFIX = ".npy"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@register
class NpzReader(Reader):
    """Reads NumPy archives."""

    name = "npz"
    what = "NumPy archive (.npz)"

    def fits(self, file: NetworkFile) -> bool:
        """Return whether it is a zip archive of arrays and nothing else."""
        return bool(file.entries) and all(name.endswith(_SUFFIX) for name in file.entries)

    def read(self, file: NetworkFile, options: Options) -> ImportedNetwork:
        """Return the network of its arrays, in the order in which they were written."""
        tensors: dict[str, Array] = {}
        others: dict[str, str] = {}
        budget = Budget()
        for entry in file.entries:
            name = entry.removesuffix(_SUFFIX)
            data = file.unpack(entry)
            try:
                array = _array(name, data, budget)
            except NetworkError as error:
                raise file.refused(str(error)) from error
            if isinstance(array, str):
                others[name] = array
            else:
                tensors[name] = array
        return network_of(NamedTensors(str(file.path), tensors, others), options)


def _array(name: str, data: bytes, budget: Budget) -> Array | str:
    """Return an array in float64, or its type where it is not of floating point numbers."""
    shown = shortened(name)
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        shape, by_columns, kind = _HEADERS[version](stream)
    except Exception as error:  # a header is Python's literal syntax, which fails in many ways
        raise NetworkError(f"has an array '{shown}' whose header is damaged") from error
    if kind.kind != "f" or kind.itemsize > 8:
        return str(kind)
    count = budget.take(name, shape)
    numbers = memoryview(data)[stream.tell() :]
    if len(numbers) != count * kind.itemsize:
        raise NetworkError(
            f"has an array '{shown}' of shape {shape} with {len(numbers):,} bytes where "
            f"{count * kind.itemsize:,} are needed"
        )
    read = widened(np.frombuffer(numbers, dtype=kind))
    return read.reshape(shape, order="F" if by_columns else "C")
