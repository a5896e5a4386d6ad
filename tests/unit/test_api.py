"""Does archsim from Python do what the command line does, in objects that a notebook can hold?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim.chip.build import Chip
from tests.small_run import CLASSES, SEQUENCES, TIMESTEPS, UNITS, write_small_run


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_small_run(tmp_path)


def test_importing_it_imports_nothing_heavy():
    code = (
        "import sys, archsim; assert archsim.__version__; "
        "print(sorted({'numba', 'h5py', 'numpy', 'pydantic'} & {*sys.modules}))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_what_it_offers_is_there_and_stays_after_a_run(small):
    for name in archsim.__all__:
        assert getattr(archsim, name) is not None
    archsim.run(small, set={"trace.level": "off"})
    assert callable(archsim.run)
    assert {*archsim.__all__} <= {*dir(archsim)}
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        getattr(archsim, "ru" + "nn")


def test_a_shipped_name_a_path_a_mapping_and_a_configuration_are_the_same(small):
    named = archsim.load("kws")
    assert archsim.load(named.path).hash == named.hash
    assert archsim.load({"extends": "kws"}).hash == named.hash
    assert archsim.load(named) is named
    assert archsim.load(str(small)).hash == archsim.load(small).hash
    assert named.adc.bits == 5
    assert named.network.layers[0].units == 32
    with pytest.raises(AttributeError, match="has no 'adcs'"):
        getattr(named, "adc" + "s")


def test_set_takes_values_as_the_command_line_takes_texts(small):
    changed = archsim.load(small, set={"adc.bits": np.int64(3), "tile.v_read": "100 mV"})
    assert (changed.adc.bits, changed.tile.v_read) == (3, 0.1)
    again = archsim.load(changed, set={"adc.bits": 4})
    assert (again.adc.bits, again.tile.v_read) == (4, 0.1)
    assert archsim.load(again.with_seed(7), set={"adc.bits": 5}).seed == 7
    path = archsim.load(small, set={"network.weights": Path("weights.safetensors")})
    assert path.hash == archsim.load(small).hash
    projected = archsim.load(small, set={"network.layers.0.projection": 2})
    dropped = archsim.load(projected, set={"network.layers.0.projection": None})
    assert dropped.hash == archsim.load(small).hash


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"adc.bitz": 4}, "set adc.bitz=4: adc: unknown key 'bitz' (did you mean 'bits'?)"),
        ({"adc.bits": 4.5}, "set adc.bits=4.5: adc.bits: expected a whole number, got 4.5"),
        ({"adc": {"bits": object}}, "bits: a value of type type cannot stand in a configuration"),
        ({"adc.bits": float("nan")}, "nan is no finite number"),
        ({"tile.v_read": 0.2}, "set tile.v_read=0.2: tile.v_read: "),
        ({"adc": {3: 4}}, "the key 3 is no text"),
        ({"a..b": 3}, "give keys with dots between them"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(small, values, message):
    with pytest.raises(archsim.ArchsimError) as caught:
        archsim.load(small, set=values)
    assert message in str(caught.value)


def test_a_mapping_is_told_of_as_such(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(archsim.ArchsimError) as caught:
        archsim.load({"extends": "kws", "adc": {"bits": 23}})
    assert str(caught.value) == "the mapping: adc.bits: 23 is above the maximum 10"
    with pytest.raises(archsim.ArchsimError, match="did you mean 'kws'"):
        archsim.load("kwz")
    with pytest.raises(archsim.ArchsimError, match=r"the mapping: extends: kwz: .*did you mean"):
        archsim.load({"extends": "kwz"})


def test_a_run_has_its_numbers_its_outputs_and_its_trace(small):
    run = archsim.run(small, out="here.h5", set={"trace.sequences": [0, 2]})
    assert run.answer.shape == (SEQUENCES,)
    assert run.energy.shape == (SEQUENCES, len(run.components))
    assert run.summary.energy_j == pytest.approx(run.energy.sum(axis=1).mean())
    assert run.outputs["lstm"]["h"].shape == (SEQUENCES, TIMESTEPS, UNITS)
    logits = run.outputs["output"]["logits"]
    assert logits.shape == (SEQUENCES, 1, CLASSES)
    assert (np.asarray(logits)[:, -1].argmax(axis=1) == run.answer).all()
    assert run.trace.path == Path("here.h5")
    assert "one inference" in str(run)
    assert run._repr_html_().startswith("<table")
    assert "energy" in run._repr_html_()
    assert repr(run) == f"<Run of small: {SEQUENCES} sequences>"
    off = archsim.run(small, set={"trace.level": "off"})
    assert (off.answer == run.answer).all()
    with pytest.raises(archsim.ArchsimError, match=r"trace\.level is off"):
        str(off.trace)


def test_threads_and_progress_change_nothing(small):
    told = []
    one = archsim.run(small, progress=lambda done, of: told.append((done, of)))
    two = archsim.run(small, threads=2)
    assert told[-1] == (SEQUENCES, SEQUENCES)
    assert np.array_equal(one.energy, two.energy)


def test_a_chip_is_built_without_a_run(small):
    chip = archsim.build_chip(small, set={"tile.rows": 8})
    assert isinstance(chip, Chip)
    assert len(chip.tiles) > 2
    with pytest.raises(archsim.ArchsimError, match=r"small\.yaml: tile\.columns"):
        archsim.build_chip(small, set={"tile.columns": 2})
