"""Do experiments of every kind have workers and a store, and are their failures and ends told?"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from archsim.errors import ArchsimError
from archsim.experiments import load_experiment, run_experiment
from archsim.experiments.jobs import Executor, Store
from tests.command_line import hear_ctrl_c
from tests.runs import ROOT
from tests.small_run import write_small_run

FILES = {
    "calibration": """\
kind: calibration
device: yang2025-taox
functions: [sigmoid, tanh]
bits: 3
trials: 4
stuck_off: [0, 1]
""",
    "v_read": """\
kind: v_read
device: yang2025-taox
functions: [sigmoid, tanh, softsign]
v_design: 0.2 V
v_read: [0.15 V, 0.2 V]
""",
    "efficiency": """\
kind: efficiency
config: small.yaml
bits: [4, 5]
baselines: [{name: early, overrides: [adc.early_stop=true]}]
""",
    "monte_carlo": """\
kind: monte_carlo
config: small.yaml
overrides: [tile.integrator.offset_sigma=4 mV]
seeds: 3
cases: [{name: a}]
""",
    "sensitivity": """\
kind: sensitivity
config: small.yaml
baseline: [adc.early_stop=true]
factors: [2]
""",
    "schedule_options": """\
kind: schedule_options
networks: [{name: small, config: small.yaml}]
options: [{name: one}, {name: two, overrides: [streams=2]}]
""",
}
JOBS = {"calibration": 8, "v_read": 3, "efficiency": 4, "monte_carlo": 3, "schedule_options": 2}


def nothing(done, of):
    """Progress that nobody watches."""


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Write an experiment's file beside a small network; return its path."""
    write_small_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    device = ROOT / "configs" / "devices" / "yang2025-taox.yaml"

    def write(text):
        file = tmp_path / "e.yaml"
        file.write_text(text.replace("yang2025-taox", str(device)))
        return file

    return write


@pytest.mark.parametrize("kind", FILES)
def test_what_is_in_the_store_is_not_done_again_and_is_the_same_table(experiment, tmp_path, kind):
    section = load_experiment(experiment(FILES[kind]))
    plain = run_experiment(section, nothing)
    told = []
    first = Executor(2, Store(tmp_path / "store"))
    two = run_experiment(section, lambda *step: told.append(step), first)
    again = Executor(1, Store(tmp_path / "store"))
    kept = run_experiment(section, nothing, again)
    assert plain.to_json() == two.to_json() == kept.to_json()
    assert first.asked == first.computed == JOBS.get(kind, first.asked) > 1
    assert (again.asked, again.computed) == (first.asked, 0)
    assert told[-1] == (first.asked, first.asked)


OTHER = {
    "calibration": [("trials: 4", "trials: 5"), ("stuck_off: [0,", "stuck_off: [2,")],
    "v_read": [("v_design: 0.2", "v_design: 0.19"), ("[0.15 V,", "[0.16 V,")],
    "efficiency": [
        ("bits: [4, 5]", "bits: [5, 4]"),
        ("early_stop=true", "comparator.offset_sigma=1 mV"),
    ],
}
NEW = {"calibration": [8, 4], "v_read": [3, 3], "efficiency": [0, 2]}


@pytest.mark.parametrize("kind", OTHER)
def test_only_what_another_file_needs_more_is_done(experiment, tmp_path, kind):
    done = []
    for before, after in [("kind", "kind"), *OTHER[kind]]:
        executor = Executor(1, Store(tmp_path / "store"))
        text = FILES[kind].replace(before, after)
        run_experiment(load_experiment(experiment(text)), nothing, executor)
        done.append(executor.computed)
    assert done == [JOBS[kind], *NEW[kind]]


def test_a_device_file_counts_by_what_it_says(experiment, tmp_path):
    shipped = (ROOT / "configs/devices/yang2025-taox.yaml").read_text()
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\n")
    text = FILES["v_read"].replace("yang2025-taox", "mine.yaml")
    done = []
    other = re.sub(r"(?m)^  g_max: .*$", "  g_max: 140 uS", shipped)
    assert other != shipped
    for lines in (shipped, "# a comment\n" + shipped, other):
        (tmp_path / "base.yaml").write_text(lines)
        executor = Executor(1, Store(tmp_path / "store"))
        run_experiment(load_experiment(experiment(text)), nothing, executor)
        done.append(executor.computed)
    assert done == [3, 0, 3]


