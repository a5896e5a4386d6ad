"""What experiments on single ramps have in common: which functions, and their designs."""

from __future__ import annotations

from pydantic import Field, model_validator

from archsim.config.activations import TableActivation
from archsim.config.base import Section
from archsim.config.device import Device
from archsim.config.sections import check_range
from archsim.errors import DesignError
from archsim.network.activations import Activation, get_activation, own_activations
from archsim.transfer.ramp import Ramp, design_ramp


class OfFunctions(Section):
    """A section of an experiment on the ramps of some functions."""

    functions: tuple[str, ...] = Field(min_length=1, description="activation functions")
    activations: tuple[TableActivation, ...] = Field(
        (), description="activation functions of one's own, as tables of points"
    )
    input_range: tuple[float, float] | None = Field(
        None, description="where ramps of unbounded functions begin and end, in units of x"
    )
    bits: int = Field(5, ge=2, le=10, description="resolution")

    @model_validator(mode="after")
    def _range(self) -> OfFunctions:
        if self.input_range is not None:
            check_range(self.input_range)
        for name in self.functions:
            try:
                function = self._function(name)
            except DesignError as error:
                msg = f"functions: {error}"
                raise ValueError(msg) from error
            if function.bounds is None and self.input_range is None:
                msg = f"functions: '{name}' is unbounded: give input_range, for example [-8, 8]"
                raise ValueError(msg)
        return self

    def _function(self, name: str) -> Activation:
        return get_activation(name, own=own_activations(self.activations))

    def only(self, name: str) -> OfFunctions:
        """Return what the ramp of one function hangs on, and nothing else."""
        own = tuple(item for item in self.activations if item.name == name)
        return OfFunctions(
            functions=(name,), activations=own, input_range=self.input_range, bits=self.bits
        )

    def design(self, name: str, device: Device) -> Ramp:
        """Return the ideal ramp of a function.

        Raises
        ------
        DesignError
            If it cannot be a ramp of the device; names the key.
        """
        try:
            return design_ramp(
                self._function(name),
                self.bits,
                g_max=device.g_max,
                g_min=device.g_min,
                input_range=self.input_range,
            )
        except DesignError as error:
            raise DesignError(f"functions: {error}") from error
