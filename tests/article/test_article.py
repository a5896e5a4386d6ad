"""Do the article's figures come out? Each test names its figure and states its tolerance."""

import json

import pytest

from archsim.experiments import load_experiment, run_experiment
from tests.runs import ROOT

EXPERIMENTS = ROOT / "configs" / "experiments"


def nothing(done, of):
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def calibration():
    return run_experiment(load_experiment(EXPERIMENTS / "fig3_calibration.yaml"), nothing)


def test_fig3a_calibration_lowers_mean_inl(calibration):
    """1,000 trials, sigmoid and tanh at 5 bits, 0 to 3 ramp cells stuck off: lower in each case."""
    assert len(calibration.rows) == 8
    for row in calibration.rows:
        assert row["mean_inl_calibrated"] < row["mean_inl_uncalibrated"], row["function"]
        assert row["improved"] > 0.5


def test_fig3a_columns_with_stuck_cells_calibrate_as_well(calibration):
    """Three stuck cells cost a calibrated ramp less than one costs a ramp that is not."""
    rows = {(row["function"], row["stuck_off"]): row for row in calibration.rows}
    for function in ("sigmoid", "tanh"):
        three = rows[function, 3]["mean_inl_calibrated"]
        assert three < rows[function, 1]["mean_inl_uncalibrated"]


def test_fig3a_the_calibrated_step_is_the_best(calibration):
    for row in calibration.rows:
        profile = row["profile_calibrated"]
        assert min(profile[5:26]) == profile[15], "threshold 16 is the middle of 31"


def test_fig3b_the_ramp_in_memory_follows_the_read_voltage():
    """0.15 V to 0.25 V: ideal codes stay, the device's move by 1 LSB at most, a fixed ramp's by 2
    or more at the ends."""
    result = run_experiment(load_experiment(EXPERIMENTS / "fig3_vread.yaml"), nothing)
    voltages = [row["v_read"] for row in result.rows]
    assert (min(voltages), max(voltages)) == (0.15, 0.25)
    for row in result.rows:
        assert row["in_memory_ideal"] == 0
        assert row["in_memory_device"] <= 1
        if row["v_read"] in (0.15, 0.25):
            assert row["fixed"] >= 2


def test_fig1c_nonlinear_operations_take_two_to_five_times_as_long(tmp_path):
    """512 units, k = 32, N_cyc from 2 to 5, out of the trace: exactly N_cyc times the 64 cycles."""
    file = tmp_path / "fig1c.yaml"
    file.write_text(f"extends: {EXPERIMENTS / 'fig1c.yaml'}\nunits: [512]\nprocessors: [32]\n")
    result = run_experiment(load_experiment(file), nothing)
    assert [(row["cycles"], row["ratio"]) for row in result.rows] == [(n, n) for n in (2, 3, 4, 5)]


@pytest.mark.slow
def test_monte_carlo_of_chips(tmp_path):
    """A small one: the ideal chip does not depend on the seed, imperfect ones do."""
    file = tmp_path / "small.yaml"
    file.write_text(
        f"extends: {EXPERIMENTS / 'kws_nonidealities.yaml'}\nseeds: 3\n"
        "overrides: [workload.sequences=40]\n"
    )
    result = run_experiment(load_experiment(file), nothing)
    rows = {row["case"]: row for row in result.rows}
    assert rows["ideal"]["std"] == pytest.approx(0, abs=1e-12)
    assert len(rows) == 12
    for row in rows.values():
        assert row["min"] - 1e-12 <= row["mean"] <= row["max"] + 1e-12
        assert 0 <= row["yield"] <= 1


@pytest.mark.parametrize("name", ["fig3_vread"])
def test_an_experiment_draws_its_figure(name, tmp_path, archsim):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    picture = tmp_path / "figure.png"
    path = EXPERIMENTS / f"{name}.yaml"
    code, out, _ = archsim("experiment", path, "--plot", picture, "--json")
    assert code == 0
    assert json.loads(out)["rows"]
    assert picture.read_bytes().startswith(b"\x89PNG")
