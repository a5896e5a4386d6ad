"""The run's part of a configuration: network, workload, trace; and the whole of it."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from archsim.config.activations import TableActivation
from archsim.config.base import Section
from archsim.config.device import Device
from archsim.config.hardware import (
    LARGEST_INPUT,
    Converter,
    ConverterKind,
    Digital,
    Technology,
    Tile,
    check_range,
)
from archsim.config.quantity import ConfigPath

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"


def _checked_name(name: str) -> str:
    if re.fullmatch(NAME_PATTERN, name) is None:
        msg = (
            f"'{name[:40]}' is not a name: begin with a letter and go on with letters, digits, _ "
            "and -, 64 in all at most"
        )
        raise ValueError(msg)
    return name


Name = Annotated[
    str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": NAME_PATTERN})
]

INPUT_BUFFER, CLASSIFIER, CHIP = "input_buffer", "classifier", "chip"
BUS, PROCESSORS = "bus", "processors"
"""Names of the units that are no layer's own, in traces."""


class Bias(StrEnum):
    """Where a layer's bias is added."""

    CELLS = "cells"
    DIGITAL = "digital"
    NONE = "none"


TensorsName = Annotated[
    str | None,
    Field(
        None,
        min_length=1,
        max_length=200,
        description="name of the layer's tensors in the weights file, without network.prefix; the "
        "layer's own name where not given",
    ),
]

OutputRange = Literal["auto"] | Annotated[float, Field(ge=1, le=LARGEST_INPUT)]


class LSTMFunctions(Section):
    """Activation functions of an LSTM, each one built in, of `activations` or of a package."""

    i: str = Field("sigmoid", description="function of the input gate")
    f: str = Field("sigmoid", description="function of the forget gate")
    g: str = Field("tanh", description="function of the candidate for the cell state")
    o: str = Field("sigmoid", description="function of the output gate")
    state: str = Field(
        "tanh",
        description="function of the cell state, on its way to h; with digital.cell_activation "
        "table an odd one, f(-c) = -f(c)",
    )
    range: tuple[float, float] | None = Field(
        None,
        description="where the ramps of gates with an unbounded function begin and end, in units "
        "of the sum before the function; a conventional converter has adc.input_range",
    )

    @model_validator(mode="after")
    def _range(self) -> LSTMFunctions:
        if self.range is not None:
            check_range(self.range, "range")
        return self


class LSTMLayer(Section):
    """A layer of LSTM units on tiles, its gates' functions in the converter."""

    kind: Literal["lstm"] = Field(description="layer kind")
    name: Name = Field(description="prefix of the layer's tensors, name of its tile")
    tensors: TensorsName = None
    units: int = Field(ge=1, le=16384, description="hidden units")
    bias: Bias = Field(
        Bias.CELLS,
        description="cells: in a row of memristors, or no row where the weights have no bias; "
        "none: no bias, which random weights have otherwise",
    )
    projection: int | None = Field(
        None,
        ge=1,
        le=16384,
        description="elements that h is projected to before it is fed back, on tiles of their own "
        "with a linear ramp; PyTorch's proj_size",
    )
    projection_range: tuple[float, float] | Literal["auto"] = Field(
        (-1.0, 1.0),
        description="where the projection's ramp begins and ends; auto takes the largest sum that "
        "its weights can give",
    )
    output_range: OutputRange = Field(
        "auto",
        description="largest |h| that a pulse width stands for, to the gates and to the next "
        "layer, whose weights are scaled to match; auto takes the end of projection_range that is "
        "farther from 0, and 1 without a projection",
    )
    functions: LSTMFunctions = LSTMFunctions()

    @model_validator(mode="after")
    def _range(self) -> LSTMLayer:
        if self.projection_range != "auto":
            check_range(self.projection_range, "projection_range")
        return self

    @model_validator(mode="after")
    def _bias(self) -> LSTMLayer:
        if self.bias is Bias.DIGITAL:
            msg = (
                "bias digital is for linear layers: the functions of an LSTM's gates have to see "
                "the whole sum, so its bias is in cells"
            )
            raise ValueError(msg)
        return self

    @property
    def tensors_name(self) -> str:
        """Name of the layer's tensors in the weights file."""
        return self.tensors or self.name


class Placement(StrEnum):
    """Where a linear layer is computed."""

    TILE = "tile"
    DIGITAL = "digital"


class LinearLayer(Section):
    """A linear layer, on a tile with a linear ramp or in digital multiply-accumulate units."""

    kind: Literal["linear"] = Field(description="layer kind")
    name: Name = Field(description="prefix of the layer's tensors, name of its tile")
    tensors: TensorsName = None
    units: int = Field(ge=1, le=16384, description="outputs")
    bias: Bias = Field(
        Bias.CELLS,
        description="cells: in a row of memristors (of a digital layer: in its units), or none "
        "where the weights have no bias; digital: added to what the converter gives, by adders; "
        "none: no bias, which random weights have otherwise",
    )
    placement: Placement = Field(Placement.TILE, description="analog tile or digital units")
    timesteps: Literal["last", "all"] = Field("last", description="when the layer is computed")
    bits: int | None = Field(
        None, ge=1, le=10, description="resolution of its linear ramp; adc.bits where not given"
    )
    function: str = Field(
        "identity",
        description="activation function that the converter computes: a built-in one, one of "
        "`activations`, or one of an installed package",
    )
    input_range: tuple[float, float] | Literal["auto"] = Field(
        (-8.0, 8.0),
        description="where its ramp begins and ends, in units of the sum before the function; auto "
        "takes the largest sum that the weights can give",
    )
    output_range: OutputRange = Field(
        "auto",
        description="largest output that a pulse width stands for to the next layer, whose "
        "weights are scaled to match; auto takes the largest level of the ramp, and 1 in digital "
        "units",
    )

    @model_validator(mode="after")
    def _range(self) -> LinearLayer:
        if self.input_range == "auto":
            return self
        check_range(self.input_range)
        return self

    @model_validator(mode="after")
    def _bias(self) -> LinearLayer:
        if self.bias is Bias.DIGITAL and self.function != "identity":
            msg = (
                f"bias digital is added to the sum, which a converter that computes "
                f"'{self.function}' does not give: set bias to cells, or function to identity"
            )
            raise ValueError(msg)
        return self

    @property
    def tensors_name(self) -> str:
        """Name of the layer's tensors in the weights file."""
        return self.tensors or self.name


