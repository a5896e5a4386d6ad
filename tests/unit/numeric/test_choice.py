"""Do kernels give the same bits in plain loops, where vector code is unwanted or cannot be made?"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from archsim.numeric.cache.numba_cache import switches
from archsim.numeric.inner.choice import PLAIN_LOOPS_VARIABLE, has_vector_code, plain_loops_asked
from tests.runs import ROOT, contents

COMPILED = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture
def asked_anew(monkeypatch):
    """Let the choice be made again, here and afterwards."""
    monkeypatch.delenv(PLAIN_LOOPS_VARIABLE, raising=False)
    has_vector_code.cache_clear()
    yield
    has_vector_code.cache_clear()


@pytest.mark.parametrize(("text", "plain"), [("", False), ("0", False), ("1", True)])
def test_the_environment_asks_for_plain_loops(asked_anew, monkeypatch, text, plain):
    monkeypatch.setenv(PLAIN_LOOPS_VARIABLE, text)
    assert plain_loops_asked() is plain
    assert has_vector_code() is not plain


@pytest.mark.parametrize("text", ["yes", "2", " 1", "x" * 99])
def test_any_other_wish_is_warned_of(monkeypatch, caplog, text):
    monkeypatch.setenv(PLAIN_LOOPS_VARIABLE, text)
    assert not plain_loops_asked()
    (said,) = caplog.messages
    assert said.startswith(f"{PLAIN_LOOPS_VARIABLE}: '{text[:40]}' is neither 0 nor 1")


def without(name: str) -> Any:
    """Return what takes a part away that vector code is written with."""

    def take(monkeypatch: Any) -> None:
        monkeypatch.delattr(f"archsim.numeric.inner.llvm.{name}")

    return take


def on_32_bits(monkeypatch: Any) -> None:
    from archsim.numeric.inner import llvm

    monkeypatch.setattr(llvm.types, "intp", llvm.types.int32)


def with_a_type_that_llvm_refuses(monkeypatch: Any) -> None:
    from archsim.numeric.inner import llvm

    monkeypatch.setattr(llvm, "_SUMS", llvm.ir.VectorType(llvm.ir.IntType(32), 8))


@pytest.mark.parametrize(
    "spoil",
    [
        without("cgutils.create_struct_proxy"),
        without("cgutils.for_range"),
        without("ir.VectorType"),
        without("cpu_target"),
        on_32_bits,
        with_a_type_that_llvm_refuses,
    ],
    ids=["no arrays", "no loops", "no vectors", "no target", "32 bits", "refused"],
)
def test_what_cannot_be_made_gives_way_to_plain_loops(asked_anew, monkeypatch, caplog, spoil):
    assert has_vector_code()
    has_vector_code.cache_clear()
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="archsim"):
        spoil(patch)
        assert not has_vector_code()
    (said,) = caplog.messages
    assert said.startswith("kernels are compiled as plain loops, slower and with the same results")


def test_which_code_it_is_is_a_switch_of_the_cache(asked_anew, monkeypatch):
    before = switches()
    has_vector_code.cache_clear()
    monkeypatch.setenv(PLAIN_LOOPS_VARIABLE, "1")
    assert switches() != before


# ------------------------------------------------------------------------------- other processes

RUN = """
import sys
from pathlib import Path

if sys.argv[1] == "broken":
    from llvmlite import ir

    del ir.IRBuilder.ctpop
from archsim.config.load import load_config
from archsim.numeric.inner.choice import has_vector_code
from archsim.simulation.simulate import run

config = load_config("configs/kws-ideal.yaml", ["workload.sequences=3", *sys.argv[3:]])
run(config, Path(sys.argv[2]))
print(has_vector_code())
"""
NOISE = (
    "device.model=memristor", "device.read_noise.sigma=2 uS",
    "device.sources={read_noise: 'assumed: it', g_min: 'assumed: it', g_max: 'assumed: it'}",
)  # fmt: skip


def run_in_process(path: Path, how: str, *more: str) -> tuple[dict[str, Any], str]:
    """Return the trace of a run in a process of its own, and what that says on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, how, path, *more],
        env=os.environ | {PLAIN_LOOPS_VARIABLE: "1" if how == "plain" else ""},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == str(how == "vectors")
    return contents(path), done.stderr


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@COMPILED
@pytest.mark.slow
@pytest.mark.parametrize("more", [pytest.param((), id="ideal"), pytest.param(NOISE, id="noise")])
def test_a_run_in_plain_loops_has_the_same_trace(tmp_path, more):
    expected, _ = run_in_process(tmp_path / "vectors.h5", "vectors", *more)
    found, said = run_in_process(tmp_path / "plain.h5", "plain", *more)
    assert_same(found, expected)
    assert "plain loops" not in said


@COMPILED
@pytest.mark.slow
def test_a_run_without_what_vector_code_needs_says_so_and_has_the_same_trace(tmp_path):
    expected, _ = run_in_process(tmp_path / "vectors.h5", "vectors")
    found, said = run_in_process(tmp_path / "broken.h5", "broken")
    assert_same(found, expected)
    (line,) = [line for line in said.splitlines() if "plain loops" in line]
    assert "ctpop" in line


@COMPILED
@pytest.mark.slow
def test_plain_loops_are_their_definitions():
    tests = "sums_of or sums_that or at_or_below or reach_a_step or upper_halves"
    file = Path(__file__).with_name("test_loops.py").relative_to(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", file, "-k", tests],
        env=os.environ | {PLAIN_LOOPS_VARIABLE: "1"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
