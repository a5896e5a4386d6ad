"""What a value of an ONNX graph is: numbers, sizes, or the outputs of layers with named axes.

The reader goes through the graph once and keeps for every value what it stands for. Exporters write
much that only moves axes about; following the axes shows what is left: layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Role(StrEnum):
    """What an axis is."""

    UNKNOWN = "unknown"
    TIME = "time"
    BATCH = "sequences"
    FEATURES = "elements"
    DIRECTIONS = "directions"
    SINGLE = "one"
    MERGED = "several merged"


class Step(StrEnum):
    """At which timestep an output is taken."""

    ALL = "all"
    FIRST = "first"
    LAST = "last"


class Axis:
    """An axis of a value; the same object in every value that it is passed on to.

    Parameters
    ----------
    role : Role
        What it is, which may turn out later.
    size : int, optional
        Its size, if it is known.
    of : tuple of Axis
        What was merged into it.
    """

    def __init__(self, role: Role, size: int | None = None, of: tuple[Axis, ...] = ()) -> None:
        self.role, self.size, self.of = role, size, of


@dataclass(frozen=True)
class Part:
    """A layer's output, at all timesteps or at one."""

    layer: str
    step: Step = Step.ALL


@dataclass(frozen=True, eq=False)
class Data:
    """Outputs of layers.

    Attributes
    ----------
    axes : tuple of Axis
        Its axes.
    parts : tuple of Part
        What stands side by side along its elements; or along its directions, if it has that axis.
    """

    axes: tuple[Axis, ...]
    parts: tuple[Part, ...]

    def place(self, role: Role) -> int | None:
        """Return which axis has a role, None where none has."""
        return next((n for n, axis in enumerate(self.axes) if axis.role is role), None)


@dataclass(frozen=True, eq=False)
class Constant:
    """Numbers: float64 or int64."""

    array: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Filled:
    """One number everywhere, whatever its shape."""

    value: float


@dataclass(frozen=True, eq=False)
class Sizes:
    """Sizes of axes: a vector, or one of them.

    Attributes
    ----------
    items : tuple of int or Axis
        Numbers, and axes whose size is meant.
    scalar : bool
        Whether it is one size and no vector.
    """

    items: tuple[int | Axis, ...]
    scalar: bool = False


@dataclass(frozen=True, eq=False)
class Lost:
    """What is not followed, and why."""

    why: str


Value = Data | Constant | Filled | Sizes | Lost


def sizes_of(value: Value) -> tuple[int | Axis, ...] | None:
    """Return a value as sizes, None where it is none."""
    if isinstance(value, Sizes):
        return value.items
    if isinstance(value, Constant) and value.array.ndim < 2 and value.array.dtype.kind == "i":
        return tuple(int(each) for each in np.atleast_1d(value.array))
    return None


def known(item: int | Axis) -> int | None:
    """Return a size, None where it varies."""
    return item.size if isinstance(item, Axis) else item
