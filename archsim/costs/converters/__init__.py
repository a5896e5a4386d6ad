"""Converters at the foot of a tile's columns: what each kind costs, one file a kind."""

from archsim.costs.converters.base import ConverterDesign
from archsim.costs.converters.bit_serial import BitSerialDesign
from archsim.costs.converters.ideal import IdealDesign
from archsim.costs.converters.ramp import RampDesign
from archsim.costs.converters.sar import SarDesign

__all__ = ["BitSerialDesign", "ConverterDesign", "IdealDesign", "RampDesign", "SarDesign"]
