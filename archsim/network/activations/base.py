"""The interface of an activation function, and the registry of known ones.

To add one, subclass `Activation`, decorate the class with `register`, and import its module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from difflib import get_close_matches
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.errors import DesignError

Range = tuple[float, float]


class Activation(ABC):
    """A function ``y = g(x)`` that rises monotonically, and its inverse.

    Attributes
    ----------
    name : str
        What configurations call it.
    bounds : (float, float) or None
        Limits of ``g`` for x towards minus and plus infinity; None where ``g`` is unbounded on
        either side, so that an input range has to be configured.
    """

    name: ClassVar[str]
    bounds: ClassVar[Range | None] = None

    @abstractmethod
    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ``g(x)``, any shape, dimensionless."""

    @abstractmethod
    def inverse(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the x with ``g(x) = y``, for y strictly inside the output range."""

    def output_range(self, input_range: Range | None) -> Range:
        """Return ``(y_min, y_max)``: the bounds, or the function's values on `input_range`.

        Raises
        ------
        DesignError
            If the function is unbounded and no input range is given.
        """
        if self.bounds is not None:
            return self.bounds
        if input_range is None:
            msg = f"'{self.name}' is unbounded: give an input range, for example [-8, 8]"
            raise DesignError(msg)
        low, high = self.value(np.array(input_range, dtype=np.float64))
        return float(low), float(high)


_REGISTRY: dict[str, type[Activation]] = {}


def register(cls: type[Activation]) -> type[Activation]:
    """Class decorator: make an activation known under its ``name``."""
    _REGISTRY[cls.name] = cls
    return cls


def activation_names() -> tuple[str, ...]:
    """Return the names of all known activation functions, sorted."""
    return tuple(sorted(_REGISTRY))


def get_activation(name: str) -> Activation:
    """Return the activation function called `name`.

    Raises
    ------
    DesignError
        If there is none; the message names the nearest known one.
    """
    if name in _REGISTRY:
        return _REGISTRY[name]()
    near = get_close_matches(name, _REGISTRY, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    msg = f"unknown activation function '{name}'{hint}; known are {', '.join(activation_names())}"
    raise DesignError(msg)
