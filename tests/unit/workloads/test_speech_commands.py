"""Which recordings of a folder of words make which inputs, and is what is wrong named?"""

from __future__ import annotations

import os
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from archsim.errors import WorkloadError
from archsim.workloads.features import FeatureSet
from archsim.workloads.keyword_spotting.speech_commands import (
    CLASSES,
    KEYWORDS,
    SYNTHETIC_MARKER,
    Split,
    _files_by_word,
    load_raw_mfcc,
    load_speech_commands,
)
from archsim.workloads.mfcc import mfcc, normalise

OTHERS = ("bed", "cat", "wow")
TAKES = 5  # speakers a and b for training, c for validation, d and e for testing
MEAN = np.zeros(40)
SCALE = np.full(40, 100.0)


def needs_audio() -> None:
    reason = "needs librosa and soundfile: pip install 'archsim[audio]'"
    pytest.importorskip("soundfile", reason=reason)
    pytest.importorskip("librosa", reason=reason)


def write_wav(
    path: Path, samples: npt.NDArray[np.float64], *, rate: int = 16_000, channels: int = 1
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "commands"
    lists: dict[str, list[str]] = {"validation": [], "testing": []}
    for word in (*KEYWORDS, *OTHERS):
        for take, speaker in enumerate("abcde"):
            name = f"{word}/{speaker}_nohash_0.wav"
            write_wav(folder / name, rng.uniform(-0.5, 0.5, 16_000 - 1000 * take))
            if speaker == "c":
                lists["validation"].append(name)
            if speaker in "de":
                lists["testing"].append(name)
    for kind, names in lists.items():
        (folder / f"{kind}_list.txt").write_text("\n".join(names) + "\n")
    for noise in ("pink", "white"):
        write_wav(folder / "_background_noise_" / f"{noise}.wav", rng.uniform(-0.1, 0.1, 320_000))
    return folder


def load(root: Path, split: Split = Split.TEST, **options: int) -> FeatureSet:
    return load_speech_commands(
        root,
        split=split,
        mean=MEAN,
        scale=SCALE,
        limit=options.get("limit"),
        seed=options.get("seed", 0),
    )


@pytest.mark.parametrize(
    ("split", "takes"), [(Split.TRAIN, 2), (Split.VALIDATION, 1), (Split.TEST, 2)]
)
def test_every_class_of_a_split_has_as_many_utterances(
    root: Path, split: Split, takes: int
) -> None:
    needs_audio()
    made = load(root, split)
    assert made.features.shape == (12 * takes, 49, 40)
    assert made.classes == CLASSES
    assert np.bincount(made.labels).tolist() == [takes] * 12
    assert np.abs(made.features).max() <= 1.0
    assert not made.synthetic
    speakers = {name.split("/")[1][0] for name in made.names if not name.startswith("_")}
    assert speakers <= {Split.TRAIN: {*"ab"}, Split.VALIDATION: {"c"}, Split.TEST: {*"de"}}[split]


def test_names_carry_the_class(root: Path) -> None:
    needs_audio()
    made = load(root)
    for name, label in zip(made.names, made.labels, strict=True):
        folder = name.split("/")[0]
        expected = {"_background_noise_": "silence"} | dict.fromkeys(OTHERS, "unknown")
        assert expected.get(folder, folder) == CLASSES[label]


def test_splits_crop_silence_from_stretches_of_their_own(root: Path) -> None:
    needs_audio()
    stretches = {Split.TRAIN: (0, 256_000), Split.VALIDATION: (256_000, 288_000)}
    for split, (first, last) in stretches.items():
        names = [name for name in load(root, split).names if "@" in name]
        offsets = [int(name.split("@")[1]) for name in names]
        assert all(first <= offset <= last - 16_000 for offset in offsets)


def test_the_seed_decides_what_is_drawn(root: Path) -> None:
    needs_audio()
    first, again, other = load(root), load(root), load(root, seed=1)
    assert first.names == again.names
    np.testing.assert_array_equal(first.features, again.features)
    assert first.names != other.names


def test_a_limit_holds_for_every_class(root: Path) -> None:
    needs_audio()
    made = load(root, limit=1)
    assert np.bincount(made.labels).tolist() == [1] * 12
    assert np.bincount(load(root, limit=99).labels).tolist() == [2] * 12
    with pytest.raises(WorkloadError, match="limit of 0"):
        load(root, limit=0)


def test_raw_coefficients_are_those_before_normalisation(root: Path) -> None:
    needs_audio()
    raw, made = load_raw_mfcc(root, split=Split.TEST), load(root)
    assert raw.names == made.names
    np.testing.assert_array_equal(normalise(raw.mfcc, mean=MEAN, scale=SCALE), made.features)


def test_the_marker_makes_a_set_synthetic(root: Path) -> None:
    needs_audio()
    (root / SYNTHETIC_MARKER).write_text("nobody spoke this\n")
    made = load(root, limit=1)
    assert made.synthetic
    assert made.description.startswith("nobody spoke this; test split")


def test_the_set_survives_its_file(root: Path, tmp_path: Path) -> None:
    needs_audio()
    load(root, limit=1).save(tmp_path / "set.npz")


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="no such folder"):
        load(tmp_path / "absent")


