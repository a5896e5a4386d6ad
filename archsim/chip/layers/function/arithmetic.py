"""Functions of words, in whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int64]


def relu(words: Words) -> Words:
    """Return words (any shape), 0 in the place of negative ones."""
    return np.maximum(words, 0)


def by_table(words: Words, table: Words, shift: int) -> Words:
    """Look a function of words (any shape) up.

    Parameters
    ----------
    words : int64
        The words.
    table : int64 (entries,)
        The function in intervals of ``2**shift``, as many below 0 as above; the first and the last
        entry hold beyond their ends.
    shift : int
        Bits of a word below those that choose the entry.
    """
    entry = (words >> shift) + table.size // 2
    return np.asarray(table[np.clip(entry, 0, table.size - 1)])


def softmax(words: Words, table: Words, shift: int, one: int) -> Words:
    """Return shares (..., elements) of the exponentials of words, rounded half up.

    Parameters
    ----------
    words : int64 (..., elements)
        The words.
    table : int64 (entries,)
        ``exp(-d)`` in intervals of ``2**shift`` of the distance from the largest word; the last
        entry holds beyond its end.
    shift : int
        Bits of a distance below those that choose the entry.
    one : int
        What stands for 1.
    """
    distance = words.max(axis=-1, keepdims=True) - words
    share = table[np.minimum(distance >> shift, table.size - 1)]
    total = share.sum(axis=-1, keepdims=True)
    return np.asarray((share * one + (total >> 1)) // total)
