"""Speak a synthetic stand-in for the Google Speech Commands set with espeak-ng.

The folder has that set's layout: a folder a word, ``<speaker>_nohash_<take>.wav`` of one second at
16 kHz, ``validation_list.txt``, ``testing_list.txt`` and ``_background_noise_``. A speaker is an
English accent spoken with one of espeak-ng's voice variants. Every family of variants that sound
alike belongs to one split only, so that the validation and test splits are voices never trained on.

The same seed and the same espeak-ng give the same bytes at any number of workers.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
import wave
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
SECOND = RATE_HZ
KEYWORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
OTHER_WORDS = (
    *("backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four"),
    *("happy", "house", "learn", "marvin", "nine", "one", "seven", "sheila", "six", "three"),
    *("tree", "two", "visual", "wow", "zero"),
)
# "en-gb" is not among them because espeak-ng then ignores the variant: all would be one voice.
ACCENTS = (
    *("en-us", "en", "en-029", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd"),
    "en-gb-x-rp",
)
# Variants that no throat could be: one of the first three formants moved below 75 % or above 135 %
# of its place. Then those that whisper, and the one that is the plain accent spoken faster.
UNLIKE_PEOPLE = (
    *("Alicia", "Andy", "AnxiousAndy", "boris", "Demonic", "gustave", "Jacky", "kaukovalta"),
    *("Lee", "marcelo", "Marco", "Michael", "shelby", "travis", "Tweaky", "UniRobot", "zac"),
    *("whisper", "whisperf", "fast"),
)
# Variants whose definitions share most of their lines; a variant not named is a family of its own.
FAMILIES = (
    ("anika", "anikaRobot"),
    ("aunty", "f4"),
    ("belinda", "linda"),
    ("caleb", "klatt", "klatt2", "klatt3", "klatt4", "klatt5", "klatt6"),
    ("Diogo", "Henrique", "Hugo", "michel", "miguel"),
    ("edward", "edward2"),
    ("Gene", "Gene2"),
    ("iven", "iven2", "iven3", "iven4"),
    ("john", "Mr serious", "norbert", "pablo"),
    ("m8", "Nguyen", "robosoft", "robosoft2", "robosoft3", "robosoft4", "robosoft5", "robosoft6"),
    ("max", "RicishayMax", "RicishayMax2", "RicishayMax3", "robosoft7", "robosoft8"),
    ("steph", "steph2", "steph3"),
)
SPLITS = ("train", "validation", "test")
SNR_DB = (None, 30.0, 20.0, 15.0, 10.0)
COLOURS = ("white", "pink", "babble")
MARKER = "SYNTHETIC.txt"
INSTALL = "espeak-ng was not found; install it (apt-get install espeak-ng) and run this again"

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """One speaker's share of the work."""

    out: Path
    seed: int
    split: str
    accent: str
    variant: str
    takes: int
    other_share: float

    @property
    def speaker(self) -> str:
        """Eight hexadecimal digits, as in the original set's file names."""
        return hashlib.sha256(f"{self.accent}+{self.variant}".encode()).hexdigest()[:8]


def variants() -> list[str]:
    """Voice variants that this machine's espeak-ng offers, sorted by file name."""
    listing = subprocess.run(
        ["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True
    ).stdout
    names = {
        line.split("!v/", 1)[1].split("(", 1)[0].strip()
        for line in listing.splitlines()
        if "!v/" in line
    }
    return sorted(names.difference(UNLIKE_PEOPLE))


def split_variants(names: list[str], seed: int) -> dict[str, str]:
    """Give every variant a split, 21 % test, 10 % validation, no family in two splits.

    Families of more than three are for training, or one of them would be most of a smaller split.
    """
    family_of = {name: family for family in FAMILIES for name in family}
    families = sorted({family_of.get(name, (name,)) for name in names})
    np.random.default_rng([seed, 1]).shuffle(families)
    room = {"test": round(0.21 * len(names)), "validation": round(0.10 * len(names))}
    chosen: dict[str, str] = {}
    for family in families:
        members = [name for name in family if name in names]
        fits = (split for split, left in room.items() if left >= len(members))
        split = next(fits, "train") if len(family) <= 3 else "train"
        if split in room:
            room[split] -= len(members)
        chosen.update(dict.fromkeys(members, split))
    return chosen


def speak(text: str, *, voice: str, words_per_minute: int, pitch: int) -> tuple[Samples, int]:
    """Speak ``text``; the samples without the silence around them, and their rate in Hz."""
    command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
    spoken = subprocess.run([*command, "--stdout", text], capture_output=True, check=True).stdout
    samples = np.frombuffer(spoken[44 : len(spoken) // 2 * 2], dtype="<i2") / 32768.0
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1], int(struct.unpack_from("<I", spoken, 24)[0])


def resample(samples: Samples, rate: float) -> Samples:
    """Change the sampling rate from ``rate`` to 16 kHz by cutting the spectrum."""
    length = round(len(samples) * RATE_HZ / rate)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * (length / len(samples))


def coloured(samples: Samples, tilt_db: float) -> Samples:
    """Tilt the spectrum by ``tilt_db`` from 0 to 8 kHz: a dull or a sharp microphone."""
    spectrum = np.fft.rfft(samples)
    gain_db = np.linspace(-tilt_db / 2, tilt_db / 2, len(spectrum))
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), len(samples))


