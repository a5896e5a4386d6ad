"""Is a run of all kinds of layers the same whatever its threads, blocks and recording?"""

from __future__ import annotations

import numpy as np
import pytest

from archsim.config.load import load_config
from archsim.simulation import simulate
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.runs import ROOT, contents

pytestmark = [pytest.mark.interpreted, pytest.mark.slow]

LAYERS = """[
{kind: embedding, name: symbols, entries: 12, units: 5},
{kind: gru, name: up, units: 4},
{kind: gru, name: down, units: 4, reset: before, direction: backward, inputs: [symbols]},
{kind: concatenate, name: both, inputs: [up, down]},
{kind: rnn, name: plain, units: 4, function: relu, input_range: [-2, 2]},
{kind: add, name: sum, inputs: [plain, up]},
{kind: function, name: squashed, function: tanh},
{kind: lstm, name: back, units: 3, direction: backward},
{kind: linear, name: hidden, units: 4, timesteps: final, inputs: [back, down]},
{kind: function, name: positive, function: relu},
{kind: linear, name: output, units: 3},
{kind: function, name: shares, function: softmax}]"""
LENGTHS = np.array([6, 2, 5, 1, 6, 3, 4])


@pytest.fixture
def config(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "data.npz"
    symbols = rng.integers(0, 12, (7, 6))
    np.savez(path, inputs=symbols, lengths=LENGTHS, target=rng.integers(0, 3, 7))

    def load(*more, workload=None):
        sets = [
            *("tile.rows=16", "tile.columns=16", "tile.input_bits=4", "adc.bits=4"),
            *("network.inputs=1", "network.timesteps=6", "trace.sequences=all"),
            f"network.layers={' '.join(LAYERS.split())}",
            workload or f"workload={{kind: file, source: {path}}}",
        ]
        return load_config(ROOT / "configs/random-lstm.yaml", [*sets, *more])

    return load


def outputs(path):
    return {name: values for name, values in contents(path).items() if name.startswith("outputs/")}


@pytest.mark.parametrize("more", [(), ("streams=2", "adc.early_stop=true")], ids=["one", "streams"])
def test_a_run_does_not_depend_on_threads_and_blocks(config, more, tmp_path, monkeypatch):
    loaded = config(*more)
    one = run(loaded, tmp_path / "one.h5")
    monkeypatch.setattr(simulate, "BLOCK", 2)
    other = run(loaded, tmp_path / "other.h5", threads=3)
    np.testing.assert_array_equal(one.energy, other.energy)
    first, second = contents(tmp_path / "one.h5"), contents(tmp_path / "other.h5")
    assert first.keys() == second.keys()
    for name, values in first.items():
        if not name.startswith("provenance"):
            np.testing.assert_array_equal(second[name], values, err_msg=name)
    assert first["outputs/shares/logits"].shape == (7, 1, 3)
    np.testing.assert_allclose(first["outputs/shares/logits"].sum(axis=2), 1, atol=2e-3)


def test_walking_through_every_cycle_changes_no_bit(config, tmp_path):
    fused = run(config(), tmp_path / "fused.h5")
    walked = run(config("trace.waveforms=true"), tmp_path / "walked.h5")
    np.testing.assert_array_equal(fused.energy, walked.energy)
    first, second = outputs(tmp_path / "fused.h5"), outputs(tmp_path / "walked.h5")
    for name, values in first.items():
        np.testing.assert_array_equal(second[name], values, err_msg=name)


def test_a_sequence_is_what_it_is_by_itself(config, tmp_path):
    """Nothing that lies behind an end, or beside a sequence, is looked at."""
    together = run(config(), tmp_path / "all.h5")
    data = prepare(config())[1]
    for place in (1, 3, 5):
        length = int(LENGTHS[place])
        path = tmp_path / f"{place}.npz"
        np.savez(path, inputs=data.inputs[place : place + 1, :length, 0].astype(int), target=[0])
        alone = run(
            config(
                f"network.timesteps={length}", workload=f"workload={{kind: file, source: {path}}}"
            ),
            tmp_path / f"{place}.h5",
        )
        np.testing.assert_array_equal(alone.answer[0], together.answer[place])
        np.testing.assert_allclose(alone.energy[0].sum(), together.energy[place].sum(), rtol=1e-12)
        mine, theirs = outputs(tmp_path / f"{place}.h5"), outputs(tmp_path / "all.h5")
        for name in ("up/code", "down/h", "back/h", "squashed/logits", "shares/logits"):
            given = theirs[f"outputs/{name}"][place]
            own = mine[f"outputs/{name}"][0]
            np.testing.assert_array_equal(own, given[: len(own)], err_msg=name)
