"""Are jobs done once each, with the same results in any number of processes, and failures told?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archsim.config.load import load_config
from archsim.errors import ArchsimError, OutputError
from archsim.experiments.jobs import Executor, Job, Store
from tests.small_run import write_small_run


def found(result, path):
    """Read what tells one chip from another."""
    return result.summary.accuracy, result.energy.sum(), path.exists()


def other(result, path):
    """Read something else."""
    return result.summary.sequences


def two_or(number):
    """Return a function whose answer is in what it closes over."""

    def read(result, path):
        return [2, number]

    return read


def three_of(known):
    """Return a function of the same name that does something else."""

    def read(result, path):
        return [3, known]

    return read


@pytest.fixture
def small(tmp_path):
    return load_config(write_small_run(tmp_path), ["device.conductance_steps=63"])


def jobs_of(small, count=5):
    return [
        Job(small.with_values({"adc.bits": 2 + number, "trace.level": "off"}), found, f"{number}")
        for number in range(count)
    ]


def test_results_are_the_same_with_any_number_of_workers(small):
    one = Executor().map(jobs_of(small))
    two = Executor(workers=2).map(jobs_of(small))
    assert [list(outcome.data) for outcome in one] == [list(outcome.data) for outcome in two]
    assert len({tuple(outcome.data) for outcome in one}) > 1
    assert [outcome.job.label for outcome in two] == ["0", "1", "2", "3", "4"]


def test_what_is_in_the_store_is_not_run_again(small, tmp_path):
    told = []
    first = Executor(store=Store(tmp_path / "store"))
    before = first.map(jobs_of(small, 3))
    assert first.computed == 3
    again = Executor(store=Store(tmp_path / "store"))
    kept = again.map(jobs_of(small, 4), lambda done, of: told.append((done, of)))
    assert again.computed == 1
    assert [outcome.kept for outcome in kept] == [True, True, True, False]
    assert [list(outcome.data) for outcome in kept[:3]] == [list(o.data) for o in before]
    assert told == [(3, 4), (4, 4)]


def test_equal_jobs_are_run_once(small):
    executor = Executor()
    outcomes = executor.map([*jobs_of(small, 2), *jobs_of(small, 2)])
    assert executor.computed == 2
    assert [outcome.data for outcome in outcomes[:2]] == [outcome.data for outcome in outcomes[2:]]


def test_an_id_follows_from_files_values_and_what_is_read(small, tmp_path):
    job = Job(small, found)
    assert job.id == Job(small, found, "another label").id
    assert job.id != Job(small, other).id
    reads = [two_or(3), two_or(4), three_of({1: 2})]
    assert len({Job(small, read).id for read in reads}) == 3
    assert Job(small, two_or(3)).id == Job(small, two_or(3)).id
    assert job.id != Job(small.with_values({"adc.bits": 5}), found).id
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert job.id != Job(load_config(small.path, ["device.conductance_steps=63"]), found).id


def test_a_damaged_result_is_computed_again(small, tmp_path):
    store = Store(tmp_path / "store")
    (outcome,) = Executor(store=store).map(jobs_of(small, 1))
    (file,) = store.folder.iterdir()
    for text in (
        "",
        "{",
        "[]",
        '{"schema": "archsim-job/0", "data": 1}',
        '{"schema": "archsim-job/1"}',
    ):
        file.write_text(text)
        executor = Executor(store=store)
        (again,) = executor.map(jobs_of(small, 1))
        assert executor.computed == 1
        assert list(again.data) == list(outcome.data)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_job_that_fails_is_recorded_and_stops_no_other(small, tmp_path, workers):
    jobs = jobs_of(small, 3)
    lost = small.with_values({"tile.columns": 3})
    jobs.insert(1, Job(lost, found, "too narrow"))
    store = Store(tmp_path / "store")
    outcomes = Executor(workers, store).map(jobs)
    assert [bool(outcome.reason) for outcome in outcomes] == [False, True, False, False]
    with pytest.raises(ArchsimError, match=r"too narrow: .*small\.yaml: tile\.columns"):
        outcomes[1].result()
    (failed,) = store.folder.glob("*.failed.json")
    assert "tile.columns" in json.loads(failed.read_text())["reason"]
    executor = Executor(workers, store)
    executor.map(jobs)
    assert executor.computed == 1  # the one that failed is tried again


def test_a_job_has_its_trace_and_leaves_none(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (outcome,) = Executor().map([Job(small, found)])
    assert outcome.data[2] is True
    assert not list(Path("traces").glob("*")) if Path("traces").exists() else True


def test_a_store_that_cannot_be_written_is_one_sentence(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="results cannot be kept"):
        Executor(store=Store(tmp_path / "file")).map(jobs_of(small, 1))


SCRIPT = """
from pathlib import Path
from archsim.config.load import load_config
from archsim.experiments.jobs import Executor, Job, Store
from tests.unit.experiments.test_jobs import slow
if __name__ == "__main__":
    small = load_config("small.yaml")
    changes = [{"trace.level": "off", "seed": seed} for seed in range(60)]
    jobs = [Job(small.with_values(change), slow) for change in changes]
    Executor(2, Store(Path("store"))).map(jobs)
"""


def slow(result, path):
    """Read something, slowly."""
    time.sleep(0.4)
    return result.summary.sequences


def test_an_interrupt_keeps_what_is_done(tmp_path):
    write_small_run(tmp_path)
    (tmp_path / "jobs.py").write_text(SCRIPT)
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "jobs.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    store = tmp_path / "store"
    until = time.monotonic() + 300
    while time.monotonic() < until and len(list(store.glob("*.json"))) < 2:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in err
    done = len(list(store.glob("*.json")))
    assert 2 <= done < 60
    for file in store.glob("*.json"):
        assert json.loads(file.read_text())["data"] == 20


def test_an_experiment_without_jobs_says_so(archsim, tmp_path):
    code, _, err = archsim("experiment", "fig3_vread", "--store", tmp_path / "store")
    assert code == 0
    assert "no effect on an experiment of kind v_read" in err
    assert "computed" not in err
