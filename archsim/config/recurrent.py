"""What every kind of recurrent layer has in its section of a configuration."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from archsim.config.sections import IGNORE, REMOVE, Bias, LayerSection, Name, TensorsName

_TENSOR = re.compile(r"(weight_(ih|hh|hr)|bias_(ih|hh))_l(?P<stacked>\d+)(?P<reverse>_reverse)?")

Direction = Literal["forward", "backward"]


class RecurrentSection(LayerSection, ABC):
    """A recurrent layer: which way it goes through time, and where its tensors are.

    PyTorch keeps the tensors of a whole stack under one name, with ``_l1`` behind those of the
    second layer and ``_reverse`` behind those of the direction against time; here every layer of a
    stack and every direction is a layer of its own.
    """

    of_network: ClassVar[tuple[str, ...]] = (*LayerSection.of_network, "direction")
    left_out: ClassVar[Mapping[str, Any]] = {
        **LayerSection.left_out,
        "direction": "forward",
        "stacked": 0,
    }

    name: Name = Field(description="prefix of the layer's tensors, name of its tile")
    tensors: TensorsName = None
    bias: Bias = Field(
        Bias.CELLS,
        description="cells: in a row of memristors, or no row where the weights have no bias; "
        "none: no bias, which random weights have otherwise",
    )
    direction: Direction = Field(
        "forward",
        description="which way it goes through time: backward begins at each sequence's last "
        "timestep; two layers with the same inputs, one each way, are a bidirectional one",
    )
    stacked: int = Field(
        0,
        ge=0,
        le=999,
        description="which of the stacked layers of its tensors it is, where the weights file has "
        "several under one name: the number behind _l in PyTorch's names",
    )

    @model_validator(mode="after")
    def _bias_in_cells(self) -> RecurrentSection:
        if self.bias is Bias.DIGITAL:
            msg = (
                "bias digital is for linear layers: the functions of a recurrent layer have to see "
                "the whole sum, so its bias is in cells"
            )
            raise ValueError(msg)
        return self

    @property
    def backward(self) -> bool:
        """Whether it begins at the last timestep."""
        return self.direction == "backward"

    @property
    def first_tensor(self) -> str:
        """Name of a tensor that every recurrent layer has, below `tensors_name`."""
        return f"weight_ih_l{self.stacked}"

    def owns(self, rest: str) -> bool:
        """Whether a tensor's name is that of its place in the stack and of its direction."""
        parts = _TENSOR.fullmatch(rest)
        return parts is not None and (
            (int(parts["stacked"]), bool(parts["reverse"])) == (self.stacked, self.backward)
        )

    def meaning_of(self, rest: str, shape: tuple[int, ...] | None) -> str:
        """Say what an unused tensor means and what to do."""
        parts = _TENSOR.fullmatch(rest)
        if parts is None:
            return f"a layer of kind {self.kind} has no such tensor: {REMOVE}"
        if self.owns(rest):
            return self.meaning_of_own(rest, shape)
        return _another_layer(self, int(parts["stacked"]), backward=bool(parts["reverse"]))

    def meaning_of_own(self, rest: str, shape: tuple[int, ...] | None) -> str:  # noqa: ARG002
        """Say what an unused tensor of the layer itself means and what to do."""
        return f"layer '{self.name}' has bias none: take the key away, or {IGNORE}"


def _another_layer(layer: RecurrentSection, stacked: int, *, backward: bool) -> str:
    """Say that a tensor is of another layer of the same stack, and how that is written."""
    keys = [f"kind: {layer.kind}", "name: NAME", f"units: {layer.units}"]  # type: ignore[attr-defined]
    keys.append(f"tensors: {layer.tensors_name}")
    if stacked:
        keys.append(f"stacked: {stacked}")
    if backward:
        keys.append("direction: backward")
    if stacked != layer.stacked:
        what = f"of another layer that is stacked with '{layer.name}'"
        how = "whose inputs are the layers below it in the stack"
    else:
        what = f"of the other direction of '{layer.name}', which is bidirectional"
        how = f"with the same inputs as '{layer.name}'"
    return (
        f"it is {what}: add the layer {{{', '.join(keys)}}} to network.layers, {how}, or name "
        "what belongs to it in network.ignore"
    )
