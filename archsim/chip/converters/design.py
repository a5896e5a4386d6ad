"""Ramps of functions, and what stands for them where a converter has none."""

from __future__ import annotations

from archsim.chip.spec import TileSpec
from archsim.network.activations import Activation
from archsim.network.activations.base import Range
from archsim.transfer.ramp import Ramp, design_ramp


def usual_ramp(function: Activation, bits: int, *, limits: Range | None, spec: TileSpec) -> Ramp:
    """Return the ramp of a function on a run's devices.

    Parameters
    ----------
    function : Activation
        The function.
    bits : int
        Resolution.
    limits : (float, float), optional
        Where a function without bounds begins and ends.
    spec : TileSpec
        Devices and converter.

    Raises
    ------
    DesignError
        If the function cannot be such a ramp.
    """
    adc, device = spec.adc, spec.device
    given = adc.of_kind.has_ramps and adc.bias_cells != "auto"
    return design_ramp(
        function,
        bits,
        g_max=device.g_max,
        g_min=device.g_min,
        input_range=limits,
        bias_cells=adc.bias_cells if given and adc.bias_cells != "auto" else None,
    )
