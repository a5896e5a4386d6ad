"""Is the chip of a network from a file as near to floating point as its bits allow?

The table of docs/importing.md: at 5 and at 10 bits, with ideal devices, outputs are the same few
tenths of a step of the last converter off, so that nothing but rounding is left.
"""

from __future__ import annotations

import os

import h5py
import pytest

from tests.runs import ROOT
from tests.tools import require_package, tool

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def script():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    for package in ("torch", "onnx", "keras"):
        require_package(package, package)
    return tool("imported_networks")


NAMES = [
    "GRU, state dict", "LSTM, two layers, state dict", "LSTM, both directions, state dict",
    "LSTM, projected, state dict", "RNN, tanh, ONNX", "GRU, ONNX", "GRU, Keras",
]  # fmt: skip


def test_every_network_is_here(script):
    assert list(script.NETWORKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_only_rounding_is_left(name, script, tmp_path):
    page = (ROOT / "docs/importing.md").read_text(encoding="utf-8")
    few, many = script.rows_of(name, tmp_path)
    for row in (few, many):
        steps = row.apart / row.step
        assert 0.25 < steps < 1.1  # rounding alone to the nearest level gives 1 / sqrt(12)
        with h5py.File(row.trace) as trace:
            assert trace["outputs"]
        (told,) = (line for line in page.splitlines() if line.startswith(f"| {name} | {row.bits} "))
        cells = [cell.strip() for cell in told.split("|")[1:-1]]
        assert float(cells[3]) == pytest.approx(steps, abs=0.1)
        assert float(cells[4].rstrip("%")) == pytest.approx(row.agreement * 100, abs=2)
    assert many.apart < few.apart / 20  # 33 without anything beside rounding
    assert many.agreement > 0.96
