"""Does a run give the same without the compiler: codes, energies, times?"""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from archsim.config.load import load_config
from archsim.numeric.philox import philox
from archsim.simulation.simulate import run
from tests.runs import ROOT, contents
from tests.small_run import write_small_run

RECORD = "trace.level=event"


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_a_run_without_the_compiler_writes_the_same_trace(tmp_path):
    config = write_small_run(tmp_path)
    command = [sys.executable, "-m", "archsim", "run", config, "--set", RECORD]
    done = subprocess.run(
        [*command, "--out", tmp_path / "i.h5"],
        capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.stderr == "small: 20 of 20 sequences\n"
    run(load_config(config, [RECORD]), tmp_path / "c.h5")
    interpreted, compiled = contents(tmp_path / "i.h5"), contents(tmp_path / "c.h5")
    assert interpreted.keys() == compiled.keys()
    assert any("codes" in name or name.startswith("outputs/") for name in compiled)
    for name, values in compiled.items():
        np.testing.assert_array_equal(interpreted[name], values, err_msg=name)


@pytest.mark.interpreted
def test_a_small_run_has_codes_of_every_layer(tmp_path):
    run(load_config(write_small_run(tmp_path), [RECORD]), tmp_path / "t.h5")
    h = contents(tmp_path / "t.h5")["outputs/lstm/h"]
    assert h.shape == (20, 5, 4)
    assert np.abs(h).max() > 0


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_words_that_wrap_are_not_warned_of():
    code = "from archsim.numeric.philox import philox; print(philox(1, 2, 3, 4, 5, 6)[0])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    assert done.stdout == f"{philox(1, 2, 3, 4, 5, 6)[0]}\n"
    assert done.stderr == ""
