"""Which code kernels get for `archsim.numeric.inner.loops`: vector instructions or plain loops."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from archsim.numeric.inner.loops import ADD_PRODUCTS, COUNT_BELOW, count_reached, multiply_high
from archsim.numeric.jit import options

PLAIN_LOOPS_VARIABLE = "ARCHSIM_PLAIN_LOOPS"
"""Environment variable that asks for plain loops, where it is 1."""

_LOG = logging.getLogger("archsim")  # its warnings go to stderr, if nobody has asked otherwise


def plain_loops_asked() -> bool:
    """Return whether the environment asks for plain loops; warn of values other than 0 and 1."""
    text = os.environ.get(PLAIN_LOOPS_VARIABLE, "")
    if text not in {"", "0", "1"}:
        _LOG.warning(
            "%s: '%s' is neither 0 nor 1, and kernels get vector code: set it to 1 for plain "
            "loops, or unset it",
            PLAIN_LOOPS_VARIABLE,
            text[:40],
        )
    return text == "1"


@cache
def has_vector_code() -> bool:
    """Return whether kernels get vector instructions; fixed at the first call.

    They get plain loops, with the same results, where the environment asks for it, and where
    something that the vector code is made with is missing or fails: it is made once on trial.
    """
    if plain_loops_asked():
        return False
    try:
        from archsim.numeric.inner.llvm import try_out

        try_out()
    except Exception as error:  # whatever it is: plain loops need nothing of it
        _LOG.warning(
            "kernels are compiled as plain loops, slower and with the same results, since vector "
            "instructions cannot be made with this Numba and llvmlite (%s: %s)",
            type(error).__name__,
            error,
        )
        return False
    return True


def tell_numba() -> None:
    """Have Numba compile vector instructions, or the loops themselves, where kernels call them."""
    from numba.extending import overload

    for function, code in _codes().items():
        leaf: Any = options(leaf=True)
        # Not strict: arguments are given by place only, so that names need not be the same.
        overload(function, jit_options=leaf, strict=False)(_always(code))


def _codes() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return what is compiled for each function."""
    functions: list[Callable[..., Any]]
    functions = [*ADD_PRODUCTS.values(), *COUNT_BELOW.values(), count_reached, multiply_high]
    if not has_vector_code():
        return {function: function for function in functions}
    from archsim.numeric.inner import llvm

    codes = [llvm.add_products(*shape) for shape in ADD_PRODUCTS]
    codes += [llvm.count_below(panels) for panels in COUNT_BELOW]
    codes += [llvm.count_reached(), llvm.multiply_high()]
    return dict(zip(functions, codes, strict=True))


def _always(code: Callable[..., Any]) -> Callable[..., Any]:
    """Return what answers `code`, whatever types Numba asks for."""
    return lambda *_: code
