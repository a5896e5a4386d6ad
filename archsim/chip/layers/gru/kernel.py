"""The digital step of a GRU (Cho et al. 2014), in fixed point.

With the reset gate after the matrix, as PyTorch has it, both sums of the candidate are columns of
the gates' tile with a linear ramp, added here, and tanh is a table or a second conversion:

    a = n_x + r n_h            n = tanh(a)                  h_t = (1 - z) n + z h_{t-1}

With the reset gate before it, the product goes through a matrix of its own, on whose rows the
inputs and the bias are too, so that its converter sees the whole sum and computes tanh:

    m = r h_{t-1}              n = tanh(W_n x + U_n m + b)  h_t = (1 - z) n + z h_{t-1}

Every state is rounded once, half up. h_t is computed as ``n + z (h_{t-1} - n)``, which is the same
number and one product.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.drive import Drive, encode
from archsim.kernels.recurrent import Format, State, after_gates, drive_second, finish
from archsim.numeric.dispatch import implements
from archsim.numeric.fixed import odd_from_table, round_shift, saturate
from archsim.numeric.jit import leaf


class GRUAfterArrays(NamedTuple):
    """Numbers of a GRU's digital units, reset after, in fixed point with `fraction_bits`.

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
        Levels of the second conversion's codes; empty where the table is used.
    """

    level: NDArray[np.int64]
    fraction_bits: int
    word_limit: int
    table: NDArray[np.int64]
    table_shift: int
    second_level: NDArray[np.int64]


class GRUBeforeArrays(NamedTuple):
    """The same, reset before.

    Attributes
    ----------
    level : int64 (2, codes)
        What each code of the columns of r and z stands for.
    fraction_bits, word_limit : int
        Format; words hold ``-word_limit - 1 .. word_limit``.
    second_level : int64 (codes,)
        What codes of the candidate's columns stand for: tanh of the sum.
    """

    level: NDArray[np.int64]
    fraction_bits: int
    word_limit: int
    second_level: NDArray[np.int64]


@leaf
def mix(z: int, n: int, h: int, bits: int, limit: int) -> int:
    """Return ``(1 - z) n + z h`` of fixed-point numbers, rounded once."""
    return saturate(round_shift((n << bits) + z * (h - n), bits), limit)


# ----------------------------------------------------------------- reset after


@implements(after_gates, GRUAfterArrays)
def add_candidate(cell: GRUAfterArrays, code: NDArray[np.uint16], state: State) -> None:
    """Write ``n_x + r * n_h`` (sequences, units) to `State.c`."""
    a, level, bits, limit = state.c, cell.level, cell.fraction_bits, cell.word_limit
    sequences, units = a.shape
    for sequence in range(sequences):
        for unit in range(units):
            r = level[0, code[sequence, unit]]
            n_x = level[2, code[sequence, 2 * units + unit]]
            n_h = level[3, code[sequence, 3 * units + unit]]
            a[sequence, unit] = saturate(round_shift((n_x << bits) + r * n_h, bits), limit)


@implements(finish, GRUAfterArrays)
def mix_after(
    cell: GRUAfterArrays,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Write ``(1 - z) * tanh(a) + z * h`` (sequences, units) to `out`."""
    level, bits, limit = cell.level, cell.fraction_bits, cell.word_limit
    table, shift, second_level, a = cell.table, cell.table_shift, cell.second_level, state.c
    sequences, units = out.shape
    for sequence in range(sequences):
        for unit in range(units):
            if second is None:
                n = odd_from_table(a[sequence, unit], table, shift)
            else:
                n = second_level[second[sequence, unit]]
            z = level[1, code[sequence, units + unit]]
            out[sequence, unit] = mix(z, n, state.h[sequence, unit], bits, limit)


# ----------------------------------------------------------------- reset before


@implements(after_gates, GRUBeforeArrays)
def reset_h(cell: GRUBeforeArrays, code: NDArray[np.uint16], state: State) -> None:
    """Write ``r * h`` (sequences, units) to `State.c`."""
    m, h, level = state.c, state.h, cell.level
    sequences, units = m.shape
    for sequence in range(sequences):
        for unit in range(units):
            product = level[0, code[sequence, unit]] * h[sequence, unit]
            rounded = round_shift(product, cell.fraction_bits)
            m[sequence, unit] = saturate(rounded, cell.word_limit)


@implements(drive_second, GRUBeforeArrays)
def drive_candidate(
    cell: GRUBeforeArrays,  # noqa: ARG001 - what it is chosen by
    form: Format,
    state: State,
    outer: Drive,
    drive: Drive,
) -> None:
    """Drive the candidate's rows as those of the gates, with r * h in the place of h."""
    sequences, units = state.c.shape
    inputs = outer.stride - units - 1
    for sequence in range(sequences):
        given = outer.width[sequence * outer.stride :][: outer.stride]
        mine = drive.width[sequence * drive.stride :][: outer.stride]
        for index in range(inputs):
            mine[index] = given[index]
        mine[inputs + units] = given[inputs + units]
    encode(state.c, form.h_full_scale, form.drive_steps, drive, inputs)


@implements(finish, GRUBeforeArrays)
def mix_before(
    cell: GRUBeforeArrays,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Write ``(1 - z) * n + z * h`` (sequences, units) to `out`."""
    level, bits, limit = cell.level, cell.fraction_bits, cell.word_limit
    sequences, units = out.shape
    if second is None:
        return
    for sequence in range(sequences):
        for unit in range(units):
            n = cell.second_level[second[sequence, unit]]
            z = level[1, code[sequence, units + unit]]
            out[sequence, unit] = mix(z, n, state.h[sequence, unit], bits, limit)
