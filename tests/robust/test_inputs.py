"""Is what runs share read once, and do runs that share it find what a run alone finds?"""

from __future__ import annotations

import numpy as np
import pytest

import archsim.chip.build
import archsim.simulation.inputs
from archsim.config.load import load_config
from archsim.experiments import load_experiment, run_experiment
from archsim.simulation.inputs import Inputs
from archsim.simulation.simulate import run
from tests.small_run import write_small_run

CHANCE = ("tile.integrator.offset_sigma=4 mV", "adc.comparator.noise_sigma=3 mV")
OFF = "trace.level=off"


def counted(monkeypatch, place, name):
    """Count the calls of a function."""
    calls, function = [], getattr(place, name)

    def count(*arguments, **keywords):
        calls.append(arguments)
        return function(*arguments, **keywords)

    monkeypatch.setattr(place, name, count)
    return calls


def found(result):
    """Return what a run found, bit for bit."""
    summary = result.summary
    return (
        result.answer.tolist(),
        result.energy.tobytes(),
        summary.accuracy_float,
        summary.numbers(),
    )


@pytest.mark.parametrize(
    "overrides",
    [CHANCE, ("network.weights=random",), ("workload={kind: synthetic, sequences: 6}",)],
    ids=["files", "random weights", "random sequences"],
)
def test_chips_that_share_inputs_are_those_of_runs_alone(tmp_path, overrides):
    path, inputs = write_small_run(tmp_path), Inputs()
    shared = inputs.load(path, [*overrides, OFF])
    seen = []
    for seed in range(3):
        alone = run(load_config(path, [*overrides, OFF, f"seed={seed}"]))
        together = run(shared.with_seed(seed), inputs=inputs)
        assert found(together) == found(alone)
        assert together.summary.config_hash == alone.summary.config_hash
        seen.append(found(alone)[:2])
    assert seen[0] != seen[1] != seen[2]


def test_a_monte_carlo_reads_files_and_asks_the_float_network_once(tmp_path, monkeypatch):
    write_small_run(tmp_path)
    cases = "[{name: a}, {name: b, set: [tile.integrator.leak=0.001]}]"
    file = tmp_path / "mc.yaml"
    file.write_text(f"kind: monte_carlo\nconfig: small.yaml\nseeds: 4\ncases: {cases}\n")
    read = {
        name: counted(monkeypatch, archsim.simulation.inputs, name)
        for name in ("load_workload", "network_weights", "chip_library", "_float_answers")
    }
    encoded = counted(monkeypatch, archsim.chip.build.Chip, "encode")
    digests = counted(monkeypatch, archsim.simulation.inputs, "digest_of_file")
    rows = run_experiment(load_experiment(file), lambda *_: None).rows
    assert [len(row["accuracy"]) for row in rows] == [4, 4]
    assert {name: len(calls) for name, calls in read.items()} == dict.fromkeys(read, 1)
    assert len(encoded) == 1
    assert len(digests) == 3  # library, weights, features


def test_what_depends_on_a_changed_key_is_made_anew(tmp_path):
    path, inputs = write_small_run(tmp_path), Inputs()
    results = [
        (run(inputs.load(path, [OFF, key]), inputs=inputs), run(load_config(path, [OFF, key])))
        for key in (
            "tile.input_bits=4",
            "tile.input_bits=3",
            "digital.fraction_bits=9",
            "workload.sequences=7",
            "technology.cost_factors={comparator: 2}",
            "network.layers.1.function=tanh",
        )
    ]
    for shared, alone in results:
        assert found(shared) == found(alone)
    assert len({found(shared)[1] for shared, _ in results}) > 4


def test_memory_of_inputs_is_bounded(tmp_path):
    kept = archsim.simulation.inputs._Kept()
    for number in range(3 * archsim.simulation.inputs._KEPT):
        assert kept.get(number, lambda n=number: np.array([n]))[0] == number
    assert len(kept._results) == archsim.simulation.inputs._KEPT


def test_a_seed_changes_hash_and_resolved_text_as_an_override_does(tmp_path):
    path = write_small_run(tmp_path)
    one, other = load_config(path), load_config(path, ["seed=5"])
    assert (one.with_seed(5).hash, one.with_seed(5).yaml) == (other.hash, other.yaml)
    assert one.hash != other.hash
