"""A sum of layers in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from archsim.config.base import Rule
from archsim.config.sections import LAYERS, OutputRange
from archsim.config.words import WordsSection, no_widths

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


@LAYERS.register
class AddLayer(WordsSection):
    """The sum of its inputs, element by element: around a layer, or of two directions."""

    kind: Literal["add"] = Field(description="layer kind")
    output_range: OutputRange = Field(
        "auto",
        description="largest output that a pulse width stands for to the next layer, whose "
        "weights are scaled to match; auto takes the sum of its inputs' ranges",
    )

    @property
    def elements(self) -> int:
        """Elements of its output: those of each of its inputs."""
        return next(iter(self._sources.values()), 0)

    def learn_inputs(self, sources: Mapping[str, int]) -> None:
        """Learn how many elements its inputs have, which are equally many."""
        if len(sources) < 2:
            msg = "adds nothing up: name two layers or more among its inputs"
            raise ValueError(msg)
        if len(set(sources.values())) > 1:
            sizes = " and ".join(f"{count} of '{name}'" for name, count in sources.items())
            msg = f"adds up elements one by one, but there are {sizes}: make them equally many"
            raise ValueError(msg)
        super().learn_inputs(sources)

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.add.build import AddOnChip

        return AddOnChip(self, inputs, context)

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield from super().without_effect(config)
        yield "output_range", no_widths(self, config)
