"""The units that configurations may use: a small pint registry in exact decimal arithmetic.

Voltage stands in for mass as a base dimension, so that every root unit is the SI unit itself; the
powers of ten are the same either way.
"""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

import pint

Dimension = tuple[tuple[str, int], ...]
"""Exponents of the base dimensions, sorted; empty for a plain number."""

PREFIXES = {
    "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12,
}  # fmt: skip
# Symbol, what it is in pint's language, what it measures.
_UNITS = (
    ("m", "[length]", "a length"),
    ("s", "[time]", "a time"),
    ("A", "[current]", "a current"),
    ("V", "[voltage]", "a voltage"),
    ("K", "[temperature]", "a temperature"),
    ("Hz", "1 / s", "a frequency"),
    ("ohm", "V / A", "a resistance"),
    ("S", "A / V", "a conductance"),
    ("C", "A * s", "a charge"),
    ("F", "A * s / V", "a capacitance"),
    ("H", "V * s / A", "an inductance"),
    ("J", "V * A * s", "an energy"),
    ("W", "V * A", "a power"),
    ("g", "1e-3 * V * A * s**3 / m**2", "a mass"),
)
TIMES = {
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("week", "weeks"), 604_800),
    **dict.fromkeys(("year", "years"), 31_557_600),
}
"""Units of long times, s; they take no prefix. A year has 365.25 days."""
CELSIUS = ("degC", "\u00b0C", "\u2103")
"""Degrees Celsius, which are no multiple of K: `archsim.config.quantity` adds what lies between."""
_PERCENT = "%"
_CENTIMETRE = "cm"  # the only unit that anybody writes with this prefix
# The micro sign and the letter mu, the ohm sign and the letter omega, and typeset operators.
_SPELLING = str.maketrans(
    {
        "\u00b5": "u",
        "\u03bc": "u",
        "\u2126": "ohm",
        "\u03a9": "ohm",
        "\u00b7": "*",
        "\u00b2": "^2",
        "\u00b3": "^3",
    }
)
_TERM = r"(?:[A-Za-z%]+|1)(?:\^[+-]?[1-9])?"
_FORM = re.compile(rf"{_TERM}(?:[*/]{_TERM})*")


@cache
def _registry() -> Any:
    registry: Any = pint.UnitRegistry(None, non_int_type=Decimal)
    for prefix, power in PREFIXES.items():
        if prefix:
            registry.define(f"{prefix}- = 1e{power}")
    for symbol, definition, _ in _UNITS:
        registry.define(f"{symbol} = {definition}")
    registry.define(f"{_CENTIMETRE} = 1e-2 * m")
    for name, seconds in TIMES.items():
        registry.define(f"{name} = {seconds} * s")
    return registry


@cache
def known_symbols() -> tuple[str, ...]:
    """Return every unit of one symbol that is a multiple of SI's, prefixes included."""
    prefixed = (prefix + unit for unit, *_ in _UNITS for prefix in PREFIXES)
    return (_CENTIMETRE, *TIMES, *prefixed)


@lru_cache(maxsize=256)
def unit_scale(text: str) -> tuple[Decimal, Dimension]:
    """Return the factor to SI and the dimension of a unit such as ``F/m``, ``um^2`` or ``h``.

    Raises
    ------
    ValueError
        If `text` is not a unit, or names one that is not known; says which is near.
    """
    plain = text.translate(_SPELLING).replace("**", "^").strip() or "1"
    plain = re.sub(r"\s*([*/])\s*", r"\1", plain)
    if plain == _PERCENT:
        return Decimal("0.01"), ()
    if _FORM.fullmatch(plain) is None:
        msg = f"'{text}' is not a unit; write one like 'mV', 'um^2' or 'F/m'"
        raise ValueError(msg)
    for symbol in re.findall(r"[A-Za-z%]+", plain):
        _check_symbol(symbol)
    registry = _registry()
    root = (Decimal(1) * registry.parse_units(plain.replace("^", "**"))).to_root_units()
    dimension = sorted((str(name), int(power)) for name, power in root.dimensionality.items())
    return Decimal(root.magnitude), tuple(dimension)


def _check_symbol(symbol: str) -> None:
    known = known_symbols()
    if symbol in known:
        return
    if symbol in CELSIUS:
        msg = f"'{symbol}' is for temperatures alone, such as '25 degC'; in other units write K"
        raise ValueError(msg)
    near = [name for name in known if name.lower() == symbol.lower()]
    near = near or get_close_matches(symbol, known, n=1, cutoff=0.7)
    hint = f" (did you mean '{near[0]}'?)" if near else "; write one like 'mV', 'um^2' or 'F/m'"
    msg = f"'{symbol}' is not a known unit{hint}"
    raise ValueError(msg)


@cache
def _kinds() -> dict[Dimension, str]:
    kinds: dict[Dimension, str] = {(): "a plain number", unit_scale("m^2")[1]: "an area"}
    return kinds | {unit_scale(symbol)[1]: kind for symbol, _, kind in _UNITS}


def kind_of(dimension: Dimension) -> str:
    """Return what a quantity of this dimension is, in words."""
    return _kinds().get(dimension, "of another kind")


def base_symbol(symbol: str) -> str:
    """Return a unit's symbol without its prefix: ``V`` of ``mV``."""
    _, dimension = unit_scale(symbol)
    return next(
        unit for unit, *_ in _UNITS if symbol.endswith(unit) and unit_scale(unit)[1] == dimension
    )
