"""The digital step of a GRU, in fixed point (Cho et al. 2014, with PyTorch's reset gate).

    a = n_x + r * n_h          n = tanh(a)          h_t = (1 - z) * n + z * h_{t-1}

``n_x = W_in x + b_in`` and ``n_h = W_hn h + b_hn`` are columns of their own. Every product is
rounded once, half up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.recurrent import State, after_gates, finish
from archsim.numeric.dispatch import implements
from archsim.numeric.fixed import round_shift, saturate


class GRUArrays(NamedTuple):
    """Numbers of a GRU's digital units, in fixed point with `fraction_bits`.

    Attributes
    ----------
    level : int64 (4, codes)
        What each code of the columns of r, z, n_x and n_h stands for.
    fraction_bits, word_limit : int
        Format; words hold ``-word_limit - 1 .. word_limit``.
    table : int64 (entries,), or no entries
        tanh at the middle of each entry's interval of ``|a|``.
    table_shift : int
        ``|a| >> table_shift`` is the entry.
    second_level : int64 (codes,), or no entries
        Levels of the second conversion's codes.
    """

    level: NDArray[np.int64]
    fraction_bits: int
    word_limit: int
    table: NDArray[np.int64]
    table_shift: int
    second_level: NDArray[np.int64]


@implements(after_gates, GRUArrays)
def add_candidate(cell: GRUArrays, code: NDArray[np.uint16], state: State) -> None:
    """Write ``a = n_x + r * n_h`` (sequences, units) to `State.c`."""
    a, level, bits, limit = state.c, cell.level, cell.fraction_bits, cell.word_limit
    sequences, units = a.shape
    for sequence in range(sequences):
        for unit in range(units):
            r = level[0, code[sequence, unit]]
            n_x = level[2, code[sequence, 2 * units + unit]]
            n_h = level[3, code[sequence, 3 * units + unit]]
            a[sequence, unit] = saturate(round_shift((n_x << bits) + r * n_h, bits), limit)


@implements(finish, GRUArrays)
def mix(
    cell: GRUArrays,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Write ``(1 - z) * tanh(a) + z * h`` (sequences, units) to `out`."""
    level, bits, limit = cell.level, cell.fraction_bits, cell.word_limit
    table, shift, one = cell.table, cell.table_shift, 1 << cell.fraction_bits
    sequences, units = out.shape
    for sequence in range(sequences):
        for unit in range(units):
            if second is None:
                a = state.c[sequence, unit]
                entry = min(abs(a) >> shift, table.shape[0] - 1)
                n = table[entry] if a >= 0 else -table[entry]
            else:
                n = cell.second_level[second[sequence, unit]]
            z = level[1, code[sequence, units + unit]]
            total = (one - z) * n + z * state.h[sequence, unit]
            out[sequence, unit] = saturate(round_shift(total, bits), limit)
