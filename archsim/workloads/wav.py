"""Recordings: one second of samples for `archsim.workloads.mfcc`, or why there is none."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archsim.errors import WorkloadError
from archsim.workloads.mfcc import SAMPLE_RATE_HZ, SAMPLES

UNPACK = "unpack the set's archive again or make it with tools/make_speech_commands.py"
_UNKNOWN = 0x7FFF0000
"""Bytes of samples from which on a header was written before anybody knew how many there are."""


def read_second(path: Path, offset: int = 0) -> npt.NDArray[np.float32]:
    """Read one second of a recording, or less where it is shorter.

    Parameters
    ----------
    path : Path
        One channel at 16 kHz, in any format that libsndfile reads.
    offset : int
        Samples to leave out at the beginning.

    Returns
    -------
    ndarray of float32, shape (S,)
        At most 16,000 samples, full scale 1.

    Raises
    ------
    WorkloadError
        If the file cannot be read, is cut, holds nothing, or is another kind of recording.
    """
    with _opened(path) as sound:
        if sound.samplerate != SAMPLE_RATE_HZ or sound.channels != 1:
            msg = (
                f"{path}: holds {sound.frames} samples of {sound.channels} channels at "
                f"{sound.samplerate} Hz; convert it to one channel at {SAMPLE_RATE_HZ} Hz"
            )
            raise WorkloadError(msg)
        sound.seek(offset)
        samples: npt.NDArray[np.float32] = sound.read(SAMPLES, dtype="float32", always_2d=True)
    if len(samples) == 0:
        msg = f"{path}: holds 0 samples; record it again or take it out of the folder"
        raise WorkloadError(msg)
    if not np.isfinite(samples).all():
        msg = f"{path}: holds samples that are NaN or infinite; convert the recording again"
        raise WorkloadError(msg)
    return samples[:, 0]


def length_of(path: Path) -> int:
    """Return the length of a recording, samples.

    Raises
    ------
    WorkloadError
        If the file cannot be read or is cut.
    """
    with _opened(path) as sound:
        return int(sound.frames)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a recording; the file is opened here, so that any name will do."""
    soundfile = _soundfile()
    try:
        with path.open("rb") as file:
            _check_whole(path, file)
            file.seek(0)
            with soundfile.SoundFile(file) as sound:
                yield sound
    except (OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error


def _check_whole(path: Path, file: BinaryIO) -> None:
    """Refuse a WAV file that ends before the samples that its header promises.

    libsndfile reads what is there, which would look like a recording that is short.
    """
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return
    block = 1
    while len(chunk := file.read(8)) == 8:
        tag, length = struct.unpack("<4sI", chunk)
        if tag == b"data":
            held = os.fstat(file.fileno()).st_size - file.tell()
            if held + block <= length < _UNKNOWN:
                msg = (
                    f"{path}: ends after {held // block:,} of the {length // block:,} samples that "
                    f"its header promises; {UNPACK}"
                )
                raise WorkloadError(msg)
            return
        body = file.read(min(length, 16)) if tag == b"fmt " else b""
        if len(body) == 16:
            block = max(1, int.from_bytes(body[12:14], "little"))
        file.seek(length + length % 2 - len(body), os.SEEK_CUR)


def _unreadable(path: Path, error: Exception) -> WorkloadError:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return WorkloadError(
            f"{path}: is a link to a file that does not exist; mend the link or remove it"
        )
    if isinstance(error, OSError) and error.strerror:
        return WorkloadError(
            f"{path}: cannot be read ({error.strerror}); mend the file's permissions or its disk, "
            "or take it out of the folder"
        )
    reason = str(getattr(error, "error_string", error)).rstrip(".")
    return WorkloadError(f"{path}: cannot be read as sound ({reason}); {UNPACK}")


def _soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package without its C library
        raise WorkloadError(
            "features: reading WAV files needs soundfile, which is not installed; "
            "pip install 'archsim[audio]'"
        ) from error
    return soundfile
