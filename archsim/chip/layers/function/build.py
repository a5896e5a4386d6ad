"""A function of each element on the chip: gates for a sign, tables, dividers made of adders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.clipped import beyond, goes_on
from archsim.chip.layers.function.arithmetic import by_table, relu, softmax
from archsim.chip.layers.function.reference import function_float
from archsim.chip.layers.function.section import FunctionLayer
from archsim.chip.layers.signal import Signal
from archsim.chip.layers.words import WordsLayer
from archsim.clipping import Clipping, Place
from archsim.costs.elementwise import relu_unit, softmax_unit, table_unit
from archsim.costs.parts import UnitCost
from archsim.errors import DesignError
from archsim.network.activations import get_activation

Words = NDArray[np.int64]


def layer_of(section: FunctionLayer, inputs: int, context: BuildContext) -> WordsLayer:
    """Return the layer, as its function is computed."""
    kinds: dict[str, type[_Function]] = {"relu": Relu, "softmax": Softmax}
    return kinds.get(section.function, ByTable)(section, inputs, context)


class _Function(WordsLayer):
    """What all functions have in common."""

    work = "compute"

    def __init__(self, section: FunctionLayer, inputs: int, context: BuildContext) -> None:
        self._section, self._backward = section, context.input_backward
        cost = self._cost(inputs, context)
        self.assemble(section, context, cost, largest=self._largest(context))

    def _cost(self, elements: int, context: BuildContext) -> UnitCost:
        raise NotImplementedError

    def _largest(self, context: BuildContext) -> float:
        del context
        return 1.0

    @property
    def output_backward(self) -> NDArray[np.bool_]:
        """That of its inputs."""
        return self._backward

    def run_float(
        self,
        x: NDArray[np.float64],
        length: NDArray[np.int64] | None = None,  # noqa: ARG002 - no timestep looks at others
    ) -> NDArray[np.float64]:
        """Compute the function in float64."""
        return function_float(self._section.function, x)


class Relu(_Function):
    """The sign of a word keeps it from being written."""

    def _cost(self, elements: int, context: BuildContext) -> UnitCost:
        return relu_unit(elements, design=context.digital_design(), library=context.library)

    def _largest(self, context: BuildContext) -> float:
        return float(context.input_range.max())

    def words_of(self, signal: Signal) -> Words:
        """Return positive words, and 0 for others."""
        return relu(signal.fixed.astype(np.int64))


class _WithTable(_Function):
    """What has a table over ``table_range``, an entry an interval."""

    def __init__(self, section: FunctionLayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        self._reach = section.table_range << context.spec.digital.fraction_bits
        whole = self._reach * self._sides
        entries = min(context.spec.digital.table_entries, whole)
        self._shift = (whole // entries).bit_length() - 1
        middle = (np.arange(entries) + 0.5) * (whole // entries) - (whole - self._reach)
        self._value = self._function(middle / self._one)
        self._table = context.to_fixed(self._value)

    _sides = 1

    def _function(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        raise NotImplementedError


class ByTable(_WithTable):
    """A table of the function of either sign."""

    _sides = 2

    def _cost(self, elements: int, context: BuildContext) -> UnitCost:
        return table_unit(elements, design=context.digital_design(), library=context.library)

    def _function(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(get_activation(self._section.function).value(x))

    def words_of(self, signal: Signal) -> Words:
        """Return what the table holds for each word."""
        return by_table(signal.fixed.astype(np.int64), self._table, self._shift)

    def clipped_inputs(self, taken: Signal) -> tuple[Clipping, ...]:
        """Count inputs beyond the table, unless the function is flat there.

        It counts as flat where what is left of it is less than half of its table's largest step.
        """
        limit, most = self._section.table_range, (self._context.word_limit + 1) / self._one
        step = float(np.abs(np.diff(self._value)).max(initial=0.0))
        function = get_activation(self._section.function)
        if not goes_on(function, limit, most, step=step):
            return (Clipping(self.name, Place.TABLE_RANGE, limit, of=taken.fixed.size),)
        found = beyond(self.name, Place.TABLE_RANGE, taken.fixed, limit=self._reach, one=self._one)
        return (found,)


class Softmax(_WithTable):
    """Distances from the largest word, a table of their exponentials, a sum, and divisions."""

    def __init__(self, section: FunctionLayer, inputs: int, context: BuildContext) -> None:
        key = f"network.layers: '{section.name}'"
        if context.readers:
            msg = (
                f"{key}: softmax is for the last layer, and '{context.readers[0].name}' takes its "
                "outputs in: take sigmoid or tanh"
            )
            raise DesignError(msg)
        super().__init__(section, inputs, context)
        if self._table[0] < 1:
            msg = (
                f"{key}: the first of {self._table.size} entries over {section.table_range} is 0 "
                "as a word: raise digital.table_entries, or lower table_range"
            )
            raise DesignError(msg)

    def _cost(self, elements: int, context: BuildContext) -> UnitCost:
        bits = context.spec.digital.fraction_bits + 1  # of a share, which is 1 at most
        design, library = context.digital_design(), context.library
        return softmax_unit(elements, quotient_bits=bits, design=design, library=library)

    def _function(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-x))

    def words_of(self, signal: Signal) -> Words:
        """Return each word's share."""
        return softmax(signal.fixed.astype(np.int64), self._table, self._shift, self._one)
