"""Is what a run answers the task's business: what is asked of data, answers, metrics, the trace?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import archsim
from archsim.config.tasks import TASKS, empty_answers, usual_task
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
    assert task.answer(outputs).tolist() == [3, 2]
    room = empty_answers(task, outputs[:0], 5)
    assert (room.shape, room.dtype) == ((5,), np.int64)


def test_a_classification_measures_the_share_of_right_classes():
    task = usual_task()
    told = data(np.array([0, 1, 1, 2]), ("a", "b", "c"))
    found = task.compared(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]), told)
    assert found == {"accuracy": share_of(3, 4).beside(1.0)}


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
