"""What every kind of layer, workload and converter says of itself to the configuration.

A kind has its section in a folder of its own, which registers it here: layers in
`archsim.chip.layers`, converters in `archsim.chip.converters`, workloads in
`archsim.workloads`. The program asks a section what it needs to know, and never which kind it is.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from archsim.config.base import Section
from archsim.config.kinds import Kinds

if TYPE_CHECKING:
    from archsim.config.run import Network

INPUT_BUFFER = "input_buffer"
"""Name of the unit that gives a network's own inputs, among the inputs of a layer."""

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
LARGEST_INPUT = 1e6
"""Largest magnitude, and inverse of the least width, of the range of a ramp."""

Range = tuple[float, float]


def check_range(limits: Range, key: str = "input_range") -> None:
    """Raise ValueError, which names the `key`, unless a ramp's range rises within reason."""
    low, high = limits
    if not low < high:
        msg = f"{key} [{low:g}, {high:g}] has to rise"
        raise ValueError(msg)
    if max(-low, high) > LARGEST_INPUT or high - low < 1 / LARGEST_INPUT:
        msg = (
            f"{key} [{low:g}, {high:g}] has to lie within {LARGEST_INPUT:g} of 0 and be at "
            f"least {1 / LARGEST_INPUT:g} wide"
        )
        raise ValueError(msg)


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


class Bias(StrEnum):
    """Where a layer's bias is added."""

    CELLS = "cells"
    DIGITAL = "digital"
    NONE = "none"


IGNORE = "name the tensor in network.ignore"
REMOVE = f"take it out of the file, or {IGNORE}"
"""What can be done about a tensor that no layer uses."""


# ----------------------------------------------------------------- layers


