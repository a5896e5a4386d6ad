"""Ramps of functions, and what stands for them where a converter has none."""

from __future__ import annotations

from archsim.config.run import RunConfig
from archsim.network.activations import Activation
from archsim.network.activations.base import Range
from archsim.transfer.ramp import Ramp, design_ramp


def usual_ramp(function: Activation, bits: int, *, limits: Range | None, config: RunConfig) -> Ramp:
    """Return the ramp of a function on a run's devices.

    Parameters
    ----------
    function : Activation
        The function.
    bits : int
        Resolution.
    limits : (float, float), optional
        Where a function without bounds begins and ends.
    config : RunConfig
        Devices and converter.

    Raises
    ------
    DesignError
        If the function cannot be such a ramp.
    """
    adc, device = config.adc, config.device
    given = adc.of_kind.has_ramps and adc.bias_cells != "auto"
    return design_ramp(
        function,
        bits,
        g_max=device.g_max,
        g_min=device.g_min,
        input_range=limits,
        bias_cells=adc.bias_cells if given and adc.bias_cells != "auto" else None,
    )
