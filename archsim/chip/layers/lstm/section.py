"""An LSTM layer in a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, Section, only_if
from archsim.config.recurrent import RecurrentSection
from archsim.config.sections import LAYERS, OutputRange, check_range

if TYPE_CHECKING:
    from archsim.config.run import RunConfig


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


@LAYERS.register
class LSTMLayer(RecurrentSection):
    """A layer of LSTM units on tiles, its gates' functions in the converter."""

    kind: Literal["lstm"] = Field(description="layer kind")
    units: int = Field(ge=1, le=16384, description="hidden units")
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

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.projection or self.units

    @property
    def range_keys(self) -> Mapping[str, tuple[str, bool]]:
        """Where h lies, which a projection's ramp gives where there is one."""
        return {"h": ("projection_range", True) if self.projection else ("output_range", False)}

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute: those of the gates."""
        return 4 * self.units

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus: h, and o * tanh(c) where it is projected."""
        out = {f"{self.name}_h": self.elements}
        return {**out, f"{self.name}_m": self.units} if self.projection else out

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim.chip.layers.lstm.build import LSTMOnChip

        return LSTMOnChip(self, inputs, context)

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other tiles and units."""
        yield from super().derived_names()
        yield from (
            f"{self.name}_{part}" for part in ("update", "cell", "activation", "projection")
        )

    def needs_cell_state(self) -> bool:
        """Say that c goes through a function on its way to h."""
        return True

    def functions_in_use(self) -> Iterator[str]:
        """Yield the names of the functions of the gates and of the cell state."""
        yield from self._gates
        yield self.functions.state

    @property
    def _gates(self) -> tuple[str, ...]:
        functions = self.functions
        return functions.i, functions.f, functions.g, functions.o

    def without_effect(self, config: RunConfig) -> Iterator[Rule]:
        """Yield keys that may change nothing, with the reason where they change nothing."""
        yield "projection_range", only_if(self.projection is None, "without a projection")
        from archsim.chip.layers.functions import is_bounded

        bounded = all(is_bounded(name, config.activations) for name in self._gates)
        conventional = f"with adc.kind {config.adc.kind}, whose range is adc.input_range"
        yield (
            "functions.range",
            only_if(not config.adc.nonlinear, conventional)
            or only_if(bounded, "because every gate's function has bounds of its own"),
        )

    def meaning_of_own(self, rest: str, shape: tuple[int, ...] | None) -> str:
        """Say what an unused tensor of the layer itself means and what to do."""
        if rest.startswith("weight_hr"):
            size = f" to {shape[0]}" if shape is not None and len(shape) == 2 else ""
            return f"h is projected: set projection of layer '{self.name}'{size}"
        return super().meaning_of_own(rest, shape)