def break_keyword(root: Path) -> None:
    (root / "yes").rename(root / "sure")


def break_list(root: Path) -> None:
    (root / "testing_list.txt").unlink()


def break_list_bytes(root: Path) -> None:
    (root / "validation_list.txt").write_bytes(b"\xff\xfe\xff")


def break_listed_file(root: Path) -> None:
    (root / "yes" / "d_nohash_0.wav").unlink()


def break_split(root: Path) -> None:
    (root / "testing_list.txt").write_text("bed/d_nohash_0.wav\n")


def break_others(root: Path) -> None:
    names = [f"{word}/d_nohash_0.wav\n" for word in KEYWORDS]
    (root / "testing_list.txt").write_text("".join(names))


def break_noise(root: Path) -> None:
    (root / "_background_noise_").rename(root / "_other_")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (break_keyword, "has no folder for yes"),
        (break_list, "testing_list.txt: cannot be read"),
        (break_list_bytes, "validation_list.txt: cannot be read"),
        (break_listed_file, r"names yes/d_nohash_0.wav \(and 0 more\)"),
        (break_split, "yes: holds no WAV file of the test split"),
        (break_others, "no words but the ten keywords"),
        (break_noise, "_background_noise_: holds no WAV files"),
    ],
)
def test_broken_layout(root: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(root)
    with pytest.raises(WorkloadError, match=message):
        load(root)


def listed(root: Path, change: Callable[[str], str]) -> None:
    """Rewrite the testing list, name by name."""
    path = root / "testing_list.txt"
    path.write_text("".join(change(name) + "\n" for name in path.read_text().split()))


@pytest.mark.parametrize(
    "change",
    [
        lambda name: f"./{name}",
        lambda name: f"commands/{name}",
        lambda name: name.replace("/", "\\"),
        lambda name: f".\\commands\\{name}".replace("/", "\\"),
        lambda name: f"{name}\r",
        lambda name: f"\n# one more\n {name} \n{name}",
        lambda name: f"{name}\nyes/._{name.split('/')[1]}\nyes/.DS_Store",
    ],
)
def test_names_in_lists_are_read_as_people_write_them(
    root: Path, change: Callable[[str], str]
) -> None:
    folder = recordings_of(root)
    listed(root, change)
    assert recordings_of(root) == folder


def recordings_of(root: Path) -> dict[str, list[str]]:
    return _files_by_word(root, Split.TEST)


def test_lists_may_begin_with_a_mark_or_name_files_by_their_whole_path(root: Path) -> None:
    before = recordings_of(root)
    path = root / "testing_list.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert recordings_of(root) == before
    path.write_text("".join(f"{root / name}\n" for name in path.read_text("utf-8-sig").split()))
    assert recordings_of(root) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (str.upper, r"names YES/D_NOHASH_0.WAV \(and 25 more\).*; it does hold yes/d_nohash_0"),
        (
            lambda name: f"other/{name}",
            r"names other/yes/.*; it does hold yes/d_nohash_0.wav: write names as the folder",
        ),
        (
            lambda name: name.replace("nohash", "gone"),
            "names yes/d_gone.*take such lines out .the first is line 1",
        ),
    ],
)
def test_names_that_are_not_there_get_a_cure_that_helps(
    root: Path, change: Callable[[str], str], message: str
) -> None:
    listed(root, change)
    with pytest.raises(WorkloadError, match=message):
        recordings_of(root)


