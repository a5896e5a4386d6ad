"""Functions of a recurrent layer's gates: as ramps, and as what codes stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.functions import layer_ramp
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.config.hardware import ActivationMethod
from archsim.errors import DesignError
from archsim.network.activations import Activation, get_activation
from archsim.network.activations.base import Range
from archsim.network.nonlinear import CORDIC_FUNCTIONS, processed
from archsim.transfer.ramp import Ramp


def check_gates(
    gates: Mapping[str, Activation], context: BuildContext, *, limits: Range | None, key: str
) -> None:
    """Refuse functions that nothing on the chip can compute.

    Parameters
    ----------
    gates : dict of str to Activation
        Functions by the keys that name them, which messages begin with.
    context : BuildContext
        What the layer is built from.
    limits : (float, float) or None
        Range of the ramps of unbounded functions, where it is given.
    key : str
        The key that gives it.

    Raises
    ------
    DesignError
        If a ramp of an unbounded function has no range, or CORDIC does not know a function.
    """
    spec = context.spec
    for name, function in gates.items():
        if spec.kind.computes:
            if function.bounds is None and limits is None:
                msg = (
                    f"{name}: '{function.name}' is unbounded, so its ramp has no ends of its own: "
                    f"set {key}, for example to [-4, 4]"
                )
                raise DesignError(msg)
        elif (
            spec.digital.processors.method is ActivationMethod.CORDIC
            and function.name not in CORDIC_FUNCTIONS
        ):
            msg = (
                f"{name}: CORDIC does not compute '{function.name}', only "
                f"{' and '.join(CORDIC_FUNCTIONS)}: set digital.processors.method to table or "
                "piecewise_linear"
            )
            raise DesignError(msg)


def gate_ramps(
    functions: Sequence[Activation], name: str, context: BuildContext, *, limits: Range | None
) -> tuple[list[Ramp], NDArray[np.int64]]:
    """Return the ramps that gates need, and which of them each gate (gates,) has.

    A ramp that computes has one of each function; an ordinary converter has one linear ramp.

    Parameters
    ----------
    functions : sequence of Activation
        The function of each gate.
    name : str
        The layer, for messages.
    context : BuildContext
        Converters and devices.
    limits : (float, float) or None
        Where the ramps of unbounded functions begin and end.
    """
    if not context.spec.kind.computes:
        identity = get_activation("identity")
        limits = context.spec.adc.input_range
        ramp = layer_ramp(identity, name, context, input_range=limits)
        return [ramp], np.zeros(len(functions), dtype=np.int64)
    kinds = list({function.name: function for function in functions}.values())
    ramps = [layer_ramp(kind, name, context, input_range=limits) for kind in kinds]
    names = [kind.name for kind in kinds]
    return ramps, np.array([names.index(gate.name) for gate in functions], dtype=np.int64)


def gate_values(
    gates: MappedMatrix, functions: Sequence[Activation], context: BuildContext
) -> NDArray[np.float64]:
    """Return what every gate's codes stand for (gates, codes).

    A nonlinear ramp's levels are the function already; those of an ordinary converter go through
    the digital processors, or are taken as they are where the function is the identity.
    """
    if context.spec.kind.computes:
        names = [ramp.function for ramp in gates.banks[0].ramps]
        levels = [gates.levels(names.index(function.name)) for function in functions]
    else:
        processors = context.spec.digital.processors
        levels = [
            gates.levels()
            if function.name == "identity"
            else processed(function, gates.levels(), processors)
            for function in functions
        ]
    return np.stack(levels)


def gate_levels(
    gates: MappedMatrix, functions: Sequence[Activation], context: BuildContext
) -> NDArray[np.int64]:
    """Return what every gate's codes stand for (gates, codes), in fixed point."""
    return context.to_fixed(gate_values(gates, functions, context))
