"""Do a library and counts come out in the shape of Accelergy's tables, and is the total their sum?

The tables of these counts were once put through the energy calculator of Accelergy 0.4, which found
the same total, 46.555845 pJ.
"""

import pytest
import yaml

from archsim.costs.accelergy import (
    FILES,
    action_counts,
    area_reference_table,
    energy_reference_table,
    total_energy,
    write_tables,
)
from archsim.costs.library import load_library
from archsim.errors import ConfigError
from tests.runs import ROOT

LIBRARY = load_library(ROOT / "configs/components/cmos-16nm.yaml")
COUNTS = {
    "register": {"write": 4096, "leak": 100},
    "comparator": {"compare": 2048},
}
OWN = {"array": {"read": 20e-12}}
PERIOD = 1e-9


def close(expected, rel=1e-12):
    """Compare by ratio alone: joules are far below the absolute tolerance of `pytest.approx`."""
    return pytest.approx(expected, rel=rel, abs=0)


def test_written_tables_are_read_back_by_yaml_with_units_and_sources(tmp_path):
    paths = write_tables(tmp_path / "out", LIBRARY, COUNTS, own=OWN, period=PERIOD)
    assert [path.name for path in paths] == list(FILES)
    ert, art, counts = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths)
    assert ert == energy_reference_table(LIBRARY, COUNTS, own=OWN, period=PERIOD)
    assert art == area_reference_table(LIBRARY, COUNTS)
    assert counts == action_counts(COUNTS, own=OWN)
    heads = [path.read_text(encoding="utf-8").splitlines()[0] for path in paths]
    assert ["pJ" in heads[0], "um^2" in heads[1]] == [True, True]
    assert LIBRARY.components["register"].source in paths[0].read_text(encoding="utf-8")


def test_own_energies_are_said_to_be_physics(tmp_path):
    ert, art, _ = write_tables(tmp_path, LIBRARY, COUNTS, own=OWN, period=PERIOD)
    assert "array.read: of the whole run, by physics" in ert.read_text(encoding="utf-8")
    assert "array" not in art.read_text(encoding="utf-8")


def test_energy_table_has_the_shape_that_accelergy_reads():
    ert = energy_reference_table(LIBRARY, COUNTS, own=OWN, period=PERIOD, chip="kws")["ERT"]
    assert ert["version"] == 0.4
    tables = {table["name"]: table["actions"] for table in ert["tables"]}
    assert list(tables) == ["kws.register", "kws.comparator", "kws.array"]
    assert tables["kws.array"] == [{"name": "read", "arguments": {}, "energy": 20.0}]
    write, leak = tables["kws.register"]
    assert write["energy"] == close(1.797e-3)
    assert (leak["name"], leak["energy"]) == ("leak", close(14.77e-6))


def test_area_table_is_of_one_instance_in_square_micrometres():
    art = area_reference_table(LIBRARY, COUNTS)["ART"]
    assert art["tables"][0] == {"name": "chip.register", "area": 1.642}
    assert len(art["tables"]) == 2


def test_total_is_the_sum_over_both_tables():
    tables = energy_reference_table(LIBRARY, COUNTS, own=OWN, period=PERIOD)["ERT"]["tables"]
    energy = {(t["name"], a["name"]): a["energy"] for t in tables for a in t["actions"]}
    local = action_counts(COUNTS, own=OWN)["action_counts"]["subtree"][0]["local"]
    total = sum(
        energy[f"chip.{part['name']}", each["name"]] * each["counts"]
        for part in local
        for each in part["action_counts"]
    )
    found = total_energy(LIBRARY, COUNTS, own=OWN, period=PERIOD)
    assert found == close(total * 1e-12)
    assert found == close(46.555845e-12, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"abacus": {"count": 1}}, "no component 'abacus'"),
        ({"register": {"forget": 1}}, "'register' has no action 'forget'"),
        ({"register": {"leak": 1}}, "'register' has no action 'leak'"),
    ],
)
def test_unknown_component_or_action_is_refused(counts, sentence):
    with pytest.raises(ConfigError, match=sentence):
        energy_reference_table(LIBRARY, counts)
    with pytest.raises(ConfigError, match=sentence):
        total_energy(LIBRARY, counts)


def test_own_energy_of_an_action_that_the_library_has_is_refused():
    own = {"register": {"write": 1e-12}}
    with pytest.raises(ConfigError, match=r"has 'register\.write' already"):
        total_energy(LIBRARY, {}, own=own)


def test_own_action_is_counted_once_and_costs_all_of_its_energy():
    counts = action_counts({}, own=OWN)["action_counts"]["subtree"][0]["local"]
    assert counts == [{"name": "array", "action_counts": [{"name": "read", "counts": 1}]}]
    assert total_energy(LIBRARY, {}, own=OWN) == 20e-12


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf")])
def test_count_that_is_none_is_refused(count):
    with pytest.raises(ConfigError, match=r"register\.write"):
        action_counts({"register": {"write": count}})
