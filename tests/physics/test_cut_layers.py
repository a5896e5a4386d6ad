"""Do layers that are larger than a tile compute what they would on one that is large enough?"""

from __future__ import annotations

import importlib.util
from itertools import pairwise

import h5py
import numpy as np
import pytest

from archsim.chip.build import build_chip
from archsim.network.activations import get_activation
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.random_run import LSTM, OUTPUT, load_random

PROJECTED = "{kind: lstm, name: lstm, units: 6, projection: 3}"
SECOND = "{kind: lstm, name: second, units: 4}"
BY_RAMP = "digital.cell_activation=ramp"
RANGE = "adc.input_range=[-0.8, 0.8]"
NETWORKS = {
    "lstm": ((LSTM, OUTPUT), ()),
    "two layers, projected, tanh by ramp": ((PROJECTED, SECOND, OUTPUT), (BY_RAMP,)),
    "conventional": ((LSTM, SECOND, OUTPUT), ("adc.kind=linear_ramp", RANGE)),
    "sar": ((PROJECTED, OUTPUT), ("adc.kind=sar", "adc.sharing.columns=4", RANGE)),
}
BUFFERS = "tile.double_buffer=true"
CHIPS = {
    "columns": ("tile.columns=9",),
    "rows": ("tile.rows=5",),
    "rows and columns": ("tile.rows=4", "tile.columns=5"),
    "two streams": ("streams=2",),
    "three streams": ("streams=3",),
    "buffers": (BUFFERS,),
    "early stop": ("adc.early_stop=true",),
    "converters taking turns": ("tile.columns=8", BUFFERS, "adc.banks_per_converter=2"),
    "bus": ("digital.bus={width: 5, latency: 2}",),
    "shared processors": ("digital.processors.shared=true",),
    "all": (
        *("tile.rows=4", "tile.columns=8", "streams=3", BUFFERS, "adc.banks_per_converter=3"),
        *("adc.early_stop=true", "digital.bus={width: 5, latency: 2}"),
    ),
    "waveforms": ("tile.rows=4", "tile.columns=8", "streams=2", "trace.waveforms=true"),
}
_SLOW = {("sar", "waveforms"), ("two layers, projected, tanh by ramp", "waveforms")}
"""Cases that compile for half a minute what no other test needs."""
CASES = [
    pytest.param(network, chip, marks=pytest.mark.slow if (network, chip) in _SLOW else ())
    for network in NETWORKS
    for chip in CHIPS
    if not (network == "sar" and any("early_stop" in setting for setting in CHIPS[chip]))
]
SEQUENCES = 6


def load_case(network, *overrides, **keys):
    layers, settings = NETWORKS[network]
    keys = {"sequences": SEQUENCES, **keys}
    return load_random(*settings, *overrides, layers=layers, **keys)


def outputs_of(path):
    with h5py.File(path) as file:
        found = {}
        for layer, group in file["outputs"].items():
            names = [name for name in ("code", "h", "logits", "label") if name in group]
            found |= {f"{layer}/{name}": group[name][...] for name in names}
        return found


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """Outputs of each network on a chip on which every layer fits one tile."""
    folder = tmp_path_factory.mktemp("uncut")
    found = {}
    for number, network in enumerate(NETWORKS):
        path = folder / f"{number}.h5"
        run(load_case(network), path)
        found[network] = outputs_of(path)
    return found


def assert_energy_adds_up(path, result):
    """Component by component, the cycles of all sequences are the run's energy."""
    with h5py.File(path) as file:
        total = dict.fromkeys(result.components, 0.0)
        for part in (file[f"{kind}/{name}"] for kind in ("tiles", "units") for name in file[kind]):
            energy = part["energy"][...]
            assert (energy >= 0).all()
            assert (part["cycle"][...] >= 0).all()
            names = part["component"].asstr()[...]
            for name, joules in zip(names, energy.sum(axis=0), strict=True):
                total[name] += joules
        assert (file["summary/energy_by_sequence"][...] == result.energy).all()
    assert (result.energy >= 0).all()
    for name, joules in total.items():
        assert joules > 0 or name == "feedback_wires", name  # a bus takes their place
        by_sequence = result.energy[:, result.components.index(name)].sum()
        mean = result.summary.energy_by_component[name]
        assert joules == pytest.approx(by_sequence, rel=1e-9, abs=0), name
        assert joules == pytest.approx(mean * len(result.energy), rel=1e-9, abs=0), name


