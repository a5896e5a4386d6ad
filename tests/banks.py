"""Banks of every kind of converters for tests of kernels, and matrices as kernels take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.chip.converters.bit_serial.kernel import BitSerialReadout
from archsim.chip.converters.ideal.kernel import IdealReadout
from archsim.chip.converters.ramp.kernel import RampReadout
from archsim.chip.converters.sar.kernel import SarReadout
from archsim.chip.layers.lstm.kernel import LSTMArrays
from archsim.kernels.bank import BankArrays
from archsim.kernels.convert import Stage
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord
from archsim.kernels.recurrent import Format, Span, State

if TYPE_CHECKING:
    from tests.naive import NaiveLSTM

KINDS = {RampReadout: "ramp", SarReadout: "sar", IdealReadout: "ideal", BitSerialReadout: "serial"}


def made_bank(
    *,
    threshold: Any,
    step_code: Any,
    ramp_of_column: Any,
    kind: str = "ramp",
    columns_per_converter: int = 1,
    cycles_per_conversion: int = 1,
    ramp_position: Any = None,
    ramp_sigma: Any = None,
    serial: dict[str, int] | None = None,
    **rest: Any,
) -> BankArrays:
    """Return a bank whose converters have these thresholds (ramps, steps)."""
    whole = (np.asarray(table, np.int64)[None] for table in (threshold, step_code, ramp_of_column))
    if kind == "ramp":
        noise = (
            np.zeros((1, 0, 0)) if table is None else np.asarray(table)[None]
            for table in (ramp_position, ramp_sigma)
        )
        return BankArrays(readout=RampReadout(*whole, *noise), **rest)
    if kind == "sar":
        readout = SarReadout(*whole, columns_per_converter, cycles_per_conversion)
        return BankArrays(readout=readout, **rest)
    if kind == "ideal":
        return BankArrays(readout=IdealReadout(*whole), **rest)
    settings = {"weight_bits": 2, "cell_bits": 1, "adc_bits": 2, "planes": 2, "flips": 0}
    return BankArrays(readout=BitSerialReadout(*whole, **(serial or settings)), **rest)


def kind_of(bank: BankArrays) -> str:
    """Return the kind of a bank's converters."""
    return KINDS[type(bank.readout)]


def stage_of(
    matrix: Matrix | None, record: MatrixRecord | None, *, ideal: bool = False
) -> Stage | None:
    """Return what a layer's kernel gets; an `ideal` one goes without disturbances and cycles."""
    if matrix is None:
        return None
    assert record is not None
    if ideal:
        assert matrix.is_ideal
        return Stage(matrix.arrays, record, None, None)
    return Stage(matrix.arrays, record, matrix.imperfections, matrix.cycle_by_cycle)


def lstm_arrays(lstm: NaiveLSTM) -> tuple[LSTMArrays, Format]:
    """Return the numbers of a twin's digital units as kernels take them."""
    cell = LSTMArrays(
        level=np.array(lstm.level, dtype=np.int64),
        fraction_bits=lstm.format.fraction_bits,
        word_limit=lstm.format.limit,
        table=np.array([] if lstm.cell else lstm.table, dtype=np.int64),
        table_shift=lstm.table_shift,
        second_level=np.array(lstm.cell_level, dtype=np.int64),
    )
    form = Format(
        fraction_bits=lstm.format.fraction_bits,
        word_limit=lstm.format.limit,
        drive_steps=2**lstm.gates.n_in - 1,
        h_full_scale=lstm.h_full_scale,
        second_full_scale=lstm.cell_full_scale,
        projection_level=np.array(lstm.projection_level, dtype=np.int64),
    )
    return cell, form


def from_rest(sequences: int, lstm: NaiveLSTM, timesteps: int) -> tuple[State, Span]:
    """Return the state of rest and whole sequences, as a layer's kernel takes them."""
    units = lstm.gates.columns // 4
    state = State(
        np.zeros((sequences, lstm.elements), dtype=np.int64),
        np.zeros((sequences, units), dtype=np.int64),
    )
    return state, Span(np.full(sequences, timesteps, dtype=np.int64), 0)
