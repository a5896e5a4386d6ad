"""Does a package outside archsim add a cell, a converter, a workload, a device and costs?

No line of archsim knows the package in ``tests/extension``: what it brings is found by its entry
points, in processes of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import yaml

from tests.extension.offered import FOLDER, offer
from tests.runs import ROOT
from tests.tools import require_package

CONFIG = """\
name: outside
technology: {node: 16 nm, clock: 1 GHz, supply: 800 mV, components: library.yaml}
device: {model: ideal, g_min: 0 S, g_max: 150 uS}
tile: {rows: 64, columns: 64, input_bits: 6, v_read: 200 mV, v_clp: 400 mV, full_scale: 300 mV}
adc: {kind: flash, bits: 6, flash: {comparators: fast}}
network:
  inputs: 6
  timesteps: 9
  weights: random
  layers:
    - {kind: own_gru, name: cell, units: 10}
    - {kind: linear, name: output, units: 2}
workload: {kind: chirps, sequences: 7}
trace: {level: cycle, sequences: [0, 3]}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the configuration and a library that names the package's cost model."""
    library = yaml.safe_load((ROOT / "configs/components/cmos-16nm.yaml").read_text())
    fast = {"description": "a comparator", "from_table": "fast_comparator", "scaling": "analog"}
    library["components"]["fast"] = fast
    (tmp_path / "library.yaml").write_text(yaml.safe_dump(library, sort_keys=False))
    (tmp_path / "outside.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def outside(folder):
    """Run a program that has the package installed; return what it did."""
    path = offer(folder / "site")

    def run(*words, code=0, **environment):
        command = [sys.executable, "-m", "archsim", *map(str, words)]
        if words[0] == "-c":
            command = [sys.executable, *words]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{path}:{ROOT}", **environment},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    return run


def outputs_of(path, layer):
    with h5py.File(path) as file:
        return {name: item[...] for name, item in file[f"outputs/{layer}"].items()}


@pytest.mark.slow
def test_a_network_of_strange_kinds_runs_from_end_to_end(folder, outside):
    done = outside("run", "outside.yaml", "--json", "--out", "t.h5")
    summary = json.loads(done.stdout)
    assert summary["sequences"] == 7
    assert "flash, 6 bits, 63 comparators a column, each a 'fast'" in done.stdout
    assert "7 chirps" in done.stdout
    with h5py.File(folder / "t.h5") as file:
        assert set(file["outputs"]) == {"cell", "output"}
    h = outputs_of(folder / "t.h5", "cell")["h"]
    assert h.shape == (7, 9, 10)
    assert 0.05 < np.abs(h).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("second", ["table", "ramp"])
def test_fused_and_cycle_by_cycle_conversions_of_a_strange_converter_are_the_same(
    folder, outside, second
):
    sets = ("--set", f"digital.cell_activation={second}", "--set", "trace.sequences=all")
    outside("run", "outside.yaml", *sets, "--out", "fused.h5")
    outside("run", "outside.yaml", *sets, "--set", "trace.waveforms=true", "--out", "by_cycle.h5")
    for layer in ("cell", "output"):
        fused, by_cycle = (
            outputs_of(folder / f"{name}.h5", layer) for name in ("fused", "by_cycle")
        )
        for name, values in fused.items():
            np.testing.assert_array_equal(by_cycle[name], values, err_msg=name)
    with h5py.File(folder / "fused.h5") as one, h5py.File(folder / "by_cycle.h5") as other:
        for tile in one["tiles"]:
            mine, same = one["tiles"][tile], other["tiles"][tile]
            np.testing.assert_array_equal(mine["energy"][...], same["energy"][...])


FLOAT = """
import numpy as np
from archsim.config.load import load_config
from archsim.simulation.prepare import prepare
from archsim.chip.layers.signal import Recorder
sets = ["adc={kind: ideal, bits: 8}", "tile.input_bits=10", "digital.word_bits=24",
        "digital.fraction_bits=12", "digital.table_entries=16384",
        "network.layers.1.input_range=[-4, 4]"]
chip, data = prepare(load_config("outside.yaml", sets))
layer = chip.layers[0]
signal = chip.encode(data.inputs)
x = data.inputs.astype(np.float64)
float_h = layer.run_float(x)
h = layer.run(signal, Recorder(np.full(len(x), -1), 0, waveforms=False)).outputs["h"]
print(np.abs(h - float_h).max(), np.abs(float_h).max())
"""


@pytest.mark.slow
def test_the_gru_on_ideal_converters_is_the_float_one_but_for_pulse_widths(outside):
    """Pulse widths of 10 bits are 5e-4 off at most; 9 timesteps of 16 sums add some of it up."""
    error, largest = map(float, outside("-c", FLOAT).stdout.split())
    assert error < 5e-3
    assert largest > 0.1


TORCH = """
import numpy as np, torch
from archsim_extension.gru.reference import gru_float
torch.manual_seed(1)
cell = torch.nn.GRUCell(5, 7, dtype=torch.float64)
x = torch.randn(3, 11, 5, dtype=torch.float64)
h, steps = torch.zeros(3, 7, dtype=torch.float64), []
for t in range(11):
    h = cell(x[:, t], h)
    steps.append(h)
wanted = torch.stack(steps, 1).detach().numpy()
given = [p.detach().numpy() for p in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)]
print(np.abs(gru_float(x.numpy(), *given) - wanted).max())
"""


def test_the_float_gru_is_pytorchs(outside):
    require_package("torch", "'archsim[torch]'")
    assert float(outside("-c", TORCH).stdout) < 1e-12


def test_the_schema_lists_what_is_installed(outside):
    schema = outside("schema").stdout
    assert "GRULayer" in schema
    assert '"flash"' in schema
    assert "Chirps" in schema


KEPT = """
import numpy as np
from archsim.config.load import load_config
from archsim.devices.base import Site, device_model
section = load_config("outside.yaml", ["device=%s"]).config.device
target = np.linspace(1e-6, 150e-6, 40_000).reshape(200, 200)
share = device_model(section).program(target, Site(1, 2, 3)).conductance / target
print(share.mean(), share.std())
"""
LEAKY = (
    "{model: leaky, loss: 10 %, loss_sigma: 2 %, g_min: 0 S, g_max: 150 uS, sources: {loss: "
    "'assumed: a test', loss_sigma: 'assumed: a test', g_min: 'assumed: a test', "
    "g_max: 'assumed: a test'}}"
)


def test_a_device_of_the_package_is_found_by_its_name(folder, outside):
    mean, spread = map(float, outside("-c", KEPT % LEAKY).stdout.split())
    assert mean == pytest.approx(0.9, abs=5e-4)  # 5 sigma of the mean of 40,000 devices
    assert spread == pytest.approx(0.02, rel=0.02)
    outside("run", "outside.yaml", "--set", f"device={LEAKY}", "--out", "b.h5")


def test_a_function_of_the_package_is_found_by_its_name(folder, outside):
    assert "rootsign" in outside("adc", "rootsign", "--bits", "4").stdout
    sets = ("--set", "network.layers.1.function=rootsign")
    outside("run", "outside.yaml", *sets, "--out", "f.h5")
    outside("run", "outside.yaml", "--out", "g.h5")
    ours, usual = (outputs_of(folder / name, "output") for name in ("f.h5", "g.h5"))
    assert any((ours[name] != usual[name]).any() for name in usual)


EXPERIMENT = """\
kind: timesteps
config: outside.yaml
timesteps: [5, 9]
"""


def test_an_experiment_of_the_package_has_workers_and_a_store(folder, outside):
    (folder / "lengths.yaml").write_text(EXPERIMENT)
    words = ("experiment", "lengths.yaml", "--json", "--store", "store")
    first = outside(*words, "--workers", "2")
    short, long = json.loads(first.stdout)["rows"]
    assert (short["timesteps"], long["timesteps"]) == (5, 9)
    assert 0 < short["energy_j"] < long["energy_j"]
    assert "2 of 2 jobs were done" in first.stderr
    again = outside(*words)
    assert again.stdout == first.stdout
    assert "0 of 2 jobs were done" in again.stderr
    assert "timesteps" in json.loads(outside("list", "--json").stdout)["kinds"]["experiment kind"]


@pytest.mark.slow
def test_other_code_of_the_package_may_find_other_results(folder, outside):
    (folder / "lengths.yaml").write_text(EXPERIMENT)
    copy = folder / "copy"
    shutil.copytree(FOLDER, copy)
    path = f"{offer(folder / 'other', copy)}:{ROOT}"
    words = ("experiment", "lengths.yaml", "--store", "store")
    outside(*words, PYTHONPATH=path)
    kernel = copy / "archsim_extension/gru/build.py"
    kernel.write_text(kernel.read_text() + "\n# changed\n")
    assert "2 of 2 jobs were done" in outside(*words, PYTHONPATH=path).stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("leaky.py", "keys.loss -", "keys.lost -", "AttributeError: "),
        ("rootsign.py", "np.hypot(1.0, x)", "self.nothing", "AttributeError: "),
        ("chirps/section.py", "rng.integers(0, 2,", "rng.integers(label,", "UnboundLocalError: "),
    ],
)
def test_a_fault_of_the_package_is_laid_to_the_package(folder, outside, file, old, new, sentence):
    copy = folder / "copy"
    shutil.copytree(FOLDER, copy)
    path = copy / "archsim_extension" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    sets = ("--set", f"device={LEAKY}", "--set", "network.layers.1.function=rootsign")
    site = offer(folder / "other", copy)
    done = outside("run", "outside.yaml", *sets, code=1, PYTHONPATH=f"{site}:{ROOT}")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("compiling kernels")]
    assert len(lines) == 1
    assert sentence in done.stderr
    assert f"archsim_extension/{file}:" in done.stderr
    assert "package archsim-extension" in done.stderr
    assert "bug" not in done.stderr


