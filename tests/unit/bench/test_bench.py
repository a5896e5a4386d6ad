"""Do the peers of ``archsim bench --against`` find what archsim finds, and is a missing one named?

Peers that are not installed are skipped with what to install.
"""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from archsim.bench.peers.against import Against, measure_against, measure_case
from archsim.bench.peers.base import PEERS, Shape, get_peer
from archsim.bench.peers.ngspice import Ngspice, clear_conversion
from archsim.bench.peers.products import PYTHON_VARIABLE, Driver
from archsim.bench.peers.tile import tile_run
from archsim.bench.peers.verilator import Form, Verilator, compare_codes
from archsim.cli import app
from archsim.errors import ArchsimError, InputError
from archsim.report.against import against_report
from archsim.report.render import as_text
from tests.runs import ROOT
from tests.tools import require_tool

SMALL = Shape(12, 8, batch=2, conversions=20)

FAKE = """\
import numpy as np

class Part:
    def __getattr__(self, name):
        part = Part()
        setattr(self, name, part)
        return part

CrossSimParameters = Part

class AnalogCore:
    def __init__(self, matrix, parameters):
        self.matrix = matrix
        self.noise = getattr(parameters.xbar.device.read_noise, "magnitude")
        print("a line that is no answer")

    def matmul(self, x):
        y = {gain} * (self.matrix @ x)
        if isinstance(self.noise, float):
            sigma = self.noise * np.sqrt(self.matrix**2 @ x**2)
            y = y + np.random.default_rng(3).normal(size=y.shape) * {noise} * sigma
        return y
"""


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def fake_crosssim(monkeypatch, tmp_path):
    """Put a package in CrossSim's place that multiplies."""

    def make(gain: float = 1.0, noise: float = 1.0) -> None:
        (tmp_path / "simulator.py").write_text(FAKE.format(gain=gain, noise=noise))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv(PYTHON_VARIABLE, sys.executable)

    return make


def installed(name):
    """Return a peer, or skip the test with what to install."""
    peer = get_peer(name)
    if peer.version() is None:
        pytest.skip(f"{name} is missing: {peer.install}")
    return peer


# -------------------------------------------------------------------------------------- our side


def test_our_codes_are_those_of_the_thresholds():
    run = tile_run(SMALL)
    bank = run.matrix.banks[0]
    charge = run.drive.astype(np.int64) @ run.difference
    readout = bank.arrays.readout
    ramp = readout.ramp_of_column[0]
    above = readout.threshold[0, ramp] > charge[..., None]
    step = np.where(above.any(axis=-1), above.argmax(axis=-1), bank.arrays.convert_cycles - 1)
    assert (run.code == readout.step_code[0, ramp, step]).all()
    assert len(np.unique(run.code)) > 10
    assert run.cycles == 66


def test_a_wide_matrix_with_a_projection_is_cut_to_tiles_and_put_together_again():
    run = tile_run(Shape(60, 2048, conversions=2, elements=30))
    assert len(run.matrix.banks) == 2
    assert run.difference.shape == (60, 2048)
    assert (np.abs(run.difference).max(axis=0) > 0).all()


def test_noise_has_the_variance_of_its_cells():
    run = tile_run(Shape(12, 8, conversions=2, noise=True))
    expected = (0.01 * run.difference) ** 2
    step = expected.max(axis=0) / 255
    assert (np.abs(run.variance - expected) <= 1.01 * step).all()
    sums = np.cumsum(run.variance, axis=0) - np.cumsum(expected, axis=0)
    assert (np.abs(sums) <= step).all()


# ----------------------------------------------------------------------------------- with a peer


def test_the_tile_in_verilog_finds_every_code(monkeypatch):
    require_tool("verilator")
    require_tool("g++")
    peer = installed("verilator")
    monkeypatch.setattr("archsim.bench.peers.verilator.OPTIMISE", "-O0")
    shape = Shape(12, 8, conversions=50, form=Form.UNROLLED)
    case = measure_case(peer, shape, repeats=1)
    assert case.checked == "400 codes equal"
    assert case.form == "unrolled"
    assert case.ratio == pytest.approx(case.ours_cycles_per_s / case.theirs_cycles_per_s)


def test_the_tile_as_a_circuit_finds_every_code():
    require_tool("ngspice")
    case = measure_case(Ngspice(), Shape(8, 4, conversions=20), repeats=1)
    assert case.checked == "4 codes equal"
    assert case.ratio > 1


