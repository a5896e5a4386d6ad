"""An LSTM layer in a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from archsim.config.base import Rule, Section, only_if
from archsim.config.sections import (
    IGNORE,
    LAYERS,
    REMOVE,
    Bias,
    LayerSection,
    Name,
    OutputRange,
    TensorsName,
    check_range,
)

if TYPE_CHECKING:
    from archsim.config.run import RunConfig

_TENSOR = re.compile(r"(weight_(ih|hh|hr)|bias_(ih|hh))_l(?P<layer>\d+)(?P<reverse>_reverse)?")


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
class LSTMLayer(LayerSection):
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
    def elements(self) -> int:
        """Elements of its output."""
        return self.projection or self.units

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute: those of the gates."""
        return 4 * self.units

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus: h, and o * tanh(c) where it is projected."""
        out = {f"{self.name}_h": self.elements}
        return {**out, f"{self.name}_m": self.units} if self.projection else out

    @property
    def first_tensor(self) -> str:
        """Name of a tensor that every LSTM has, below `tensors_name`."""
        return "weight_ih_l0"

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

    def meaning_of(self, rest: str, shape: tuple[int, ...] | None) -> str:
        """Say what an unused tensor means and what to do."""
        parts = _TENSOR.fullmatch(rest)
        if parts is None:
            return f"a layer of kind lstm has no such tensor: {REMOVE}"
        if parts["reverse"]:
            return (
                f"layer '{self.name}' is bidirectional and only the forward direction can be "
                "simulated: train it with bidirectional=False, or name what belongs to the other "
                "direction in network.ignore"
            )
        if parts["layer"] != "0":
            return (
                f"it is of a further layer stacked on '{self.name}': add a layer of kind lstm to "
                f"network.layers and save these tensors under its name, with _l0 for "
                f"_l{parts['layer']}"
            )
        if rest == "weight_hr_l0":
            size = f" to {shape[0]}" if shape is not None and len(shape) == 2 else ""
            return f"h is projected: set projection of layer '{self.name}'{size}"
        return f"layer '{self.name}' has bias none: take the key away, or {IGNORE}"
