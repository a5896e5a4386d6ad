"""Is what a run answers the task's business: what is asked of data, answers, metrics, the trace?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import archsim
from archsim.config.tasks import TASKS, Answered, usual_task
from archsim.errors import WorkloadError
from archsim.metrics import share_of
from archsim.workloads.sequences import Sequences
from tests.runs import KWS


def data(target: np.ndarray, classes: tuple[str, ...]) -> Sequences:
    inputs = np.zeros((len(target), 3, 2), dtype=np.float32)
    names = tuple(str(number) for number in range(len(target)))
    return Sequences(inputs, target, classes, names, synthetic=True, description="")


def test_the_usual_task_is_one_class_a_sequence():
    task = usual_task()
    assert task.kind == "classification"
    assert "classification" in TASKS.names()
    outputs = np.zeros((2, 3, 4))
    outputs[:, 0, 1] = 9.0  # an earlier timestep's, which does not count
    outputs[0, 2, 3] = outputs[1, 2, 2] = 1.0
    assert task.answer(outputs, np.array([3, 3])).tolist() == [3, 2]
    assert task.answer(outputs, np.array([3, 1])).tolist() == [3, 1]


def test_a_classification_measures_the_share_of_right_classes():
    task = usual_task()
    told = data(np.array([0, 1, 1, 2]), ("a", "b", "c"))
    outputs = np.eye(3)[[0, 1, 2, 2]][:, None]
    found = task.answered(outputs, told)
    right = task.answered(np.eye(3)[[0, 1, 1, 2]][:, None], told)
    assert task.compared(found, right) == {"accuracy": share_of(3, 4).beside(1.0)}


def test_other_classes_than_the_network_has_are_refused():
    network = archsim.load(KWS).network
    told = data(np.zeros(2, dtype=np.int64), ("yes", "no"))
    with pytest.raises(WorkloadError, match=r"it has 2 classes but the last layer, .* has 12"):
        usual_task().check(told, "words.npz", network)


def test_metrics_travel_through_the_trace(tmp_path):
    run = archsim.run(KWS, set={"workload.sequences": 24}, out=tmp_path / "t.h5")
    metric = run.summary.metrics["accuracy"]
    assert metric.low < metric.value <= metric.high
    assert metric.count == 24
    assert metric.reference == run.summary.accuracy_float
    assert archsim.open_trace(tmp_path / "t.h5").summary.metrics == run.summary.metrics
    assert run.summary.to_json()["metrics"]["accuracy"] == metric.to_json()
    assert "95% confidence" in str(run)


def test_traces_from_before_metrics_give_their_accuracy(tmp_path):
    path = tmp_path / "t.h5"
    run = archsim.run(KWS, set={"workload.sequences": 24}, out=path)
    with h5py.File(path, "a") as file:
        for name in [name for name in file["summary"] if name.startswith("metric_")]:
            del file["summary"][name]
        del file["summary/metric"]
    assert archsim.open_trace(path).summary.metrics == run.summary.metrics


def test_random_weights_have_no_metrics(tmp_path):
    run = archsim.run(
        KWS,
        set={"network.weights": "random", "workload.sequences": 3, "trace.level": "summary"},
        out=tmp_path / "t.h5",
    )
    assert run.summary.metrics == {}
    assert archsim.open_trace(tmp_path / "t.h5").summary.metrics == {}


def test_the_usual_task_changes_no_hash_and_another_word_is_refused():
    plain, named = archsim.load(KWS), archsim.load(KWS, set={"task.kind": "classification"})
    assert plain.hash == named.hash
    assert "task" not in plain.yaml
    with pytest.raises(archsim.ArchsimError, match="clasification"):
        archsim.load(KWS, set={"task.kind": "clasification"})


# ----------------------------------------------------------------- other kinds


def of(kind: str, **keys):
    return TASKS.get(kind).model_validate({"kind": kind, **keys})


LENGTH = np.array([3, 1, 2])
RNG = np.random.default_rng(9)
OUTPUTS = RNG.normal(size=(3, 3, 4))
STEPS = [(n, t) for n in range(3) for t in range(LENGTH[n])]


def ragged(target: np.ndarray | None) -> Sequences:
    inputs = np.zeros((3, 3, 2), dtype=np.float32)
    return Sequences(inputs, target, (), ("a", "b", "c"), False, "", lengths=LENGTH)


def test_tagging_counts_every_timestep_before_the_ends():
    target = np.full((3, 3), 2)
    target[0, 0] = OUTPUTS[0, 0].argmax()
    target[2, 2] = OUTPUTS[2, 2].argmax()  # behind an end
    task, told = of("tagging"), ragged(target)
    found = task.answered(OUTPUTS, told)
    right = sum(OUTPUTS[step].argmax() == target[step] for step in STEPS)
    metric = task.score(found.marks)["accuracy"]
    assert metric.value == pytest.approx(right / 6)
    assert metric.count == 6
    assert found.answer[1].tolist() == [OUTPUTS[1, 0].argmax(), -1, -1]


def test_bits_a_symbol_are_those_of_a_softmax():
    target = RNG.integers(0, 4, (3, 3))
    task = of("next_symbol")
    bits = []
    for step in STEPS:
        z = OUTPUTS[step]
        bits.append(-np.log2(np.exp(z[target[step]]) / np.exp(z).sum()))
    found = task.score(task.answered(OUTPUTS, ragged(target)).marks)
    assert found["bits_per_symbol"].value == pytest.approx(np.mean(bits))
    uniform = task.answered(np.zeros((3, 3, 4)), ragged(target)).marks
    assert task.score(uniform)["bits_per_symbol"].value == pytest.approx(2.0)


@pytest.mark.parametrize("when", ["last", "all"])
def test_regression_measures_errors_of_every_number(when):
    last = when == "last"
    target = RNG.normal(size=(3, 4) if last else (3, 3, 4))
    task = of("regression", timesteps=when)
    steps = [(n, LENGTH[n] - 1) for n in range(3)] if last else STEPS
    error = [OUTPUTS[n, t] - (target[n] if last else target[n, t]) for n, t in steps]
    found = task.score(task.answered(OUTPUTS, ragged(target)).marks)
    assert found["mean_square_error"].value == pytest.approx(np.mean(np.square(error)))
    assert found["mean_absolute_error"].value == pytest.approx(np.mean(np.abs(error)))
    assert found["mean_square_error"].count == 4 * len(steps)


def test_agreement_needs_nobody_to_say_what_is_right():
    other = OUTPUTS.copy()
    other[0, 2] = -other[0, 2]
    other[2, 2] += 9.0  # behind an end
    task, told = of("agreement"), ragged(None)
    found = task.compared(task.answered(other, told), task.answered(OUTPUTS, told))
    assert found["agreement"].value == pytest.approx(2 / 3)
    expected = np.sum((2 * OUTPUTS[0, 2]) ** 2) / 12
    assert found["mean_square_difference"].value == pytest.approx(expected)
    every = of("agreement", timesteps="all")
    again = every.compared(every.answered(other, told), every.answered(OUTPUTS, told))
    assert again["agreement"].value == pytest.approx(5 / 6)


def test_decisions_by_a_threshold():
    task = of("agreement", timesteps="all", threshold=0.5)
    outputs = np.array([[0.4, 0.6, 0.9], [0.7, 0, 0], [0.1, 0.2, 0.9]])[:, :, None]
    answer = task.answer(outputs, LENGTH)
    assert answer.tolist() == [[0, 1, 1], [1, -1, -1], [0, 0, -1]]
    other = outputs.copy()
    other[0, 1] = other[2, 2] = 0.1  # a decision that falls, and what lies behind an end
    told = ragged(None)
    found = task.compared(task.answered(other, told), task.answered(outputs, told))
    assert tuple(found) == task.metrics
    assert found["agreement"].value == pytest.approx(5 / 6)
    assert found["agreement_above"].value == pytest.approx(2 / 3)
    assert found["agreement_below"].value == 1.0
    assert found["area_under_curve"].value == pytest.approx(6.5 / 9)


WRONG = {
    "labels of timesteps for classes": ("classification", np.zeros((3, 3), dtype=np.int64)),
    "numbers for labels": ("classification", np.zeros(3)),
    "classes for timesteps": ("tagging", np.zeros(3, dtype=np.int64)),
    "labels that no output is for": ("classification", np.array([0, 12, 0])),
    "labels for numbers": ("regression", np.zeros((3, 12), dtype=np.int64)),
}


@pytest.mark.parametrize("what", WRONG)
def test_targets_that_a_task_cannot_be_scored_by_are_refused(what):
    kind, target = WRONG[what]
    network = archsim.load(KWS, set={"network.layers.1.timesteps": "all"}).network
    with pytest.raises(WorkloadError, match=r"^data\.npz: its (targets|labels)"):
        of(kind).check(ragged(target), "data.npz", network)


def test_answers_at_every_timestep_need_outputs_at_every_timestep():
    network = archsim.load(KWS).network
    for task in (of("tagging"), of("next_symbol"), of("regression", timesteps="all")):
        with pytest.raises(WorkloadError, match="set its timesteps to all"):
            task.check(ragged(None), "data.npz", network)
    with pytest.raises(WorkloadError, match=r"take task\.threshold away"):
        of("agreement", threshold=0.5).check(ragged(None), "data.npz", network)


def test_marks_of_a_kind_are_scored_sequence_by_sequence():
    """Blocks of sequences give the marks of all."""
    target = RNG.integers(0, 4, (3, 3))
    task, told = of("next_symbol"), ragged(target)
    whole = task.answered(OUTPUTS, told)
    parts = [task.answered(OUTPUTS[n : n + 1], told.part(slice(n, n + 1))) for n in range(3)]
    np.testing.assert_allclose(whole.marks, np.concatenate([each.marks for each in parts]))
    assert isinstance(whole, Answered)


@pytest.mark.parametrize(
    ("kind", "operations"), [("classification", 1), ("tagging", 49), ("regression", 0)]
)
def test_a_chip_compares_outputs_when_its_task_asks(kind, operations):
    keys = {"network.layers.1.timesteps": "all", "task.kind": kind}
    chip = archsim.build_chip(KWS, set={**keys, "network.weights": "random"} | RANDOM)
    found = [item for item in chip.schedule.operations if item.kind == "argmax"]
    assert len(found) == operations
    assert ("argmax" in chip.area_by_component()) == (operations > 0)
    assert {item.timestep for item in found} == {*range(49)} if operations > 1 else True


RANDOM = {"workload": {"kind": "synthetic", "sequences": 2}}
