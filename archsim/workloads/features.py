"""Feature files: labelled input sequences of a network, quantised to 8 bits, in one ``.npz``.

Format ``archsim-features/1``, a compressed NumPy archive with no pickled objects:

=============== ======================= ==========================================================
key             dtype, shape            meaning
=============== ======================= ==========================================================
``format``      str, ()                 ``archsim-features/1``
``features``    int8, (N, T, F)         input value = entry / 127; -128 does not occur
``labels``      int64, (N,)             index into ``classes``; other whole numbers are read too
``classes``     str, (C,)               what each output of the network means
``names``       str, (N,)               where each utterance came from
``synthetic``   bool, ()                true where no person spoke the utterances
``description`` str, ()                 free text
=============== ======================= ==========================================================
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archsim.errors import OutputError, WorkloadError
from archsim.listing import listed
from archsim.outputs import OutputKind, archive_of, writing
from archsim.workloads.sequences import Sequences

FORMAT = "archsim-features/1"
FULL_SCALE = 127

_REMEDY = "make it again with tools/train_kws.py or FeatureSet.save"
# key: (dtype kinds, number of dimensions)
_LAYOUT = {
    "format": ("U", 0),
    "features": ("i", 3),
    "labels": ("iu", 1),
    "classes": ("U", 1),
    "names": ("U", 1),
    "synthetic": ("b", 0),
    "description": ("U", 0),
}
_EXPECTED = {
    "format": "a text",
    "features": "int8 with shape (utterances, frames, inputs), inputs of -1 .. 1 times 127,",
    "labels": "a whole number for each utterance",
    "classes": "a list of names",
    "names": "a list of names",
    "synthetic": "true or false",
    "description": "a text",
}

FEATURES = OutputKind("a feature file", archive_of(*_LAYOUT), "path")


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Labelled input sequences, all of one length.

    Parameters
    ----------
    features : ndarray of float32, shape (N, T, F)
        ``T`` frames of ``F`` inputs for each of ``N`` utterances, dimensionless, in [-1, 1].
    labels : ndarray of int64, shape (N,)
        Index of each utterance's class.
    classes : tuple of str
        Names of the classes, in the order of the network's outputs.
    names : tuple of str
        Where each utterance came from, such as ``yes/0a1b2c3d_nohash_0.wav``; length ``N``.
    synthetic : bool
        True where no person spoke the utterances.
    description : str
        Free text that travels with the file.

    Raises
    ------
    WorkloadError
        Where a shape, a dtype or a value does not fit the above.
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    synthetic: bool
    description: str

    def __post_init__(self) -> None:
        problem = (
            _arrays_problem(self.features, self.labels)
            or _names_problem(self.classes, self.names, len(self.labels))
            or _values_problem(self.features, self.labels, len(self.classes))
        )
        if problem:
            raise WorkloadError(f"features: {problem}; mend the arrays before making a FeatureSet")

    def __len__(self) -> int:
        return len(self.labels)

    def as_sequences(self) -> Sequences:
        """Return what a run takes in."""
        return Sequences(
            self.features, self.labels, self.classes, self.names, self.synthetic, self.description
        )

    def take(self, indices: npt.ArrayLike) -> FeatureSet:
        """Return the utterances at ``indices``, in that order.

        Parameters
        ----------
        indices : array_like of int, shape (M,)
            Positions along the first axis.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            features=self.features[chosen],
            labels=self.labels[chosen],
            names=tuple(self.names[i] for i in chosen),
        )

    def interleaved(self) -> FeatureSet:
        """Return the set with its classes in turn, so that any first few hold all of them."""
        turn = np.empty(len(self), dtype=np.int64)
        for label in np.unique(self.labels):
            mine = np.flatnonzero(self.labels == label)
            turn[mine] = np.arange(mine.size)
        return self.take(np.lexsort((self.labels, turn)))

    def save(self, path: str | Path) -> None:
        """Write the set to ``path`` in the format of this module, features rounded to 8 bits.

        The same set gives the same bytes. A feature changes by at most 1/254.

        Raises
        ------
        WorkloadError
            Where the file cannot be written, or something else is there.
        """
        arrays: dict[str, Any] = {
            "format": np.array(FORMAT),
            "features": np.rint(self.features * FULL_SCALE).astype(np.int8),
            "labels": self.labels,
            "classes": np.array(self.classes, dtype=np.str_),
            "names": np.array(self.names, dtype=np.str_),
            "synthetic": np.array(self.synthetic),
            "description": np.array(self.description),
        }
        try:
            with writing(Path(path), FEATURES) as draft, draft.open("wb") as file:
                np.savez_compressed(file, **arrays)  # a file object: NumPy adds no suffix to it
        except OutputError as error:
            raise WorkloadError(str(error)) from error


