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

from archsim.config.device import load_device
from archsim.config.load import load_config
from archsim.errors import ArchsimError, InputError, OutputError
from archsim.experiments.jobs import Executor, Job, Store
from archsim.experiments.work import Calculation
from tests.command_line import hear_ctrl_c
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
        preexec_fn=hear_ctrl_c,
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


# ------------------------------------------------------------------------ jobs that are no run


def product(numbers, file, factor=2):
    """Multiply numbers; say what a file holds."""
    return [[number * factor for number in numbers], file.read_text()]


def quotient(numbers, file, factor=2):
    """Divide them."""
    return [[number / factor for number in numbers], file.read_text()]


def fails(number):
    """Fail as code with a fault does."""
    return [1.0, 2.0][number]


def is_killed(number):
    """End the process, as a system without memory does."""
    if number:
        os.kill(os.getpid(), signal.SIGKILL)


def returns_no_data(number):
    """Return what no file holds."""
    return {"number": {number}}


def test_an_id_of_a_calculation_follows_from_function_arguments_and_files(tmp_path):
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("text")
    other.write_text("text")
    first = Calculation(product, {"numbers": (1, 2), "file": file})
    assert first.id == Calculation(product, {"numbers": [1, 2], "file": other}, "label").id
    assert first.id != Calculation(quotient, {"numbers": [1, 2], "file": file}).id
    assert first.id != Calculation(product, {"numbers": [1, 2.5], "file": file}).id
    assert first.id != Calculation(product, {"numbers": [1, 2], "file": file, "factor": 2}).id
    device = load_device("yang2025-taox")
    with_device = Calculation(product, {"numbers": [device], "file": file})
    changed = device.model_copy(update={"g_max": device.g_max / 2})
    assert with_device.id != Calculation(product, {"numbers": [changed], "file": file}).id
    other.write_text("more")
    assert first.id != Calculation(product, {"numbers": [1, 2], "file": other}).id
    with pytest.raises(TypeError, match="told from others by a object"):
        _ = Calculation(product, {"numbers": [object()], "file": file}).id


@pytest.mark.parametrize("workers", [1, 2])
def test_a_calculation_is_done_once_and_kept(tmp_path, workers):
    file = tmp_path / "a"
    file.write_text("text")
    jobs = [Calculation(product, {"numbers": (n, 0.1), "file": file}) for n in (1, 2, 3, 1)]
    executor = Executor(workers, Store(tmp_path / "store"))
    assert executor.results(jobs) == [[[2 * n, 0.2], "text"] for n in (1, 2, 3, 1)]
    assert (executor.asked, executor.computed) == (4, 3)
    again = Executor(workers, Store(tmp_path / "store"))
    assert again.results(jobs) == [[[2 * n, 0.2], "text"] for n in (1, 2, 3, 1)]
    assert again.computed == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_in_a_function_is_recorded_and_stops_no_other(tmp_path, workers):
    jobs = [Calculation(fails, {"number": n}, f"number {n}") for n in range(4)]
    executor = Executor(workers, Store(tmp_path / "store"))
    outcomes = executor.map(jobs)
    assert [outcome.data for outcome in outcomes] == [1.0, 2.0, None, None]
    assert outcomes[3].reason.startswith("IndexError: list index out of range (")
    assert "test_jobs.py:" in outcomes[3].reason
    with pytest.raises(ArchsimError) as caught:
        executor.results(jobs)
    assert not isinstance(caught.value, InputError)
    text = str(caught.value)
    assert text.startswith("2 of 4 failed, the others are kept in")
    assert "number 2, number 3: IndexError" in text


def test_a_fault_shows_its_traceback_where_that_is_asked_for(monkeypatch):
    monkeypatch.setenv("ARCHSIM_DEBUG", "1")
    with pytest.raises(IndexError):
        Executor().map([Calculation(fails, {"number": 3})])


def test_a_process_that_is_killed_is_told_and_what_was_done_is_kept(tmp_path):
    jobs = [Calculation(is_killed, {"number": n}, f"number {n}") for n in (0, 1, 2)]
    store = Store(tmp_path / "store")
    with pytest.raises(ArchsimError, match="did one of number 1, number 2 was ended from outside"):
        Executor(2, store).map(jobs)
    assert len(list(store.folder.glob("*.json"))) == 1


def test_what_no_store_can_keep_is_told(tmp_path):
    jobs = [Calculation(returns_no_data, {"number": 3}, "three")]
    assert Executor().results(jobs) == [{"number": {3}}]
    with pytest.raises(OutputError, match=r"three: what it found cannot be kept \(Object of type"):
        Executor(store=Store(tmp_path / "store")).map(jobs)


def refuses(number):
    """Fail with a reason of its own."""
    raise ArchsimError(f"reason {number}")


def test_many_reasons_are_cut_to_what_a_reader_takes_in():
    jobs = [Calculation(refuses, {"number": n}, f"n{n}") for n in range(30)]
    jobs += [Calculation(fails, {"number": n}, f"m{n}") for n in range(30)]
    with pytest.raises(ArchsimError) as caught:
        Executor().results(jobs)
    text = str(caught.value)
    assert text.startswith("58 of 60 failed: n0: reason 0; n1: reason 1; ")
    assert text.endswith("n4: reason 4; and 26 more reasons")
