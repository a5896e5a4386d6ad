"""Trained weights: safetensors files with PyTorch's names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.errors import WorkloadError

_LARGEST_FILE = 1 << 30


@dataclass(frozen=True)
class Weights:
    """Named float64 tensors of one file.

    Attributes
    ----------
    path : Path
        Where they came from, for messages.
    tensors : dict of str to float64 array
        The tensors.
    """

    path: Path
    tensors: dict[str, NDArray[np.float64]]

    def get(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return a tensor, checked.

        Raises
        ------
        WorkloadError
            If it is missing, has another shape, or holds a number that is not finite.
        """
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
        return tensor


def load_weights(path: Path) -> Weights:
    """Read a safetensors file.

    Raises
    ------
    WorkloadError
        If the file is missing, cut, or not a safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if path.is_dir():
        msg = f"{path}: is a directory, not a safetensors file"
        raise WorkloadError(msg)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            msg = f"{path}: is larger than 1 GiB, which no weights file here should be"
            raise WorkloadError(msg)
        loaded = load_file(path)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror or error}): check network.weights"
        raise WorkloadError(msg) from error
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: is not a whole safetensors file: copy it again or train anew"
        raise WorkloadError(msg) from error
    return Weights(path, {name: tensor.astype(np.float64) for name, tensor in loaded.items()})