def test_a_list_in_another_encoding_says_so(root: Path) -> None:
    path = root / "testing_list.txt"
    path.write_text(path.read_text(), encoding="utf-16")
    with pytest.raises(WorkloadError, match=r"it is UTF-16 text\): save it as UTF-8"):
        recordings_of(root)


def test_hidden_files_and_folders_are_no_recordings(root: Path) -> None:
    before = _files_by_word(root, Split.TRAIN)
    (root / ".DS_Store").write_bytes(b"x")
    (root / "yes" / "._a_nohash_0.wav").write_bytes(b"\0\5\x16\7")
    (root / "yes" / "sub.wav").mkdir()
    (root / ".git").mkdir()
    (root / "_background_noise_" / "._pink.wav").write_bytes(b"\0\5\x16\7")
    assert _files_by_word(root, Split.TRAIN) == before
    needs_audio()
    load(root, Split.TRAIN, limit=1)


def test_names_that_are_no_utf8_are_read_and_come_out_as_escapes(
    root: Path, tmp_path: Path
) -> None:
    needs_audio()
    for name in (b"yes/caf\xe9.wav", b"_background_noise_/\xe9.wav"):
        write_wav(Path(os.fsdecode(os.fsencode(root) + b"/" + name)), np.zeros(320_000))
    with (root / "testing_list.txt").open("ab") as file:
        file.write(b"yes/caf\xe9.wav\n")
    made = load(root)
    assert "yes/caf\\udce9.wav" in made.names
    made.save(tmp_path / "set.npz")


def test_a_link_to_nothing_is_named(root: Path) -> None:
    needs_audio()
    path = root / "yes" / "d_nohash_0.wav"
    path.unlink()
    path.symlink_to("nowhere.wav")
    with pytest.raises(WorkloadError, match=r"d_nohash_0\.wav: is a link to a file that does not"):
        load(root)


def test_a_recording_that_ends_before_its_header_says_is_refused(root: Path) -> None:
    needs_audio()
    path = root / "yes" / "d_nohash_0.wav"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8000])
    message = r"d_nohash_0\.wav: ends after 9,000 of the 13,000 samples that its header promises"
    with pytest.raises(WorkloadError, match=message):
        load(root)
    path.write_bytes(whole[:4] + bytes(4) + whole[8:-8000])  # only the samples' own chunk counts
    with pytest.raises(WorkloadError, match="ends after 9,000"):
        load(root)
    noise = root / "_background_noise_" / "pink.wav"
    path.write_bytes(whole)
    noise.write_bytes(noise.read_bytes()[:1000])
    with pytest.raises(WorkloadError, match=r"pink\.wav: ends after 478 of the 320,000 samples"):
        load(root)


def test_recordings_whose_header_tells_no_length_or_has_other_parts_are_read(root: Path) -> None:
    needs_audio()
    path = root / "yes" / "d_nohash_0.wav"
    before = load(root).features
    whole = path.read_bytes()
    note = b"LIST" + (5).to_bytes(4, "little") + b"hello\0"
    path.write_bytes(whole[:12] + note + whole[12:])
    np.testing.assert_array_equal(load(root).features, before)
    path.write_bytes(whole[:40] + b"\xff\xff\xff\xff" + whole[44:])  # written into a pipe
    np.testing.assert_array_equal(load(root).features, before)