def test_without_the_package_its_kinds_are_not_known(folder, outside):
    done = outside("validate", "outside.yaml", code=2, PYTHONPATH=str(ROOT))
    assert "'own_gru' is not one of" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("gru.section:GRULayer", "gru.section:GRU", "does not load: AttributeError"),
        (
            "gru.section:GRULayer",
            "gru.build:COLUMNS",
            "is not a subclass of archsim.config",
        ),
        ('own_gru = "', 'gated = "', "calls itself 'own_gru': give class and entry the same name"),
    ],
)
def test_a_kind_that_does_not_load_is_one_sentence_and_in_nobodys_way(
    folder, outside, old, new, sentence
):
    broken = folder / "broken"
    broken.mkdir()
    text = (FOLDER / "pyproject.toml").read_text()
    assert old in text
    (broken / "pyproject.toml").write_text(text.replace(old, new))
    path = f"{offer(folder / 'other', broken)}:{FOLDER}:{ROOT}"
    layer = "gated" if "gated" in new else "own_gru"
    words = ("validate", "outside.yaml", "--set", f"network.layers.0.kind={layer}")
    done = outside(*words, code=2, PYTHONPATH=path)
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr
    kws = ROOT / "configs/kws.yaml"
    assert "valid" in outside("validate", kws, PYTHONPATH=path).stdout