def shaped_noise(length: int, slope: float, rng: np.random.Generator) -> Samples:
    """Noise of unit power whose amplitude spectrum goes as frequency to the power of -slope."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency = np.maximum(np.fft.rfftfreq(length, 1 / RATE_HZ), 20.0)
    samples = np.fft.irfft(spectrum * frequency**-slope, length)
    return samples / np.sqrt(np.mean(samples**2))


def babble(length: int, rng: np.random.Generator, *, talkers: int = 5) -> Samples:
    """Make babble-like noise of unit power: harmonics whose loudness and pitch come and go."""
    total = 0.2 * shaped_noise(length, 0.8, rng)
    for _ in range(talkers):
        knots = np.arange(0, length + SECOND, SECOND // 6)  # six syllables a second
        pitch_hz = np.interp(
            np.arange(length), knots, rng.uniform(85, 250) * rng.uniform(0.8, 1.2, len(knots))
        )
        phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
        for harmonic in range(1, 16):
            loudness = rng.uniform(0, 1, len(knots)) ** 2 / harmonic**0.7
            total += np.interp(np.arange(length), knots, loudness) * np.sin(harmonic * phase)
    return total / np.sqrt(np.mean(total**2))


@cache
def noise_pool(colour: str, split: str, seed: int) -> Samples:
    """Twenty seconds of one kind of noise, of unit power, to crop from; one pool a split."""
    rng = np.random.default_rng([seed, 2, zlib.crc32(f"{colour}/{split}".encode())])
    if colour == "babble":
        return babble(20 * SECOND, rng)
    return shaped_noise(20 * SECOND, {"white": 0.0, "pink": 0.5, "brown": 1.0}[colour], rng)


def place(spoken: Samples, rng: np.random.Generator) -> Samples:
    """Put a word near the middle of one second; a longer one loses its end."""
    second = np.zeros(SECOND)
    room = SECOND - len(spoken)
    if room <= 0:
        return spoken[:SECOND]
    start = int(np.clip(room * rng.uniform(0.2, 0.8), 0, room))
    second[start : start + len(spoken)] = spoken
    return second


def utterance(job: Job, word: str, take: int) -> Samples:
    """One second of ``word``: voice, speed, pitch, loudness, place and noise all drawn."""
    key = zlib.crc32(f"{word}/{job.speaker}/{take}".encode())
    rng = np.random.default_rng([job.seed, 3, key])
    habits = np.random.default_rng([job.seed, 4, zlib.crc32(job.speaker.encode())])
    speed = habits.uniform(125, 195) * rng.uniform(0.87, 1.15)
    pitch = habits.uniform(25, 75) + rng.uniform(-15, 15)
    throat = habits.uniform(0.9, 1.1)  # raises all formants and the pitch
    tilt_db = habits.uniform(-8, 8) + rng.uniform(-3, 3)
    voice = f"{job.accent}+{job.variant}"
    spoken, rate = speak(word, voice=voice, words_per_minute=round(speed), pitch=round(pitch))
    spoken = coloured(resample(spoken, rate * throat), tilt_db)
    spoken *= 10 ** (rng.uniform(-15, 0) / 20) * 0.7 / np.abs(spoken).max()
    power = float(np.mean(spoken**2))
    second = place(spoken, rng) + 1e-4 * rng.standard_normal(SECOND)  # no room is quite silent
    snr_db = SNR_DB[rng.integers(len(SNR_DB))]
    if snr_db is not None:
        pool = noise_pool(COLOURS[rng.integers(len(COLOURS))], job.split, job.seed)
        start = int(rng.integers(len(pool) - SECOND))
        second += np.sqrt(power) * 10 ** (-snr_db / 20) * pool[start : start + SECOND]
    return second / max(1.0, np.abs(second).max())


def write_wav(path: Path, samples: Samples) -> None:
    """Write one channel of 16-bit samples at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def do_job(job: Job) -> tuple[str, list[str]]:
    """Speak one speaker's words; the split and the files' names relative to the folder."""
    rng = np.random.default_rng([job.seed, 5, zlib.crc32(job.speaker.encode())])
    spoken = [w for w in OTHER_WORDS if rng.random() < job.other_share]
    names = []
    for word, takes in [*((w, job.takes) for w in KEYWORDS), *((w, 1) for w in spoken)]:
        for take in range(takes):
            name = f"{word}/{job.speaker}_nohash_{take}.wav"
            write_wav(job.out / name, utterance(job, word, take))
            names.append(name)
    return job.split, names


