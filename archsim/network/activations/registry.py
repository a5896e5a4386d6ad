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
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract

from archsim.errors import DesignError
from archsim.listing import listed
from archsim.network.activations.base import Activation

PLUGIN_GROUP = "archsim.activations"
"""Entry-point group in which packages offer activation functions."""

_REGISTRY: dict[str, type[Activation]] = {}


def register(cls: type[Activation]) -> type[Activation]:
    """Class decorator: make an activation known under its ``name``.

    Raises
    ------
    DesignError
        If it has no name, or another class has that name.
    """
    if not isinstance(getattr(cls, "name", None), str):
        msg = f"the activation function {_path(cls)} has no name: give the class one"
        raise DesignError(msg)
    known = _REGISTRY.get(cls.name)
    if known is not None and _path(known) != _path(cls):
        msg = (
            f"two activation functions are called '{cls.name}', {_path(known)} and {_path(cls)}: "
            "rename one"
        )
        raise DesignError(msg)
    _REGISTRY[cls.name] = cls
    return cls


def registered_names() -> tuple[str, ...]:
    """Return the names of the functions whose modules have been imported, sorted."""
    return tuple(sorted(_REGISTRY))


def activation_names() -> tuple[str, ...]:
    """Return the names of all known activation functions, plug-ins included, sorted.

    Plug-ins are listed without being imported.
    """
    return tuple(sorted({*_REGISTRY, *(entry.name for entry in _plugins())}))


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
    if name not in _REGISTRY:
        offered = [entry for entry in _plugins() if entry.name == name]
        if not offered:
            raise DesignError(_unknown(name, own))
        _load_plugin(offered)
    return _REGISTRY[name]()


def _unknown(name: str, own: Sequence[Activation]) -> str:
    known = sorted({*activation_names(), *(activation.name for activation in own)})
    near = get_close_matches(name, known, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return f"unknown activation function '{name}'{hint}; known are {listed(known)}"


def _plugins() -> list[EntryPoint]:
    """Return the entries of the group; the same one found twice on the path counts once."""
    return list({(entry.name, entry.value): entry for entry in _group()}.values())


def _group() -> Sequence[EntryPoint]:
    return tuple(entry_points(group=PLUGIN_GROUP))


def _load_plugin(offered: Sequence[EntryPoint]) -> None:
    """Import a plug-in and register its class.

    Raises
    ------
    DesignError
        If two packages offer the name, or what is offered cannot be imported or is not a complete
        subclass of `Activation` of that name.
    """
    entry = offered[0]
    if len(offered) > 1:
        values = " and ".join(each.value for each in offered)
        msg = f"two plug-ins offer an activation function '{entry.name}', {values}: remove one"
        raise DesignError(msg)
    try:
        cls = entry.load()
    except Exception as error:
        msg = f"{_plugin(entry)} does not load: {type(error).__name__}: {_one_line(error)}"
        raise DesignError(msg) from error
    problem = _class_problem(cls, entry.name)
    if problem:
        msg = f"{_plugin(entry)} {problem}"
        raise DesignError(msg)
    register(cls)


def _class_problem(cls: object, name: str) -> str:
    if not (isinstance(cls, type) and issubclass(cls, Activation)):
        return "is not a subclass of archsim.network.activations.Activation"
    if isabstract(cls):
        return f"lacks {listed(sorted(cls.__abstractmethods__))}"
    if getattr(cls, "name", None) != name:
        return f"calls itself {getattr(cls, 'name', None)!r}: give class and entry the same name"
    try:
        cls()
    except Exception as error:
        return f"cannot be made without arguments: {type(error).__name__}: {_one_line(error)}"
    return ""


def _plugin(entry: EntryPoint) -> str:
    package = f" of package {entry.dist.name}" if entry.dist is not None else ""
    return f"the activation function plug-in '{entry.name}' ({entry.value}){package}"


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
