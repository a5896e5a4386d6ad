"""Functions of an LSTM: those of its gates and of its cell state, as ramps and as a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.functions import function_of, layer_ramp
from archsim.chip.layers.lstm.reference import GATES, LSTMFunctions
from archsim.chip.layers.lstm.section import LSTMLayer
from archsim.chip.spec import ChipSpec
from archsim.config.hardware import ActivationMethod, CellActivation
from archsim.errors import DesignError
from archsim.network.activations import Activation, get_activation
from archsim.network.nonlinear import CORDIC_FUNCTIONS
from archsim.transfer.ramp import Ramp


def functions_of(section: LSTMLayer, context: BuildContext) -> LSTMFunctions:
    """Return the functions of an LSTM's gates and of its cell state.

    Raises
    ------
    DesignError
        If one is not known, or cannot be computed where the configuration has it computed.
    """
    key = f"network.layers: '{section.name}': functions"
    gates = {
        gate: function_of(getattr(section.functions, gate), context, key=f"{key}.{gate}")
        for gate in GATES
    }
    state = function_of(section.functions.state, context, key=f"{key}.state")
    _check_gates(gates, section, context.spec)
    _check_state(state, section, context)
    return LSTMFunctions(tuple(gates.values()), state)


def _check_gates(gates: dict[str, Activation], section: LSTMLayer, spec: ChipSpec) -> None:
    """Refuse functions that nothing on the chip can compute."""
    processors = spec.digital.processors
    for gate, function in gates.items():
        key = f"network.layers: '{section.name}': functions.{gate}"
        if spec.kind.computes:
            if function.bounds is None and section.functions.range is None:
                msg = (
                    f"{key}: '{function.name}' is unbounded, so its ramp has no ends of its own: "
                    "set functions.range, for example to [-4, 4]"
                )
                raise DesignError(msg)
        elif processors.method is ActivationMethod.CORDIC and function.name not in CORDIC_FUNCTIONS:
            msg = (
                f"{key}: CORDIC does not compute '{function.name}', only "
                f"{' and '.join(CORDIC_FUNCTIONS)}: set digital.processors.method to table or "
                "piecewise_linear"
            )
            raise DesignError(msg)


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


def table_positions(spec: ChipSpec) -> NDArray[np.float64]:
    """Return where the table of the cell state's function holds it (entries,): interval middles."""
    digital = spec.digital
    position = np.arange(digital.table_entries, dtype=np.float64) + 0.5
    return position * (table_entry(spec) / 2.0**digital.fraction_bits)


def table_entry(spec: ChipSpec) -> int:
    """Return how much of ``|c|`` an entry of that table stands for, in fixed point."""
    digital = spec.digital
    return (digital.cell_range << digital.fraction_bits) // digital.table_entries


def gate_ramps(
    functions: LSTMFunctions, section: LSTMLayer, context: BuildContext
) -> tuple[list[Ramp], NDArray[np.int64]]:
    """Return the ramps that the gates need, and which of them each gate (4,) has.

    A ramp that computes has one of each function; an ordinary converter has one linear ramp.
    """
    if not context.spec.kind.computes:
        identity = get_activation("identity")
        limits = context.spec.adc.input_range
        return [layer_ramp(identity, section.name, context, input_range=limits)], np.zeros(4, int)
    kinds = list({function.name: function for function in functions.gates}.values())
    limits_of = section.functions.range
    ramps = [layer_ramp(kind, section.name, context, input_range=limits_of) for kind in kinds]
    names = [kind.name for kind in kinds]
    return ramps, np.array([names.index(gate.name) for gate in functions.gates], dtype=np.int64)


def state_ramp(functions: LSTMFunctions, section: LSTMLayer, context: BuildContext) -> Ramp:
    """Return the ramp of the second pass; pulse widths end at ``digital.cell_range``."""
    end = float(context.spec.digital.cell_range)
    name = f"{section.name}_cell"
    remedy = "set digital.cell_activation to table"
    return layer_ramp(functions.state, name, context, input_range=(-end, end), remedy=remedy)
