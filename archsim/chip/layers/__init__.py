"""Kinds of layers that can be built on a chip."""

from archsim.chip.layers import linear, lstm
from archsim.chip.layers.base import BuildContext, ChipLayer, build_layer

__all__ = ["BuildContext", "ChipLayer", "build_layer", "linear", "lstm"]
