"""Does the notebook run from its first cell to its last, and are its results right?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.pages import NOTEBOOK, cells
from tests.runs import ROOT
from tests.tools import require_package

FOUND = """
import json, math

print("FOUND" + json.dumps({
    "accuracy": accuracy,
    "energy": energy,
    "by_component": summary.energy_by_component,
    "total": summary.energy_j,
    "report": run._repr_html_(),
    "rows": rows.tolist(),
    "undecided": undecided.tolist(),
    "logits": logits.shape,
    "agree": bool((logits[:, -1].argmax(axis=1) == run.answer).all()),
    "conventional": conventional.energy_j,
    "own": with_own.summary.accuracy,
    "functions": with_own.config.network.layers[0].functions.g,
    "old": trace.summary.energy_j,
    "operations": len(events["resource"]),
}))
"""
"""A last cell, for the test: what the others have left."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the cells printed and left, in an empty folder."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "cells.json").write_text(json.dumps([*cells(NOTEBOOK), FOUND]), encoding="utf-8")
    script = (
        "import json\nspace = {'__name__': '__main__'}\n"
        "for number, code in enumerate(json.load(open('cells.json'))):\n"
        "    exec(compile(code, f'cell {number}', 'exec'), space)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed, _, found = done.stdout.partition("FOUND")
    return folder, printed, json.loads(found)


def test_it_is_a_notebook_that_any_program_opens():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len(notebook["cells"]) == 10
    assert len({cell["id"] for cell in notebook["cells"]}) == 10
    for cell in notebook["cells"]:
        assert cell["cell_type"] in {"code", "markdown"}
        assert isinstance(cell["source"], list)
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            assert cell["source"][0].startswith("# "), "a cell begins with what it shows"


def test_accuracy_falls_and_energy_falls_with_the_bits(ran):
    _, printed, found = ran
    accuracy, energy = found["accuracy"], found["energy"]
    assert accuracy["2"] < accuracy["5"]
    assert accuracy["5"] > 0.9
    assert list(energy.values()) == sorted(energy.values())
    assert f"5 bits: {accuracy['5']:.1%} right, {energy['5'] * 1e9:.2f} nJ" in printed


def test_components_add_up_to_the_total(ran):
    _, printed, found = ran
    total = sum(found["by_component"].values())
    assert total == pytest.approx(found["total"], rel=1e-12)
    assert found["total"] == found["old"] == found["energy"]["5"]
    assert f"{total * 1e9:.2f} nJ an inference" in printed
    assert "<table" in found["report"]


def test_a_tile_integrates_and_then_converts(ran):
    _, _, found = ran
    rows, undecided = found["rows"], found["undecided"]
    assert max(rows) <= 73
    assert max(undecided) == 128  # all columns compare when the ramp begins
    assert not any(row and column for row, column in zip(rows, undecided, strict=True))


def test_outputs_a_design_and_a_function_are_what_they_are_said_to_be(ran):
    _, printed, found = ran
    assert found["logits"] == [60, 1, 12]
    assert found["agree"]
    assert found["functions"] == "algebraic"
    assert found["own"] > 0.8
    ratio = found["conventional"] / found["total"]
    assert f"energy: the conventional design takes {ratio:.2f} times as much" in printed
    assert found["operations"] > 60 * 49
    assert "tiles: lstm, output" in printed


def test_it_draws_a_picture(ran):
    folder, _, _ = ran
    if find_spec("matplotlib") is None:
        pytest.skip("drawing needs: pip install 'archsim[plot]'")
    data = (folder / "kws.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) > 10_000


TORCH = ROOT / "docs" / "pytorch.ipynb"


def test_a_network_of_pytorch_becomes_a_table_in_few_lines(tmp_path):
    """At most 15 lines of archsim; the chip answers as PyTorch does, and worse with fewer bits."""
    require_package("torch", "'archsim[torch]'")
    code = cells(TORCH)
    names = r"\b(archsim|report|chip|ranges|run|table)\b"
    ours = [line for cell in code for line in cell.splitlines() if re.search(names, line)]
    assert len([line for line in ours if not line.startswith("#")]) <= 15
    last = (
        "import json\nprint('FOUND' + json.dumps({'torch': (found == label_test).mean(), 'rows': "
        "table.rows, 'metrics': {k: v.to_json() for k, v in run.summary.metrics.items()}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*code, last])], cwd=tmp_path, capture_output=True,
        text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed, _, found = done.stdout.partition("FOUND")
    found = json.loads(found)
    assert "read Network: module of PyTorch" in printed
    accuracy = found["metrics"]["accuracy"]
    assert accuracy["reference"] == pytest.approx(found["torch"])
    assert found["torch"] > 0.97
    assert abs(accuracy["value"] - accuracy["reference"]) < 0.02
    by_bits = {row["adc.bits"]: row["accuracy"] for row in found["rows"]}
    assert list(by_bits) == [2, 3, 4, 5]
    assert by_bits[2] < by_bits[3] <= by_bits[5] == accuracy["value"]
