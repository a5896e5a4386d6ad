"""A function clipped at an input range, whether it is bounded or not."""

from __future__ import annotations

import numpy as np

from archsim.network.activations.base import Activation, Array, Branch, Range


class Clipped(Activation):
    """Another function, constant outside an input range.

    Levels run between the function's values at the ends of the range, so that functions which come
    near their asymptotes slowly (softsign) fit a ramp of ordinary cells.

    Parameters
    ----------
    function : Activation
        The function.
    input_range : (float, float)
        The range, in units of x.

    Raises
    ------
    DesignError
        If the range is not two finite numbers that rise.
    """

    def __init__(self, function: Activation, input_range: Range) -> None:
        self.name = function.name
        self._function = function
        self._range = super().domain(input_range)

    def domain(self, input_range: Range | None) -> Range:  # noqa: ARG002
        """Return the range that the function is clipped at."""
        return self._range

    def value(self, x: Array) -> Array:
        """Return the function's value at the x of the range that is nearest."""
        return self._function.value(np.clip(x, *self._range))

    def inverse(self, y: Array) -> Array:
        """Return the function's inverse."""
        return self._function.inverse(y)

    def branches(self) -> tuple[Branch, ...]:
        """Return the function's branches."""
        return self._function.branches()
