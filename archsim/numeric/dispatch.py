"""Kernel functions whose code follows from the type of their first argument.

A kind of converter or layer has its numbers in a `NamedTuple` of its own. A function that is
decorated with `by_type` is what kernels call; what it does for the arrays of a kind stands in the
kind's folder, under `implements`::

    @by_type
    def convert_cycle(readout, ...): ...        # archsim.kernels.tile

    @implements(convert_cycle, RampReadout)
    def _compare(readout, ...): ...             # archsim.chip.converters.ramp.kernel

In kernels the compiler chooses by the type (`numba.extending.overload`), and nothing of the choice
is left in machine code; where nothing is compiled a dictionary does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, cast

from archsim.numeric.jit import when_starting

F = TypeVar("F", bound=Callable[..., Any])


class KindError(TypeError):
    """No code is given for the arrays of a kind, or it does not fit."""


class ByType:
    """What a function does, by the class of its first argument.

    Parameters
    ----------
    function : callable
        What it says in its signature and docstring; what it does for classes that nothing else is
        given for, if it has a `default`.
    default : bool
        Whether it has.
    leaf : bool
        Whether it makes no array, as those of `archsim.numeric.jit.leaf`.
    """

    def __init__(self, function: Callable[..., Any], *, default: bool, leaf: bool) -> None:
        self.function = function
        self.leaf = leaf
        self._default = function if default else None
        self._code: dict[type, Callable[..., Any]] = {}

    def add(self, arrays: type, code: Callable[..., Any]) -> None:
        """Do this for arrays of a class.

        Raises
        ------
        KindError
            If its parameters are others, or something else is done for them already.
        """
        wanted, given = (list(inspect.signature(each).parameters) for each in (self.function, code))
        name = f"{code.__module__}.{code.__qualname__}"
        if given != wanted:
            msg = f"{name}{tuple(given)}: {self.name} has the parameters {tuple(wanted)}"
            raise KindError(msg)
        known = self._code.get(arrays)
        if known is not None and known is not code:
            msg = f"{name}: {self.name} of {arrays.__name__} is given already: make another class"
            raise KindError(msg)
        self._code[arrays] = code

    def code_for(self, arrays: type) -> Callable[..., Any]:
        """Return what is done for arrays of a class.

        Raises
        ------
        KindError
            If that is not given.
        """
        code = self._code.get(arrays, self._default)
        if code is None:
            msg = f"{self.name} is not given for {arrays.__module__}.{arrays.__qualname__}"
            raise KindError(msg)
        return code

    def has_code_for(self, arrays: type) -> bool:
        """Return whether something is given for a class, other than what is done for any."""
        return arrays in self._code

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__


_FUNCTIONS: dict[Any, ByType] = {}


def by_type(function: F | None = None, *, default: bool = False, leaf: bool = False) -> Any:
    """Make a kernel function whose code follows from the type of its first argument.

    Parameters
    ----------
    function : callable
        Says what its parameters are and what it does.
    default : bool
        Whether its own body is what it does for arrays that nothing is given for.
    leaf : bool
        As `archsim.numeric.jit.leaf`.
    """
    if function is None:
        return lambda given: by_type(given, default=default, leaf=leaf)
    kinds = ByType(function, default=default, leaf=leaf)

    def chosen(*arguments: Any) -> Any:
        return kinds.code_for(type(arguments[0]))(*arguments)

    update_wrapper(chosen, function)
    _FUNCTIONS[chosen] = kinds
    when_starting(lambda: _tell_numba(chosen, kinds))
    return cast("F", chosen)


def implements(function: Callable[..., Any], arrays: type) -> Callable[[F], F]:
    """Say what a `by_type` function does for arrays of a class.

    Raises
    ------
    KindError
        If the parameters are others, or something is given for the class already.
    """

    def add(code: F) -> F:
        kinds_of(function).add(arrays, code)
        return code

    return add


def kinds_of(function: Callable[..., Any]) -> ByType:
    """Return what a `by_type` function does for which class."""
    return _FUNCTIONS[function]


def _tell_numba(chosen: Callable[..., Any], kinds: ByType) -> None:
    """Have kernels that call the function compile the code for their arrays."""
    from numba import types
    from numba.extending import overload

    from archsim.numeric.jit import options

    def code_of(*arguments: Any) -> Any:
        nothing = isinstance(arguments[0], types.NoneType)
        arrays = type(None) if nothing else getattr(arguments[0], "instance_class", None)
        return None if arrays is None else kinds.code_for(arrays)

    # Not strict: the parameters of what is given are compared above, once.
    jit_options: Any = options(leaf=kinds.leaf)
    overload(chosen, jit_options=jit_options, strict=False)(code_of)
