"""Do chips of every kind give the codes, cycles and energies that they gave before?

Every case runs a few sequences, with imperfections drawn from fixed seeds: a random number that is
drawn elsewhere, a rounding that differs, a cycle more show. `make golden` writes the file anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.runs import ROOT
from tests.tools import tool

GOLDEN = json.loads((ROOT / "tests/golden/chips.json").read_text(encoding="utf-8"))
BITS = "ARCHSIM_GOLDEN_BITS"
TOOL = tool("make_golden_chips")


def without_energies(found):
    return {key: value for key, value in found.items() if not key.startswith("energy")}


def close(values):
    return pytest.approx(values, rel=1e-12, abs=0)


def test_every_case_has_a_golden_result():
    assert list(GOLDEN) == list(TOOL.CASES)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_chip_gives_what_it_gave(name):
    golden, found = GOLDEN[name], TOOL.found(TOOL.CASES[name])
    # Readable numbers first: they say more than a digest.
    assert without_energies(found) == without_energies(golden)
    assert list(found["energy_by_component_j"]) == list(golden["energy_by_component_j"])
    assert found["energy_by_component_j"] == close(golden["energy_by_component_j"])
    assert found["energy_by_sequence_j"] == close(golden["energy_by_sequence_j"])
    if os.environ.get(BITS):
        assert found["energy_sha256"] == golden["energy_sha256"]


@pytest.mark.parametrize("name", ["article's device", "all imperfections"])
def test_no_result_hangs_on_threads(name, tmp_path):
    """More sequences than a block, so that two blocks are at work together."""
    case = TOOL.CASES[name]
    found = []
    for threads in (1, 2):
        path = Path(tmp_path) / f"{threads}.h5"
        loaded = TOOL.load_case(case, tmp_path, sequences=40)
        result = TOOL.run(loaded, path, threads=threads)
        found.append((TOOL.digests(TOOL.outputs_of(path)), TOOL.digest(result.energy)))
    assert found[0] == found[1]


def test_the_first_sequences_of_a_long_run_are_those_of_a_short_one(tmp_path):
    case = TOOL.CASES["all imperfections"]
    path = tmp_path / "t.h5"
    result = TOOL.run(TOOL.load_case(case, tmp_path, sequences=40), path)
    few = {name: values[: TOOL.SEQUENCES] for name, values in TOOL.outputs_of(path).items()}
    golden = GOLDEN["all imperfections"]
    assert TOOL.digests(few) == golden["sha256"]
    energy = result.energy[: TOOL.SEQUENCES].sum(axis=1)
    assert energy.tolist() == close(golden["energy_by_sequence_j"])


def test_the_ideal_chip_is_that_of_the_default_configuration(tmp_path):
    """As long as configs/kws.yaml is an ideal chip; kws-ideal.yaml stays one."""
    found = []
    for name in ("kws.yaml", "kws-ideal.yaml"):
        path = tmp_path / "t.h5"
        result = TOOL.run(TOOL.load_case(TOOL.Case((name,)), tmp_path), path)
        found.append((TOOL.digests(TOOL.outputs_of(path)), TOOL.digest(result.energy)))
    assert found[0] == found[1]
