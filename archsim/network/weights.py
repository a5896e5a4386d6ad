"""Trained weights: safetensors files with PyTorch's names."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archsim.errors import WorkloadError

_LARGEST_FILE = 1 << 30
_FLOATS = {"F16", "F32", "F64"}
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
        Types of the file's tensors that are not of 16, 32 or 64 bit floating point, by name.
    """

    path: Path
    tensors: dict[str, NDArray[np.float64]]
    others: dict[str, str] = field(default_factory=dict)

    def get(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return a tensor, checked.

        Raises
        ------
        WorkloadError
            If it is missing, is not of floats, has another shape, or holds a number that is not
            finite or cannot be a weight.
        """
        if name in self.others:
            msg = (
                f"{self.path}: tensor '{name}' is of type {self.others[name]}: save it as 32-bit "
                "floating point (in PyTorch, tensor.float())"
            )
            raise WorkloadError(msg)
        if name not in self.tensors:
            have = ", ".join(sorted(self.tensors)) or "none"
            msg = f"{self.path}: it has no tensor '{name}'; it has {have}"
            raise WorkloadError(msg)
        tensor = self.tensors[name]
        if tensor.shape != shape:
            msg = (
                f"{self.path}: tensor '{name}' has shape {tensor.shape} but the network needs "
                f"{shape}: check network.inputs and the layers' units"
            )
            raise WorkloadError(msg)
        if not np.isfinite(tensor).all():
            msg = f"{self.path}: tensor '{name}' holds a number that is not finite; train it again"
            raise WorkloadError(msg)
        largest = float(np.abs(tensor).max(initial=0.0))
        if largest and not _RANGE[0] < largest < _RANGE[1]:
            msg = (
                f"{self.path}: tensor '{name}' has {largest:g} as its largest magnitude, which "
                "cannot be a weight; train it again"
            )
            raise WorkloadError(msg)
        return tensor


@dataclass(frozen=True)
class RandomWeights(Weights):
    """Weights drawn when they are asked for: normal, with the usual 1 / sqrt(inputs) spread.

    Attributes
    ----------
    seed : int
        Each tensor's numbers follow from the seed and its name.
    """

    seed: int = 0

    def get(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return random weights of a shape; biases are zero."""
        if len(shape) < 2:
            return np.zeros(shape)
        rng = np.random.default_rng([self.seed, *name.encode()])
        return rng.normal(0.0, shape[-1] ** -0.5, shape)


def network_weights(source: Path | Literal["random"], *, seed: int) -> Weights:
    """Return a network's weights: from a file, or random ones of a seed."""
    if source == "random":
        return RandomWeights(path=Path("random"), tensors={}, seed=seed)
    return load_weights(source)


def load_weights(path: Path) -> Weights:
    """Read a safetensors file.

    Raises
    ------
    WorkloadError
        If the file is missing, cut, or not a safetensors file.
    """
    from safetensors import SafetensorError, safe_open

    tensors: dict[str, NDArray[np.float64]] = {}
    others: dict[str, str] = {}
    try:
        _check_file(path)
        with safe_open(path, framework="np") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                kind = file.get_slice(name).get_dtype()
                if kind in _FLOATS:
                    tensors[name] = file.get_tensor(name).astype(np.float64)
                else:
                    others[name] = kind
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}): check network.weights"
        raise WorkloadError(msg) from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: is not a whole safetensors file: copy it again or train anew"
        raise WorkloadError(msg) from error
    return Weights(path, tensors, others)


def _check_file(path: Path) -> None:
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
