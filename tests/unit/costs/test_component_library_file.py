"""Is the component library complete, and does every number in it say where it comes from?

The file is read with a YAML parser and nothing else, so that the checks do not lean on the code
that they would otherwise vouch for.
"""

import re

import pytest
import yaml

from tests.runs import ROOT

LIBRARY = ROOT / "configs" / "components" / "cmos-16nm.yaml"
NUMBER = r"(?:0|[1-9]\d*)(?:\.\d+)?"
UNITS = {
    "energy": r"[afpnu]?J",
    "area": r"um\^2",
    "leakage": r"[fpnum]?W",
    "latency": r"[pn]s",
    "capacitance": r"fF/um",
    "capacitance_per_cell": r"[af]F",
    "capacitor_density": r"fF/um\^2",
}
TEXT_KEYS = {"description", "source", "node", "per", "scaling", "actions"}
ACTIONS = {
    "integrator": ["integrate"],
    "sample_and_hold": ["sample"],
    "comparator": ["compare"],
    "counter": ["count"],
    "register": ["write"],
    "digital_comparator": ["compare"],
    "adder": ["add"],
    "multiplier": ["multiply"],
    "shift_add": ["shift_add"],
    "sram_2kib": ["read", "write"],
    "wire": ["transition"],
    "lookup_table": ["read"],
    "crossbar_cell": [],
    "feedback_capacitor": [],
    "row_driver": ["edge"],
    "clock_tree": ["cycle_per_bit"],
    "adc_survey_4b": ["convert"],
    "adc_survey_5b": ["convert"],
    "adc_survey_8b": ["convert"],
    "isaac_sar_5b": ["convert"],
    "isaac_sar_8b": ["convert"],
    "isaac_dac": ["convert"],
    "neurram_adc": ["convert"],
    "timely_dtc": ["read"],
    "timely_tdc": ["read"],
}
ANALOG = {
    "integrator",
    "sample_and_hold",
    "timely_comparator",
    "isaac_sar_5b",
    "isaac_sar_8b",
    "isaac_sar_5b_saberi",
    "isaac_dac",
    "neurram_adc",
    "timely_dtc",
    "timely_tdc",
    "crossbar_cell",
    "feedback_capacitor",
}
PER = {
    "counter": "bit",
    "register": "bit",
    "digital_comparator": "bit",
    "adder": "bit",
    "multiplier": "bit^2",
    "wire": "mm",
}

DOCUMENT = yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))
COMPONENTS = DOCUMENT["components"]


def numbers(component):
    """Yield (place, kind, text, source) of every number, after inheritance of the source."""
    inherited = component.get("source")
    for action, entry in component["actions"].items():
        assert set(entry) <= {"energy", "source"}, f"unknown key in action {action}"
        yield action, "energy", entry["energy"], entry.get("source", inherited)
    for key in component.keys() - TEXT_KEYS:
        entry = component[key]
        if isinstance(entry, dict):
            assert set(entry) == {"value", "source"}, f"{key} is a value with a source"
            yield key, key, entry["value"], entry["source"]
        else:
            yield key, key, entry, inherited


def value(text):
    return float(text.split()[0])


def test_header_names_schema_library_and_node():
    assert DOCUMENT["schema"] == "archsim-components/1"
    assert DOCUMENT["name"] == LIBRARY.stem
    assert DOCUMENT["node"] == "16 nm"
    assert DOCUMENT["supply"] == "800 mV"
    assert DOCUMENT["description"].strip()


def test_file_says_which_command_and_versions_made_it():
    first_lines = LIBRARY.read_text(encoding="utf-8").splitlines()[:2]
    assert first_lines[0].startswith("# ")
    assert "tools/make_component_library.py" in first_lines[0]
    assert re.search(r"hwcomponents-library \d+\.\d+\.\d+", first_lines[1])


@pytest.mark.parametrize("name", ACTIONS)
def test_named_component_is_there_with_its_actions(name):
    assert list(COMPONENTS[name]["actions"]) == ACTIONS[name]
    assert COMPONENTS[name].get("per") == PER.get(name)


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_is_described_at_16_nm_and_has_area_and_leakage(name):
    component = COMPONENTS[name]
    assert component["description"].strip()
    assert component["node"] == "16 nm"
    assert {"actions", "area", "leakage"} <= component.keys()
    assert component.keys() <= TEXT_KEYS | UNITS.keys()


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_number_is_a_quantity_with_the_right_unit(name):
    for place, kind, text, _ in numbers(COMPONENTS[name]):
        assert isinstance(text, str), f"{name}.{place}: {text!r} has no unit"
        assert re.fullmatch(f"{NUMBER} {UNITS[kind]}", text), f"{name}.{place}: {text!r}"


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_number_has_a_source_and_every_guess_a_reason(name):
    for place, _, _, source in numbers(COMPONENTS[name]):
        assert isinstance(source, str), f"{name}.{place} has no source"
        assert len(source.strip()) > 10, f"{name}.{place}: {source!r} says nothing"
        if "assume" in source.lower():
            assert re.match(r"assumed: \S.{10}", source), f"{name}.{place}: {source!r} gives no why"


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_a_model_computed_is_called_a_model(name):
    for place, _, _, source in numbers(COMPONENTS[name]):
        through = re.search(r"through hwcomponents|CACTI", source)
        assert not through or source.startswith("model: "), f"{name}.{place}: {source!r}"


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_says_how_it_follows_the_node(name):
    rule = COMPONENTS[name].get("scaling", "digital")
    survey = "survey" if name.startswith("adc_survey") else "digital"
    assert rule == ("analog" if name in ANALOG else "wire" if name == "wire" else survey)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_zero_is_never_silent(name):
    for place, _, text, source in numbers(COMPONENTS[name]):
        if value(text) == 0:
            assert source.startswith("assumed: "), f"{name}.{place} is zero without a reason"


def test_comparator_decides_within_a_clock_cycle():
    assert COMPONENTS["comparator"]["latency"].endswith(" ps")
    assert value(COMPONENTS["comparator"]["latency"]) < 1000


def test_wire_energy_is_its_capacitance_at_the_stated_swing():
    capacitance = value(COMPONENTS["wire"]["capacitance"]["value"]) * 1e-15 / 1e-6
    energy = value(COMPONENTS["wire"]["actions"]["transition"]["energy"]) * 1e-15
    assert energy == pytest.approx(capacitance * 1e-3 * 0.7**2, rel=1e-9, abs=0)


def test_lookup_table_is_a_quarter_of_the_buffer():
    table, buffer = COMPONENTS["lookup_table"], COMPONENTS["sram_2kib"]
    for get in (lambda c: c["actions"]["read"]["energy"], lambda c: c["area"]):
        assert value(get(table)) == pytest.approx(value(get(buffer)) / 4, rel=1e-3, abs=0)
