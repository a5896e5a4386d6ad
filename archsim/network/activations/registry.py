"""The registry of activation functions, and those that other packages bring.

A package adds functions through the entry-point group ``archsim.activations``: the entry's name is
the function's name, its value the `Activation` subclass. In the package's ``pyproject.toml``::

    [project.entry-points."archsim.activations"]
    hardswish = "my_package.functions:HardSwish"

A plug-in is imported when its function is asked for, and no other: one that is broken is in
nobody's way. A function of archsim's own cannot be replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from archsim.config.activations import ACTIVATIONS
from archsim.network.activations.base import Activation

register = ACTIVATIONS.register
registered_names = ACTIVATIONS.registered
activation_names = ACTIVATIONS.names


def get_activation(name: str, *, own: Sequence[Activation] = ()) -> Activation:
    """Return the activation function called `name`.

    Parameters
    ----------
    name : str
        Its name.
    own : sequence of Activation, optional
        Functions that a configuration brings; they are looked through first.

    Raises
    ------
    DesignError
        If there is none, and the message names the nearest known one; or if it comes from a
        plug-in that does not load.
    """
    for activation in own:
        if activation.name == name:
            return activation
    found: Activation = ACTIVATIONS.get(name, also=tuple(each.name for each in own))()
    return found
