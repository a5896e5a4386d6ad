"""Mel-frequency cepstral coefficients: one second of sound as 49 frames of 40 inputs.

A frame is 40 ms long and starts 20 ms after the one before, with no padding at the ends, so that
16,000 samples give exactly 49 frames. 64 mel bands from 20 Hz to 8 kHz give 40 coefficients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archsim.errors import WorkloadError

SAMPLE_RATE_HZ = 16_000
SAMPLES = 16_000
FRAMES = 49
COEFFICIENTS = 40

_WINDOW = 640
_HOP = 320
_MEL_BANDS = 64
_LOWEST_HZ = 20.0


def mfcc(waveform: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Make the cepstral coefficients of one second of sound.

    Parameters
    ----------
    waveform : array_like of float, shape (S,)
        Samples at 16 kHz, full scale 1. Zeros are added behind a shorter one; a longer one is cut
        behind its first 16,000 samples.

    Returns
    -------
    ndarray of float32, shape (49, 40)
        Frames by coefficients, in the decibel-like unit of librosa's type-2 orthonormal cosine
        transform of a power spectrogram in dB.

    Raises
    ------
    WorkloadError
        Where librosa is not installed, or the waveform is not a finite one-dimensional array.
    """
    librosa = _librosa()
    samples = np.asarray(waveform, dtype=np.float32)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise WorkloadError(
            f"waveform: shape {samples.shape} with NaN or more than one channel cannot be turned "
            "into coefficients; give finite samples of one channel"
        )
    second = np.zeros(SAMPLES, dtype=np.float32)
    second[: min(len(samples), SAMPLES)] = samples[:SAMPLES]
    coefficients = librosa.feature.mfcc(
        y=second,
        sr=SAMPLE_RATE_HZ,
        n_mfcc=COEFFICIENTS,
        n_fft=_WINDOW,
        hop_length=_HOP,
        center=False,
        n_mels=_MEL_BANDS,
        fmin=_LOWEST_HZ,
    )
    return np.ascontiguousarray(coefficients.T, dtype=np.float32)


def normalise(
    coefficients: npt.ArrayLike, *, mean: npt.ArrayLike, scale: npt.ArrayLike
) -> npt.NDArray[np.float32]:
    """Bring coefficients into the range of the chip's inputs: clip((x - mean) / scale, -1, 1).

    Parameters
    ----------
    coefficients : array_like, shape (..., F)
        As `mfcc` makes them.
    mean, scale : array_like, shape (F,)
        Centre and half range of each coefficient, in the coefficients' unit.

    Returns
    -------
    ndarray of float32, shape (..., F)
        Dimensionless, in [-1, 1].

    Raises
    ------
    WorkloadError
        Where the shapes do not fit, or the scale is not positive and finite.
    """
    values = np.asarray(coefficients, dtype=np.float32)
    centre = np.asarray(mean, dtype=np.float32)
    half_range = np.asarray(scale, dtype=np.float32)
    if not centre.shape == half_range.shape == values.shape[-1:]:
        raise WorkloadError(
            f"features.mean has shape {centre.shape} and features.scale {half_range.shape} where "
            f"{values.shape[-1:]} is needed; take both from the network's weights file"
        )
    if not (np.isfinite(centre).all() and np.isfinite(half_range).all() and half_range.min() > 0):
        raise WorkloadError(
            "features.mean and features.scale must be finite and the scale positive; take both "
            "from the network's weights file"
        )
    scaled: npt.NDArray[np.float32] = (values - centre) / half_range
    return scaled.clip(-1.0, 1.0)


def _librosa() -> Any:
    try:
        import librosa
    except ImportError as error:
        raise WorkloadError(
            "features: making them from sound needs librosa, which is not installed; "
            "pip install 'archsim[audio]'"
        ) from error
    return librosa
