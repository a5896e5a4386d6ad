"""Wire resistance of a crossbar's word and bit lines (IR drop), as effective conductances.

Every word line (row) is driven at its left end, every bit line (physical column) ends at the bottom
in a virtual ground, and every line has a resistance per cell pitch. The network is linear, so it is
a matrix again: the current into the virtual ground of column j is ``sum_i G_eff_ij * V_i``. A run
uses ``G_eff`` where it would use ``G``; nothing else changes.

`effective_conductance` approximates ``G_eff`` with NumPy in a few passes over the array.
`archsim.chip.wires_exact` solves the whole network. ``docs/wires.md`` derives the approximation and
says how good it is.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.errors import InputError

FloatArray = NDArray[np.float64]


class WireSolver(Protocol):
    """What turns conductances into effective conductances: the approximation or the exact one."""

    def __call__(self, g: ArrayLike, /, *, r_row: float, r_column: float) -> FloatArray:
        """Return the effective conductance (rows, columns) in siemens."""


def effective_conductance(g: ArrayLike, /, *, r_row: float, r_column: float) -> FloatArray:
    """Approximate the effective conductance of every cell behind resistive wires.

    Two factors and one correction, with ``u`` the voltage of a row's wire at a cell if all columns
    were ideal, and ``w`` the share of a cell's current that reaches the ground if all rows were::

        G_eff = G u w  +  D (1 - u)(1 - w) / ((1 - u0)(1 - w0))

    ``u`` and ``w`` come exactly from one ladder a line. What they miss is current that leaves its
    column for another row and comes back through a third one. ``D`` is exactly that current for an
    array of the same size whose cells are all equal, and the last factor scales it to this array's
    rows and columns; ``u0`` and ``w0`` are the factors of the array with equal cells.

    Exact when all cells are equal, when either resistance is zero, and to first order in the
    resistances; see ``docs/wires.md`` for the error elsewhere.

    Parameters
    ----------
    g : float (rows, columns)
        Conductance of every cell, physical columns in their order on the chip, in siemens.
    r_row : float
        Resistance of a row's wire from its driver to the first cell, and from one physical column
        to the next, in ohms.
    r_column : float
        Resistance of a column's wire from one row to the next, and from the last row to the
        virtual ground, in ohms.

    Returns
    -------
    float64 (rows, columns)
        Current into a column's virtual ground per volt on a row, in siemens.

    Raises
    ------
    InputError
        If a conductance or a resistance is negative or not finite, or `g` is not a matrix.
    """
    cells = checked_conductance("g", g)
    r_row = checked_resistance("r_row", r_row)
    r_column = checked_resistance("r_column", r_column)
    result = np.zeros_like(cells)
    if cells.any():
        top = int(np.flatnonzero(cells.any(axis=1))[0])
        width = int(np.flatnonzero(cells.any(axis=0))[-1]) + 1
        # No current flows in unused rows above and unused columns beyond.
        used = cells[top:, :width]
        result[top:, :width] = _approximate(used, r_row=r_row, r_column=r_column)
    return result


def effective_differential(
    g_plus: ArrayLike,
    g_minus: ArrayLike,
    /,
    *,
    r_row: float,
    r_column: float,
    solver: WireSolver = effective_conductance,
) -> tuple[FloatArray, FloatArray]:
    """Return the effective conductances of differential columns, G+ and G- side by side.

    Column ``j`` occupies the physical columns ``2 j`` (G+) and ``2 j + 1`` (G-), counted from the
    row drivers.

    Parameters
    ----------
    g_plus, g_minus : float (rows, differential columns)
        Conductance of every cell in siemens.
    r_row, r_column : float
        Wire resistance per physical column along a row, and per row along a column, in ohms.
    solver : WireSolver
        `effective_conductance`, or `archsim.chip.wires_exact.exact_effective_conductance`.

    Returns
    -------
    tuple of float64 (rows, differential columns)
        Effective G+ and G- in siemens.

    Raises
    ------
    InputError
        As `effective_conductance`; and if the two shapes differ.
    """
    plus = checked_conductance("g_plus", g_plus)
    minus = checked_conductance("g_minus", g_minus)
    if plus.shape != minus.shape:
        msg = f"g_plus has the shape {plus.shape} and g_minus {minus.shape}: make them equal"
        raise InputError(msg)
    side_by_side = np.stack((plus, minus), axis=2).reshape(plus.shape[0], -1)
    effective = solver(side_by_side, r_row=r_row, r_column=r_column)
    return np.ascontiguousarray(effective[:, 0::2]), np.ascontiguousarray(effective[:, 1::2])


def checked_conductance(name: str, g: ArrayLike, /) -> FloatArray:
    """Return conductances as float64, or say what is wrong with them.

    Parameters
    ----------
    name : str
        What the error calls them.
    g : array (rows, columns)
        Conductances in siemens.

    Returns
    -------
    float64 (rows, columns)
        The same numbers.

    Raises
    ------
    InputError
        If they are not a matrix of finite numbers that are zero or larger.
    """
    array = np.asarray(g)
    if array.ndim != 2 or array.size == 0:
        msg = f"{name} has the shape {array.shape}: give a matrix (rows, columns) of conductances"
        raise InputError(msg)
    if array.dtype.kind not in "fiu":
        msg = f"{name} holds values of type {array.dtype}: give real conductances in siemens"
        raise InputError(msg)
    wrong = np.argwhere(~(np.isfinite(array) & (array >= 0)))
    if wrong.size:
        row, column = (int(index) for index in wrong[0])
        msg = (
            f"{name}[{row}, {column}] is {float(array[row, column])} S: "
            f"a conductance is finite and not negative"
        )
        raise InputError(msg)
    return array.astype(np.float64)


def checked_resistance(name: str, resistance: float, /) -> float:
    """Return a wire resistance as a float, or say what is wrong with it.

    Parameters
    ----------
    name : str
        What the error calls it.
    resistance : float
        Wire resistance of one segment in ohms.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    InputError
        If it is negative or not finite.
    """
    value = float(resistance)
    if not (np.isfinite(value) and value >= 0.0):
        msg = f"{name} is {value} ohm: a wire's resistance is finite and not negative"
        raise InputError(msg)
    return value


def _approximate(g: FloatArray, *, r_row: float, r_column: float) -> FloatArray:
    """Return what `effective_conductance` promises, for an array that is not empty."""
    row_drop, column_drop = _drops(g, r_row=r_row, r_column=r_column)
    direct = g * (1.0 - row_drop) * (1.0 - column_drop)
    if min(r_row, r_column) == 0.0:
        return direct
    mean = _mean_seen_by_detours(g)
    row_drop_0, column_drop_0 = _drops(np.full_like(g, mean), r_row=r_row, r_column=r_column)
    equal = _equal_cells(mean, g.shape, r_row=r_row, r_column=r_column)
    detour = np.maximum(equal - mean * (1.0 - row_drop_0) * (1.0 - column_drop_0), 0.0)
    return direct + detour * (row_drop / row_drop_0) * (column_drop / column_drop_0)


def _drops(g: FloatArray, *, r_row: float, r_column: float) -> tuple[FloatArray, FloatArray]:
    """Return ``1 - u`` (rows with ideal columns) and ``1 - w`` (columns with ideal rows)."""
    return _ladder_drop(g.T, r_row).T, _ladder_drop(g[::-1], r_column)[::-1]


def _ladder_drop(g: FloatArray, resistance: float) -> FloatArray:
    """Return by which part of its end's 1 V a wire is lower at each of its cells.

    Parameters
    ----------
    g : float64 (cells along the wire, wires)
        Conductance from the wire to ground, from the driven end on, in siemens.
    resistance : float
        Wire resistance before each cell in ohms.

    Returns
    -------
    float64 (cells along the wire, wires)
        ``1 - voltage``, without cancellation where the drop is small. By reciprocity also the part
        of the current injected at a cell that does not come out of the wire's end.
    """
    beyond = np.array(g)  # Conductance to ground seen from a cell's node, away from the driven end.
    for k in range(len(g) - 2, -1, -1):
        beyond[k] += beyond[k + 1] / (1.0 + resistance * beyond[k + 1])
    drop: FloatArray = -np.expm1(-np.cumsum(np.log1p(resistance * beyond), axis=0))
    return drop


def _mean_seen_by_detours(g: FloatArray) -> float:
    """Return the mean conductance, each cell weighted with the sums of its row and its column.

    A detour enters the middle cell by its column and leaves it by its row; rows and columns that
    carry more current count more, unused ones not at all.
    """
    total = g.sum()
    return float(g.sum(axis=1) @ g @ g.sum(axis=0) / (total * total))


def _equal_cells(
    value: float, shape: tuple[int, ...], *, r_row: float, r_column: float
) -> FloatArray:
    """Return the exact effective conductance of an array whose cells are all equal.

    With ``J`` the current of every cell for 1 V on one row, and ``O[j, k] = min(j, k)`` the number
    of wire segments that cells ``j`` and ``k`` have in common, counted from the wire's end::

        J / value + r_row * J @ O_row + r_column * O_column @ J = V

    The eigenvectors of both O make this diagonal. A column's current is the sum of its cells'.
    """
    rows, columns = shape
    along_row, overlap_row = _wire_modes(columns)
    along_column, overlap_column = _wire_modes(rows)
    along_column = along_column[::-1]  # A column's wire ends below its last row.
    loss = value * (r_column * overlap_column[:, None] + r_row * overlap_row)
    left = along_column * along_column.sum(axis=0)
    right = along_row * along_row.sum(axis=0)
    result: FloatArray = left @ (value / (1.0 + loss)) @ right.T
    return result


def _wire_modes(cells: int) -> tuple[FloatArray, FloatArray]:
    """Return eigenvectors (columns) and eigenvalues of ``min(j, k)``, ``j, k = 1 .. cells``.

    Its inverse is the second difference with one end held and the other free, whose eigenvectors
    are quarter-wave sines.
    """
    position = np.arange(1, cells + 1)
    angle = (2 * position - 1) * np.pi / (2 * cells + 1)
    vectors = 2.0 / np.sqrt(2 * cells + 1) * np.sin(np.outer(position, angle))
    return vectors, 1.0 / (4.0 * np.sin(angle / 2.0) ** 2)
