"""Do archsim's own matrix products keep to one BLAS thread, and is the process's setting kept?"""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from archsim.blas import BLAS_THREADS_VARIABLE, blas_threads, few_blas_threads
from archsim.errors import InputError
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import run
from tests.small_run import write_small_run


def threads() -> set[int]:
    """Return how many threads NumPy's BLAS has; SciPy brings one of its own."""
    found = [item for item in threadpool_info() if item["user_api"] == "blas"]
    return {item["num_threads"] for item in found if "numpy" in item["filepath"]}


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Let the process have two threads, so that one is a change, and ask for nothing."""
    monkeypatch.delenv(BLAS_THREADS_VARIABLE, raising=False)
    with threadpool_limits(limits=2, user_api="blas"):
        yield


def test_a_call_holds_one_thread_and_gives_the_setting_back():
    before = threads()
    with few_blas_threads():
        assert threads() == {1}
        with few_blas_threads():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_more_threads_are_had_by_asking(monkeypatch):
    monkeypatch.setenv(BLAS_THREADS_VARIABLE, "2")
    with few_blas_threads():
        assert threads() == {2}


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5", "9999", "²"])
def test_what_is_no_number_of_threads_is_refused(monkeypatch, text):
    monkeypatch.setenv(BLAS_THREADS_VARIABLE, text)
    with pytest.raises(InputError, match=f"{BLAS_THREADS_VARIABLE}: .* whole number from 1 to"):
        blas_threads()


def test_calls_that_overlap_in_two_threads_give_the_setting_back():
    """The first ends while the second is at work."""
    before, second_in, first_out = threads(), Event(), Event()

    def second():
        with few_blas_threads():
            second_in.set()
            first_out.wait(10)

    other = Thread(target=second)
    with few_blas_threads():
        other.start()
        assert second_in.wait(10)
        assert threads() == {1}
    first_out.set()
    other.join()
    assert threads() == before


def test_a_run_takes_one_thread_also_where_it_fails(tmp_path, monkeypatch):
    before, seen = threads(), []
    labels = Inputs.float_answers

    def watched(self, chip, data):
        seen.append(threads())
        return labels(self, chip, data)

    monkeypatch.setattr(Inputs, "float_answers", watched)
    inputs = Inputs()
    loaded = inputs.load(write_small_run(tmp_path), ["trace.level=off"])
    run(loaded, inputs=inputs)
    assert (seen, threads()) == ([{1}], before)
    monkeypatch.setattr(Inputs, "float_answers", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(loaded, inputs=inputs)
    assert threads() == before


def test_importing_changes_no_setting_of_the_process():
    code = (
        "import os, numpy, threadpoolctl as t; np = numpy\n"
        "def seen(): return [i['num_threads'] for i in t.threadpool_info()], dict(os.environ)\n"
        "t.threadpool_limits(limits=2); before = seen()\n"
        "import archsim, archsim.simulation.simulate, archsim.experiments\n"
        "assert seen() == before\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
