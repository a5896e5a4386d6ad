"""A GRU layer in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, only_if
from archsim.config.recurrent import RecurrentSection
from archsim.config.sections import LAYERS, check_range

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


@LAYERS.register
class GRULayer(RecurrentSection):
    """A layer of gated recurrent units, its gates' functions in the converter."""

    of_network: ClassVar[tuple[str, ...]] = (*RecurrentSection.of_network, "reset")

    kind: Literal["gru"] = Field(description="layer kind")
    units: int = Field(ge=1, le=16384, description="hidden units")
    reset: Literal["after", "before"] = Field(
        "after",
        description="what the reset gate multiplies: after, what the matrix makes of h, bias "
        "included (PyTorch, Keras's reset_after, ONNX's linear_before_reset 1); before, h on its "
        "way into the matrix (the original GRU, ONNX's linear_before_reset 0)",
    )
    candidate_range: tuple[float, float] | Literal["auto"] = Field(
        (-4.0, 4.0),
        description="with reset after, where the ramp of the candidate's two sums begins and ends; "
        "auto takes the largest sum that the weights can give",
    )

    @model_validator(mode="after")
    def _range(self) -> GRULayer:
        if self.candidate_range != "auto":
            check_range(self.candidate_range, "candidate_range")
        return self

    @property
    def range_keys(self) -> Mapping[str, tuple[str, bool]]:
        """Where the sums that make the candidate lie."""
        return {"candidate": ("candidate_range", True)}

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.units

    @property
    def resets_before(self) -> bool:
        """Whether the reset gate multiplies h on its way into the matrix."""
        return self.reset == "before"

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute: those of both gates."""
        return 2 * self.units

    @property
    def processed_later(self) -> int:
        """Values of which they do so later: candidates that are sums of a second conversion."""
        return self.units if self.resets_before else 0

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus: h, and r * h where that drives a matrix."""
        out = {f"{self.name}_h": self.units}
        return {**out, f"{self.name}_r": self.units} if self.resets_before else out

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.gru.build import GRUAfter, GRUBefore

        return (GRUBefore if self.resets_before else GRUAfter)(self, inputs, context)

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other tiles and units."""
        yield from super().derived_names()
        parts = ("update", "candidate", "candidate_sum", "candidate_adc", "activation")
        yield from (f"{self.name}_{part}" for part in parts)

    def needs_cell_state(self) -> bool:
        """Say whether the candidate is added up digitally and then goes through tanh."""
        return not self.resets_before

    def functions_in_use(self) -> Iterator[str]:
        """Yield the names of its functions."""
        yield from ("sigmoid", "tanh")

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        conventional = f"with adc.kind {config.adc.kind}, whose range is adc.input_range"
        yield (
            "candidate_range",
            only_if(self.resets_before, "with reset before")
            or only_if(not config.adc.nonlinear, conventional),
        )