def write_background(folder: Path, seed: int, *, seconds: int = 90) -> None:
    """Write the long noises that the class 'silence' is cropped from."""
    rng = np.random.default_rng([seed, 6])
    length = seconds * SECOND
    time_s = np.arange(length) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * n * time_s) / n for n in range(1, 12))
    noises = {
        "white_noise": 0.05 * shaped_noise(length, 0.0, rng),
        "pink_noise": 0.10 * shaped_noise(length, 0.5, rng),
        "brown_noise": 0.10 * shaped_noise(length, 1.0, rng),
        "babble": 0.10 * babble(length, rng),
        "mains_hum": 0.05 * hum + 0.005 * shaped_noise(length, 0.5, rng),
    }
    for name, samples in noises.items():
        write_wav(folder / f"{name}.wav", samples)


def write_lists(out: Path, names: dict[str, list[str]], args: argparse.Namespace) -> None:
    """Write the two lists of the layout and the marker that says nobody spoke."""
    for split, file in (("validation", "validation_list.txt"), ("test", "testing_list.txt")):
        out.joinpath(file).write_text("".join(f"{name}\n" for name in sorted(names[split])))
    version = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True)
    out.joinpath(MARKER).write_text(
        f"Synthetic speech: {version.stdout.split('Data at')[0].strip()}, "
        f"tools/make_speech_commands.py --seed {args.seed} --takes {args.takes} "
        f"--other-share {args.other_share:g} --accents {args.accents}\n"
    )


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to make; must not hold anything yet")
    parser.add_argument("--seed", type=int, default=0, help="seed of every draw (default 0)")
    parser.add_argument("--takes", type=int, default=3, help="takes a speaker and keyword")
    parser.add_argument(
        "--other-share", type=float, default=0.2, help="share of the other words each speaker says"
    )
    parser.add_argument(
        "--accents", type=int, default=len(ACCENTS), help=f"accents, 1 to {len(ACCENTS)}"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    return parser.parse_args()


def main() -> int:
    """Make the set; the exit code."""
    args = parse_args()
    if shutil.which("espeak-ng") is None:
        print(INSTALL, file=sys.stderr)
        return 1
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        print(f"{args.out} exists already; name a folder that does not", file=sys.stderr)
        return 1
    splits = split_variants(variants(), args.seed)
    jobs = [
        Job(args.out, args.seed, split, accent, variant, args.takes, args.other_share)
        for variant, split in splits.items()
        for accent in ACCENTS[: args.accents]
    ]
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    with multiprocessing.Pool(args.workers) as pool:
        for done, (split, made) in enumerate(pool.imap_unordered(do_job, jobs), 1):
            names[split] += made
            if done % 80 == 0 or done == len(jobs):
                print(f"{done} of {len(jobs)} speakers", flush=True)
    write_background(args.out / "_background_noise_", args.seed)
    write_lists(args.out, names, args)
    for split in SPLITS:
        voices = sum(chosen == split for chosen in splits.values())
        print(f"{split}: {len(names[split])} utterances, {voices} voice variants")
    return 0


if __name__ == "__main__":
    sys.exit(main())
