"""Nodal analysis of a crossbar with resistive wires: the reference for `archsim.chip.wires`.

One node per cell on the row's wire and one on the column's, Kirchhoff's current law at each, one
sparse factorisation for all drives. Needs SciPy: ``pip install 'archsim[exact]'``.

The same network as `archsim.chip.wires` describes. A resistance of zero takes the wire's nodes out
of the network; one that is positive but far below a milliohm loses digits, because the wires'
conductances then hide the cells'.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from archsim.blas import few_blas_threads
from archsim.chip.wires import FloatArray, checked_conductance, checked_resistance
from archsim.errors import InputError

Nodes = NDArray[np.int64]
Branch = tuple[Nodes, Nodes, FloatArray]

_SOLVES_AT_ONCE = 64
"""Right-hand sides solved together, which bounds the memory."""


def exact_effective_conductance(g: ArrayLike, /, *, r_row: float, r_column: float) -> FloatArray:
    """Return the effective conductance of every cell behind resistive wires, exactly.

    Parameters
    ----------
    g : float (rows, columns)
        Conductance of every cell in siemens.
    r_row, r_column : float
        Wire resistance per cell along a row and along a column in ohms.

    Returns
    -------
    float64 (rows, columns)
        Current into a column's virtual ground per volt on a row, in siemens.

    Raises
    ------
    InputError
        If the conductances or the resistances are wrong, or SciPy is missing.
    """
    return CrossbarNetwork(g, r_row=r_row, r_column=r_column).effective_conductance()


def exact_currents(
    g: ArrayLike, drive: ArrayLike, /, *, r_row: float, r_column: float
) -> FloatArray:
    """Return the currents into the columns' virtual grounds, exactly.

    Parameters
    ----------
    g : float (rows, columns)
        Conductance of every cell in siemens.
    drive : float (rows) or (drives, rows)
        Voltage of every row's driver relative to the virtual grounds in volts.
    r_row, r_column : float
        Wire resistance per cell along a row and along a column in ohms.

    Returns
    -------
    float64 (columns) or (drives, columns)
        Currents in amperes.

    Raises
    ------
    InputError
        If the conductances, the resistances or the drive are wrong, or SciPy is missing.
    """
    return CrossbarNetwork(g, r_row=r_row, r_column=r_column).currents(drive)


class CrossbarNetwork:
    """The factorised nodal equations of one crossbar.

    Nodes: the rows' drivers, the columns' grounds, then the free ones on the wires. Without
    resistance a row's cells all sit on its driver, a column's all on its ground.

    Parameters
    ----------
    g : float (rows, columns)
        Conductance of every cell in siemens.
    r_row, r_column : float
        Wire resistance per cell along a row and along a column in ohms.

    Raises
    ------
    InputError
        If the conductances or the resistances are wrong, or SciPy is missing.
    """

    def __init__(self, g: ArrayLike, /, *, r_row: float, r_column: float) -> None:
        sparse, linalg = _scipy("scipy.sparse"), _scipy("scipy.sparse.linalg")
        cells = checked_conductance("g", g)
        r_row = checked_resistance("r_row", r_row)
        r_column = checked_resistance("r_column", r_column)
        self.rows, self.columns = cells.shape
        fixed = self.rows + self.columns
        self._row_nodes, self._column_nodes, count = self._number_nodes(r_row, r_column)
        branches = self._branches(cells, r_row=r_row, r_column=r_column)
        start, end, value = (np.concatenate(part) for part in zip(*branches, strict=True))
        entries = np.concatenate((value, value, -value, -value))
        index = np.concatenate((start, end, start, end)), np.concatenate((start, end, end, start))
        laplacian = sparse.csc_array((entries, index), shape=(count, count))
        self._held = laplacian[:fixed, :fixed].toarray()
        self._coupling = laplacian[fixed:, :fixed]
        self._factors = None
        if count > fixed:
            self._factors = linalg.splu(
                laplacian[fixed:, fixed:],
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )

    def effective_conductance(self) -> FloatArray:
        """Return the current into each column's ground per volt on each row.

        One solve a row, or one a column where columns are fewer (the equations are symmetric).

        Returns
        -------
        float64 (rows, columns)
            Effective conductance in siemens.
        """
        if self.rows <= self.columns:
            return self._inflow(np.eye(self.rows, self.rows + self.columns))[:, self.rows :]
        grounds = np.eye(self.columns, self.rows + self.columns, self.rows)
        return np.ascontiguousarray(self._inflow(grounds)[:, : self.rows].T)

    def currents(self, drive: ArrayLike, /) -> FloatArray:
        """Return the currents into the columns' virtual grounds.

        Parameters
        ----------
        drive : float (rows) or (drives, rows)
            Voltage of every row's driver relative to the virtual grounds in volts.

        Returns
        -------
        float64 (columns) or (drives, columns)
            Currents in amperes.

        Raises
        ------
        InputError
            If the drive does not fit the rows or is not finite.
        """
        volts = self._checked_drive(drive)
        result = self._inflow(self._held_volts(np.atleast_2d(volts)))[:, self.rows :]
        return result.reshape(*volts.shape[:-1], self.columns)

    def voltages(self, drive: ArrayLike, /) -> tuple[FloatArray, FloatArray]:
        """Return the voltages on both sides of every cell.

        Parameters
        ----------
        drive : float (rows)
            Voltage of every row's driver relative to the virtual grounds in volts.

        Returns
        -------
        tuple of float64 (rows, columns)
            Voltage of the row's wire and of the column's wire at every cell.

        Raises
        ------
        InputError
            If the drive does not fit the rows or is not finite.
        """
        volts = self._checked_drive(drive)
        if volts.ndim != 1:
            msg = f"drive has the shape {volts.shape}: give the voltages of one drive, (rows)"
            raise InputError(msg)
        held = self._held_volts(volts[None])
        nodes = np.concatenate((held, self._solve(held)), axis=1)[0]
        return nodes[self._row_nodes], nodes[self._column_nodes]

    def _checked_drive(self, drive: ArrayLike) -> FloatArray:
        volts = np.asarray(drive, dtype=np.float64)
        if volts.ndim not in {1, 2} or volts.shape[-1] != self.rows:
            msg = (
                f"drive has the shape {volts.shape}: give one voltage for each of {self.rows} rows"
            )
            raise InputError(msg)
        if not np.isfinite(volts).all():
            msg = "drive holds a voltage that is not finite: give volts relative to V_CLP"
            raise InputError(msg)
        return volts

    def _number_nodes(self, r_row: float, r_column: float) -> tuple[Nodes, Nodes, int]:
        """Return each cell's node on its row, on its column, and the number of nodes."""
        shape = self.rows, self.columns
        count = self.rows + self.columns
        row_nodes = np.broadcast_to(np.arange(self.rows)[:, None], shape)
        column_nodes = np.broadcast_to(np.arange(self.rows, count), shape)
        if r_row > 0.0:
            row_nodes = np.arange(count, count + row_nodes.size).reshape(shape)
            count += row_nodes.size
        if r_column > 0.0:
            column_nodes = np.arange(count, count + column_nodes.size).reshape(shape)
            count += column_nodes.size
        return row_nodes, column_nodes, count

    def _branches(self, cells: FloatArray, *, r_row: float, r_column: float) -> list[Branch]:
        """Return the network's conductances: their two nodes and their values."""
        drivers = np.arange(self.rows)[:, None]
        grounds = np.arange(self.rows, self.rows + self.columns)[None]
        on_row, on_column = self._row_nodes, self._column_nodes
        branches = [(on_row.ravel(), on_column.ravel(), cells.ravel())]
        if r_row > 0.0:
            before = np.concatenate((drivers, on_row[:, :-1]), axis=1)
            branches.append((before.ravel(), on_row.ravel(), np.full(cells.size, 1.0 / r_row)))
        if r_column > 0.0:
            below = np.concatenate((on_column[1:], grounds), axis=0)
            value = np.full(cells.size, 1.0 / r_column)
            branches.append((on_column.ravel(), below.ravel(), value))
        return branches

    def _held_volts(self, drives: FloatArray) -> FloatArray:
        """Return the voltages of drivers and grounds (drives, rows + columns)."""
        return np.concatenate((drives, np.zeros((len(drives), self.columns))), axis=1)

    def _solve(self, held: FloatArray) -> FloatArray:
        """Return the free nodes' voltages for voltages of the held ones, (drives, nodes)."""
        if self._factors is None:
            return np.empty((len(held), 0))
        solution: FloatArray = self._factors.solve(-(self._coupling @ held.T)).T
        return solution

    @few_blas_threads()
    def _inflow(self, held: FloatArray) -> FloatArray:
        """Return the current that flows out of the network into each held node."""
        result: FloatArray = -(held @ self._held)
        for first in range(0, len(held), _SOLVES_AT_ONCE):
            some = slice(first, first + _SOLVES_AT_ONCE)
            result[some] -= self._solve(held[some]) @ self._coupling
        return result


def _scipy(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        msg = (
            "the exact solution of a crossbar with resistive wires needs SciPy: "
            "pip install 'archsim[exact]', or use the approximation"
        )
        raise InputError(msg) from error
