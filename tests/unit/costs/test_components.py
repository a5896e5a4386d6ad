"""Do costs scale by their rules, keep their sources, come from models and show as a table?"""

import importlib.util
import json
import re
import sys
from itertools import pairwise

import pytest

from archsim.costs.library import Scaling, SourceKind, load_library
from archsim.costs.models.hwcomponents import NEEDS_PYTHON
from archsim.costs.scaling import (
    AREAS,
    NODES,
    Step,
    area_factor,
    delay_factor,
    energy_factor,
    factors_of,
    scale_library,
)
from archsim.errors import ConfigError
from tests.runs import ROOT

PATH = ROOT / "configs/components/cmos-16nm.yaml"
LIBRARY = load_library(PATH)
WANTED = (65, 28, 22, 16, 7)
# Area factors of the article's table, row after column, as two public codes have them.
PAIRS = {(65, 7): 0.039, (65, 32): 0.31, (32, 16): 0.41, (20, 10): 0.48, (7, 45): 17, (7, 65): 25}


def figures(library):
    return {(each.component, each.what, each.action): each for each in library.figures()}


def at(node, supply=None):
    return scale_library(LIBRARY, node * 1e-9, supply=supply)


@pytest.fixture
def archsim(archsim, monkeypatch):
    """Run the command line in the repository's folder."""
    monkeypatch.chdir(ROOT)
    return archsim


# Scaling: rules


def test_energy_at_tables_nodes_is_the_authors_corrigendum():
    assert energy_factor(32, 0.9) == pytest.approx(0.4571, abs=5e-5)
    assert energy_factor(65, 1.3) == pytest.approx(2.604, abs=5e-4)


@pytest.mark.parametrize(("pair", "factor"), PAIRS.items())
def test_area_of_any_pair_is_the_tables_to_its_two_digits(pair, factor):
    old, new = pair
    assert area_factor(new) / area_factor(old) == pytest.approx(factor, rel=0.06, abs=0)


@pytest.mark.parametrize("supply", [0.6, 0.8, 1.0])
def test_energy_and_area_fall_with_the_node(supply):
    for coarse, fine in pairwise(NODES):
        assert energy_factor(fine, supply) < energy_factor(coarse, supply)
        assert area_factor(fine) < area_factor(coarse)


@pytest.mark.parametrize("node", NODES)
def test_energy_rises_with_the_supply(node):
    energies = [energy_factor(node, volt) for volt in (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)]
    assert energies == sorted(energies)


def test_delay_falls_from_65_to_7_nm_but_for_what_the_table_has_at_32():
    assert delay_factor(65, 0.8) > delay_factor(45, 0.8) > delay_factor(20, 0.8)
    assert delay_factor(20, 0.8) > delay_factor(16, 0.8) > delay_factor(7, 0.8)
    assert delay_factor(32, 0.8) < delay_factor(20, 0.8)


@pytest.mark.parametrize("node", [node for node in NODES if node not in AREAS])
def test_nodes_between_lie_between(node):
    above, below = min(n for n in AREAS if n > node), max(n for n in AREAS if n < node)
    assert area_factor(below) < area_factor(node) < area_factor(above)


def test_analog_never_gains():
    finer = factors_of(Scaling.ANALOG, Step(16, 7, 0.8, 0.7))
    assert finer.area.value == finer.latency.value == 1
    assert finer.energy.value == pytest.approx((0.7 / 0.8) ** 2, rel=1e-9, abs=0)
    up, digital = (factors_of(rule, Step(16, 28, 0.8, 0.8)) for rule in ("analog", "digital"))
    assert up.area.value == digital.area.value > 1
    assert up.energy.value == digital.energy.value > 1


def test_survey_is_the_fit_at_that_node():
    # hwcomponents-adc 1.0.21, 5 bits, 1 GS/s, at 28 and 16 nm.
    scaled = factors_of(Scaling.SURVEY, Step(16, 28, 0.8, 0.8))
    ratio = 5.827138820806416e-13 / 2.0348615229332693e-13
    assert scaled.energy.value == pytest.approx(ratio, rel=1e-6, abs=0)
    assert scaled.area.value == pytest.approx(
        4.048970147185067e-09 / 1.6953675282434736e-09, 1e-3, abs=0
    )


def test_every_rule_and_only_rules_are_there():
    step = Step(16, 7, 0.8, 0.8)
    for rule in Scaling:
        assert all(f.value > 0 for f in vars(factors_of(rule, step)).values())


# Scaling: libraries


def test_same_node_is_the_same_library():
    assert at(16) is LIBRARY
    assert at(16, supply=0.8) is LIBRARY