@pytest.mark.parametrize("name", ["crosssim", "aihwkit"])
def test_a_peer_of_products_finds_ours(name):
    peer = installed(name)
    assert "products equal" in measure_case(peer, SMALL, repeats=1).checked


def test_different_codes_are_an_error():
    ours = np.array([[1, 2, 3]], dtype=np.uint16)
    assert compare_codes("peer", ours.astype(np.uint8), ours) == "3 codes equal"
    with pytest.raises(ArchsimError, match="peer finds 1 of 3 codes different"):
        compare_codes("peer", np.array([[1, 2, 4]], dtype=np.uint8), ours)


def test_the_conversion_for_the_circuit_is_clear_of_thresholds():
    run = tile_run(Shape(8, 4, conversions=20))
    bank = run.matrix.banks[0]
    threshold = bank.arrays.readout.threshold[0, bank.arrays.readout.ramp_of_column[0]]
    charge = run.drive[0, clear_conversion(run)].astype(np.int64) @ run.difference
    assert np.abs(charge[:, None] - threshold).min() > 0.001 * np.abs(threshold).max()


# ------------------------------------------------------------------------------ without any peer


def test_a_comparison_is_a_table_and_json(monkeypatch, fake_crosssim):
    fake_crosssim()
    noisy = Shape(12, 32, batch=40, conversions=2, noise=True)
    monkeypatch.setattr(PEERS["crosssim"], "shapes", (SMALL, noisy))
    steps = []
    found = measure_against("crosssim", lambda *at: steps.append(at), repeats=1)
    assert steps == [(1, 2), (2, 2)]
    assert found.version.startswith("CrossSim ")
    assert found.cases[0].checked == "16 products equal to 1e-05 of the largest"
    assert found.cases[1].checked.startswith("noise of 1,280 products is ")
    data = found.to_json()
    assert data["reached"] is None
    assert data["cases"][1]["noise"] is True
    assert data["cases"][0]["theirs_cycles_per_s"] is None
    assert text_of(found).count("12 x ") == 2


def text_of(found: Against) -> str:
    return as_text(against_report(found))


def test_other_products_are_an_error(fake_crosssim):
    fake_crosssim(gain=1.001)
    with pytest.raises(ArchsimError, match=r"products of crosssim deviate by 0\.001"):
        measure_case(get_peer("crosssim"), SMALL, repeats=1)


def test_other_noise_is_an_error(fake_crosssim):
    fake_crosssim(noise=2.0)
    noisy = Shape(12, 32, batch=40, conversions=2, noise=True)
    with pytest.raises(ArchsimError, match=r"the noise of crosssim is [12]\.\d+ of ours"):
        measure_case(get_peer("crosssim"), noisy, repeats=1)


def test_a_peer_that_breaks_off_is_an_error(fake_crosssim):
    fake_crosssim(gain="1/0")
    with pytest.raises(ArchsimError, match="ended: ZeroDivisionError"):
        measure_case(get_peer("crosssim"), SMALL, repeats=1)
    fake_crosssim(gain="1/")
    with pytest.raises(ArchsimError, match="ended: SyntaxError"):
        measure_case(get_peer("crosssim"), SMALL, repeats=1)


@pytest.mark.parametrize("name", ["verilator", "ngspice"])
def test_a_missing_program_is_named(monkeypatch, name):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InputError, match=f"{name} is not installed: apt-get install {name}"):
        get_peer(name).require()


@pytest.mark.parametrize("name", ["crosssim", "aihwkit"])
def test_a_missing_package_is_named_and_the_exit_code_is_2(monkeypatch, tmp_path, name):
    for package in ("simulator", "aihwkit"):
        (tmp_path / f"{package}.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    result = CliRunner().invoke(app, ["bench", "--against", name])
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 2
    assert f"{name} is not installed" in str(result.exception)
    assert PYTHON_VARIABLE in str(result.exception)


def test_an_interpreter_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(InputError, match="ARCHSIM_PEER_PYTHON: /nowhere/python cannot be run"):
        Driver("crosssim_products")


def test_an_unknown_peer_and_options_that_do_not_go_together():
    with pytest.raises(InputError, match=r"unknown peer 'verilater' .*did you mean 'verilator'"):
        get_peer("verilater")
    with pytest.raises(InputError, match="known are aihwkit, crosssim, ngspice, verilator"):
        get_peer("x")
    result = CliRunner().invoke(app, ["bench", "--against", "ngspice", "--growth"])
    assert "--against: takes no configurations" in str(result.exception)
    assert Verilator.target == 40
