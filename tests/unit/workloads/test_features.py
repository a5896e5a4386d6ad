"""Do feature files keep what was saved, and is every other file refused with its reason?"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.errors import WorkloadError
from archsim.workloads.features import FORMAT, FeatureSet, load_features
from tests.runs import ROOT

SHIPPED = ROOT / "configs" / "kws" / "test_features.npz"


def make_set(utterances: int = 6, frames: int = 4, inputs: int = 3) -> FeatureSet:
    rng = np.random.default_rng(0)
    levels = rng.integers(-127, 128, (utterances, frames, inputs))
    return FeatureSet(
        features=(levels / np.float32(127)).astype(np.float32),
        labels=np.arange(utterances, dtype=np.int64) % 2,
        classes=("no", "yes"),
        names=tuple(f"no/{n}.wav" for n in range(utterances)),
        synthetic=True,
        description="made for a test: µ",
    )


def stored(path: Path, **changes: Any) -> Path:
    """Save a good set, then put the changed arrays (None: no such array) into its file."""
    make_set().save(path)
    with np.load(path) as archive:
        arrays = {**archive, **changes}
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize("shape", [(6, 4, 3), (1, 1, 1), (2, 49, 40)])
def test_round_trip_keeps_everything(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    before = make_set(*shape)
    before.save(tmp_path / "set.npz")
    after = load_features(tmp_path / "set.npz")
    np.testing.assert_array_equal(after.features, before.features)
    np.testing.assert_array_equal(after.labels, before.labels)
    assert after.features.dtype == np.float32
    assert after.labels.dtype == np.int64
    assert (after.classes, after.names) == (before.classes, before.names)
    assert (after.synthetic, after.description) == (True, before.description)
    assert len(after) == shape[0]


def test_saving_rounds_to_the_nearest_of_255_levels(tmp_path: Path) -> None:
    exact = np.linspace(-1, 1, 1001, dtype=np.float32).reshape(1, 7, 143)
    labels = np.zeros(1, dtype=np.int64)
    FeatureSet(exact, labels, ("a",), ("a",), False, "").save(tmp_path / "set.npz")
    kept = load_features(tmp_path / "set.npz").features
    assert np.abs(kept - exact).max() <= 0.5 / 127 + 1e-7
    assert kept.min() == -1.0
    assert kept.max() == 1.0


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        make_set().save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_saving_adds_no_suffix(tmp_path: Path) -> None:
    make_set().save(tmp_path / "set")
    assert len(load_features(tmp_path / "set")) == 6


def test_saving_where_no_folder_is_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"absent.set\.npz: cannot be written"):
        make_set().save(tmp_path / "absent" / "set.npz")


def test_take_keeps_the_given_order() -> None:
    whole = make_set()
    part = whole.take([4, 1])
    np.testing.assert_array_equal(part.features, whole.features[[4, 1]])
    np.testing.assert_array_equal(part.labels, whole.labels[[4, 1]])
    assert part.names == ("no/4.wav", "no/1.wav")
    assert part.classes == whole.classes


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"none\.npz: no such feature file"):
        load_features(tmp_path / "none.npz")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="is a folder"):
        load_features(tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 20, 200, 0.5, 0.99])
def test_cut_file(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "set.npz"
    make_set(40, 9, 9).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(WorkloadError, match=r"set\.npz: is cut or not an \.npz archive"):
        load_features(path)


def test_every_flipped_byte_is_an_error_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    good = make_set()
    good.save(path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[position] ^= 0xFF
        path.write_bytes(broken)
        try:
            loaded = load_features(path)
        except WorkloadError:
            continue
        np.testing.assert_array_equal(loaded.features, good.features)
        np.testing.assert_array_equal(loaded.labels, good.labels)


@pytest.mark.parametrize("content", [b"some text\n" * 50, b"\x93NUMPY\x01\x00", b"PK\x03\x04"])
def test_another_kind_of_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    with pytest.raises(WorkloadError, match=r"not an \.npz archive"):
        load_features(path)


def test_one_plain_array(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(WorkloadError, match=r"not an \.npz archive"):
        load_features(tmp_path / "array.npy")


def test_pickled_objects_are_not_read(tmp_path: Path) -> None:
    path = stored(tmp_path / "set.npz", names=np.array([{}] * 6, dtype=object))
    with pytest.raises(WorkloadError, match=r"names cannot be read .* without pickled objects"):
        load_features(path)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_opened_is_not_called_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "set.npz"
    make_set().save(path)

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WorkloadError, match=rf"cannot be read \({os.strerror(number)}\); change"):
        load_features(path)


def test_an_archive_without_its_end_and_an_empty_file_say_so(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    make_set().save(path)
    for content, reason in ((path.read_bytes()[:-100], "its end is not"), (b"", "it is empty")):
        path.write_bytes(content)
        with pytest.raises(WorkloadError, match=rf"is cut or not an \.npz archive \(.*{reason}"):
            load_features(path)


@pytest.mark.parametrize(
    "key", ["format", "features", "labels", "classes", "names", "synthetic", "description"]
)
def test_missing_array(tmp_path: Path, key: str) -> None:
    with pytest.raises(WorkloadError, match=f"lacks {key}"):
        load_features(stored(tmp_path / "set.npz", **{key: None}))


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int16, np.uint64])
def test_labels_may_be_any_whole_numbers(tmp_path: Path, dtype: Any) -> None:
    labels = np.array([0, 1, 1, 0, 1, 0], dtype)
    loaded = load_features(stored(tmp_path / "set.npz", labels=labels))
    assert loaded.labels.dtype == np.int64
    assert loaded.labels.tolist() == [0, 1, 1, 0, 1, 0]


def test_an_array_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "set.npz", weights=np.ones(6))
    with pytest.raises(WorkloadError, match="holds weights, which the format does not have"):
        load_features(path)


BAD_ARRAYS: list[tuple[str, Any, str]] = [
    ("format", np.array("archsim-features/9"), "has format 'archsim-features/9'"),
    ("format", np.array(1), "format is int64"),
    ("features", np.zeros((6, 4, 3), np.float32), "features is float32"),
    ("features", np.full((6, 4, 3), np.nan), "features is float64"),
    ("features", np.zeros((6, 4, 3), np.int16), "features are int16 where int8"),
    ("features", np.zeros((6, 12), np.int8), r"features is int8 with shape \(6, 12\)"),
    ("features", np.zeros((6, 0, 3), np.int8), "hold nothing"),
    ("features", np.zeros((5, 4, 3), np.int8), r"labels are int64 with shape \(6,\)"),
    ("features", np.full((6, 4, 3), -128, np.int8), "reach magnitude 1.00787"),
    ("labels", np.zeros(6, np.float64), "labels is float64"),
    ("features", np.zeros((6, 4, 3), np.uint8), "is uint8 .* but int8 with shape .* times 127"),
    ("labels", np.full(6, 2**63, np.uint64), "labels run from 9223372036854775807 to"),
    ("labels", np.full(6, -1), "from -1 to -1 with 2 classes, which are 0 to 1; leave out"),
    ("labels", np.zeros((6, 1), np.int64), "labels is int64 with shape"),
    ("labels", np.array([0, 0, 0, 0, 0, -1]), "labels run from -1 to 0"),
    ("labels", np.array([0, 0, 0, 0, 0, 2]), "labels run from 0 to 2 with 2 classes"),
    ("classes", np.array([1, 2]), "classes is int64"),
    ("classes", np.array(["yes", "yes"]), "not distinct"),
    ("classes", np.array([], dtype=np.str_), "there are none"),
    ("names", np.array(["a"]), "1 utterance names for 6"),
    ("names", np.zeros(6), "names is float64"),
    ("synthetic", np.array(1), "synthetic is int64"),
    ("description", np.array(["a", "b"]), "description is"),
]


@pytest.mark.parametrize(("key", "value", "message"), BAD_ARRAYS)
def test_bad_array(tmp_path: Path, key: str, value: Any, message: str) -> None:
    with pytest.raises(WorkloadError, match=message) as caught:
        load_features(stored(tmp_path / "set.npz", **{key: value}))
    assert str(caught.value).startswith(str(tmp_path / "set.npz"))
    assert "make it again" in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.01, -1.01])
def test_values_that_no_set_may_hold(value: float) -> None:
    features = np.zeros((1, 2, 2), np.float32)
    features[0, 1, 1] = value
    with pytest.raises(WorkloadError, match="features: features"):
        FeatureSet(features, np.zeros(1, np.int64), ("a",), ("a",), False, "")


def test_the_shipped_set_is_balanced_and_says_that_it_is_synthetic() -> None:
    shipped = load_features(SHIPPED)
    assert shipped.features.shape == (600, 49, 40)
    assert np.bincount(shipped.labels).tolist() == [50] * 12
    assert shipped.synthetic
    assert "Synthetic speech" in shipped.description
    assert FORMAT == "archsim-features/1"


def test_interleaved_puts_classes_in_turn() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    features = np.zeros((6, 2, 3), dtype=np.float32)
    features[:, 0, 0] = np.arange(6) / 10
    names = tuple("abcdef")
    whole = FeatureSet(features, labels, ("x", "y", "z"), names, True, "")
    turned = whole.interleaved()
    assert turned.labels.tolist() == [0, 1, 2, 0, 1, 0]
    assert turned.names == ("a", "d", "f", "b", "e", "c")
    assert turned.features[:, 0, 0] == pytest.approx([0, 0.3, 0.5, 0.1, 0.4, 0.2])
