"""The interface of an activation function.

To add one, subclass `Activation`: in a module of this folder, decorated with `register`, which is
found by itself; or in a package of your own that names it in the entry-point group
``archsim.activations``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import DesignError

Range = tuple[float, float]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Branch:
    """An interval of x on which a function is monotonic.

    Attributes
    ----------
    low, high : float
        Where the branch begins and ends, in x; may be infinite.
    rising : bool
        Whether the function rises on it, rather than falls.
    inverse : callable
        Maps y (float64, any shape), strictly between the function's values at both ends, to the x
        of this branch.
    """

    low: float
    high: float
    rising: bool
    inverse: Callable[[Array], Array]


class Activation(ABC):
    """A function ``y = g(x)`` and its inverse.

    Most rise everywhere. One that turns says where by overriding `branches`, and so does one that
    falls.

    Attributes
    ----------
    name : str
        What configurations call it.
    bounds : (float, float) or None
        Infimum and supremum of ``g``, which its levels reach; None where ``g`` is unbounded on
        either side, so that an input range has to be configured. A function with bounds comes
        from one of them and goes to one of them, as x goes from minus to plus infinity.

    Examples
    --------
    >>> class Arctan(archsim.Activation):
    ...     name = "arctan"
    ...     bounds = (-1.0, 1.0)
    ...     def value(self, x):
    ...         return 2 / np.pi * np.arctan(x)
    ...     def inverse(self, y):
    ...         return np.tan(np.pi / 2 * y)
    >>> arctan = Arctan()
    >>> arctan.domain(None), arctan.output_range(None)
    ((-inf, inf), (-1.0, 1.0))
    >>> [branch.rising for branch in arctan.branches()]
    [True]
    """

    name: str
    bounds: Range | None = None

    @abstractmethod
    def value(self, x: Array) -> Array:
        """Return ``g(x)``.

        Parameters
        ----------
        x : float64, any shape
            Where, dimensionless.

        Returns
        -------
        float64, the same shape
            The values, dimensionless.
        """

    @abstractmethod
    def inverse(self, y: Array) -> Array:
        """Return the x with ``g(x) = y``; where there are several, the last one.

        Parameters
        ----------
        y : float64, any shape
            Values strictly inside the output range, dimensionless.

        Returns
        -------
        float64, the same shape
            Where the function has these values.
        """

    def branches(self) -> tuple[Branch, ...]:
        """Return the monotonic branches, from minus to plus infinity, without gaps."""
        return (Branch(-math.inf, math.inf, rising=True, inverse=self.inverse),)

    def domain(self, input_range: Range | None) -> Range:
        """Return the x between which the levels are laid: all, or `input_range` if unbounded.

        Parameters
        ----------
        input_range : (float, float) or None
            What is configured; not looked at where the function has bounds.

        Raises
        ------
        DesignError
            If the function is unbounded, and the input range is missing or does not rise.
        """
        if self.bounds is not None:
            return (-math.inf, math.inf)
        if input_range is None:
            msg = f"'{self.name}' is unbounded: give an input range, for example [-8, 8]"
            raise DesignError(msg)
        low, high = input_range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            msg = f"input range [{low:g}, {high:g}] has to be two finite numbers that rise"
            raise DesignError(msg)
        return (float(low), float(high))

    def output_range(self, input_range: Range | None) -> Range:
        """Return ``(y_min, y_max)``: the bounds, or the least and the largest value on `domain`.

        Parameters
        ----------
        input_range : (float, float) or None
            As of `domain`.

        Raises
        ------
        DesignError
            As `domain` does, or if the function is the same everywhere on `input_range`.
        """
        if self.bounds is not None:
            return self.bounds
        low, high = self.domain(input_range)
        turns = [branch.low for branch in self.branches() if low < branch.low < high]
        y = self.value(np.array([low, *turns, high]))
        if not y.min() < y.max():
            msg = f"'{self.name}' has one value everywhere on [{low:g}, {high:g}]: widen the range"
            raise DesignError(msg)
        return float(y.min()), float(y.max())