def test_trials_in_several_jobs_are_those_of_one(experiment, monkeypatch):
    section = load_experiment(experiment(FILES["calibration"]))
    whole = run_experiment(section, nothing)
    monkeypatch.setattr("archsim.experiments.calibration.BLOCK", 3)
    executor = Executor()
    split = run_experiment(section, nothing, executor)
    assert executor.computed == 16
    for one, other in zip(whole.rows, split.rows, strict=True):
        for key, value in one.items():
            if key.startswith("profile"):  # sums of sums
                assert other[key] == pytest.approx(value, rel=1e-14, abs=0)
            else:
                assert other[key] == value, key


LOST = FILES["efficiency"].replace("]}]", "]}, {name: lost, overrides: [tile.columns=3]}]")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_design_that_fails_is_named_and_stops_no_other(experiment, archsim, tmp_path, workers):
    words = ("experiment", experiment(LOST), "--store", "store", "--workers", workers)
    code, out, err = archsim(*words)
    assert (code, out) == (2, "")
    last = err.splitlines()[-1]
    assert last.startswith("archsim: 2 of 6 failed, the others are kept in store: 4 bits, lost")
    assert "5 bits, lost" in last
    assert "small.yaml: tile.columns" in last
    failed = list((tmp_path / "store").glob("*.failed.json"))
    assert len(failed) == 2
    assert all("tile.columns" in json.loads(file.read_text())["reason"] for file in failed)
    code, out, err = archsim("experiment", experiment(FILES["efficiency"]), "--store", "store")
    assert (code, "0 of 4 jobs were done" in err) == (0, True)


def test_a_ramp_that_cannot_be_made_is_named(experiment, archsim, tmp_path):
    text = FILES["v_read"].replace("softsign]", "softsign]\nbits: 10").replace("yang2025-taox", "d")
    (tmp_path / "d").write_text("device: {model: ideal, g_min: 5 uS, g_max: 150 uS}\n")
    code, out, err = archsim("experiment", experiment(text))
    assert (code, out) == (2, "")
    assert "failed: sigmoid: functions: 'sigmoid' cannot be a ramp of this device" in err
    assert "Traceback" not in err


def test_a_baseline_that_is_another_network_is_refused_before_anything_runs(experiment):
    text = FILES["efficiency"].replace("adc.early_stop=true", "network.layers.0.units=3")
    executor = Executor()
    with pytest.raises(ArchsimError, match="'4 bits, early' is another network than '4 bits, NL-A"):
        run_experiment(load_experiment(experiment(text)), nothing, executor)
    assert executor.computed == 0


def test_a_baseline_cannot_have_our_name(experiment):
    with pytest.raises(ArchsimError, match=r"name: 'NL-ADC' is what the table calls the other"):
        load_experiment(experiment(FILES["efficiency"].replace("early,", "NL-ADC,")))


# ------------------------------------------------------------------------- interrupts

LONG = FILES["calibration"].replace("trials: 4", "trials: 3000").replace("bits: 3", "bits: 5")


@pytest.fixture
def long(experiment, tmp_path):
    """Start an experiment of 24 jobs in a process of its own that ends by Ctrl-C; see `ended`."""
    command = [sys.executable, "-m", "archsim", "experiment", str(experiment(LONG))]

    def start(*words):
        return subprocess.Popen(
            [*command, "--store", "store", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,
        )

    return start


def kept(folder):
    return len(list((folder / "store").glob("[!.]*.json")))


def ended(process, folder, count, wait=0.0):
    """Interrupt an experiment when so many jobs are kept, as a terminal does: all its processes."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None and kept(folder) < count:
        time.sleep(0.01)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert "interrupted; what was written before is kept" in err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done_and_the_next_run_does_the_rest(long, tmp_path, workers):
    ended(long("--workers", workers), tmp_path, 2)
    done = kept(tmp_path)
    assert 2 <= done < 24
    again = long("--workers", workers, "--json")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0
    assert f"{24 - done} of 24 jobs were done" in err
    assert len(json.loads(out)["rows"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, 0.05, 0.1, 0.3, 0.6])
def test_ctrl_c_while_processes_start_prints_no_traceback(long, tmp_path, wait):
    ended(long("--workers", "2"), tmp_path, 1, wait)
    assert 1 <= kept(tmp_path) < 24
