"""Do files of anyone's sequences come in as they are, and the wrong ones in one sentence?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import archsim
from archsim.errors import WorkloadError
from archsim.workloads.sequences import Sequences
from tests.small_run import CLASSES, INPUTS, TIMESTEPS, write_small_run

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (7, TIMESTEPS, INPUTS))
LABEL = RNG.integers(0, CLASSES, 7)
LENGTHS = np.array([5, 3, 1, 4, 5, 2, 2])
RAGGED = np.concatenate([x[:n] for x, n in zip(X, LENGTHS, strict=True)])


@pytest.fixture
def load(tmp_path):
    """Return a function that saves arrays in a format and loads them as a run would."""
    config = write_small_run(tmp_path)

    def read(arrays, suffix=".npz", **keys):
        path = tmp_path / f"data{suffix}"
        if suffix == ".npz":
            np.savez(path, **arrays)
        elif suffix == ".npy":
            np.save(path, arrays["inputs"])
        else:
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    text = array.dtype.kind == "U"
                    file[name] = array.astype(object) if text else array
        loaded = archsim.load(
            config, set={"workload": {"kind": "file", "source": str(path), **keys}}
        )
        return loaded.config.workload.load(loaded.config.network, 0)

    return read


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".hdf5"])
def test_arrays_of_equal_length(load, suffix):
    names = np.array(["u", "v", "w"])
    data = load({"inputs": X, "target": LABEL, "classes": names}, suffix)
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    np.testing.assert_array_equal(data.target, LABEL)
    assert data.classes == ("u", "v", "w")
    assert not data.varies


def test_inputs_alone(load):
    data = load({"inputs": X}, ".npy")
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    assert data.target is None


@pytest.mark.parametrize("padded", [False, True])
def test_sequences_of_their_own_lengths(load, padded):
    data = load({"inputs": X if padded else RAGGED, "lengths": LENGTHS, "target": LABEL})
    np.testing.assert_array_equal(data.length, LENGTHS)
    for found, x, length in zip(data.inputs, X, LENGTHS, strict=True):
        np.testing.assert_array_equal(found[:length], x[:length].astype(np.float32))
    np.testing.assert_array_equal(data.given, RAGGED.astype(np.float32))


def test_labels_of_timesteps_one_sequence_after_the_other(load):
    tags = RNG.integers(0, CLASSES, LENGTHS.sum())
    data = load({"inputs": RAGGED, "lengths": LENGTHS, "target": tags})
    before = np.arange(TIMESTEPS) < LENGTHS[:, None]
    np.testing.assert_array_equal(data.target[before], tags)


def test_names_splits_and_how_many(load):
    split = np.array(["train", "test", "test", "train", "test", "train", "test"])
    arrays = {"x": X, "y": LABEL, "split": split}
    data = load(arrays, inputs="x", target="y", split="test", sequences=3)
    np.testing.assert_array_equal(data.target, LABEL[[1, 2, 4]])
    np.testing.assert_array_equal(data.inputs, X[[1, 2, 4]].astype(np.float32))
    assert load(arrays, inputs="x", target=None).target is None


def test_a_table(load, tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pip install 'archsim[parquet]'")
    from pyarrow import parquet

    columns = {"sequence": np.repeat(np.arange(7), LENGTHS)}
    columns |= {f"inputs{index}": RAGGED[:, index] for index in range(INPUTS)}
    columns["target"] = np.repeat(LABEL, LENGTHS)
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    config = archsim.load(
        tmp_path / "small.yaml",
        set={"workload": {"kind": "file", "source": str(tmp_path / "t.parquet")}},
    )
    data = config.config.workload.load(config.config.network, 0)
    np.testing.assert_array_equal(data.given, RAGGED.astype(np.float32))
    np.testing.assert_array_equal(data.target, LABEL)


WRONG = {
    "no inputs": ({"x": X}, "it has no array 'inputs'; it has x"),
    "two axes": ({"inputs": X[0]}, "has shape .5, 6., but inputs are"),
    "text": ({"inputs": np.array([["a"]])}, "not numbers"),
    "nothing": ({"inputs": X[:0]}, "not numbers"),
    "nan": ({"inputs": np.where(X > 0.9, np.nan, X)}, "holds a NaN"),
    "beyond 32 bits": ({"inputs": X * 1e300}, "beyond what 32 bits hold"),
    "other inputs": ({"inputs": X[:, :, :4]}, "4 inputs but network.inputs is 6"),
    "too long": ({"inputs": np.tile(X, (1, 2, 1))}, "10 timesteps but network.timesteps is 5"),
    "few targets": ({"inputs": X, "target": LABEL[:3]}, r"shape \(3,\) for 7 sequences"),
    "lengths": ({"inputs": RAGGED, "lengths": LENGTHS + 1}, "sequences of 29 timesteps together"),
    "no length": ({"inputs": X, "lengths": LENGTHS * 0}, "whole numbers from 1"),
    "no split": ({"inputs": X}, "it has no array 'split'"),
    "objects": ({"inputs": np.array([{}], dtype=object)}, "more than numbers and text"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_one_sentence(load, what):
    arrays, said = WRONG[what]
    keys = {"split": "test"} if what == "no split" else {}
    with pytest.raises(WorkloadError, match=said) as error:
        load(arrays, **keys)
    assert "data.npz: " in str(error.value)
    assert "\n" not in str(error.value)


def test_cut_and_other_files_are_one_sentence(load, tmp_path):
    for suffix, content in (
        (".npz", b"PK\x03\x04 and no more"),
        (".npy", b"\x93NUMPY\x01\x00"),
        (".h5", b"\x89HDF\r\n\x1a\n and no more"),
        (".csv", b"1,2,3\n"),
    ):
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(content)
        config = archsim.load(
            tmp_path / "small.yaml", set={"workload": {"kind": "file", "source": str(path)}}
        )
        with pytest.raises(WorkloadError, match=f"cut{suffix}: ") as error:
            config.config.workload.load(config.config.network, 0)
        assert "\n" not in str(error.value)


def test_an_archive_that_swells_is_refused_before_it_is_read(load, tmp_path, monkeypatch):
    monkeypatch.setattr("archsim.workloads.file.formats.LARGEST", 1000)
    with pytest.raises(WorkloadError, match="more than"):
        load({"inputs": np.zeros((7, TIMESTEPS, INPUTS))})


def test_sequences_of_an_iterable():
    ragged = (x[:n] for x, n in zip(X, LENGTHS, strict=True))
    data = Sequences.of(ragged, LABEL, classes=["a", "b", "c"])
    np.testing.assert_array_equal(data.given, RAGGED.astype(np.float32))
    assert data.varies
    assert not Sequences.of(X).varies
    tags = [np.arange(n) for n in LENGTHS]
    tagged = Sequences.of([x[:n] for x, n in zip(X, LENGTHS, strict=True)], tags)
    np.testing.assert_array_equal(tagged.target[0], np.arange(5))
    with pytest.raises(WorkloadError, match=r"each is an array \(timesteps, inputs\)"):
        Sequences.of([X[0], X[0][:, :2]])