def test_a_recording_of_numbers_that_are_none_is_named(root: Path) -> None:
    needs_audio()
    import soundfile

    path = root / "yes" / "d_nohash_0.wav"
    soundfile.write(path, np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(WorkloadError, match=r"d_nohash_0\.wav: holds samples that are NaN"):
        load(root)


def test_unreadable_wav(root: Path) -> None:
    needs_audio()
    (root / "yes" / "d_nohash_0.wav").write_bytes(b"RIFF nothing")
    with pytest.raises(WorkloadError, match=r"d_nohash_0\.wav: cannot be read as sound"):
        load(root)


def test_unreadable_noise(root: Path) -> None:
    needs_audio()
    (root / "_background_noise_" / "pink.wav").write_bytes(b"")
    with pytest.raises(WorkloadError, match=r"pink\.wav: cannot be read as sound"):
        load(root)


@pytest.mark.parametrize(
    ("rate", "channels", "length", "message"),
    [
        (8_000, 1, 8_000, "1 channels at 8000 Hz"),
        (16_000, 2, 32_000, "2 channels at 16000 Hz"),
        (16_000, 1, 0, "holds 0 samples"),
    ],
)
def test_another_kind_of_wav(
    root: Path, rate: int, channels: int, length: int, message: str
) -> None:
    needs_audio()
    path = root / "yes" / "e_nohash_0.wav"
    write_wav(path, np.zeros(length), rate=rate, channels=channels)
    with pytest.raises(WorkloadError, match=message):
        load(root)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    for package in ("librosa", "soundfile"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(WorkloadError, match=r"pip install 'archsim\[audio\]'"):
        mfcc(np.zeros(16_000))
    with pytest.raises(WorkloadError, match=r"pip install 'archsim\[audio\]'"):
        load(root)


def test_any_length_gives_49_frames() -> None:
    needs_audio()
    tone = np.sin(2 * np.pi * 440 * np.arange(20_000) / 16_000)
    whole = mfcc(tone[:16_000])
    assert whole.shape == (49, 40)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(mfcc(tone), whole)
    padded = np.concatenate([tone[:9_000], np.zeros(7_000)])
    np.testing.assert_array_equal(mfcc(tone[:9_000]), mfcc(padded))


def test_coefficients_are_the_cosine_transform_of_the_mel_spectrum_in_decibels() -> None:
    needs_audio()
    import librosa

    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 16_000)
    window = np.hanning(641)[:-1]
    frames = np.stack([noise[320 * n : 320 * n + 640] * window for n in range(49)])
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bands = librosa.filters.mel(sr=16_000, n_fft=640, n_mels=64, fmin=20.0)
    decibels = 10 * np.log10(power @ bands.T)
    n, k = np.arange(64), np.arange(40)[:, None]
    cosines = np.cos(np.pi * k * (2 * n + 1) / 128) * np.sqrt(np.where(k == 0, 1, 2) / 64)
    np.testing.assert_allclose(mfcc(noise), decibels @ cosines.T, atol=2e-3)


@pytest.mark.parametrize("waveform", [np.zeros((2, 16_000)), np.full(16_000, np.nan)])
def test_a_waveform_that_has_no_coefficients(waveform: npt.NDArray[np.float64]) -> None:
    needs_audio()
    with pytest.raises(WorkloadError, match="cannot be turned"):
        mfcc(waveform)


def test_normalise_clips() -> None:
    got = normalise([[0.0, 3.0, 9.0]], mean=[1.0, 1.0, 1.0], scale=[2.0, 4.0, 4.0])
    np.testing.assert_array_equal(got, np.array([[-0.5, 0.5, 1.0]], dtype=np.float32))
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("mean", "scale", "message"),
    [
        ([0.0], [1.0], "has shape"),
        ([0.0, 0.0], [1.0, 0.0], "positive"),
        ([np.nan, 0.0], [1.0, 1.0], "finite"),
    ],
)
def test_bad_normalisation(mean: list[float], scale: list[float], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        normalise(np.zeros((3, 2)), mean=mean, scale=scale)
