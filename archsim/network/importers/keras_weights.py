"""Weights of a Keras file: arrays in HDF5, each looked at before it is read.

HDF5 lets a small file claim large arrays, and take data from other files by links. Here an array is
read only if it stands in the file itself and takes the bytes there that it will take in memory.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import Array
from archsim.network.importers.numbers import Budget, widened

_MOST_VARIABLES = 16
_DAMAGED = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError)
"""What HDF5 makes of bytes that were changed."""


class KerasWeights:
    """Variables of a model's layers, by the layers' places.

    Parameters
    ----------
    file : h5py.File
        The open file.
    """

    def __init__(self, file: h5py.File) -> None:
        self._budget = Budget()
        found = _member(file, "layers") if "layers" in file else file
        self._layers = found if isinstance(found, h5py.Group) else file

    def variables(self, name: str, place: str, inside: tuple[str, ...]) -> list[Array]:
        """Return the variables of a layer, in their order.

        Parameters
        ----------
        name : str
            The layer's name, for messages.
        place : str
            Where it stands: its class and number. The names that stand beside it are texts of any
            length, which HDF5 does not read safely from a damaged file, and Keras goes by the
            place as well.
        inside : tuple of str
            Parts within it, such as ``cell``.

        Raises
        ------
        NetworkError
            If they are not there, or not safe to read.
        """
        group: object = self._layers
        shown = shortened("/".join((name, *inside)))
        for part in (place, *inside, "vars"):
            inner = isinstance(group, h5py.Group) and part in group
            group = _member(group, part) if inner else None
            if not isinstance(group, h5py.Group):
                raise NetworkError(f"has no weights of layer '{shown}': save the whole model again")
        assert isinstance(group, h5py.Group)
        if len(group) > _MOST_VARIABLES:
            raise NetworkError(f"has {len(group):,} arrays of weights of layer '{shown}'")
        found = []
        for number in range(len(group)):
            if str(number) not in group:
                raise NetworkError(f"has weights of layer '{shown}' under names that are unknown")
            found.append(self._array(_member(group, str(number)), f"{shown}/{number}"))
        return found

    def _array(self, node: object, shown: str) -> Array:
        if not isinstance(node, h5py.Dataset):
            raise NetworkError(f"has weights '{shown}' that are no array")
        if node.is_virtual or node.external or node.shape is None:
            raise NetworkError(f"has weights '{shown}' that stand in another file")
        if node.dtype.kind != "f" or node.dtype.itemsize > 8:
            raise NetworkError(f"has weights '{shown}' of type {node.dtype}, not floating point")
        self._budget.take(shown, tuple(int(size) for size in node.shape))
        stored, needed = node.id.get_storage_size(), math.prod(node.shape) * node.dtype.itemsize
        if stored < needed:
            raise NetworkError(f"has weights '{shown}' of {needed:,} bytes and stores {stored:,}")
        return widened(node[()])


def _member(group: h5py.Group, name: str) -> object:
    """Return a member of a group that is in the file itself, not behind a link."""
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise NetworkError(f"has weights behind a link '{shortened(name)}', which is not followed")
    return group[name]


@contextmanager
def open_weights(data: bytes) -> Iterator[KerasWeights]:
    """Open the weights in the bytes of an HDF5 file.

    Raises
    ------
    NetworkError
        If they are damaged.
    """
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            yield KerasWeights(file)
    except NetworkError:
        raise
    except _DAMAGED as error:
        raise NetworkError("has weights that are cut or damaged: save the model again") from error
