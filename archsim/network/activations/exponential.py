"""Functions that level out exponentially on one side: softplus, ELU and SELU.

All are clipped at the configured input range: levels run from the value at its low end, which is
near the asymptote but not on it, to the value at its high end.
"""

from __future__ import annotations

import numpy as np

from archsim.network.activations.base import Activation, Array
from archsim.network.activations.registry import register


@register
class Softplus(Activation):
    """``log(1 + exp(x))``."""

    name = "softplus"

    def value(self, x: Array) -> Array:
        """Return log(1 + exp(x)) without overflow."""
        return np.logaddexp(0.0, np.asarray(x, dtype=np.float64))

    def inverse(self, y: Array) -> Array:
        """Return log(exp(y) - 1), which this form gives in full for small and for large y."""
        y = np.asarray(y, dtype=np.float64)
        return np.asarray(y + np.log(-np.expm1(-y)))


class _Exponential(Activation):
    """``scale * x`` above 0 and ``scale * alpha * (exp(x) - 1)`` below."""

    scale: float
    alpha: float

    def value(self, x: Array) -> Array:
        """Return the function; the exponential never sees an x above 0."""
        x = np.asarray(x, dtype=np.float64)
        low = self.alpha * np.expm1(np.minimum(x, 0.0))
        return np.asarray(self.scale * np.where(x > 0, x, low))

    def inverse(self, y: Array) -> Array:
        """Return the x; the logarithm never sees a y above 0."""
        y = np.asarray(y, dtype=np.float64) / self.scale
        low = np.log1p(np.minimum(y, 0.0) / self.alpha)
        return np.asarray(np.where(y > 0, y, low))


@register
class ELU(_Exponential):
    """Exponential linear unit with ``alpha = 1`` (Clevert et al., ICLR 2016)."""

    name = "elu"
    scale = 1.0
    alpha = 1.0


@register
class SELU(_Exponential):
    """Scaled exponential linear unit (Klambauer et al., NeurIPS 2017, equation 2)."""

    name = "selu"
    scale = 1.0507009873554804934193349852946
    alpha = 1.6732632423543772848170429916717