def assert_utilisation_is_that_of_events(path, summary):
    busy = dict.fromkeys(summary.utilisation, 0)
    with h5py.File(path) as file:
        events = file["events"]
        names = {
            code: name for name, code in h5py.check_enum_dtype(events["resource"].dtype).items()
        }
        start, end = events["start_cycle"][...], events["end_cycle"][...]
        for code, cycles in zip(events["resource"][...], end - start, strict=True):
            busy[names[int(code)]] += int(cycles)
        assert end.max() == summary.total_cycles
        assert start.min() == 0
    for name, share in summary.utilisation.items():
        assert share == pytest.approx(busy[name] / summary.total_cycles, rel=1e-12, abs=0), name


@pytest.mark.parametrize(("network", "chip"), CASES)
def test_no_layout_changes_a_code_or_loses_energy(uncut, tmp_path, network, chip):
    path = tmp_path / "t.h5"
    result = run(load_case(network, *CHIPS[chip]), path)
    found = outputs_of(path)
    assert found.keys() == uncut[network].keys()
    for name, values in found.items():
        assert (values == uncut[network][name]).all(), name
    assert_energy_adds_up(path, result)
    assert_utilisation_is_that_of_events(path, result.summary)


@pytest.mark.parametrize("chip", ["two streams", "all"])
def test_a_last_group_that_is_not_full(uncut, tmp_path, chip):
    """Five sequences on two or three streams: what the last group lacks is at work nowhere."""
    path = tmp_path / "t.h5"
    result = run(load_case("lstm", *CHIPS[chip], sequences=5), path)
    assert_energy_adds_up(path, result)
    assert_utilisation_is_that_of_events(path, result.summary)


def test_a_random_case_has_codes_of_all_sizes(uncut):
    for network, found in uncut.items():
        assert len(np.unique(found["lstm/code"])) == 8, network
        assert len(np.unique(found["output/code"])) >= 3, network


def test_tiles_are_as_many_and_as_large_as_the_cut_says():
    """12 rows on tiles of 5, 24 columns of 6 units on tiles of 9: 3 x 3 tiles, in 3 banks."""
    chip = build_chip(load_case("lstm", "tile.rows=5", "tile.columns=9").config)
    banks = chip.layers[0].banks
    assert [bank.name for bank in banks] == ["lstm_c0", "lstm_c1", "lstm_c2"]
    names = [[tile.name for tile in bank.tiles] for bank in banks]
    assert names[1] == ["lstm_r0_c1", "lstm_r1_c1", "lstm_r2_c1"]
    assert [[tile.design.rows for tile in bank.tiles] for bank in banks] == [[4, 4, 4]] * 3
    # Gates i, f, g and o of a unit stay together.
    assert [bank.column.tolist() for bank in banks] == [
        [0, 1, 6, 7, 12, 13, 18, 19],
        [2, 3, 8, 9, 14, 15, 20, 21],
        [4, 5, 10, 11, 16, 17, 22, 23],
    ]
    for bank in banks:
        assert [tile.design.periphery is not None for tile in bank.tiles] == [False, False, True]
    whole = build_chip(load_case("lstm").config).banks[0].arrays.difference
    for bank in banks:
        assert (bank.arrays.difference == whole[:, bank.column]).all()


# ---------------------------------------------------------------------- digital sums of row blocks


DIGITAL = ("tile.rows=5", "tile.row_sum=digital", "adc.kind=linear_ramp")


