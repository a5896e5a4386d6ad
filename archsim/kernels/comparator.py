"""Noise of single comparisons, for the kinds of converters that make them one at a time."""

from __future__ import annotations

from archsim.numeric.jit import kernel
from archsim.numeric.philox import Purpose, normal_pair, philox

_DECISION_NOISE = int(Purpose.DECISION_NOISE)


@kernel
def decision_noise(seed: int, tile: int, column: int, step: int, when: tuple[int, int]) -> float:
    """Return the noise of one comparison, standard normal.

    Parameters
    ----------
    seed, tile : int
        Key of the bank's random numbers.
    column, step : int
        Which column, and at which step of the conversion.
    when : tuple of int
        Number of the sequence in the run, and of the conversion in its sequence.
    """
    place, (sequence, conversion) = tile + ((step + 1) << 32), when
    word_0, word_1, _, _ = philox(seed, _DECISION_NOISE, column, sequence, conversion, place)
    return normal_pair(word_0, word_1)[0]
