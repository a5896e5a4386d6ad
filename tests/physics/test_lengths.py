"""Is a sequence of its own length what it is alone: codes, energy, time, events, cycles?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import archsim
from tests.small_run import CLASSES, INPUTS, write_small_run

RNG = np.random.default_rng(11)
LENGTHS = np.array([5, 2, 1, 4, 5, 3, 2, 5, 1, 3, 3, 4])
X = RNG.uniform(-1, 1, (LENGTHS.size, 5, INPUTS)).astype(np.float32)
LABEL = RNG.integers(0, CLASSES, LENGTHS.size)
BASE = {"trace.sequences": "all", "adc.comparator.energy": None}


@pytest.fixture
def folder(tmp_path):
    write_small_run(tmp_path)
    return tmp_path


def settings(folder, which, timesteps=5, **more):
    """Return what to set so that some sequences run."""
    path = folder / f"{'_'.join(map(str, which))}.npz"
    mine = [X[n, : LENGTHS[n]] for n in which]
    np.savez(
        path,
        inputs=np.concatenate(mine),
        lengths=LENGTHS[list(which)],
        target=LABEL[list(which)],
        classes=np.array(["a", "b", "c"]),
    )
    keys = {"workload": {"kind": "file", "source": str(path)}, "trace.sequences": "all"}
    return {**keys, "network.timesteps": timesteps, **more}


CASES = {
    "plain": {},
    "every timestep": {"network.layers.1.timesteps": "all", "task.kind": "agreement"},
    "digital": {"network.layers.1.placement": "digital"},
    "tanh by a ramp": {"digital.cell_activation": "ramp"},
    "early stop": {"adc.early_stop": True},
    "conventional": {"adc": {"kind": "sar", "bits": 4}},
    "waveforms": {"trace.waveforms": True},
    "read noise": {"device": {"model": "gaussian", "g_min": "0 S", "g_max": "150 uS"}},
}
SLOW = {"tanh by a ramp", "conventional", "waveforms", "read noise"}


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=pytest.mark.slow) if c in SLOW else c for c in CASES]
)
def test_a_sequence_among_others_is_what_it_is_alone(folder, case):
    if case == "read noise":
        pytest.skip("draws are keyed by the sequence's number in its run")
    more = CASES[case]
    config = folder / "small.yaml"
    every = range(LENGTHS.size)
    together = archsim.run(config, set=settings(folder, every, **more), out=folder / "all.h5")
    outputs = {name: together.trace.outputs(name) for name in ("lstm", "output")}
    for n in (0, 1, 2, 5, 11):
        length = int(LENGTHS[n])
        alone = archsim.run(
            config, set=settings(folder, [n], length, **more), out=folder / "one.h5"
        )
        for layer, mine in outputs.items():
            for name, array in alone.trace.outputs(layer).data_vars.items():
                if name in {"label", "decision", "target"}:
                    continue
                steps = array.shape[1]
                found = mine[name].values[n]
                np.testing.assert_array_equal(found[:steps], array.values[0], err_msg=name)
                behind = found[steps:]
                empty = np.isnan(behind) if behind.dtype.kind == "f" else behind == 0
                assert empty.all(), name
        np.testing.assert_allclose(
            together.energy[n], of_components(alone, together), rtol=1e-12, atol=0
        )
        np.testing.assert_array_equal(together.answer[n].ravel()[:length], alone.answer[0].ravel())
        assert together.latency[n] == alone.latency[0] == alone.summary.latency_s
    assert together.cycles.sum() == together.summary.total_cycles
    assert together.summary.total_cycles == sum(
        archsim.run(
            config, set=settings(folder, [n], int(LENGTHS[n]), **more), out=folder / "one.h5"
        ).summary.total_cycles
        for n in every
    )


def of_components(one, other):
    """Return the energy of one run's only sequence in the order of another's components."""
    return [one.energy[0, one.components.index(name)] for name in other.components]


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("early", [False, True])
def test_the_trace_adds_up(folder, streams, early):
    path = folder / "t.h5"
    run = archsim.run(
        folder / "small.yaml",
        set=settings(
            folder,
            range(LENGTHS.size),
            **{"streams": streams, "adc.early_stop": early, "tile.double_buffer": streams > 1},
        ),
        out=path,
    )
    with h5py.File(path) as file:
        parts = [part for kind in ("tiles", "units") for part in file[kind].values()]
        total = sum(float(part["energy"][...].sum()) for part in parts)
        assert total == pytest.approx(run.energy.sum(), rel=1e-9)
        np.testing.assert_array_equal(file["summary/timesteps_by_sequence"], LENGTHS)
        np.testing.assert_array_equal(file["summary/cycles_by_sequence"], run.cycles)
        events = {name: file["events"][name][...] for name in file["events"]}
        kinds = h5py.check_enum_dtype(file["events/kind"].dtype)
        tile = file["tiles/lstm"]
        cycles, sequence = tile["cycle"][...], tile["sequence"][...]
    count = np.bincount(events["sequence"])
    for n, length in enumerate(LENGTHS.tolist()):
        mine = events["sequence"] == n
        loads = mine & (events["kind"] == kinds["load"])
        assert loads.sum() == length
        assert events["timestep"][mine].max() == length - 1
        assert count[n] > length
    waited = events["waited_for"]
    some = np.flatnonzero(waited >= 0)
    np.testing.assert_array_equal(
        events["sequence"][waited[some]] // streams, events["sequence"][some] // streams
    )
    ended = events["end_cycle"][waited[some]] <= events["start_cycle"][some]
    begun = events["start_cycle"][waited[some]] <= events["start_cycle"][some]
    assert (ended | begun).all()
    assert events["end_cycle"].max() == run.summary.total_cycles
    assert (np.diff(cycles[sequence == 1]) > 0).all()
    assert archsim.open_trace(path).summary == run.summary


def test_numbers_of_an_inference_are_means_over_sequences(folder):
    run = archsim.run(
        folder / "small.yaml", set=settings(folder, range(LENGTHS.size)), out=folder / "t.h5"
    )
    found = run.summary
    assert found.timesteps == 5
    assert found.mean_timesteps == pytest.approx(LENGTHS.mean())
    whole = archsim.build_chip(folder / "small.yaml")
    each = [whole.operations_of(int(n)) for n in LENGTHS]
    assert found.operations == pytest.approx(np.mean(each))
    assert each[0] == whole.operations == 2 * (5 * 16 * 10 + 12)
    assert found.latency_per_timestep_s == pytest.approx(found.latency_s / LENGTHS.mean())
    assert f"{LENGTHS.mean():.4g}" in str(run)


def test_reports_of_timelines_and_comparisons_read_sequences_of_their_own_lengths(folder):
    from archsim.analysis.levels import level_metrics

    path = folder / "t.h5"
    archsim.run(folder / "small.yaml", set=settings(folder, range(LENGTHS.size)), out=path)
    levels = level_metrics(archsim.open_trace(path))
    assert all(np.isfinite(level.latency_s) for level in levels)


def test_threads_and_batches_change_nothing(folder):
    keys = settings(folder, [*range(LENGTHS.size)] * 4)
    one = archsim.run(folder / "small.yaml", set=keys, out=folder / "one.h5")
    two = archsim.run(folder / "small.yaml", set=keys, out=folder / "two.h5", threads=2)
    np.testing.assert_array_equal(one.energy, two.energy)
    np.testing.assert_array_equal(one.answer, two.answer)
    np.testing.assert_array_equal(one.energy[: LENGTHS.size], one.energy[LENGTHS.size : 24])


@pytest.mark.parametrize("kind", ["plain", "each its own"])
def test_inputs_of_any_range(folder, kind):
    """Weights are scaled by what inputs are divided by: nothing changes."""
    config, every = folder / "small.yaml", range(LENGTHS.size)
    before = archsim.run(config, set=settings(folder, every), out=folder / "a.h5")
    scale = 8.0 if kind == "plain" else 2.0 ** np.arange(INPUTS)
    keys = settings(folder, every)
    path = folder / "scaled.npz"
    arrays = dict(np.load(keys["workload"]["source"]))
    np.savez(path, **{**arrays, "inputs": arrays["inputs"] * scale})
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "weights.safetensors")
    weights["lstm.weight_ih_l0"] = (weights["lstm.weight_ih_l0"] / scale).astype(np.float32)
    save_file(weights, folder / "scaled.safetensors")
    keys["workload"] = {"kind": "file", "source": str(path)}
    keys["network.weights"] = str(folder / "scaled.safetensors")
    keys["network.input_range"] = scale if kind == "plain" else scale.tolist()
    after = archsim.run(config, set=keys, out=folder / "b.h5")
    np.testing.assert_array_equal(before.energy, after.energy)
    np.testing.assert_array_equal(before.answer, after.answer)
