"""The run's part of a configuration: network, workload, trace; and the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from archsim.config.activations import TableActivation
from archsim.config.base import Rule, Section, only_if
from archsim.config.converter import CONVERTERS, Adc, Comparator
from archsim.config.device import Device
from archsim.config.fields import OneOf
from archsim.config.hardware import (
    Digital,
    Technology,
    Tile,
)
from archsim.config.quantity import ConfigPath
from archsim.config.sections import INPUT_BUFFER as INPUT_BUFFER  # noqa: PLC0414 - for others
from archsim.config.sections import (
    LAYERS,
    WORKLOADS,
    LayerSection,
    Name,
    WorkloadSection,
)
from archsim.config.tasks import Task, usual_task
from archsim.listing import listed, shortened

CLASSIFIER, CHIP = "classifier", "chip"
BUS, PROCESSORS = "bus", "processors"
"""Names of the units that are no layer's own, in traces."""


Layer = Annotated[LayerSection, OneOf(LAYERS)]

Magnitude = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Network(Section):
    """Layers from input to output, and their trained weights."""

    inputs: int = Field(ge=1, le=65536, description="inputs a timestep")
    timesteps: int = Field(
        ge=1, le=1_000_000, description="timesteps of a sequence; of the longest where they differ"
    )
    input_range: Magnitude | tuple[Magnitude, ...] = Field(
        1.0,
        description="magnitude of an input that a full pulse width stands for, one for all inputs "
        "or one for each; archsim calibrate finds it in data",
    )
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

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `input_range` out where it is not given, so that hashes stay what they were."""
        out: dict[str, Any] = dump(self)
        if self.input_range == 1.0:
            out.pop("input_range", None)
        return out

    @model_validator(mode="after")
    def _input_range(self) -> Network:
        given = self.input_range
        if isinstance(given, tuple) and len(given) != self.inputs:
            msg = (
                f"input_range has {len(given)} numbers for {self.inputs} inputs: give one for each "
                "input, or one number for all"
            )
            raise ValueError(msg)
        return self

    @property
    def sources(self) -> tuple[tuple[str, ...], ...]:
        """What each layer takes in: names of layers above it, or of the input buffer."""
        before = (INPUT_BUFFER, *(layer.name for layer in self.layers))
        return tuple(
            layer.inputs or (last,) for layer, last in zip(self.layers, before, strict=False)
        )

    def readers(self, layer: LayerSection) -> tuple[LayerSection, ...]:
        """Return the layers that take a layer's outputs in: none for the last."""
        return tuple(
            reader
            for reader, sources in zip(self.layers, self.sources, strict=True)
            if layer.name in sources
        )

    @property
    def once(self) -> tuple[bool, ...]:
        """Which layers work once a sequence, and not at every timestep."""
        found: dict[str, bool] = {}
        for layer, sources in zip(self.layers, self.sources, strict=True):
            before = any(found.get(name, False) for name in sources)
            found[layer.name] = layer.at_last_timestep or before
        return tuple(found.values())

    @property
    def entries(self) -> int:
        """How many entries the inputs choose from, where they are indices; 0 where they are not."""
        return max(layer.chooses_from for layer in self.layers)

    @property
    def without_processed(self) -> str:
        """Why what computes functions beside the converters has no effect, if so."""
        processed = any(layer.processed for layer in self.layers)
        return only_if(not processed, "without a layer whose gates have functions")

    @property
    def without_state(self) -> str:
        """Why what computes the function of a cell's state has no effect, if so."""
        needed = any(layer.needs_cell_state() for layer in self.layers)
        return only_if(not needed, "without a layer that has a cell state")

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        for key in ("prefix", "ignore"):
            yield key, only_if(self.weights == "random", "with network.weights random")

    @model_validator(mode="after")
    def _names(self) -> Network:
        names = [layer.name for layer in self.layers]
        units = {INPUT_BUFFER, CLASSIFIER, CHIP, BUS, PROCESSORS}
        units.update(name for layer in self.layers for name in layer.derived_names())
        for name in names:
            if names.count(name) > 1:
                msg = f"two layers are called '{name}': give each its own name"
                raise ValueError(msg)
            if name in units:
                msg = f"'{name}' is the name of a unit of the chip: call the layer something else"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _inputs(self) -> Network:
        for number, (layer, sources) in enumerate(zip(self.layers, self.sources, strict=True)):
            above = [INPUT_BUFFER, *(each.name for each in self.layers[:number])]
            for name in sources:
                if name not in above:
                    msg = (
                        f"in layers, '{layer.name}' has '{shortened(name)}' among its inputs, "
                        f"which is no layer above it: take one of {listed(above)}"
                    )
                    raise ValueError(msg)
                if sources.count(name) > 1:
                    msg = f"in layers, '{layer.name}' has '{name}' twice among its inputs"
                    raise ValueError(f"{msg}: name it once")
        for layer in self.layers[:-1]:
            if not self.readers(layer):
                msg = (
                    f"in layers, none takes the outputs of '{layer.name}': name it among the "
                    "inputs of a layer below it, or take it away"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _sizes(self) -> Network:
        sizes = {INPUT_BUFFER: self.inputs}
        for layer, sources in zip(self.layers, self.sources, strict=True):
            try:
                layer.learn_inputs({name: sizes[name] for name in sources})
            except ValueError as error:
                msg = f"in layers, '{layer.name}' {error}"
                raise ValueError(msg) from error
            sizes[layer.name] = layer.elements
            if self.entries and INPUT_BUFFER in sources and not layer.chooses_from:
                msg = (
                    f"in layers, '{layer.name}' takes the inputs as numbers, but they are indices "
                    "for another layer: take them in there"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _once(self) -> Network:
        once = dict(zip((layer.name for layer in self.layers), self.once, strict=True))
        for layer, sources in zip(self.layers, self.sources, strict=True):
            single = [name for name in sources if once.get(name, False)]
            others = [name for name in sources if not once.get(name, False)]
            if single and others:
                msg = (
                    f"in layers, '{layer.name}' takes in '{single[0]}', which works once a "
                    f"sequence, and '{others[0]}', which works at every timestep: set the "
                    f"timesteps of '{single[0]}' to all"
                )
                raise ValueError(msg)
        return self


Workload = Annotated[WorkloadSection, OneOf(WORKLOADS)]


class TraceLevel(StrEnum):
    """How much a run writes down."""

    OFF = "off"
    SUMMARY = "summary"
    EVENT = "event"
    CYCLE = "cycle"


class Trace(Section):
    """What goes into the trace."""

    level: TraceLevel = Field(
        TraceLevel.CYCLE,
        description="how much is written down: off, no trace; summary, totals and answers; event, "
        "also operations and what every layer puts out; cycle, also what tiles and units do in "
        "each cycle",
    )
    sequences: Literal["all"] | tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (0,), description="sequences whose cycles are recorded, counted from 0"
    )
    tiles: Literal["all"] | tuple[Name, ...] = Field(
        "all", description="tiles and units whose cycles are recorded"
    )
    waveforms: bool = Field(False, description="record the ramp and every column's voltage")

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:  # noqa: ARG002
        """Yield keys that may change nothing, with the reason where they change nothing."""
        coarse = self.level is not TraceLevel.CYCLE
        for key in ("sequences", "tiles", "waveforms"):
            yield key, only_if(coarse, f"with trace.level {self.level}")


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
    adc: Adc
    digital: Digital = Digital()
    network: Network
    workload: Workload
    task: Task = Field(
        default_factory=usual_task,
        description="what the run answers and how it is scored; where not given, one class a "
        "sequence",
    )
    streams: int = Field(
        1, ge=1, le=1024, description="sequences that are at work at the same time, taking turns"
    )
    trace: Trace = Trace()
    activations: tuple[TableActivation, ...] = Field(
        (), description="activation functions of one's own, as tables of points"
    )

    @model_serializer(mode="wrap")
    def _without_usual(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `task` out where it is the usual one, so that hashes stay what they were."""
        out: dict[str, Any] = dump(self)
        if self.task == usual_task():
            out.pop("task", None)
        return out

    @property
    def draws(self) -> bool:
        """Whether anything in the run is random."""
        return (
            self.network.weights == "random"
            or self.workload.follows_seed
            or not self.device.exact
            or self.tile.integrator.offset_sigma > 0
            or self.adc.comparator != Comparator()
        )

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "seed", only_if(not self.draws, "because nothing in this run is random")
        used = {name for layer in self.network.layers for name in layer.functions_in_use()}
        for index, table in enumerate(config.activations):
            unused = f"because no layer takes '{table.name}'"
            yield f"activations.{index}", only_if(table.name not in used, unused)

    @model_validator(mode="after")
    def _input_bits(self) -> RunConfig:
        bits = self.tile.input_bits
        if bits > MOST_PULSE_BITS and self.adc.of_kind.pulses:
            others = [name for name, kind in CONVERTERS.shipped().items() if not kind.pulses]
            only = f", only inputs of adc.kind {listed(others)} may have more" if others else ""
            msg = (
                f"tile.input_bits ({bits}): a pulse width has {MOST_PULSE_BITS} bits at most{only}"
            )
            raise ValueError(msg)
        return self
