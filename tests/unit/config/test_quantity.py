"""Do quantities convert exactly, read back as written, and say what is wrong with a bad one?"""

import json
import math
import os
import re
from pathlib import Path
from typing import Annotated

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from archsim.config.origin import Origin, SourceStr
from archsim.config.quantity import ConfigPath, Quantity, format_quantity, parse_quantity
from archsim.config.units import known_symbols, unit_scale

UNITS = ["V", "mV", "fJ", "m^2", "um^2", "F/m", "1/K", "V/us", "1", "%", "Hz", "ohm", "S"]


class Tile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    v_read: Annotated[float, Quantity("V", gt=0, le=1)] = 0.2
    area: Annotated[float, Quantity("um^2", ge=1e-12)] | None = None
    drift: Annotated[float, Quantity("1", ge=0, lt=1)] = 0.05
    ramp: tuple[Annotated[float, Quantity("V")], ...] = ()


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("35 fJ", "J", 35e-15), ("200 mV", "V", 0.2), ("200mV", "V", 0.2), (" 1e-3  V ", "V", 1e-3),
        ("1 um^2", "m^2", 1e-12), ("1 um**2", "m^2", 1e-12), ("1 mm\u00b2", "m^2", 1e-6),
        ("1 \u00b5m^2", "m^2", 1e-12), ("1 \u03bcm\u00b3", "m^3", 1e-18), ("2 cm", "m", 0.02),
        ("3.45e-11 F/m", "F/m", 3.45e-11), ("2 1/K", "1/K", 2.0), ("2 K^-1", "1/K", 2.0),
        ("1 V/us", "V/s", 1e6), ("5 A*s", "C", 5.0), ("1 GHz", "1/s", 1e9),
        ("10 k\u03a9", "ohm", 1e4),
        ("150 uS", "S", 150e-6), ("150 uS", "A/V", 150e-6), ("5 kg", "g", 5.0), ("7 nW", "W", 7e-9),
        ("5 %", "1", 0.05), ("0.5", "1", 0.5), ("-.5e1", "", -5.0), ("3 V/mV", "1", 3000.0),
        ("-0 V", "V", 0.0), ("5e-324 V", "V", 5e-324), ("0.3 aJ", "J", 0.3e-18),
        ("5 mS", "S", 5e-3),
        ("1 min", "s", 60.0), ("0.1 h", "s", 360.0), ("1 hour", "s", 3600.0), ("1 d", "s", 86400.0),
        ("2 days", "s", 172800.0), ("1 week", "s", 604800.0), ("10 years", "s", 315576000.0),
        ("1 year", "ms", 31557600.0), ("3600 1/h", "Hz", 1.0), ("2 um/h", "m/s", 2e-6 / 3600),
        ("25 degC", "K", 298.15), ("-273.15degC", "K", 0.0), ("85 \u00b0C", "K", 358.15),
        ("-40 \u2103", "K", 233.15), ("0 degC", "K", 273.15),
    ],
)  # fmt: skip
def test_conversion_is_exact(text, unit, value):
    parsed = parse_quantity(text, unit)
    assert type(parsed) is float
    assert parsed == value
    assert math.copysign(1, parsed) == math.copysign(1, value)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("0.2", "V", "'0.2' needs a unit, for example '0.2 V'"),
        ("5 ", "V", "for example '5 V'"),
        ("5 kg", "V", "'5 kg' is a mass, expected a unit of V (for example '0.2 V')"),
        ("200 mA", "V", "'200 mA' is a current, expected a unit of V (for example '0.2 V')"),
        ("5 %", "V", "is a plain number, expected a unit of V"),
        ("5 V/s", "V", "is of another kind"),
        ("5 V", "1", "expected a plain number or a percentage (for example '0.2')"),
        ("1 KHz", "Hz", "did you mean 'kHz'?"),
        ("1 ohms", "ohm", "did you mean 'ohm'?"),
        ("27 degC", "V", "'27 degC' is a temperature, expected a unit of V"),
        ("2 degC", "mK", "'2 degC' is a temperature, expected a unit of mK"),
        ("2 1/degC", "1/K", "'degC' is for temperatures alone"),
        ("2 V/degC", "V/K", "in other units write K"),
        ("2 mdegC", "K", "'mdegC' is not a known unit"),
        ("27 F", "K", "'27 F' is a capacitance, expected a unit of K"),
        ("1 kh", "s", "'kh' is not a known unit"),
        ("1 Day", "s", "did you mean 'day'?"),
        ("1 month", "s", "'month' is not a known unit"),
        ("1 eV", "J", "'eV' is not a known unit"),
        ("1 cV", "V", "'cV' is not a known unit"),
        ("1 k%", "1", "not a known unit"),
        ("nan V", "V", "is not a number with a unit"),
        ("inf V", "V", "is not a number with a unit"),
        ("V", "V", "is not a number with a unit"),
        ("", "V", "is not a number with a unit"),
        ("1,5 V", "V", "is not a unit"),
        ("1 V//s", "V/s", "'V//s' is not a unit"),
        ("1 V/", "V", "is not a unit"),
        ("1 (V)", "V", "is not a unit"),
        ("1 V^99", "V", "is not a unit"),
        ("1 2 V", "V", "is not a"),
        ("1e400 V", "V", "too large"),
        ("1e999999999 GV", "V", "too large"),
        ("1e9999999999 V", "V", "is not a unit"),
        ("1e-400 V", "V", "too small"),
        ("1" * 200, "V", "is not a number with a unit"),
        ("__import__('os')", "V", "is not a number with a unit"),
    ],
)
def test_refusals_say_what_to_write(text, unit, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        parse_quantity(text, unit)
    assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.2, "V", "0.2 V"), (0.02, "V", "20 mV"), (35e-15, "J", "35 fJ"), (1e9, "Hz", "1 GHz"),
        (16e-9, "m", "16 nm"), (150e-6, "S", "150 uS"), (300, "K", "300 K"), (0, "V", "0 V"),
        (5e-13, "um^2", "0.5 um^2"), (5e-10, "m^2", "500 um^2"), (3.45e-11, "F/m", "3.45e-11 F/m"),
        (0.05, "1", "0.05"), (0.05, "%", "5 %"), (1e-9, "1/K", "1e-9 1/K"), (1500, "V", "1500 V"),
        (7200, "h", "2 h"),
    ],
)  # fmt: skip
def test_text_is_short(value, unit, text):
    assert format_quantity(value, unit) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(UNITS))
