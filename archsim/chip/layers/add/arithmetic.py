"""Sums of words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def add_up(words: NDArray[np.int32], terms: int, word_limit: int) -> NDArray[np.int64]:
    """Return sums (sequences, timesteps, elements), saturated once at the end.

    Parameters
    ----------
    words : int32 (sequences, timesteps, terms * elements)
        The terms, side by side.
    terms : int
        How many.
    word_limit : int
        Words hold ``-word_limit - 1 .. word_limit``.
    """
    apart = words.reshape(*words.shape[:2], terms, words.shape[2] // terms)
    total = apart.sum(axis=2, dtype=np.int64)
    return np.asarray(np.clip(total, -word_limit - 1, word_limit))
