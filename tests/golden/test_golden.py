"""Are results what they were? `make golden` writes them anew, where a change is meant."""

import json

import h5py
import pytest

from archsim.trace.reader import read_summary
from tests.runs import ROOT
from tests.tools import tool

GOLDEN = json.loads((ROOT / "tests/golden/kws.json").read_text())


def same(found, golden):
    """Numbers to 1e-12, everything else exactly."""
    if isinstance(golden, dict):
        assert list(found) == list(golden)
        for key, value in golden.items():
            same(found[key], value)
    elif isinstance(golden, float):
        assert found == pytest.approx(golden, rel=1e-12, abs=0)
    else:
        assert found == golden


@pytest.mark.parametrize("name", GOLDEN)
def test_results_are_golden(name):
    same(tool("make_golden").result_of(GOLDEN[name]["overrides"]), GOLDEN[name])


def test_the_golden_trace_still_opens_and_says_the_same():
    path = ROOT / "traces/golden.h5"
    summary = read_summary(path)
    assert summary.sequences == 1
    assert summary.cycles == 3735
    with h5py.File(path) as file:
        parts = [part for kind in ("tiles", "units") for part in file[kind].values()]
        total = sum(float(part["energy"][...].sum()) for part in parts)
    assert total == pytest.approx(summary.energy_j, rel=1e-9, abs=0)
