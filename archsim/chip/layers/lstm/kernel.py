"""The digital step of an LSTM (section 4 of the model), in fixed point.

    c_t = f * c_{t-1} + i * g          m_t = o * tanh(c_t)          h_t = m_t, or W_hr m_t

``f * c + i * g`` is summed at full width and rounded once. ``tanh(c_t)`` is a table look-up, or a
second conversion of small tiles whose row ``u`` drives only column ``u``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.recurrent import State, after_gates, finish
from archsim.numeric.dispatch import implements
from archsim.numeric.fixed import odd_from_table, round_shift, saturate


class LSTMArrays(NamedTuple):
    """Numbers of an LSTM's digital units, in fixed point with `fraction_bits`.

    Attributes
    ----------
    level : int64 (4, codes)
        The value of its function that each code of a gate's columns stands for: the ramp's level
        ``y_k``, or what a digital processor makes of the code of an ordinary converter.
    fraction_bits, word_limit : int
        Format of c, h and the levels; words hold ``-word_limit - 1 .. word_limit``.
    table : int64 (entries,), or no entries
        tanh at the middle of each entry's interval of ``|c|``.
    table_shift : int
        ``|c| >> table_shift`` is the entry.
    second_level : int64 (2**n_out,), or no entries
        Levels of the second conversion's codes; empty where the table is used.
    """

    level: NDArray[np.int64]
    fraction_bits: int
    word_limit: int
    table: NDArray[np.int64]
    table_shift: int
    second_level: NDArray[np.int64]


@implements(after_gates, LSTMArrays)
def update_cell(cell: LSTMArrays, code: NDArray[np.uint16], state: State) -> None:
    """Replace ``c`` (sequences, units) by ``f * c + i * g`` of the gates' codes."""
    c, level, bits, limit = state.c, cell.level, cell.fraction_bits, cell.word_limit
    sequences, units = c.shape
    for sequence in range(sequences):
        for unit in range(units):
            i = level[0, code[sequence, unit]]
            f = level[1, code[sequence, units + unit]]
            g = level[2, code[sequence, 2 * units + unit]]
            total = f * c[sequence, unit] + i * g
            c[sequence, unit] = saturate(round_shift(total, bits), limit)


@implements(finish, LSTMArrays)
def give_h(
    cell: LSTMArrays,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Write ``o * tanh(c)`` (sequences, units) to `out`."""
    level, bits, limit = cell.level, cell.fraction_bits, cell.word_limit
    table, shift, second_level, c = cell.table, cell.table_shift, cell.second_level, state.c
    sequences, units = out.shape
    for sequence in range(sequences):
        for unit in range(units):
            if second is None:
                of_c = odd_from_table(c[sequence, unit], table, shift)
            else:
                of_c = second_level[second[sequence, unit]]
            o = level[3, code[sequence, 3 * units + unit]]
            out[sequence, unit] = saturate(round_shift(o * of_c, bits), limit)
