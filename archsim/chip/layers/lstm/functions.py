"""Functions of an LSTM: those of its gates and of its cell state, as ramps and as a table."""

from __future__ import annotations

import numpy as np

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.cell_function import table_positions
from archsim.chip.layers.functions import function_of
from archsim.chip.layers.gates import check_gates
from archsim.chip.layers.lstm.reference import GATES, LSTMFunctions
from archsim.chip.layers.lstm.section import LSTMLayer
from archsim.config.hardware import CellActivation
from archsim.errors import DesignError
from archsim.network.activations import Activation


def functions_of(section: LSTMLayer, context: BuildContext) -> LSTMFunctions:
    """Return the functions of an LSTM's gates and of its cell state.

    Raises
    ------
    DesignError
        If one is not known, or cannot be computed where the configuration has it computed.
    """
    key = f"network.layers: '{section.name}': functions"
    gates = {
        f"{key}.{gate}": function_of(getattr(section.functions, gate), context, key=f"{key}.{gate}")
        for gate in GATES
    }
    state = function_of(section.functions.state, context, key=f"{key}.state")
    check_gates(gates, context, limits=section.functions.range, key="functions.range")
    _check_state(state, section, context)
    return LSTMFunctions(tuple(gates.values()), state)


def _check_state(state: Activation, section: LSTMLayer, context: BuildContext) -> None:
    """Refuse a function of the cell state that is not odd where only its half is in a table."""
    digital = context.spec.digital
    if digital.cell_activation is CellActivation.RAMP:
        return
    x = table_positions(context.spec)
    off = np.abs(state.value(x) + state.value(-x))
    if off.max() > 2.0 ** -(digital.fraction_bits + 1):
        at = x[off.argmax()]
        values = [float(state.value(np.array([side * at]))[0]) for side in (1, -1)]
        msg = (
            f"network.layers: '{section.name}': functions.state: '{state.name}' is not odd "
            f"({values[0]:.4g} at {at:g}, {values[1]:.4g} at {-at:g}), and the table of "
            "digital.cell_activation holds one half of it: set digital.cell_activation to ramp"
        )
        raise DesignError(msg)
