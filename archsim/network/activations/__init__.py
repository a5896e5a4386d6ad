"""Activation functions that a converter can compute while it digitises."""

from archsim.network.activations.base import Activation, Branch, Range
from archsim.network.activations.clipped import Clipped
from archsim.network.activations.registry import (
    activation_names,
    get_activation,
    register,
    registered_names,
)
from archsim.network.activations.table import (
    PiecewiseLinear,
    load_activations,
    own_activations,
)

__all__ = [
    "Activation",
    "Branch",
    "Clipped",
    "PiecewiseLinear",
    "Range",
    "activation_names",
    "get_activation",
    "load_activations",
    "own_activations",
    "register",
    "registered_names",
]
