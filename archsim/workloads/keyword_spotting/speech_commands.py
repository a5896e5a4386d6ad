"""The Google Speech Commands folder layout as twelve labelled classes.

Expected under the root folder: a folder a word with one-second WAV files at 16 kHz,
``validation_list.txt`` and ``testing_list.txt`` naming files as ``word/file.wav`` (all others are
for training), and ``_background_noise_`` with longer WAV files. The ten keywords keep their own
class; 'silence' is cropped from the background noise, 'unknown' is drawn from all other words, and
both get as many utterances as a keyword has on average.

The set itself: Warden, "Speech Commands: a dataset for limited-vocabulary speech recognition",
arXiv:1804.03209 (2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from archsim.errors import WorkloadError
from archsim.workloads.features import FeatureSet
from archsim.workloads.keyword_spotting.word_folders import read_list, recordings, word_folders
from archsim.workloads.mfcc import COEFFICIENTS, FRAMES, SAMPLES, mfcc, normalise
from archsim.workloads.wav import UNPACK, length_of, read_second

KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SILENCE = "silence"
UNKNOWN = "unknown"
CLASSES = (*KEYWORDS, SILENCE, UNKNOWN)
BACKGROUND = "_background_noise_"
SYNTHETIC_MARKER = "SYNTHETIC.txt"
"""A file of this name in the root says that nobody spoke the set; its text is the description."""

_LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}


class Split(Enum):
    """What a part of the set is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# The stretch of each background noise that a split's silence is cropped from, as fractions.
_STRETCH = {Split.TRAIN: (0.0, 0.8), Split.VALIDATION: (0.8, 0.9), Split.TEST: (0.9, 1.0)}


@dataclass(frozen=True, eq=False)
class RawFeatures:
    """Coefficients before normalisation, for training.

    Attributes
    ----------
    mfcc : ndarray of float32, shape (N, 49, 40)
        As `archsim.workloads.mfcc.mfcc` makes them.
    labels : ndarray of int64, shape (N,)
        Index into `CLASSES`.
    names : tuple of str
        ``word/file.wav``, or ``_background_noise_/file.wav@offset`` with the offset in samples.
    synthetic : bool
        True where the root holds the marker file.
    description : str
        Which set and split this is.
    """

    mfcc: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    synthetic: bool
    description: str


@dataclass(frozen=True)
class _Clip:
    """One second of sound to read."""

    path: Path
    label: int
    name: str
    offset: int = 0  # samples
    gain: float = 1.0


def load_speech_commands(
    root: str | Path,
    *,
    split: Split,
    mean: npt.ArrayLike,
    scale: npt.ArrayLike,
    limit: int | None = None,
    seed: int = 0,
) -> FeatureSet:
    """Read one split as inputs for the chip.

    Parameters
    ----------
    root : str or Path
        The set's folder.
    split : Split
        Which part.
    mean, scale : array_like, shape (40,)
        Normalisation of each coefficient, from the network's weights file:
        ``clip((mfcc - mean) / scale, -1, 1)``.
    limit : int, optional
        At most this many utterances of each class, drawn by the seed; all by default.
    seed : int, optional
        Draws the crops of silence, the unknown words and what a limit leaves.

    Returns
    -------
    FeatureSet
        Features of shape (N, 49, 40), ordered by class.

    Raises
    ------
    WorkloadError
        Where the folder, a word, a list or a WAV file is missing or cannot be used.
    """
    raw = load_raw_mfcc(root, split=split, limit=limit, seed=seed)
    return FeatureSet(
        features=normalise(raw.mfcc, mean=mean, scale=scale),
        labels=raw.labels,
        classes=CLASSES,
        names=raw.names,
        synthetic=raw.synthetic,
        description=raw.description,
    )


