"""Functions of layers: found by their names, and cut into the levels of a converter.

What is wrong with one is said with the layer that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from archsim.chip.layers.base import BuildContext
from archsim.config.activations import TableActivation
from archsim.errors import DesignError
from archsim.network.activations import (
    Activation,
    get_activation,
    own_activations,
    registered_names,
)
from archsim.network.activations.base import Range
from archsim.transfer.ramp import Ramp


def function_of(name: str, context: BuildContext, *, key: str) -> Activation:
    """Return the function that `key` of a layer's section asks for.

    Raises
    ------
    DesignError
        If there is none of that name; names the key.
    """
    own = own_activations(context.spec.activations)
    with said_of(key):
        return get_activation(name, own=own)


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
    adc = context.spec.adc
    if function.name != "identity" and not (adc.nonlinear or adc.of_kind.has_ramps):
        msg = (
            f"adc.kind: {adc.kind} cannot compute '{function.name}', the function of '{name}', as "
            f"it only digitises: {remedy}, or take a ramp"
        )
        raise DesignError(msg)
    with said_of(f"network.layers: '{name}'"):
        ramp: Ramp = adc.of_kind.design(
            function, bits or adc.bits, limits=input_range, spec=context.spec
        )
        return ramp


def is_bounded(name: str, tables: Sequence[TableActivation]) -> bool:
    """Return whether a function is known to have bounds; one of a package is not loaded for it."""
    own = own_activations(tables)
    if name not in {*registered_names(), *(activation.name for activation in own)}:
        return False
    return get_activation(name, own=own).bounds is not None


@contextmanager
def said_of(key: str) -> Iterator[None]:
    """Put the key before what is wrong with a design."""
    try:
        yield
    except DesignError as error:
        raise DesignError(f"{key}: {error}") from error
