"""Do the commands over converters, pictures and netlists do what they say?"""

import json

import pytest

from tests.runs import KWS, ROOT, run_to

DEVICE = str(ROOT / "configs/devices/yang2025-taox.yaml")


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("commands") / "t.h5"
    run_to(path, "trace.waveforms=true", sequences=1)
    return path


def test_adc_without_a_device_is_the_design(archsim):
    code, out, _ = archsim("adc", "sigmoid", "--bits", 5, "--json")
    ramp = json.loads(out)
    assert code == 0
    assert len(ramp["levels"]) == len(ramp["ramp_cells_s"]) == 32
    assert len(ramp["thresholds"]) == 31
    assert len(ramp["bias_cells_s"]) == 5
    assert max(ramp["ramp_cells_s"]) == pytest.approx(150e-6, rel=1e-9, abs=0)
    assert ramp["thresholds"][15] == pytest.approx(0, abs=1e-12)


def test_adc_with_a_device_compares_calibration(archsim):
    code, out, _ = archsim(
        "adc", "tanh", "--bits", 4, "--device", DEVICE, "--trials", 50, "--seed", 3, "--json"
    )
    without, with_ = json.loads(out)["rows"]
    assert code == 0
    assert (without["calibrated"], with_["calibrated"]) == (False, True)
    assert with_["mean_inl_lsb"] < without["mean_inl_lsb"]
    assert with_["worst_inl_lsb"] > with_["mean_inl_lsb"]


def test_adc_shows_one_of_the_two_and_depends_on_the_seed(archsim):
    def rows(*more):
        _, out, _ = archsim(
            "adc", "tanh", "--bits", 4, "--device", DEVICE, "--trials", 5, "--json", *more
        )
        return json.loads(out)["rows"]

    assert [row["calibrated"] for row in rows("--no-calibrate")] == [False]
    assert rows("--calibrate") == rows("--calibrate")
    assert rows("--calibrate") != rows("--calibrate", "--seed", 1)


def test_adc_has_workers_and_a_store(archsim, tmp_path):
    words = ("adc", "tanh", "--bits", 4, "--device", DEVICE, "--trials", 300, "--json")
    _, plain, _ = archsim(*words)
    words = (*words, "--store", tmp_path / "store")
    code, out, err = archsim(*words, "--workers", 2)
    assert (code, out) == (0, plain)
    assert "4 of 4 jobs were done" in err
    code, out, err = archsim(*words)
    assert (code, out) == (0, plain)
    assert "0 of 4 jobs were done" in err
    code, out, err = archsim(*words, "--trials", 600)
    assert "4 of 6 jobs were done" in err  # the first 250 of both modes are there


@pytest.mark.parametrize(
    "option", [("--plot", "a.png"), ("--store", "store"), ("--workers", 2)], ids=lambda o: o[0]
)
def test_adc_without_a_device_has_no_trials(archsim, option):
    code, out, err = archsim("adc", "tanh", *option)
    assert (code, out) == (2, "")
    assert f"{option[0]}: it goes with --device only" in err


def test_adc_with_an_ideal_device_has_no_error(archsim):
    ideal = ROOT / "configs/devices/ideal.yaml"
    _, out, _ = archsim("adc", "sigmoid", "--device", ideal, "--trials", 2, "--json")
    for row in json.loads(out)["rows"]:
        assert row["worst_inl_lsb"] < 1e-9
        assert row["missing_codes"] == 0


def test_plot_draws_a_conversion(archsim, trace, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    picture = tmp_path / "c.png"
    code, out, _ = archsim("plot", trace, "--conversion", 5, "--out", picture)
    assert (code, str(picture) in out) == (0, True)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--conversion", 49), "49 is not one of the 49 recorded"),
        (("--conversion", -1), "-1 is not one"),
        (("--tile", "gates"), "no tile 'gates'; it has lstm, output"),
    ],
)
def test_plot_refuses(archsim, trace, tmp_path, arguments, says):
    code, _, err = archsim("plot", trace, "--out", tmp_path / "c.png", *arguments)
    assert code == 2
    assert says in err


def test_plot_wants_a_picture_and_waveforms(archsim, trace, tmp_path):
    code, _, err = archsim("plot", trace, "--out", tmp_path / "c.txt")
    assert (code, "has to end in .png" in err) == (2, True)
    run_to(tmp_path / "plain.h5", sequences=1)
    code, _, err = archsim("plot", tmp_path / "plain.h5", "--out", tmp_path / "c.png")
    assert (code, "trace.waveforms=true" in err) == (2, True)


def test_spice_writes_a_netlist_and_says_the_codes(archsim, tmp_path):
    code, out, _ = archsim("spice", KWS, "--out", tmp_path / "k.cir", "--rows", 4)
    assert code == 0
    assert "ngspice -b" in out
    assert (tmp_path / "k.cir").read_text().rstrip().endswith(".end")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: calibratoin\n", "did you mean 'calibration'?"),
        ("trials: 3\n", "the key 'kind' is missing; write one of calibration"),
        ("kind: v_read\nfunctions: [tanh]\n", "is missing"),
        (f"kind: calibration\ndevice: {DEVICE}\nfunctions: [sigmod]\n", "did you mean 'sigmoid'?"),
    ],
)
def test_experiments_refuse(archsim, tmp_path, text, says):
    file = tmp_path / "e.yaml"
    file.write_text(text)
    code, out, err = archsim("experiment", file)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