def load_raw_mfcc(
    root: str | Path, *, split: Split, limit: int | None = None, seed: int = 0
) -> RawFeatures:
    """Read one split as coefficients that are not normalised yet.

    The parameters, the choice of utterances and the errors are those of `load_speech_commands`.
    """
    folder = Path(root)
    if limit is not None and limit < 1:
        raise WorkloadError(f"{folder}: a limit of {limit} leaves nothing; give 1 or more")
    clips = _choose(folder, split, limit, seed)
    coefficients = np.empty((len(clips), FRAMES, COEFFICIENTS), dtype=np.float32)
    for row, clip in enumerate(clips):
        coefficients[row] = mfcc(read_second(clip.path, clip.offset) * np.float32(clip.gain))
    marker = folder / SYNTHETIC_MARKER
    about = _read_marker(marker) if marker.is_file() else folder.name
    return RawFeatures(
        mfcc=coefficients,
        labels=np.array([clip.label for clip in clips], dtype=np.int64),
        names=tuple(_as_text(clip.name) for clip in clips),
        synthetic=marker.is_file(),
        description=f"{_as_text(about)}; {split.value} split, seed {seed}",
    )


def _read_marker(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="backslashreplace").strip()
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); change its permissions"
        raise WorkloadError(msg) from error


def _as_text(name: str) -> str:
    """Return a file's name with escapes in place of bytes that are no UTF-8, for files and JSON."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _choose(root: Path, split: Split, limit: int | None, seed: int) -> list[_Clip]:
    """Every utterance of a split, ordered by class; the same for the same seed."""
    rng = np.random.default_rng([seed, list(Split).index(split)])
    files = _files_by_word(root, split)
    spoken = {word: files[word] for word in KEYWORDS}
    average = max(1, round(sum(map(len, spoken.values())) / len(KEYWORDS)))
    others = [name for word in sorted(files) if word not in KEYWORDS for name in files[word]]
    if not others:
        raise WorkloadError(
            f"{root}: holds no words but the ten keywords for the class 'unknown'; {UNPACK}"
        )
    spoken[UNKNOWN] = _draw(others, average, rng)
    if limit is not None:
        spoken = {word: _draw(names, limit, rng) for word, names in spoken.items()}
        average = min(average, limit)
    clips = [
        _Clip(root / name, CLASSES.index(word), name)
        for word, names in spoken.items()
        for name in names
    ]
    clips += _silence(root, split, average, rng)
    return sorted(clips, key=lambda clip: clip.label)


def _draw(names: list[str], count: int, rng: np.random.Generator) -> list[str]:
    """At most ``count`` of the names, in their order."""
    if len(names) <= count:
        return names
    return [names[i] for i in np.sort(rng.permutation(len(names))[:count])]


def _files_by_word(root: Path, split: Split) -> dict[str, list[str]]:
    """Names (``word/file.wav``) of a split's utterances by word, sorted."""
    words = word_folders(root)
    missing = [word for word in KEYWORDS if word not in words]
    if missing:
        raise WorkloadError(f"{root}: has no folder for {', '.join(missing)}; {UNPACK}")
    present = {word: [f"{word}/{path.name}" for path in recordings(root / word)] for word in words}
    everything = {name for names in present.values() for name in names}
    lists = {key: read_list(root / file, everything, split=key) for key, file in _LISTS.items()}
    wanted = lists.get(split.value, everything.difference(*lists.values()))
    chosen = {word: [n for n in names if n in wanted] for word, names in present.items()}
    for word in KEYWORDS:
        if not chosen[word]:
            raise WorkloadError(
                f"{root / word}: holds no WAV file of the {split.value} split; {UNPACK}"
            )
    return chosen


def _silence(root: Path, split: Split, count: int, rng: np.random.Generator) -> list[_Clip]:
    """Crops of the background noises at random loudness, from the split's own stretch of each."""
    paths = recordings(root / BACKGROUND)
    if not paths:
        raise WorkloadError(
            f"{root / BACKGROUND}: holds no WAV files to crop silence from; {UNPACK}"
        )
    lengths = [length_of(path) for path in paths]
    first, last = _STRETCH[split]
    label = CLASSES.index(SILENCE)
    clips = []
    for _ in range(count):
        file = int(rng.integers(len(paths)))
        low = int(first * lengths[file])
        high = max(low, int(last * lengths[file]) - SAMPLES)
        offset = int(rng.integers(low, high + 1))
        gain = float(10.0 ** rng.uniform(-2.0, 0.0))
        name = f"{BACKGROUND}/{paths[file].name}@{offset}"
        clips.append(_Clip(paths[file], label, name, offset, gain))
    return clips
