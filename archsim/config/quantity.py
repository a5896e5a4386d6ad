"""Quantities with units, and paths, as types of a configuration's fields.

A quantity is written as text, ``35 fJ``, and is a float in SI units from there on. Conversion is
exact: numbers are decimal until the very end, so ``35 fJ`` becomes the double nearest to 35e-15.
"""

from __future__ import annotations

import math
import operator
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from decimal import Context, Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic_core import CoreSchema, core_schema

from archsim.config.origin import SourceStr, folder_of
from archsim.config.units import CELSIUS, PREFIXES, TIMES, base_symbol, kind_of, unit_scale

if TYPE_CHECKING:  # costs a tenth of the time that a configuration takes to load
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

__all__ = [
    "ConfigPath",
    "Quantity",
    "SmallVolts",
    "Volts",
    "format_quantity",
    "parse_quantity",
]

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9}(?![0-9]))?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*(.*)")
_MAX_TEXT = 100
_ZERO_CELSIUS = Decimal("273.15")
_EXACT = Context(prec=400, Emax=999_999_999, Emin=-999_999_999, traps=[])


def parse_quantity(text: str, unit: str) -> float:
    """Convert a number with a unit to SI.

    Parameters
    ----------
    text : str
        A decimal number and a unit, with or without a space: ``200 mV``, ``1.5e-3 um**2``. Where
        `unit` is dimensionless, the number may stand alone or be in ``%``; where it is ``K``, the
        number may be in ``degC``.
    unit : str
        Any unit of the dimension that the result must have, such as ``V`` or ``F/m``.

    Returns
    -------
    float
        The double nearest to the exact decimal value, in SI units.

    Raises
    ------
    ValueError
        There is no number or no unit, the unit is unknown or of another dimension, or the value
        is beyond the range of a double.
    """
    _, wanted = unit_scale(unit)
    match = _QUANTITY.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if match is None:
        msg = f"{_quoted(text)} is not a number with a unit, {_example(unit)}"
        raise ValueError(msg)
    if not match[2] and any(wanted):
        msg = f"'{text}' needs a unit, for example '{match[1]} {unit}'"
        raise ValueError(msg)
    if match[2] in CELSIUS:
        return _kelvin(match[1], text, unit)
    factor, dimension = unit_scale(match[2] or "1")
    if dimension != wanted:
        kind = f"is {kind_of(dimension)}"
        msg = f"'{text}' {kind}, expected {_described(unit)} ({_example(unit)})"
        raise ValueError(msg)
    return _double(_EXACT.multiply(Decimal(match[1]), factor), text)


def _kelvin(number: str, text: str, unit: str) -> float:
    """Convert degrees Celsius, which are a temperature and never a difference of two."""
    if unit != "K":
        msg = f"'{text}' is a temperature, expected {_described(unit)} ({_example(unit)})"
        raise ValueError(msg)
    return _double(_EXACT.add(Decimal(number), _ZERO_CELSIUS), text)


def _double(decimal: Decimal, text: str) -> float:
    value = float(decimal)
    if math.isinf(value) or (value == 0 and decimal != 0):
        size = "large" if value else "small"
        msg = f"'{text}' is too {size} for a number of double precision"
        raise ValueError(msg)
    return value + 0.0  # of -0.0 makes 0.0


def format_quantity(value: float, unit: str) -> str:
    """Write a value in SI as the shortest text that `parse_quantity` takes back to it exactly.

    Parameters
    ----------
    value : float
        A finite value in SI units.
    unit : str
        The unit to write it in. A unit of one symbol may get another prefix, where that is shorter.

    Returns
    -------
    str
        Such as ``0.2 V``, ``35 fJ`` or ``3.45e-11 F/m``; the number alone where `unit` is ``1``.

    Raises
    ------
    ValueError
        `value` is not finite, or `unit` is not known.
    """
    if not math.isfinite(value):
        msg = f"{value} is not a finite number"
        raise ValueError(msg)
    decimal = Decimal(repr(float(value) + 0.0))
    texts = []
    for candidate in _candidates(unit):
        scaled = _EXACT.divide(decimal, unit_scale(candidate)[0])
        suffix = "" if candidate == "1" else f" {candidate}"
        texts += [f"{scaled.normalize(_EXACT):f}{suffix}", f"{_scientific(scaled)}{suffix}"]
    return min(texts, key=lambda text: (len(text), "e" in text))


def _scientific(value: Decimal) -> str:
    mantissa, _, exponent = f"{value.normalize(_EXACT):e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


@lru_cache(maxsize=64)
def _candidates(unit: str) -> list[str]:
    """Return `unit` first, then the same with every other prefix of thousands."""
    single = re.fullmatch(r"([A-Za-z]+)(\^[1-9])?", unit)
    if single is None or unit == "1" or single[1] in TIMES:
        return [unit or "1"]
    base = base_symbol(single[1])
    prefixes = [prefix for prefix in PREFIXES if prefix]
    return list(dict.fromkeys([unit, *(p + base + (single[2] or "") for p in ["", *prefixes])]))


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= 40 else f"'{text[:40]}...'"