@pytest.mark.parametrize("node", WANTED)
def test_there_and_back_is_identity(node):
    there = at(node)
    back = scale_library(there, LIBRARY.node)
    digital = {n for n, c in LIBRARY.components.items() if c.scaling is not Scaling.ANALOG}
    for key, figure in figures(LIBRARY).items():
        if key[0] in digital:
            assert figures(back)[key].value == pytest.approx(figure.value, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", LIBRARY.components)
def test_costs_do_not_rise_towards_finer_nodes(name):
    libraries = [at(node) for node in WANTED]
    for coarse, fine in pairwise(libraries):
        for what in ("area", "leakage"):
            assert getattr(fine, what)(name) <= getattr(coarse, what)(name)
        for action in LIBRARY.components[name].actions:
            assert fine.energy(name, action) <= coarse.energy(name, action)


@pytest.mark.parametrize("node", [65, 28, 22, 7])
def test_every_scaled_number_names_its_rule_and_keeps_its_source(node):
    old, new = figures(LIBRARY), figures(at(node))
    assert old.keys() == new.keys()
    for key, figure in new.items():
        before = old[key].source
        assert before in figure.source
        if figure.value != old[key].value:
            assert f"scaled from 16 nm to {node} nm by " in figure.source
            if key[1] == "leakage" and not key[0].startswith("adc_survey"):
                assert figure.kind is SourceKind.ASSUMED
    assert all(component.node == node * 1e-9 for component in at(node).components.values())


@pytest.mark.parametrize(("node", "kind"), [(7, SourceKind.MODEL), (28, SourceKind.ASSUMED)])
def test_interpolated_nodes_are_assumptions(node, kind):
    assert figures(at(node))["adder", "energy", "add"].kind is kind


def test_timely_comes_back_to_its_published_area_at_65_nm():
    assert at(65).area("timely_comparator") == pytest.approx(40e-12, rel=0.05, abs=0)


def test_supply_scales_energy_and_leakage_only():
    low, plain = at(16, supply=0.7), LIBRARY
    assert low.supply == 0.7
    assert low.energy("wire", "transition") == pytest.approx(
        plain.energy("wire", "transition") * (0.7 / 0.8) ** 2, rel=1e-9, abs=0
    )
    assert low.energy("adder", "add") < plain.energy("adder", "add")
    assert low.leakage("adder") == pytest.approx(
        plain.leakage("adder") * 0.7 / 0.8, rel=1e-9, abs=0
    )
    assert low.area("adder") == plain.area("adder")
    source = figures(low)["adder", "energy", "add"].source
    assert "from 16 nm to 16 nm and from 0.8 V to 0.7 V" in source


@pytest.mark.parametrize("node", [13, 90, 5])
def test_unknown_node_is_refused(node):
    with pytest.raises(ConfigError, match=f"node of {node} nm: the rules are for 65, 45, 40"):
        at(node)


@pytest.mark.parametrize("supply", [0.3, 2.0])
def test_supply_beyond_the_equations_is_refused(supply):
    with pytest.raises(ConfigError, match=f"supply of {supply:g} V"):
        at(28, supply=supply)


def test_library_without_a_supply_cannot_be_scaled_but_can_be_used():
    library = LIBRARY.model_copy(update={"supply": None})
    assert scale_library(library, 16e-9, supply=0.8) is library
    with pytest.raises(ConfigError, match="no key 'supply'"):
        scale_library(library, 28e-9)


def test_scaled_library_serves_the_cost_models():
    library = at(28)
    assert library.capacitor_density() == LIBRARY.capacitor_density()
    ratio = library.row_capacitance_per_cell() / LIBRARY.row_capacitance_per_cell()
    assert ratio**2 == pytest.approx(
        library.area("crossbar_cell") / LIBRARY.area("crossbar_cell"), rel=1e-9, abs=0
    )


# The command


def test_table_lists_every_component_and_action_in_120_columns(archsim):
    code, out, _ = archsim("components")
    assert code == 0
    assert all(len(line) <= 120 for line in out.splitlines())
    for name, component in LIBRARY.components.items():
        row = next(line for line in out.splitlines() if line.split()[:1] == [name])
        assert re.search(r"\b(read|model|assumed)\b", row)
        assert "16 nm" in row
        assert all(action in out for action in component.actions)
    assert "9.372 fJ " in out


def test_table_of_another_node(archsim):
    code, out, _ = archsim("components", "--node", "28 nm", "--supply", "900 mV")
    assert code == 0
    assert "cmos-16nm at 28 nm: 28 components, 900 mV" in out
    assert " 16 nm " not in out


@pytest.mark.parametrize("options", [(), ("--node", "7 nm")])
def test_json_has_every_number_with_its_source(archsim, options):
    code, out, _ = archsim("components", *options, "--json")
    shown = json.loads(out)["components"]
    library = at(7) if options else LIBRARY
    assert code == 0
    numbers = {
        (name, each["what"], each["action"]): (each["value"], each["source"], each["kind"])
        for name, component in shown.items()
        for each in component["numbers"]
    }
    expected = {
        key: (each.value, each.source, each.kind.value) for key, each in figures(library).items()
    }
    assert numbers == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--node", "13 nm"), "node of 13 nm"),
        (("--node", "28"), "--node: '28' needs a unit"),
        (("--supply", "3 kg"), "--supply: '3 kg' is a mass"),
        (("--library", "nowhere.yaml"), "does not exist"),
        (("--library", "configs/kws.yaml"), "the key 'components' is missing"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(archsim, options, sentence):
    code, out, err = archsim("components", *options)
    assert code == 2
    assert out == ""
    assert sentence in err


# Models of hwcomponents

MODELS = """\
schema: archsim-components/1
name: mine
node: 28 nm
supply: 800 mV
components:
  adder_8b:
    description: adder of 8 bits
    from_hwcomponents:
      model: AladdinAdder
      parameters: {width: 8}
      actions: {add: add}
  survey:
    description: converter of 5 bits
    source: Andrulis et al., arXiv 2404.06553
    scaling: survey
    from_hwcomponents:
      package: adc
      model: ADC
      parameters: {n_bits: 5, throughput: 1 GHz}
      actions: {convert: convert}
"""
HAS_PYTHON = sys.version_info >= NEEDS_PYTHON
HAS_MODELS = HAS_PYTHON and all(
    importlib.util.find_spec(name) for name in ("hwcomponents_library", "hwcomponents_adc")
)
needs_models = pytest.mark.skipif(
    not HAS_MODELS, reason="needs Python 3.12 and archsim[hwcomponents]"
)


def load_text(tmp_path, text):
    path = tmp_path / "library.yaml"
    path.write_text(text, encoding="utf-8")
    return load_library(path)


@pytest.mark.skipif(HAS_MODELS, reason="hwcomponents is installed")
def test_models_that_cannot_be_had_are_one_sentence(tmp_path):
    what = r"adc is missing|library is missing" if HAS_PYTHON else r"need Python 3\.12 or later"
    with pytest.raises(ConfigError, match=rf"library\.yaml:\d+: components\.adder_8b.*({what})"):
        load_text(tmp_path, MODELS)


def test_old_python_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    with pytest.raises(ConfigError, match=r"need Python 3\.12 or later, this is 3\.11"):
        load_text(tmp_path, MODELS)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("model: ADC", "modl: ADC", "unknown key 'modl'"),
        ("package: adc", "package: cacti", "'cacti' is not one of library, adc"),
        ("scaling: survey", "area: 3 um^2", "area and from_hwcomponents exclude each other"),
    ],
)
def test_wrong_entry_is_refused_before_anything_is_imported(tmp_path, old, new, sentence):
    text = MODELS.replace(MODELS[MODELS.index("  adder") : MODELS.index("  survey")], "")
    with pytest.raises(ConfigError, match=rf"library\.yaml:\d+: .*{sentence}"):
        load_text(tmp_path, text.replace(old, new))


