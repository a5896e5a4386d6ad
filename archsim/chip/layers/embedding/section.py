"""An embedding in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from archsim.config.base import Rule
from archsim.config.sections import (
    INPUT_BUFFER,
    LAYERS,
    LayerSection,
    Name,
    OutputRange,
    TensorsName,
)
from archsim.config.words import no_widths

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


@LAYERS.register
class EmbeddingLayer(LayerSection):
    """A table of vectors, of which each input, a whole number from 0, chooses one."""

    of_network: ClassVar[tuple[str, ...]] = (*LayerSection.of_network, "entries")

    kind: Literal["embedding"] = Field(description="layer kind")
    name: Name = Field(description="prefix of the layer's tensor, name of its memory")
    tensors: TensorsName = None
    entries: int = Field(
        ge=1, le=1 << 20, description="vectors in the table; inputs are their numbers, from 0"
    )
    units: int = Field(ge=1, le=16384, description="elements of a vector")
    output_range: OutputRange = Field(
        "auto",
        description="largest output that a pulse width stands for to the next layer, whose "
        "weights are scaled to match; auto takes the largest magnitude in the table",
    )

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.units

    @property
    def takes_words(self) -> bool:
        """Whether it is digital."""
        return True

    @property
    def chooses_from(self) -> int:
        """How many entries the network's inputs choose from."""
        return self.entries

    def learn_inputs(self, sources: Mapping[str, int]) -> None:
        """Check that it takes in one index a timestep, from outside."""
        if dict(sources) != {INPUT_BUFFER: 1}:
            msg = (
                "looks up one index a timestep that comes from outside: put it first, or set its "
                f"inputs to [{INPUT_BUFFER}], and network.inputs to 1"
            )
            raise ValueError(msg)

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.embedding.build import EmbeddingOnChip

        return EmbeddingOnChip(self, inputs, context)

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "output_range", no_widths(self, config)