def load_features(path: str | Path) -> FeatureSet:
    """Read a feature file written by `FeatureSet.save`.

    Parameters
    ----------
    path : str or Path
        The ``.npz`` file.

    Returns
    -------
    FeatureSet
        Features are multiples of 1/127.

    Raises
    ------
    WorkloadError
        Where the file is missing, a folder, cut, of another format, or holds arrays of the wrong
        dtype, shape or range.
    """
    arrays = _read_arrays(Path(path))
    problem = _layout_problem(arrays)
    if problem:
        raise WorkloadError(f"{path}: {problem}; {_REMEDY}")
    stored = arrays["features"]
    try:
        return FeatureSet(
            features=stored.astype(np.float32) / np.float32(FULL_SCALE),
            labels=_whole_labels(arrays["labels"]),
            classes=tuple(str(name) for name in arrays["classes"]),
            names=tuple(str(name) for name in arrays["names"]),
            synthetic=bool(arrays["synthetic"]),
            description=str(arrays["description"]),
        )
    except WorkloadError as error:
        reason = str(error).removeprefix("features: ").rsplit("; ", 1)[0]
        raise WorkloadError(f"{path}: {reason}; {_REMEDY}") from error


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every known array in the archive; errors name the file."""
    # Opened here because np.load leaves a file open that turns out to be broken.
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise WorkloadError(f"{path}: {_no_archive(file)}; {_REMEDY}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                _refuse_others(path, archive.files)
                return {key: _array(path, archive, key) for key in _LAYOUT if key in archive.files}
    except FileNotFoundError as error:
        raise WorkloadError(
            f"{path}: no such feature file; check the path or make the file"
        ) from error
    except IsADirectoryError as error:
        raise WorkloadError(f"{path}: is a folder; give the .npz file in it") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkloadError(
            f"{path}: cannot be read ({reason}); change its permissions or check its disk"
        ) from error
    except (EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise WorkloadError(f"{path}: cannot be read ({error}); {_REMEDY}") from error


def _no_archive(file: BinaryIO) -> str:
    """Say what is there in place of an archive."""
    file.seek(0)
    head = file.read(8)
    told = {b"": "it is empty", b"PK\x03\x04": "its beginning is there, its end is not"}
    if head.startswith(b"\x93NUMPY"):
        return "is cut or not an .npz archive (it is one array, .npy)"
    reason = next((told[each] for each in (head, head[:4]) if each in told), "")
    return f"is cut or not an .npz archive{f' ({reason})' if reason else ''}"


def _array(path: Path, archive: Any, key: str) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = archive[key]
    except ValueError as error:
        raise WorkloadError(
            f"{path}: {key} cannot be read as an array of numbers or text, without pickled "
            f"objects ({error}); {_REMEDY}"
        ) from error
    return array


def _refuse_others(path: Path, names: Sequence[str]) -> None:
    """Refuse arrays that the format does not have: what they hold would be lost silently."""
    if "format" not in names:
        return  # another kind of archive, of which more is said below
    others = [name for name in names if name not in _LAYOUT]
    if others:
        raise WorkloadError(
            f"{path}: holds {listed(others)}, which the format does not have and nothing reads; "
            f"leave it out or {_REMEDY}"
        )


def _layout_problem(arrays: dict[str, npt.NDArray[Any]]) -> str | None:
    """Say what differs from the format's table, or None."""
    missing = [key for key in _LAYOUT if key not in arrays]
    if missing:
        return f"lacks {listed(missing)}"
    for key, (kind, dimensions) in _LAYOUT.items():
        array = arrays[key]
        if array.dtype.kind not in kind or array.ndim != dimensions:
            return f"{key} is {array.dtype} with shape {array.shape}, but {_EXPECTED[key]} is read"
    if str(arrays["format"]) != FORMAT:
        return f"has format {str(arrays['format'])!r} where {FORMAT!r} is read"
    if arrays["features"].dtype != np.int8:
        return (
            f"features are {arrays['features'].dtype} where int8 is stored, inputs of -1 .. 1 "
            f"times {FULL_SCALE}"
        )
    return None


def _whole_labels(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return labels of any type of whole numbers as int64; those beyond it are of no class."""
    if labels.dtype.kind == "u":
        labels = np.minimum(labels.astype(np.uint64), np.uint64(np.iinfo(np.int64).max))
    return labels.astype(np.int64)


def _arrays_problem(features: npt.NDArray[Any], labels: npt.NDArray[Any]) -> str | None:
    """Say what is wrong with the dtypes and shapes, or None."""
    if features.dtype != np.float32 or features.ndim != 3:
        return (
            f"features are {features.dtype} with shape {features.shape}, not float32 with "
            "shape (utterances, frames, inputs)"
        )
    if 0 in features.shape:
        return f"features with shape {features.shape} hold nothing"
    if labels.dtype != np.int64 or labels.shape != features.shape[:1]:
        return (
            f"labels are {labels.dtype} with shape {labels.shape}, not int64 with shape "
            f"{features.shape[:1]}"
        )
    return None


def _names_problem(classes: tuple[str, ...], names: tuple[str, ...], count: int) -> str | None:
    """Say what is wrong with the class and utterance names, or None."""
    if not classes or len(set(classes)) != len(classes):
        return f"the {len(classes)} class names are not distinct or there are none"
    if len(names) != count:
        return f"there are {len(names)} utterance names for {count} utterances"
    return None


def _values_problem(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], classes: int
) -> str | None:
    """Say which values are out of range, or None."""
    if not np.isfinite(features).all():
        return "features hold a NaN or an infinity"
    largest = float(np.abs(features).max())
    if largest > 1.0:
        return f"features reach magnitude {largest:g} where 1 is the most"
    if labels.min() < 0 or labels.max() >= classes:
        return (
            f"labels run from {labels.min()} to {labels.max()} with {classes} classes, which are "
            f"0 to {classes - 1}; leave out utterances of no class"
        )
    return None
