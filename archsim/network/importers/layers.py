"""Layers of an imported network that are not recurrent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from archsim.listing import listed
from archsim.network.activations import get_activation
from archsim.network.importers.base import Array, ImportedLayer, Lengths


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(ImportedLayer):
    """A linear layer.

    Attributes
    ----------
    w : float64 (units, inputs)
        Weights.
    b : float64 (units,), optional
        Bias.
    """

    w: Array
    b: Array | None = None

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "linear"

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return its units."""
        units = int(self.w.shape[0])
        self.check_shape("weight", self.w, (units, sum(widths)))
        self.check_shape("bias", self.b, (units,))
        return units

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its tensors."""
        yield "weight", self.w
        if self.b is not None:
            yield "bias", self.b

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:  # noqa: ARG002
        """Return its sums."""
        x = np.concatenate(taken, axis=-1)
        return np.asarray(x @ self.w.T + (0.0 if self.b is None else self.b))

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        return {"units": self.w.shape[0], **({"bias": "none"} if self.b is None else {})}


@dataclass(frozen=True, eq=False, kw_only=True)
class Embedding(ImportedLayer):
    """A table from which an input picks a row.

    Attributes
    ----------
    table : float64 (entries, units)
        What stands for each entry.
    """

    table: Array

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "embedding"

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return its units."""
        if sum(widths) != 1:
            raise self.wrong(f"is an embedding of one index, and is given {sum(widths)} inputs")
        return int(self.table.shape[1])

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its table."""
        yield "weight", self.table

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:  # noqa: ARG002
        """Return the rows that are picked."""
        index = np.rint(taken[0][..., 0]).astype(np.int64)
        entries = self.table.shape[0]
        if (index != taken[0][..., 0]).any() or index.min() < 0 or index.max() >= entries:
            raise self.wrong(f"takes whole numbers from 0 to {entries - 1}")
        return np.asarray(self.table[index])

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        entries, units = self.table.shape
        return {"entries": entries, "units": units}


@dataclass(frozen=True, eq=False, kw_only=True)
class Function(ImportedLayer):
    """A function of every element, or softmax over them.

    Attributes
    ----------
    function : str
        The name of an activation function, ``softmax`` or ``log_softmax``.
    """

    function: str

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "function"

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return as many as it takes in."""
        return sum(widths)

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:  # noqa: ARG002
        """Return the function of its inputs."""
        return function_of(self.function)(np.concatenate(taken, axis=-1))

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        return {"function": self.function}


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(ImportedLayer):
    """The sum of its inputs, element by element."""

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "add"

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of any of its inputs."""
        if len(set(widths)) != 1:
            raise self.wrong(f"adds inputs of different sizes: {listed(widths)}")
        return widths[0]

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:  # noqa: ARG002
        """Return the sum."""
        return np.asarray(sum(taken[1:], start=taken[0]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(ImportedLayer):
    """Its inputs side by side."""

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "concatenate"

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of all its inputs."""
        return sum(widths)

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:  # noqa: ARG002
        """Return its inputs side by side."""
        return np.concatenate(taken, axis=-1)


def function_of(name: str) -> Callable[[Array], Array]:
    """Return a function of elements, or one over the last axis."""
    return _OVER_ALL[name] if name in _OVER_ALL else get_activation(name).value


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _log_softmax(x: Array) -> Array:
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


_OVER_ALL = {"softmax": _softmax, "log_softmax": _log_softmax}
SOFTMAX = tuple(_OVER_ALL)
"""Functions over all elements, which do not change which one is the largest."""