def _described(unit: str) -> str:
    _, dimension = unit_scale(unit)
    return f"a unit of {unit}" if any(dimension) else "a plain number or a percentage"


def _example(unit: str) -> str:
    return f"for example '{f'0.2 {unit}'.removesuffix(' 1')}'"


@dataclass(frozen=True, slots=True)
class Quantity:
    """Marks a float field as a quantity: ``v_read: Annotated[float, Quantity("V", gt=0)]``.

    The field takes text with a unit of the right dimension, is a float in SI, and is written back
    as text by ``model_dump(mode="json")``. A bare number is refused, except where `unit` is ``1``.

    Attributes
    ----------
    unit : str
        Any unit of the field's dimension; messages, the schema and output use it.
    gt, ge, lt, le : float or None
        Bounds in SI units.
    """

    unit: str
    _: KW_ONLY
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def __post_init__(self) -> None:
        unit_scale(self.unit)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema of the field: `validate` in, text out."""
        return core_schema.no_info_plain_validator_function(
            self.validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.text, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON Schema of the text that the field takes."""
        plain = not any(unit_scale(self.unit)[1])
        described = (
            "A plain number or a percentage" if plain else f"A number and {_described(self.unit)}"
        )
        bounds = [f"{allowed} {self.text(bound)}" for bound, _, allowed, _ in self._bounds()]
        return {
            "type": ["number", "string"] if plain else "string",
            "pattern": rf"^\s*{_NUMBER}\s*" + (r"%?$" if plain else r"[^\s0-9.].*$"),
            "description": ", ".join([described, *bounds]) + ".",
            "examples": [self.text(self._sample())],
        }

    def validate(self, value: object) -> float:
        """Return `value` in SI, after checking its form, its unit and its bounds.

        Raises
        ------
        ValueError
            With a sentence that says what is wrong and, where it can, what to write.
        """
        if isinstance(value, str):
            number = parse_quantity(value, self.unit)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"expected a quantity, {_example(self.unit)}"
            raise ValueError(msg)
        else:
            number = self._bare(value)
        for bound, holds, _, refused in self._bounds():
            if not holds(number, bound):
                shown = f"'{value}'" if isinstance(value, str) else value
                msg = f"{shown} is {refused} {self.text(bound)}"
                raise ValueError(msg)
        return number

    def _bare(self, value: float) -> float:
        number = float(value) if abs(value) <= sys.float_info.max else math.inf
        if not math.isfinite(number):
            msg = f"{value!r:.40} is not a finite number of double precision"
            raise ValueError(msg)
        if any(unit_scale(self.unit)[1]):
            msg = f"{value!r} needs a unit, for example '{value!r} {self.unit}'"
            raise ValueError(msg)
        return number + 0.0

    def _bounds(self) -> Iterator[tuple[float, Callable[[float, float], bool], str, str]]:
        for name, holds, allowed, refused in _BOUNDS:
            bound = getattr(self, name)
            if bound is not None:
                yield bound, holds, allowed, refused

    def _sample(self) -> float:
        """Return a value that the bounds allow."""
        bounds = list(self._bounds())
        tries = [parse_quantity(f"{number} {self.unit}", self.unit) for number in ("0.2", "1")]
        tries += [bound * scale for bound, *_ in bounds for scale in (2, 0.5, 1)]
        allowed = (v for v in tries if all(holds(v, bound) for bound, holds, *_ in bounds))
        return next(allowed, tries[0])

    def text(self, value: float) -> str:
        """Return a value in SI as text with the unit."""
        return format_quantity(value, self.unit)


_BOUNDS: tuple[tuple[str, Callable[[float, float], bool], str, str], ...] = (
    ("gt", operator.gt, "above", "not above"),
    ("ge", operator.ge, "at least", "below the minimum"),
    ("lt", operator.lt, "below", "not below"),
    ("le", operator.le, "at most", "above the maximum"),
)


Volts = Annotated[float, Quantity("V", ge=1e-6, le=100)]
SmallVolts = Annotated[float, Quantity("V", ge=0, le=100)]
"""Voltages of a circuit; small ones may be 0."""


class _PathField:
    """The schema behind `ConfigPath`."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _resolved,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "format": "path",
            "description": "A path, relative to the file that it is written in.",
        }


ConfigPath = Annotated[Path, _PathField()]
"""An absolute path; one written relative in a file starts at that file's directory, any other
relative one at the current directory. The path need not exist."""


def _resolved(value: object, info: core_schema.ValidationInfo) -> Path:
    if isinstance(value, str) and isinstance(info.context, Mapping):
        value = info.context.get(value, value)
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        msg = "expected the path of a file or directory, as text"
        raise ValueError(msg)
    written_in = value.origin.file if isinstance(value, SourceStr) else None
    start = folder_of(written_in) if written_in else Path()
    # Links in the start are followed before '..' is, as the operating system does.
    return Path(os.path.normpath(Path(os.path.realpath(start)) / value))
