"""Activation functions that a converter can compute while it digitises."""

from archsim.network.activations import bounded, linear
from archsim.network.activations.base import Activation, activation_names, get_activation, register

__all__ = [
    "Activation",
    "activation_names",
    "bounded",
    "get_activation",
    "linear",
    "register",
]