class LayerSection(Section, ABC):
    """A layer of the network; a kind of layers subclasses it and registers with `LAYERS`.

    Attributes
    ----------
    of_network : tuple of str
        Keys that say what the network is, beside ``functions`` and ``inputs``; the others say how
        it is put on a chip. Two layers that differ in one of them are not compared.
    left_out : dict of str to anything
        Keys that came later, with their usual values: a configuration that has these is written
        without the keys, so that hashes stay what they were.
    """

    of_network: ClassVar[tuple[str, ...]] = ("kind", "units", "projection", "timesteps", "function")
    left_out: ClassVar[Mapping[str, Any]] = {"inputs": None}

    kind: str
    name: Name = Field(description="name of the layer, and of its unit")
    tensors: TensorsName = None
    inputs: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="layers above it whose outputs it takes in, side by side in this order; "
        "input_buffer stands for the network's own inputs; where not given, the layer before",
    )

    @model_serializer(mode="wrap")
    def _without_unset(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is as usual, of the keys that came later."""
        out: dict[str, Any] = dump(self)
        for key, usual in self.left_out.items():
            if getattr(self, key) == usual:
                out.pop(key, None)
        return out

    @property
    def range_keys(self) -> Mapping[str, tuple[str, bool]]:
        """Keys of ranges, by what `archsim.chip.layers.base.ChipLayer.watch` is told of.

        Beside each: whether it has both ends; otherwise it is the largest magnitude.
        """
        return {}

    @property
    def tensors_name(self) -> str:
        """Name of the layer's tensors in the weights file."""
        return self.tensors or self.name

    @property
    @abstractmethod
    def elements(self) -> int:
        """Elements of its output."""

    @abstractmethod
    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip.

        Parameters
        ----------
        inputs : int
            Elements of its input.
        context : archsim.chip.layers.base.BuildContext
            What it is built from.

        Returns
        -------
        archsim.chip.layers.base.ChipLayer
            The layer.
        """

    @property
    def at_last_timestep(self) -> bool:
        """Whether it works once a sequence, as all layers do then that take its outputs."""
        return False

    @property
    def takes_final(self) -> bool:
        """Whether it takes what a layer that runs against time gives at the first timestep."""
        return False

    @property
    def chooses_from(self) -> int:
        """How many entries the network's inputs choose from, where they are indices; else 0."""
        return 0

    def learn_inputs(self, sources: Mapping[str, int]) -> None:
        """Learn what the layer takes in, from the network that it is in.

        Parameters
        ----------
        sources : dict of str to int
            Elements of each of its sources.

        Raises
        ------
        ValueError
            If it cannot take these in.
        """

    @property
    def backward(self) -> bool:
        """Whether it begins at the last timestep of a sequence."""
        return False

    @property
    def takes_words(self) -> bool:
        """Whether its inputs are fixed-point words, not pulse widths that drive tiles."""
        return False

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute where converters only digitise."""
        return 0

    @property
    def processed_later(self) -> int:
        """Values of which they do so in a second turn, after another conversion."""
        return 0

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus, by the kind of their transfer."""
        return {}

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other tiles and units, which no layer can be called.

        A kind that has more than sums of row blocks and shared converters adds them.
        """
        yield from (f"{self.name}_{part}" for part in ("sum", "adc"))

    @property
    def first_tensor(self) -> str:
        """Name of a tensor that every such layer has, below `tensors_name`; empty if none."""
        return "weight"

    def functions_in_use(self) -> Iterator[str]:
        """Yield the names of the activation functions that it computes."""
        yield from ()

    def owns(self, rest: str) -> bool:  # noqa: ARG002
        """Whether a tensor of this name below `tensors_name` would be its own.

        Several layers may share a `tensors_name`: those of a stack, and both directions.
        """
        return True

    def meaning_of(self, rest: str, shape: tuple[int, ...] | None) -> str:  # noqa: ARG002
        """Say what an unused tensor means and what to do.

        Parameters
        ----------
        rest : str
            Its name below `tensors_name`.
        shape : tuple of int, optional
            Its shape, where it is numbers.
        """
        return f"a layer of kind {self.kind} has no such tensor: {REMOVE}"

    def needs_cell_state(self) -> bool:
        """Whether it has a state that goes through a function of its own on the way to h."""
        return False


def kind_of(cls: Any) -> object:
    """Return the name that a section's class gives its kind: the one value of its `kind`."""
    field = getattr(cls, "model_fields", {}).get("kind")
    return next(iter(get_args(field.annotation)), None) if field is not None else None


def unfinished(cls: type[Section]) -> str:
    """Return why pydantic cannot check a section, such as a type that it does not find."""
    try:
        cls.model_rebuild()
    except Exception as error:  # whatever a plug-in's annotations make of it
        return f"has a key that is not defined: {' '.join(str(error).split('.')[0].split())}"
    return ""


LAYERS: Kinds[LayerSection] = Kinds(
    "layer kind",
    "archsim.layers",
    LayerSection,
    shipped="archsim.chip.layers",
    part="section",
    name_of=kind_of,
    check=unfinished,
    has_kernels=True,
)
"""All kinds of layers."""


# ----------------------------------------------------------------- workloads


class WorkloadSection(Section, ABC):
    """What goes into the network; a kind subclasses it and registers with `WORKLOADS`."""

    kind: str

    @abstractmethod
    def load(self, network: Network, seed: int) -> Any:
        """Load the sequences and check that they fit the network.

        Returns
        -------
        archsim.workloads.features.FeatureSet or archsim.workloads.sequences.Sequences
            Sequences with what is right for each.

        Raises
        ------
        WorkloadError
            If they cannot be had, or have another shape than the network.
        """

    @property
    def has_labels(self) -> bool:
        """Whether it says what is right, so that answers can be scored."""
        return True

    @property
    def origin(self) -> str:
        """Where its sequences are from, for messages."""
        return "workload"

    @property
    def follows_seed(self) -> bool:
        """Whether its sequences are others with another seed."""
        return True

    def in_words(self, count: int) -> str:
        """Say what it is, for the summary of a run with `count` sequences."""
        return f"{count:,} sequence{'' if count == 1 else 's'} of {self.kind}"


WORKLOADS: Kinds[WorkloadSection] = Kinds(
    "workload kind",
    "archsim.workloads",
    WorkloadSection,
    shipped="archsim.workloads",
    part="section",
    name_of=kind_of,
    check=unfinished,
)
"""All kinds of workloads."""