def test_text_reads_back_exactly(value, unit):
    assert parse_quantity(format_quantity(value, unit), unit) == value


@given(st.text(max_size=30), st.sampled_from(UNITS))
def test_any_text_is_finite_or_refused(text, unit):
    try:
        value = parse_quantity(text, unit)
    except ValueError:
        return
    assert math.isfinite(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_values_are_written(value):
    with pytest.raises(ValueError, match="not a finite number"):
        format_quantity(value, "V")


def test_our_units_agree_with_pints_own_definitions():
    registry = pint.UnitRegistry(on_redefinition="ignore")
    for symbol in known_symbols():
        theirs = registry.Quantity(1, symbol).to_base_units()
        assert theirs.magnitude == pytest.approx(float(unit_scale(symbol)[0]), rel=1e-12), symbol
    for symbol in ("V", "ohm", "S", "C", "F", "H", "J", "W", "g", "Hz"):
        parts = registry.Quantity(1, symbol).dimensionality
        volt = registry.Quantity(1, "V").dimensionality
        ours = dict(unit_scale(symbol)[1])
        mass = parts.get("[mass]", 0)
        assert ours.get("[voltage]", 0) == mass, symbol
        for name in ("[length]", "[time]", "[current]"):
            assert ours.get(name, 0) == parts.get(name, 0) - mass * volt.get(name, 0), symbol


def test_a_field_is_a_float_in_si():
    tile = Tile.model_validate({"v_read": "200 mV", "area": "4 um^2", "ramp": ["1 mV", "2 mV"]})
    assert (tile.v_read, tile.area, tile.ramp) == (0.2, 4e-12, (1e-3, 2e-3))
    assert Tile.model_validate({"drift": "5 %"}).drift == 0.05
    assert Tile.model_validate({"drift": 0}).drift == 0.0


def test_a_field_is_written_as_text_and_reads_back():
    tile = Tile.model_validate({"v_read": "200 mV", "area": "4 um^2", "ramp": ["1 mV"]})
    plain = tile.model_dump(mode="json")
    assert plain == {"v_read": "0.2 V", "area": "4 um^2", "drift": "0.05", "ramp": ["1 mV"]}
    assert Tile.model_validate_json(json.dumps(plain)) == tile
    assert tile.model_dump()["v_read"] == 0.2


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("v_read", 0.2, "0.2 needs a unit, for example '0.2 V'"),
        ("v_read", 3, "3 needs a unit, for example '3 V'"),
        ("v_read", "200 mA", "expected a unit of V"),
        ("v_read", "0 V", "'0 V' is not above 0 V"),
        ("v_read", "1100 mV", "'1100 mV' is above the maximum 1 V"),
        ("v_read", math.nan, "not a finite number"),
        ("v_read", 10**400, "not a finite number"),
        ("v_read", True, "expected a quantity, for example '0.2 V'"),
        ("v_read", ["1 V"], "expected a quantity"),
        ("area", "0.5 um^2", "'0.5 um^2' is below the minimum 1 um^2"),
        ("drift", 1, "1 is not below 1"),
        ("drift", "-1 %", "'-1 %' is below the minimum 0"),
    ],
)
def test_a_field_refuses(field, value, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        Tile.model_validate({field: value})
    with pytest.raises(ValidationError, match=re.escape(words)):
        Tile(**{field: value})


def test_a_quantity_of_an_unknown_unit_is_refused_at_once():
    with pytest.raises(ValueError, match="not a known unit"):
        Quantity("volt")


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_json_schema(mode):
    schema = Tile.model_json_schema(mode=mode)["properties"]
    field = schema["v_read"]
    assert field["type"] == "string"
    assert field["description"] == "A number and a unit of V, above 0 V, at most 1 V."
    for name, good, bad in (
        ("v_read", ["0.2 V", "200mV"], ["0.2", "V"]),
        ("drift", ["5 %"], ["5 V"]),
    ):
        pattern = re.compile(schema[name]["pattern"])
        assert all(pattern.search(text) for text in good + schema[name]["examples"])
        assert not any(pattern.search(text) for text in bad)


@pytest.mark.parametrize("bounds", [{}, {"gt": 5}, {"ge": 3, "le": 3}, {"lt": 0.1}, {"lt": -2}])
def test_examples_are_within_the_bounds(bounds):
    marked = Quantity("V", **bounds)
    (example,) = TypeAdapter(Annotated[float, marked]).json_schema()["examples"]
    marked.validate(example)


class Files(BaseModel):
    weights: ConfigPath


def test_paths_start_where_they_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = Path(os.path.realpath(tmp_path))
    written = SourceStr("../w.npz", Origin(Path("configs/kws.yaml"), 3))
    overridden = SourceStr("w.npz", Origin(None, 0, "--set a=w.npz"))
    absolute = SourceStr("/data/w.npz", Origin(Path("configs/kws.yaml"), 3))
    assert Files(weights=written).weights == here / "w.npz"
    assert Files(weights=overridden).weights == here / "w.npz"
    assert Files(weights=absolute).weights == Path("/data/w.npz")
    assert Files(weights="w.npz").weights == here / "w.npz"
    assert Files(weights=Path("w.npz")).weights == here / "w.npz"
    assert Files(weights=written).model_dump(mode="json") == {"weights": str(here / "w.npz")}
    assert Files.model_json_schema()["properties"]["weights"]["type"] == "string"


@pytest.mark.parametrize("value", ["", 3, None, ["a"], "a\0b"])
def test_what_is_not_a_path_is_refused(value):
    with pytest.raises(ValidationError, match="expected the path"):
        Files(weights=value)