@needs_models
def test_models_give_numbers_with_a_source(tmp_path):
    library = load_text(tmp_path, MODELS)
    # 0.21 pJ and 278 um^2 at 40 nm and 32 bits, by the package's own scaling.
    assert library.energy("adder_8b", "add") == pytest.approx(3.1008282e-14, rel=1e-9, abs=0)
    assert library.area("survey") == pytest.approx(4.048970147185067e-09, rel=1e-9, abs=0)
    numbers = figures(library)
    assert all(each.kind is SourceKind.MODEL for each in numbers.values())
    assert "AladdinAdder(width=8, tech_node=2.8e-08)" in numbers["adder_8b", "area", None].source
    assert numbers["survey", "energy", "convert"].source.endswith("arXiv 2404.06553")
    assert not [name for name in sys.modules if "cacti" in name or "neurosim" in name]


@needs_models
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("AladdinAdder", "AladdinAddr", "did you mean 'AladdinAdder'"),
        ("AladdinAdder", "SmartBufferSRAM", "works without CACTI and NeuroSim"),
        ("width: 8", "wdth: 8", "unexpected keyword argument 'wdth'"),
        ("add: add", "add: plus", "no action 'plus'"),
        ("n_bits: 5", "n_bits: 2", "Bits must be >= 4"),
    ],
)
def test_wrong_model_is_one_sentence(tmp_path, old, new, sentence):
    with pytest.raises(ConfigError, match=rf"library\.yaml:\d+: components\.\w+\..*{sentence}"):
        load_text(tmp_path, MODELS.replace(old, new))


def test_kind_is_what_a_source_begins_with():
    assert SourceKind.of("assumed: a guess") is SourceKind.ASSUMED
    assert SourceKind.of("model: CACTI") is SourceKind.MODEL
    assert SourceKind.of("modelled on: something") is SourceKind.READ
