"""Functions of layers: found by their names, and cut into the levels of a converter.

What is wrong with one is said with the layer that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.config.hardware import RAMPS, ActivationMethod, CellActivation, ConverterKind
from archsim.config.run import LSTMLayer, RunConfig
from archsim.errors import DesignError
from archsim.network.activations import Activation, get_activation
from archsim.network.activations.base import Range
from archsim.network.nonlinear import CORDIC_FUNCTIONS
from archsim.network.reference import GATES, LSTMFunctions
from archsim.transfer.exact import exact_ramp
from archsim.transfer.ramp import Ramp, design_ramp

_ONLY_DIGITISE = (ConverterKind.SAR, ConverterKind.BIT_SERIAL)


def function_of(name: str, context: BuildContext, *, key: str) -> Activation:
    """Return the function that `key` of a layer's section asks for.

    Raises
    ------
    DesignError
        If there is none of that name; names the key.
    """
    own = [table.build() for table in context.config.activations]
    with said_of(key):
        return get_activation(name, own=own)


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
    _check_gates(gates, section, context.config)
    _check_state(state, section, context)
    return LSTMFunctions(tuple(gates.values()), state)


def _check_gates(gates: dict[str, Activation], section: LSTMLayer, config: RunConfig) -> None:
    """Refuse functions that nothing on the chip can compute."""
    processors = config.digital.processors
    for gate, function in gates.items():
        key = f"network.layers: '{section.name}': functions.{gate}"
        if config.adc.nonlinear:
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
    digital = context.config.digital
    if digital.cell_activation is CellActivation.RAMP:
        return
    x = table_positions(context.config)
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


def table_positions(config: RunConfig) -> NDArray[np.float64]:
    """Return where the table of the cell state's function holds it (entries,): interval middles."""
    digital = config.digital
    position = np.arange(digital.table_entries, dtype=np.float64) + 0.5
    return position * (table_entry(config) / 2.0**digital.fraction_bits)


def table_entry(config: RunConfig) -> int:
    """Return how much of ``|c|`` an entry of that table stands for, in fixed point."""
    digital = config.digital
    return (digital.cell_range << digital.fraction_bits) // digital.table_entries


def gate_ramps(
    functions: LSTMFunctions, section: LSTMLayer, context: BuildContext
) -> tuple[list[Ramp], NDArray[np.int64]]:
    """Return the ramps that the gates need, and which of them each gate (4,) has.

    A ramp that computes has one of each function; an ordinary converter has one linear ramp.
    """
    if not context.config.adc.nonlinear:
        identity = get_activation("identity")
        limits = context.config.adc.input_range
        return [layer_ramp(identity, section.name, context, input_range=limits)], np.zeros(4, int)
    kinds = list({function.name: function for function in functions.gates}.values())
    limits_of = section.functions.range
    ramps = [layer_ramp(kind, section.name, context, input_range=limits_of) for kind in kinds]
    names = [kind.name for kind in kinds]
    return ramps, np.array([names.index(gate.name) for gate in functions.gates], dtype=np.int64)


def state_ramp(functions: LSTMFunctions, section: LSTMLayer, context: BuildContext) -> Ramp:
    """Return the ramp of the second pass; pulse widths end at ``digital.cell_range``."""
    end = float(context.config.digital.cell_range)
    name = f"{section.name}_cell"
    remedy = "set digital.cell_activation to table"
    return layer_ramp(functions.state, name, context, input_range=(-end, end), remedy=remedy)


def layer_ramp(
    function: Activation,
    name: str,
    context: BuildContext,
    *,
    input_range: Range | None = None,
    bits: int | None = None,
    remedy: str = "set the layer's function to identity",
) -> Ramp:
    """Return the ramp of a layer's function, as the configuration's converters have it.

    Parameters
    ----------
    function : Activation
        What it computes.
    name : str
        The layer or its tiles, for messages.
    context : BuildContext
        Converter and device.
    input_range : (float, float), optional
        Where the ramp of an unbounded function begins and ends.
    bits : int, optional
        Resolution; that of ``adc.bits`` by default.
    remedy : str, optional
        What to change where converters only digitise.

    Raises
    ------
    DesignError
        If the function cannot be such a ramp; names the layer.
    """
    adc, device = context.config.adc, context.config.device
    if adc.kind in _ONLY_DIGITISE and function.name != "identity":
        msg = (
            f"adc.kind: {adc.kind} cannot compute '{function.name}', the function of '{name}', as "
            f"it only digitises: {remedy}, or take a ramp"
        )
        raise DesignError(msg)
    with said_of(f"network.layers: '{name}'"):
        if adc.kind is ConverterKind.IDEAL:
            return exact_ramp(
                function,
                bits or adc.bits,
                input_range=input_range,
                fraction_bits=context.config.digital.fraction_bits,
            )
        return design_ramp(
            function,
            bits or adc.bits,
            g_max=device.g_max,
            g_min=device.g_min,
            input_range=input_range,
            bias_cells=adc.bias_cells if adc.kind in RAMPS and adc.bias_cells != "auto" else None,
        )


@contextmanager
def said_of(key: str) -> Iterator[None]:
    """Put the key before what is wrong with a design."""
    try:
        yield
    except DesignError as error:
        raise DesignError(f"{key}: {error}") from error