def naive_block_codes(weight, drive, *, blocks, low, high, bits, input_bits):
    """Quantise every row block's sum to the nearest of 2**bits levels; add the codes up."""
    whole = np.rint(weight / np.abs(weight).max() * 4095)  # g_min is 0: w_max is g_max
    unit = (2**input_bits - 1) * 4095 / np.abs(weight).max()
    level = np.linspace(low, high, 2**bits)
    threshold = (level[1:] + level[:-1]) / 2 * unit
    total = np.zeros((*drive.shape[:2], weight.shape[1]), dtype=np.int64)
    edges = [weight.shape[0] * block // blocks for block in range(blocks + 1)]
    for first, stop in pairwise(edges):
        charge = drive[..., first:stop] @ whole[first:stop]
        total += (charge[..., None] >= np.ceil(threshold - 1e-6)).sum(axis=-1)
    return total


@pytest.mark.parametrize("columns", [64, 3])
def test_digital_sums_are_sums_of_quantised_blocks(tmp_path, columns):
    layer = "{kind: linear, name: output, units: 7, input_range: [-1, 1.5], timesteps: all}"
    loaded = load_random(
        *DIGITAL, f"tile.columns={columns}", "adc.bits=4", layers=(layer,), inputs=13
    )
    chip, data = prepare(loaded)
    run(loaded, tmp_path / "t.h5")
    found = outputs_of(tmp_path / "t.h5")
    rng_weight = chip.layers[0]._weight  # what the layer was built from
    weight = np.concatenate([rng_weight.T, np.zeros((1, 7))])  # random biases are 0
    drive = chip.encode(data.inputs).drive.astype(np.int64)
    drive = np.concatenate([drive, np.full((*drive.shape[:2], 1), 7)], axis=2)
    assert chip.matrices[0].row_blocks == 3
    size = {"low": -1.0, "high": 1.5, "bits": 4, "input_bits": 3}
    expected = naive_block_codes(weight, drive, blocks=3, **size)
    assert (found["output/code"] == expected).all()
    assert found["output/code"].max() > 15, "sums are wider than a code"
    # A code stands for -1 + k / 6; the sum of three for -3 + k / 6.
    logits = -3.0 + found["output/code"] / 6.0
    assert found["output/logits"] == pytest.approx(logits, rel=1e-6, abs=1e-6)
    one = naive_block_codes(weight, drive, blocks=1, **size)
    assert (one != expected).any(), "quantising block by block is not quantising the whole"


@pytest.mark.parametrize("kind", ["linear_ramp", "sar"])
def test_functions_see_the_sum_of_levels(kind):
    config = load_random(*DIGITAL, f"adc.kind={kind}", "adc.input_range=[-3, 2]").config
    chip = build_chip(config)
    assert chip.matrices[0].row_blocks == 3
    total = np.linspace(3 * -3, 3 * 2, 3 * 7 + 1)
    for gate, function in enumerate(("sigmoid", "sigmoid", "tanh", "sigmoid")):
        expected = np.floor(get_activation(function).value(total) * 2048 + 0.5)
        assert (chip.layers[0]._cell.level[gate] == expected).all()


@pytest.mark.parametrize("overrides", [(), ("tile.columns=9",), ("streams=2",), ("adc.kind=sar",)])
def test_energy_of_digital_sums_adds_up(tmp_path, overrides):
    path = tmp_path / "t.h5"
    result = run(load_random(*DIGITAL, *overrides, sequences=4), path)
    assert_energy_adds_up(path, result)
    assert_utilisation_is_that_of_events(path, result.summary)
    assert {"sum_adders", "sum_registers"} <= set(result.components)


# ------------------------------------------------------------------------- successive approximation


@pytest.mark.parametrize("sharing", [1, 3, 8, 100])
@pytest.mark.parametrize("bits", [2, 5])
def test_sar_finds_the_codes_of_a_linear_ramp(tmp_path, sharing, bits):
    """Without noise, with the same thresholds; the ramp's cells are ideal."""
    layers = (PROJECTED, OUTPUT)
    found = []
    for kind in ("linear_ramp", "sar"):
        path = tmp_path / f"{kind}.h5"
        settings = (f"adc.kind={kind}", f"adc.bits={bits}", f"adc.sharing.columns={sharing}")
        run(load_random(*settings, "adc.input_range=[-2, 2]", layers=layers), path)
        found.append(outputs_of(path))
    assert found[0].keys() == found[1].keys()
    for name, values in found[0].items():
        assert (values == found[1][name]).all(), name


# ------------------------------------------------------------------------------------- projection


def plain_lstm(x, w_ih, w_hh, w_hr, bias):
    """Run one sequence, a timestep and a unit at a time, by the equations."""
    units = bias.size // 4
    h, c, out = np.zeros(w_hh.shape[1]), np.zeros(units), []
    for frame in x:
        z = [w_ih[n] @ frame + w_hh[n] @ h + bias[n] for n in range(4 * units)]
        for u in range(units):
            i, f, o = (1 / (1 + np.exp(-z[gate * units + u])) for gate in (0, 1, 3))
            c[u] = f * c[u] + i * np.tanh(z[2 * units + u])
            z[u] = o * np.tanh(c[u])
        m = np.array(z[:units])
        h = np.array([w_hr[e] @ m for e in range(w_hr.shape[0])])
        out.append(h)
    return np.array(out)


def projected_chip(*overrides):
    layers = ("{kind: lstm, name: lstm, units: 6, projection: 3}",)
    return prepare(load_random(*overrides, layers=layers, timesteps=6))


def test_the_float_reference_projects():
    chip, data = projected_chip()
    layer, x = chip.layers[0], data.inputs.astype(np.float64)
    tensors = layer._tensors
    found = layer.run_float(x)
    assert found.shape == (3, 6, 3)
    for sequence in range(3):
        expected = plain_lstm(x[sequence], tensors.w_ih, tensors.w_hh, tensors.w_hr, tensors.bias)
        assert found[sequence] == pytest.approx(expected, rel=1e-12, abs=1e-14)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs archsim[train]")
def test_the_float_reference_is_pytorchs():
    import torch

    chip, data = projected_chip()
    tensors = chip.layers[0]._tensors
    lstm = torch.nn.LSTM(5, 6, proj_size=3, batch_first=True, dtype=torch.float64)
    values = {"weight_ih_l0": tensors.w_ih, "weight_hh_l0": tensors.w_hh}
    values |= {"weight_hr_l0": tensors.w_hr, "bias_ih_l0": tensors.bias}
    values["bias_hh_l0"] = np.zeros_like(tensors.bias)
    lstm.load_state_dict({name: torch.from_numpy(value) for name, value in values.items()})
    with torch.no_grad():
        expected = lstm(torch.from_numpy(data.inputs.astype(np.float64)))[0].numpy()
    found = chip.layers[0].run_float(data.inputs.astype(np.float64))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("kind", ["nonlinear_ramp", "linear_ramp", "sar"])
def test_a_chip_with_projection_is_close_to_float_at_8_bits(tmp_path, kind):
    settings = (f"adc.kind={kind}", "adc.bits=8", "tile.input_bits=8", "adc.input_range=[-6, 6]")
    layers = ("{kind: lstm, name: lstm, units: 6, projection: 3}",)
    loaded = load_random(*settings, layers=layers, timesteps=6)
    chip, data = prepare(loaded)
    run(loaded, tmp_path / "t.h5")
    h = outputs_of(tmp_path / "t.h5")["lstm/h"]
    expected = chip.layers[0].run_float(data.inputs.astype(np.float64))
    assert np.abs(expected).max() > 0.1
    assert np.abs(h - expected).max() < 0.03
    assert np.abs(h - expected).mean() < 0.008
