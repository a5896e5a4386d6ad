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
import numpy as np

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import Array
from archsim.network.importers.numbers import Budget

_MOST_GROUPS = 10_000
_DAMAGED = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError)
"""What HDF5 makes of bytes that were changed."""


class KerasWeights:
    """Variables of a model's layers, by the layers' names.

    Parameters
    ----------
    file : h5py.File
        The open file.
    """

    def __init__(self, file: h5py.File) -> None:
        self._budget = Budget()
        self._groups = 0
        self._by_name: dict[str, list[h5py.Group]] = {}
        self._by_place: dict[str, h5py.Group] = {}
        layers = _member(file, "layers") if "layers" in file else file
        if isinstance(layers, h5py.Group):
            self._index(layers)

    def _index(self, layers: h5py.Group) -> None:
        for place in layers:
            self._groups += 1
            if self._groups > _MOST_GROUPS:
                raise NetworkError("has weights of more layers than any network here has")
            group = _member(layers, place)
            if isinstance(group, h5py.Group):
                self._by_place[place] = group
                variables = _member(group, "vars") if "vars" in group else None
                called = getattr(variables, "attrs", {}).get("name")
                if isinstance(called, str):
                    self._by_name.setdefault(called, []).append(group)

    def variables(self, name: str, place: str, inside: tuple[str, ...]) -> list[Array]:
        """Return the variables of a layer, in their order.

        Parameters
        ----------
        name : str
            The layer's name.
        place : str
            Where it stands if names are not given: its class and number.
        inside : tuple of str
            Parts within it, such as ``cell``.

        Raises
        ------
        NetworkError
            If they are not there, or not safe to read.
        """
        named = self._by_name.get(name, [])
        group: object = named[0] if len(named) == 1 else self._by_place.get(place)
        shown = shortened("/".join((name, *inside)))
        for part in (*inside, "vars"):
            inner = isinstance(group, h5py.Group) and part in group
            group = _member(group, part) if inner else None
            if not isinstance(group, h5py.Group):
                raise NetworkError(f"has no weights of layer '{shown}': save the whole model again")
        found = []
        assert isinstance(group, h5py.Group)
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
        return np.asarray(node[()], dtype=np.float64)


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
