"""Tensors that every recurrent layer has, by PyTorch's names, and the state that it begins with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.config.recurrent import RecurrentSection
from archsim.config.sections import Bias
from archsim.errors import DesignError

Array = NDArray[np.float64]


class RecurrentTensors:
    """Reads the tensors of one layer of a stack, in one direction.

    Parameters
    ----------
    section : RecurrentSection
        The layer.
    context : BuildContext
        Has the weights.

    Attributes
    ----------
    suffix : str
        What the names end with: ``_l0``, or ``_l1_reverse`` of the second layer against time. The
        tensors of a layer against time may stand under a name of their own, without ``_reverse``.
    """

    def __init__(self, section: RecurrentSection, context: BuildContext) -> None:
        self._section, self._context = section, context
        stacked = f"_l{section.stacked}"
        reverse = f"{stacked}_reverse"
        both = section.backward and context.weights.has(self._name("weight_ih", reverse))
        self.suffix = reverse if both else stacked

    def get(self, name: str, *shape: int) -> Array:
        """Return a tensor, such as ``weight_ih``.

        Raises
        ------
        WorkloadError
            As `archsim.network.weights.Weights.get`.
        """
        return self._context.weights.get(self._name(name, self.suffix), shape)

    def biases(self, size: int) -> tuple[Array, Array] | None:
        """Return PyTorch's two biases (size,), None for a layer without."""
        if self._section.bias is Bias.NONE:
            return None
        first, second = (self._name(name, self.suffix) for name in ("bias_ih", "bias_hh"))
        return self._context.weights.find_pair((first, second), (size,))

    def start(self, name: str, size: int) -> NDArray[np.int64]:
        """Return a state before the first timestep (size,), in fixed point; zeros by default.

        Parameters
        ----------
        name : str
            ``h0`` or ``c0``, which is the tensor's name too; of a stacked layer or of one against
            time what PyTorch puts behind other names comes behind it.
        size : int
            Its elements.

        Raises
        ------
        DesignError
            If a word does not hold it.
        """
        suffix = "" if self.suffix == "_l0" else self.suffix
        given = self._context.weights.find(self._name(name, suffix), (size,))
        if given is None:
            return np.zeros(size, dtype=np.int64)
        digital = self._context.spec.digital
        limit = 2.0 ** (digital.word_bits - 1 - digital.fraction_bits)
        largest = float(np.abs(given).max(initial=0.0))
        if largest > limit:
            msg = (
                f"network.layers: '{self._section.name}': its {name} reaches {largest:g}, and "
                f"words end at {limit:g}: lower digital.fraction_bits, or raise digital.word_bits"
            )
            raise DesignError(msg)
        return self._context.to_fixed(given)

    def _name(self, name: str, suffix: str) -> str:
        return f"{self._section.tensors_name}.{name}{suffix}"
