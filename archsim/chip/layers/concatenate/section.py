"""Layers side by side in a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from archsim.config.sections import INPUT_BUFFER, LAYERS
from archsim.config.words import WordsSection


@LAYERS.register
class ConcatenateLayer(WordsSection):
    """The outputs of several layers side by side, under one name: wires alone."""

    kind: Literal["concatenate"] = Field(description="layer kind")

    @property
    def takes_words(self) -> bool:
        """Whatever comes in, words or pulse widths, goes on as it is."""
        return False

    def learn_inputs(self, sources: Mapping[str, int]) -> None:
        """Learn how many elements its inputs have."""
        if len(sources) < 2:
            msg = "has nothing to put side by side: name two layers or more among its inputs"
            raise ValueError(msg)
        if INPUT_BUFFER in sources:
            msg = (
                f"has {INPUT_BUFFER} among its inputs, but has no registers for them: name them "
                "among the inputs of the layer that takes them in"
            )
            raise ValueError(msg)
        super().learn_inputs(sources)

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.concatenate.build import ConcatenateOnChip

        return ConcatenateOnChip(self, inputs, context)