Layer = Annotated[LSTMLayer | LinearLayer, Field(discriminator="kind")]


class Network(Section):
    """Layers from input to output, and their trained weights."""

    inputs: int = Field(ge=1, le=65536, description="inputs a timestep")
    timesteps: int = Field(ge=1, le=1_000_000, description="timesteps of a sequence")
    weights: Annotated[Literal["random"] | ConfigPath, Field(union_mode="left_to_right")] = Field(
        description="weights (safetensors, PyTorch's names), or random ones: time and energy then "
        "mean something, accuracy does not"
    )
    prefix: str | None = Field(
        None,
        max_length=200,
        description="what stands before the layers' names in the weights file, such as module; "
        "where not given, what fits all layers if there is only one such prefix",
    )
    ignore: tuple[str, ...] = Field(
        (),
        description="tensors of the weights file that are left out on purpose: names or patterns "
        "such as optimizer.*; any other tensor that no layer uses is an error",
    )
    layers: tuple[Layer, ...] = Field(min_length=1, description="layers, input first")

    @model_validator(mode="after")
    def _last(self) -> Network:
        for layer in self.layers[:-1]:
            if isinstance(layer, LinearLayer) and layer.timesteps == "last":
                msg = (
                    f"layer '{layer.name}' works at the last timestep only, so no layer can follow "
                    "it: set its timesteps to all"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names(self) -> Network:
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                msg = f"two layers are called '{name}': give each its own name"
                raise ValueError(msg)
            if name in {INPUT_BUFFER, CLASSIFIER, CHIP, BUS, PROCESSORS, *self._derived()}:
                msg = f"'{name}' is the name of a unit of the chip: call the layer something else"
                raise ValueError(msg)
        return self

    def _derived(self) -> list[str]:
        """Return the names that layers give to their other tiles and units."""
        parts = ("update", "cell", "activation", "projection", "sum", "adc", "bias")
        return [f"{layer.name}_{part}" for layer in self.layers for part in parts]


class KeywordSpotting(Section):
    """Spoken words: prepared features, or a folder in the layout of Google Speech Commands."""

    kind: Literal["keyword_spotting"] = Field(description="workload kind")
    source: ConfigPath = Field(
        description="features (.npz), or a folder in the layout of Google Speech Commands"
    )
    split: Literal["train", "validation", "test"] = Field(
        "test", description="split to take from a folder"
    )
    sequences: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        "all", description="how many utterances to run, from the first"
    )


class Synthetic(Section):
    """Random sequences without labels: for time and energy, where accuracy does not matter."""

    kind: Literal["synthetic"] = Field(description="workload kind")
    sequences: int = Field(1, ge=1, le=1_000_000, description="how many sequences to run")


Workload = Annotated[KeywordSpotting | Synthetic, Field(discriminator="kind")]


class TraceLevel(StrEnum):
    """How much a run writes down."""

    OFF = "off"
    SUMMARY = "summary"
    EVENT = "event"
    CYCLE = "cycle"


class Trace(Section):
    """What goes into the trace."""

    level: TraceLevel = Field(TraceLevel.CYCLE, description="how much is written down")
    sequences: Literal["all"] | tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), description="sequences whose cycles are recorded, counted from 0"
    )
    tiles: Literal["all"] | tuple[Name, ...] = Field(
        "all", description="tiles and units whose cycles are recorded"
    )
    waveforms: bool = Field(False, description="record the ramp and every column's voltage")


MOST_PULSE_BITS = 10
"""Magnitude bits of a pulse-width input: it takes 2**bits clock cycles."""


class RunConfig(Section):
    """One run: a chip, a network on it, a workload through it, a trace of it."""

    name: Name = Field(description="names the run, its trace and its report")
    description: str = Field("", description="free text")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of everything random")
    technology: Technology
    device: Device
    tile: Tile
    adc: Converter
    digital: Digital = Digital()
    network: Network
    workload: Workload
    streams: int = Field(
        1, ge=1, le=1024, description="sequences that are at work at the same time, taking turns"
    )
    trace: Trace = Trace()
    activations: tuple[TableActivation, ...] = Field(
        (), description="activation functions of one's own, as tables of points"
    )

    @model_validator(mode="after")
    def _input_bits(self) -> RunConfig:
        bits = self.tile.input_bits
        if bits > MOST_PULSE_BITS and self.adc.kind is not ConverterKind.BIT_SERIAL:
            msg = (
                f"tile.input_bits ({bits}): a pulse width has {MOST_PULSE_BITS} bits at most, only "
                "inputs of adc.kind bit_serial may have more"
            )
            raise ValueError(msg)
        return self
