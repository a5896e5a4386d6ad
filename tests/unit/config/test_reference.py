"""Does the reference of keys name every key that the sections have, and say what is checked?"""

from __future__ import annotations

import re

import pytest
import yaml

from archsim.config.load import load_config
from archsim.config.merge import load_document
from archsim.config.quantity import Quantity
from archsim.config.reference import REQUIRED, all_keys, functions, keys_below
from archsim.config.schema import json_schema
from archsim.errors import ConfigError, InputError
from tests.runs import ROOT

KEYS = {(key.path, key.of): key for section in all_keys() for key in section.keys}


def key(path, of=""):
    return KEYS[path, of]


def names_of(wanted):
    return [each.path for section in keys_below(wanted) for each in section.keys]


def test_every_key_of_the_schema_has_a_row():
    """The schema, which pydantic writes, names each section's keys; so does the reference."""
    wanted = {name for section in json_schema()["$defs"].values()
              for name, field in section.get("properties", {}).items()
              if not is_a_section(field)}  # fmt: skip
    assert wanted - {path.rpartition(".")[2] for path, _ in KEYS} == set()
    assert len(KEYS) > 150


def is_a_section(field):
    inner = field.get("items", field)
    choices = [each for each in inner.get("anyOf", [inner]) if each.get("type") != "null"]
    return all(points_to_a_section(each) for each in choices)


def points_to_a_section(field):
    if "discriminator" in field:
        return True
    target = json_schema()["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
    return "properties" in target


def test_every_key_says_what_it_is():
    assert [path for (path, _), each in KEYS.items() if not each.meaning] == []
    assert [section.path for section in all_keys() if not section.what] == []


def test_units_defaults_and_ranges_are_those_of_the_sections():
    node = key("technology.node")
    assert (node.unit, node.default, node.allowed) == ("m", REQUIRED, "1 nm .. 10 um")
    headroom = key("tile.integrator.headroom")
    assert (headroom.unit, headroom.default, headroom.allowed) == ("V", "50 mV", "0 V .. 100 V")
    assert key("tile.integrator.leak").allowed == "at least 0, below 1"
    assert key("adc.bits").allowed == "whole number, 1 .. 10"
    assert key("adc.bias_cells").allowed == "auto or whole number, 0 .. 4096"
    assert key("adc.fixed_reference").unit == "V"
    assert key("adc.kind").allowed == "bit_serial, ideal, linear_ramp, nonlinear_ramp, sar"
    assert key("adc.input_range").default == "[-4, 4]"
    assert key("adc.comparator.noise_sigma").default == "0 V"
    assert key("digital.bus").default == "none"
    assert key("digital.bus.width").default == REQUIRED
    assert key("trace.level").allowed == "off, summary, event, cycle"
    assert key("network.input_range").allowed.startswith("number, above 0, at most 1e9 or list of")
    assert key("tile.double_buffer").allowed == "true or false"
    assert key("technology.components").allowed == "path"
    assert key("device.drift.t0", "model memristor, table").allowed == "above 0 s"
    assert key("device.temperature.coefficient", "model memristor, table").unit == "1/K"
    assert key("extends").default == "none"


@pytest.mark.parametrize("path", ["tile.rows", "adc.bits", "digital.lanes", "adc.copies"])
def test_what_is_allowed_is_what_is_accepted(path):
    least, most = map(int, re.findall(r"\d+", key(path).allowed))
    for bound, beyond in ((least, least - 1), (most, most + 1)):
        with pytest.raises(ConfigError) as wrong:
            load_config("kws", [f"{path}={beyond}"])
        assert f"{beyond} is {'below' if beyond < bound else 'above'} the m" in str(wrong.value)


@pytest.mark.parametrize(
    "path",
    [
        *("adc.comparator.offset_sigma", "tile.integrator.headroom", "tile.integrator.leak"),
        *("trace.waveforms", "adc.copies", "digital.buffer_latency", "adc.early_stop", "streams"),
    ],
)
def test_a_default_is_what_holds_where_a_key_is_not_given(path):
    config, given = load_config("kws"), load_document(ROOT / "configs/kws.yaml").data
    for part in path.split("."):
        config = getattr(config, part)
        given = given.get(part, {}) if given else given
    assert given == {}, "the file gives it"
    row = key(path)
    read = Quantity(row.unit).validate if row.unit else yaml.safe_load
    assert read(row.default) == config


def test_what_kinds_share_is_told_once():
    assert ("device.slices.count", "model custom, ideal, memristor, table") in KEYS
    assert ("network.layers.N.units", "kind lstm") in KEYS
    assert ("network.layers.N.units", "kind linear") in KEYS
    assert ("workload.source", "kind file") in KEYS
    assert ("task.threshold", "kind agreement") in KEYS


def test_a_name_stands_for_keys():
    assert names_of("adc.bits") == ["adc.bits"]
    assert names_of("adc.comparator") == [
        "adc.comparator.offset_sigma",
        "adc.comparator.noise_sigma",
    ]
    assert names_of("bits") == ["adc.bits", "network.layers.N.bits"]
    assert names_of("wires") == ["tile.wires.row_resistance", "tile.wires.column_resistance"]
    assert set(names_of("network.layers.0.units")) == {"network.layers.N.units"}
    assert names_of("write_verify")[0] == "device.programming.write_verify.pulse_gain"
    assert set(names_of("lstm")) >= {"network.layers.N.projection", "network.layers.N.functions.g"}
    assert set(names_of("adc")) > set(names_of("adc.comparator"))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("adc.bitz", "did you mean adc.bits,"),
        ("tile.columms", "did you mean tile.columns"),
        ("bitz", "did you mean bits?"),
        ("lsmt", "did you mean lstm?"),
        ("xyzzy", "'archsim keys' shows all"),
    ],
)
def test_a_name_that_is_wrong_is_told_with_those_that_are_near(wanted, says):
    with pytest.raises(InputError, match="no key, section or kind") as wrong:
        keys_below(wanted)
    assert says in str(wrong.value)


def test_functions_have_their_bounds():
    found = functions()
    assert found["tanh"] == ("-1 .. 1", "Hyperbolic tangent.")
    assert found["relu"][0] == "unbounded"
    assert {"sigmoid", "gelu", "softsign"} <= found.keys()
