"""Kinds of layers that can be built on a chip."""

from archsim.chip.layers.base import BuildContext, ChipLayer, build_layer
from archsim.chip.layers.linear import build as linear
from archsim.chip.layers.lstm import build as lstm

__all__ = ["BuildContext", "ChipLayer", "build_layer", "linear", "lstm"]
