"""Converters at the feet of the columns: one file a kind; importing the package registers them."""

from archsim.chip.converters import bit_serial, ideal, ramp, sar
from archsim.chip.converters.base import Converter, converter_of

__all__ = ["Converter", "bit_serial", "converter_of", "ideal", "ramp", "sar"]
