"""Bytes of a tensor made into float64, after its type and size were looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import NetworkError
from archsim.listing import shortened
from archsim.network.importers.base import MOST_NUMBERS, Array

BFLOAT16 = "bfloat16"
FLOATS = {"float16": "<f2", "float32": "<f4", "float64": "<f8", BFLOAT16: "<u2"}
"""Types of floating point numbers, and how NumPy reads their bytes."""

_MOST_AXES = 8
_TOO_MANY = "its tensors have more than 1 GiB in float64 together"


def size_of(name: str, shape: Sequence[object], *, most: int = MOST_NUMBERS) -> int:
    """Return how many numbers a tensor has, from a shape that somebody wrote.

    Raises
    ------
    NetworkError
        If it is no shape, or of more numbers than a network here has.
    """
    for size in shape:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            what = f"tensor '{shortened(name)}' has a shape with {shortened(repr(size))} in it"
            raise NetworkError(f"{what}, which is no size")
    if len(shape) > _MOST_AXES:
        raise NetworkError(
            f"tensor '{shortened(name)}' has {len(shape)} axes, more than any weight"
        )
    count = math.prod(shape)  # type: ignore[arg-type]
    if count > most:
        raise NetworkError(
            f"tensor '{shortened(name)}' has {count:,} numbers, more than 1 GiB in float64"
        )
    return count


def numbers_of(name: str, kind: str, shape: Sequence[int], data: bytes | memoryview) -> Array:
    """Return a tensor from its bytes.

    Parameters
    ----------
    name : str
        Its name, for messages.
    kind : str
        One of `FLOATS`.
    shape : sequence of int
        Its shape.
    data : bytes
        Its numbers, lowest byte first.

    Raises
    ------
    NetworkError
        If bytes and shape do not agree.
    """
    count = size_of(name, shape)
    numbers = np.dtype(FLOATS[kind])
    if len(data) != count * numbers.itemsize:
        raise NetworkError(
            f"tensor '{shortened(name)}' of shape {tuple(shape)} has {len(data):,} bytes where "
            f"{count * numbers.itemsize:,} are needed"
        )
    read = np.frombuffer(data, dtype=numbers)
    if kind == BFLOAT16:  # the upper halves of 32-bit numbers
        read = (read.astype("<u4") << 16).view("<f4")
    return widened(read).reshape(tuple(shape))


def widened(numbers: NDArray[Any]) -> Array:
    """Return numbers in float64, without a warning of those that are none: they are told later."""
    with np.errstate(invalid="ignore"):
        return np.asarray(numbers, dtype=np.float64)


class Budget:
    """Counts the numbers of a file's tensors before they are read.

    Parameters
    ----------
    most : int
        How many they may be.
    why : str
        What is wrong if they are more.
    """

    def __init__(self, most: int = MOST_NUMBERS, why: str = _TOO_MANY) -> None:
        self._most, self._left, self._why = most, most, why

    @property
    def taken(self) -> int:
        """Numbers that were counted."""
        return self._most - self._left

    def take(self, name: str, shape: Sequence[object]) -> int:
        """Count a tensor's numbers and return how many they are.

        Raises
        ------
        NetworkError
            If all tensors together have too many.
        """
        count = size_of(name, shape)
        self._left -= count
        if self._left < 0:
            raise NetworkError(self._why)
        return count