# ------------------------------------------------------------------------- shipped kinds


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """Archsim without the folders and files of some of its kinds."""
    folder = tmp_path_factory.mktemp("without")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "archsim", folder / "archsim", ignore=ignore)
    shutil.rmtree(folder / "archsim/chip/converters/sar")
    shutil.rmtree(folder / "archsim/chip/converters/bit_serial")
    shutil.rmtree(folder / "archsim/workloads/synthetic")
    (folder / "archsim/devices/table.py").unlink()
    (folder / "archsim/network/activations/gated.py").unlink()

    def run(*words, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "archsim", *map(str, words)], check=False,
            capture_output=True, text=True, cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.mark.slow
def test_a_shipped_kind_whose_folder_is_gone_leaves_the_others_running(without, tmp_path):
    kws = ROOT / "configs/kws-ideal.yaml"
    done = without("run", kws, "--set", "workload.sequences=2", "--out", tmp_path / "t.h5")
    assert "utilisation" in done.stdout
    done = without("validate", kws, "--set", "adc.kind=sar", code=2)
    assert "'sar' is not one of ideal, linear_ramp, nonlinear_ramp" in done.stderr
    done = without("validate", kws, "--set", "workload={kind: synthetic}", code=2)
    assert "'synthetic' is not one of file, keyword_spotting" in done.stderr
    done = without("validate", kws, "--set", "device.model=table", code=2)
    assert "'table' is not one of custom, ideal, memristor" in done.stderr
    done = without("validate", kws, "--set", "network.layers.0.functions.g=silu", code=2)
    assert "unknown activation function 'silu'" in done.stderr
    assert "Synthetic" not in json.loads(without("schema").stdout)["$defs"]


TASK = """
import numpy as np
import archsim
config = archsim.load("outside.yaml", set={"task": {"kind": "among", "most": 2}})
run = archsim.run(config, out="task.h5")
data = archsim.Sequences.of(np.zeros((3, 9, 6)), [0, 1, 3])
outputs = np.array([[5.0, 4, 3, 2], [5, 4, 3, 2], [5, 4, 3, 2]])[:, None]
found = config.task.score(config.task.answered(outputs, data).marks)["among_largest"]
print(found.value, found.count, run.summary.metrics, run.trace.outputs("output")["label"].shape)
"""


def test_a_task_of_a_package_scores_runs(outside):
    """Two of three classes are among the two largest; random weights are not scored."""
    assert outside("-c", TASK).stdout.split() == ["0.6666666666666666", "3", "{}", "(7,)"]
