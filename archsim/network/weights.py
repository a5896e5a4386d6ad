"""Trained weights: safetensors files with PyTorch's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.config.run import Network
from archsim.errors import WorkloadError
from archsim.listing import listed
from archsim.network.foreign import name_hint, shape_hint
from archsim.network.prefix import prefix_of
from archsim.network.weights_file import read_weights_file

_RANGE = (1e-100, 1e30)  # of the largest magnitude in a tensor; products stay finite inside


@dataclass(frozen=True)
class Weights:
    """Named float64 tensors of one file.

    Attributes
    ----------
    path : Path
        Where they came from, for messages.
    tensors : dict of str to float64 array
        The tensors.
    others : dict of str to str
        Types of the file's tensors that are not of floating point numbers, by name.
    prefix : str
        What stands before the layers' names in the file.
    used : dict of str to None
        Names in the file of the tensors that were asked for, in that order.
    """

    path: Path
    tensors: dict[str, NDArray[np.float64]]
    others: dict[str, str] = field(default_factory=dict)
    prefix: str = ""
    used: dict[str, None] = field(default_factory=dict, compare=False)

    def get(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return a tensor, checked.

        Raises
        ------
        WorkloadError
            If it is missing, is not of floats, has another shape, or holds a number that is not
            finite or cannot be a weight.
        """
        tensor = self.find(name, shape)
        if tensor is None:
            have = listed(sorted((*self.tensors, *self.others))) or "none"
            hint = name_hint(name, (*self.tensors, *self.others))
            msg = f"{self.path}: it has no tensor '{self.prefix}{name}'; it has {have}{hint}"
            raise WorkloadError(msg)
        return tensor

    def has(self, name: str) -> bool:
        """Return whether there is a tensor of a name."""
        full = self._full(name)
        return full in self.tensors or full in self.others

    def find(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Return a tensor, checked as `get` does, or None where there is none of the name."""
        full = self._full(name)
        if not self.has(name):
            return None
        self.used[full] = None
        problem = self._problem(full, shape)
        if problem:
            msg = f"{self.path}: tensor '{full}' {problem}"
            raise WorkloadError(msg)
        return self.tensors[full]

    def find_pair(
        self, names: tuple[str, str], shape: tuple[int, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return two tensors that come together, or None where there is neither.

        Raises
        ------
        WorkloadError
            As `get`; also if one of them is missing.
        """
        first, second = (self.find(name, shape) for name in names)
        if first is None and second is None:
            return None
        if first is None or second is None:
            has, lacks = names if second is None else names[::-1]
            msg = (
                f"{self.path}: it has the tensor '{self._full(has)}' but no "
                f"'{self._full(lacks)}': PyTorch saves both, or with bias=False neither; save "
                "zeros for the one that there is not"
            )
            raise WorkloadError(msg)
        return first, second

    def _full(self, name: str) -> str:
        """Return the name in the file: what is not a layer's may stand there without prefix."""
        full = self.prefix + name
        return full if full in self.tensors or full in self.others else name

    def _problem(self, full: str, shape: tuple[int, ...]) -> str | None:
        """Say why a tensor cannot be used, or None."""
        if full in self.others:
            return (
                f"is of type {self.others[full]}: save it as 32-bit floating point (in PyTorch, "
                "tensor.float())"
            )
        tensor = self.tensors[full]
        if tensor.shape != shape:
            hint = shape_hint(full, tensor.shape, shape)
            return f"has shape {tensor.shape} but the network needs {shape}: {hint}"
        if not np.isfinite(tensor).all():
            return "holds a number that is not finite; train it again"
        largest = float(np.abs(tensor).max(initial=0.0))
        if largest and not _RANGE[0] < largest < _RANGE[1]:
            return (
                f"has {largest:g} as its largest magnitude, which cannot be a weight; train it "
                "again"
            )
        return None


@dataclass(frozen=True)
class RandomWeights(Weights):
    """Weights drawn when they are asked for: normal, with the usual 1 / sqrt(inputs) spread.

    Attributes
    ----------
    seed : int
        Each tensor's numbers follow from the seed and its name.
    """

    seed: int = 0

    def has(self, name: str) -> bool:  # noqa: ARG002
        """Return that there is; any tensor can be drawn."""
        return True

    def find(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return random weights of a shape; biases are zero."""
        if len(shape) < 2:
            return np.zeros(shape)
        rng = np.random.default_rng([self.seed, *name.encode()])
        return rng.normal(0.0, shape[-1] ** -0.5, shape)


def network_weights(network: Network, *, seed: int) -> Weights:
    """Return a network's weights: from a file, or random ones of a seed.

    Raises
    ------
    WorkloadError
        If the file cannot be used, or several prefixes fit the layers' names.
    """
    if network.weights == "random":
        return RandomWeights(path=Path("random"), tensors={}, seed=seed)
    tensors, others = read_weights_file(network.weights)
    prefix = prefix_of((*tensors, *others), network)
    return Weights(network.weights, tensors, others, prefix)
