"""Converters at the feet of the columns: one file a kind; importing the package registers them."""

from archsim.chip.converters.base import Converter, converter_of
from archsim.chip.converters.bit_serial import build as bit_serial
from archsim.chip.converters.ideal import build as ideal
from archsim.chip.converters.ramp import build as ramp
from archsim.chip.converters.sar import build as sar

__all__ = ["Converter", "bit_serial", "converter_of", "ideal", "ramp", "sar"]
