"""A GRU in a configuration: ``kind: own_gru``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from archsim.config.recurrent import RecurrentSection
from archsim.config.sections import check_range


class GRULayer(RecurrentSection):
    """A layer of PyTorch's GRU: the reset gate acts on what comes out of W_hn h + b_hn."""

    kind: Literal["own_gru"] = Field(description="layer kind")
    units: int = Field(ge=1, le=16384, description="hidden units")
    candidate_range: tuple[float, float] = Field(
        (-4.0, 4.0), description="where the ramps of the candidate's two sums begin and end"
    )

    @model_validator(mode="after")
    def _range(self) -> GRULayer:
        check_range(self.candidate_range, "candidate_range")
        return self

    @property
    def elements(self) -> int:
        """Elements of its output."""
        return self.units

    @property
    def processed(self) -> int:
        """Values a timestep whose functions processors compute: those of both gates."""
        return 2 * self.units

    @property
    def transfers(self) -> Mapping[str, int]:
        """Elements a timestep that go over a bus."""
        return {f"{self.name}_h": self.units}

    def derived_names(self) -> Iterator[str]:
        """Yield the names of its other tiles and units."""
        yield from super().derived_names()
        yield from (f"{self.name}_{part}" for part in ("update", "cell", "activation"))

    def needs_cell_state(self) -> bool:
        """Say that the candidate goes through a function on its way to h."""
        return True

    def functions_in_use(self) -> Iterator[str]:
        """Yield the names of its functions."""
        yield from ("sigmoid", "tanh")

    def build(self, inputs: int, context: Any) -> Any:
        """Build the layer on the chip."""
        from archsim_extension.gru.build import GRUOnChip

        return GRUOnChip(self, inputs, context)
