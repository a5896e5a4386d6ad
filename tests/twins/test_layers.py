"""Do the layers' kernels compute, feed back and record what their twins do, bit for bit?"""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import numba
import numpy as np
import pytest

from archsim.chip.layers.linear.kernel import run_linear_digital
from archsim.kernels.convert import convert_all
from archsim.kernels.matrix import Matrix
from archsim.kernels.record import MatrixRecord, make_record, totals
from archsim.kernels.recurrent import RecurrentOutputs, run_recurrent
from archsim.vocabulary import Activity
from tests.banks import from_rest, lstm_arrays, stage_of
from tests.counting import activity_of, is_untouched, spoil_record
from tests.naive import (
    Format,
    NaiveLSTM,
    NaiveMatrix,
    NaiveTile,
    Placed,
    assert_recorded,
    diagonal_tile,
    matrix_arrays_of,
    naive_linear,
    one_bank,
    random_matrix,
    random_tile,
    row_blocks,
)

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(10 if QUICK else 60)
WITH_CELL_TILE = (False, pytest.param(True, marks=pytest.mark.slow))
"""Whether tanh(c) has tiles; compiling for those takes half a minute."""
Streams = list[list[list[int]]]
"""Inputs as ``[sequence][timestep][input]``."""

# -------------------------------------------------------------------------------- random networks


def codes_of(matrix: NaiveMatrix, n_out: int) -> int:
    """Return how many codes, or sums of codes, columns of a layer can have."""
    return row_blocks(matrix) * (2**n_out - 1) + 1


def random_cell(rng: random.Random, units: int, n_in: int, n_out: int) -> NaiveMatrix:
    """Return tiles for tanh(c), in one or two column blocks that drive their own rows."""
    edges = sorted({0, units // rng.choice([1, 2]), units})
    size = {"n_in": n_in, "n_out": n_out, "ramps": 1}
    whole = random_tile(rng, rows=1, columns=1, **size)
    placed = []
    for first, stop in itertools.pairwise(edges):
        tile = random_tile(rng, rows=stop - first, columns=stop - first, **size)
        tile = replace(
            diagonal_tile(tile),
            reset_cycles=whole.reset_cycles,
            readout_cycles=whole.readout_cycles,
        )
        placed.append(Placed(tile, first, list(range(first, stop))))
    return NaiveMatrix(placed)


def random_lstm(
    rng: random.Random,
    inputs: int,
    *,
    cell: bool,
    saturating: bool,
    projected: bool = False,
    shared: bool | None = None,
) -> NaiveLSTM:
    """Return an LSTM whose levels lie about -1 .. 1, or far beyond so that c runs out of range.

    Gates and projection have converters of one kind: for every other pair of kinds a kernel more
    would be compiled.
    """
    if not QUICK:
        shared = rng.random() < 0.3 if shared is None else shared
    units, n_out, ramps = rng.randint(1, 4), rng.randint(1, 5), rng.randint(1, 3)
    elements = rng.randint(1, 5) if projected else units
    fraction_bits = rng.randint(1, 11)
    form = Format(bits=fraction_bits + rng.randint(2, 5), fraction_bits=fraction_bits)
    top = form.limit if saturating else 2**fraction_bits
    gates = random_matrix(
        rng,
        inputs=inputs + elements + 1,
        columns=4 * units,
        n_in=rng.randint(1, 5),
        n_out=n_out,
        ramps=ramps,
        shared=shared,
    )

    def levels(count: int) -> list[int]:
        return sorted(rng.randint(-top, top) for _ in range(count))

    lstm = NaiveLSTM(
        gates=gates,
        format=form,
        level=[levels(codes_of(gates, n_out)) for _ in range(4)],
        table=[rng.randint(0, top) for _ in range(rng.randint(1, 9))],
        table_shift=rng.randint(0, fraction_bits + 1),
        h_full_scale=2**fraction_bits * rng.randint(8, 8 * rng.choice([1, 3])) // 8,
    )
    if cell:
        n_out = rng.randint(1, 4)
        lstm = replace(
            lstm,
            cell=random_cell(rng, units, lstm.gates.n_in, n_out),
            cell_level=levels(2**n_out),
            cell_full_scale=rng.randint(1, form.limit + 1),
        )
    if projected:
        size = {"n_in": lstm.gates.n_in, "n_out": n_out, "ramps": 1}
        projection = random_matrix(rng, inputs=units, columns=elements, shared=shared, **size)
        lstm = replace(
            lstm, projection=projection, projection_level=levels(codes_of(projection, n_out))
        )
    return lstm


def random_streams(rng: random.Random, inputs: int, n_in: int, *, sequences: int = 0) -> Streams:
    """Return that many sequences, or 1 to 5, of one length."""
    full, timesteps = 2**n_in - 1, rng.randint(1, 5)
    return [
        [[rng.randint(-full, full) for _ in range(inputs)] for _ in range(timesteps)]
        for _ in range(sequences or rng.randint(1, 5))
    ]


def random_recorded(rng: random.Random, sequences: int) -> list[int]:
    """Return a recorded for some of the sequences, in any order, and -1 for the others."""
    kept = rng.sample(range(sequences), rng.randint(1, sequences))
    return [kept.index(sequence) if sequence in kept else -1 for sequence in range(sequences)]


# --------------------------------------------------------------------------------- kernels' output


def record_of(
    matrix: Matrix, recorded: list[int], conversions: int, *, waveforms: bool
) -> MatrixRecord:
    record = make_record(
        matrix,
        np.array(recorded, dtype=np.int64),
        first=0,
        conversions=conversions,
        waveforms=waveforms,
    )
    spoil_record(record)
    return record


PARTS = ("gates", "cell", "projection")
"""Matrices of an LSTM layer, in the order in which its kernel takes them."""


def run_lstm_kernel(
    lstm: NaiveLSTM,
    streams: Streams,
    recorded: list[int],
    *,
    waveforms: bool = True,
    ideal: bool = False,
) -> tuple[RecurrentOutputs, dict[str, tuple[Matrix, MatrixRecord]]]:
    """Return what was computed, and each part's tiles and what they did."""
    x = np.array(streams, dtype=np.int16)
    shape, units, elements = x.shape[:2], lstm.gates.columns // 4, lstm.elements
    outputs = RecurrentOutputs(
        code=np.full((*shape, 4 * units), 999, dtype=np.uint16),
        c=np.full((*shape, units), -999, dtype=np.int32),
        h=np.full((*shape, elements), -999, dtype=np.int32),
        h_drive=np.full((*shape, elements), -999, dtype=np.int16),
    )
    parts = [getattr(lstm, name) for name in PARTS]
    matrices = [matrix_arrays_of(part) if part else None for part in parts]
    tiles = [matrix or matrices[0] for matrix in matrices]
    records = tuple(record_of(matrix, recorded, shape[1], waveforms=waveforms) for matrix in tiles)
    stages = tuple(
        stage_of(matrix, record, ideal=ideal)
        for matrix, record in zip(matrices, records, strict=True)
    )
    run_recurrent(*lstm_arrays(lstm), stages, x, *from_rest(*shape[:1], lstm, shape[1]), outputs)
    return outputs, dict(zip(PARTS, zip(tiles, records, strict=True), strict=True))


def assert_lstm_same(
    lstm: NaiveLSTM,
    streams: Streams,
    recorded: list[int],
    *,
    waveforms: bool,
    ideal: bool = False,
) -> RecurrentOutputs:
    """Compare outputs and records with the twin's; return the kernel's outputs."""
    twin = [lstm.run(stream) for stream in streams]
    outputs, records = run_lstm_kernel(lstm, streams, recorded, waveforms=waveforms, ideal=ideal)
    for name in RecurrentOutputs._fields:
        got = getattr(outputs, name).tolist()
        assert got == [[getattr(step, name) for step in steps] for steps in twin], name
    for name in PARTS:
        matrix, record = records[name]
        if getattr(lstm, name):
            conversions = [[getattr(step, name) for step in steps] for steps in twin]
            assert_recorded(matrix, record, conversions, recorded, waveforms=waveforms)
        else:
            assert is_untouched(record), name
    return outputs


# --------------------------------------------------------------------------------------------- LSTM


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("saturating", [False, True], ids=["in range", "saturating"])
@pytest.mark.parametrize("cell", WITH_CELL_TILE, ids=["table", "cell tile"])
@pytest.mark.parametrize(
    "projected", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["h", "projected"]
)
def test_lstm_is_the_twins(cell: bool, saturating: bool, projected: bool, seed: int) -> None:
    rng = random.Random(f"lstm {cell} {saturating} {projected} {seed}")
    inputs = rng.randint(1, 5)
    lstm = random_lstm(rng, inputs, cell=cell, saturating=saturating, projected=projected)
    streams = random_streams(rng, inputs, lstm.gates.n_in)
    recorded = random_recorded(rng, len(streams))
    assert_lstm_same(lstm, streams, recorded, waveforms=rng.random() < 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_an_lstm_of_ideal_conversions_is_the_twins(seed: int) -> None:
    rng = random.Random(f"plain {seed}")
    lstm = random_lstm(rng, 3, cell=True, saturating=False, projected=True)
    streams = random_streams(rng, 3, lstm.gates.n_in)
    recorded = random_recorded(rng, len(streams))
    assert_lstm_same(lstm, streams, recorded, waveforms=False, ideal=True)


def accumulating_lstm(cell_word: int) -> NaiveLSTM:
    """Return an LSTM of one unit whose i and f are 1 and whose g is `cell_word`, whatever comes.

    Every column has a ramp of its own that trips at once.
    """
    zeros = [[0] * 4 for _ in range(3)]
    return NaiveLSTM(
        gates=one_bank(
            NaiveTile(
                plus=zeros,
                minus=zeros,
                threshold=[[1, 1]] * 4,
                ramp_of_column=[0, 1, 2, 3],
                n_in=3,
                n_out=1,
                reset_cycles=1,
                readout_cycles=1,
            )
        ),
        format=Format(bits=8, fraction_bits=4),
        level=[[16, 0], [16, 0], [cell_word, 0], [8, 0]],
        table=[0, 9, 16],
        table_shift=4,
    )


@pytest.mark.parametrize(
    ("word", "c", "h", "h_drive"),
    [
        (40, [40, 80, 120, 127, 127], [8] * 5, [4] * 5),
        (-50, [-50, -100, -128, -128, -128], [-8] * 5, [-4] * 5),
        (10, [10, 20, 30, 40, 50], [0, 5, 5, 8, 8], [0, 2, 2, 4, 4]),
        (-20, [-20, -40, -60, -80, -100], [-4, -8, -8, -8, -8], [-2, -4, -4, -4, -4]),
    ],
)
def test_c_accumulates_and_stops_at_the_limits_of_the_word(
    word: int, c: list[int], h: list[int], h_drive: list[int]
) -> None:
    # By hand: o = 1/2; tanh is 0, 9/16 or 1, so h is 0, 4.5 -> 5 (-4.5 -> -4), or 8 sixteenths;
    # the pulse is |h| / 16 * 7 cycles: 5 -> 2.19, 4 -> 1.75, 8 -> 3.5 -> 4.
    lstm = accumulating_lstm(word)
    outputs = assert_lstm_same(lstm, [[[0]] * 5] * 2, [0, -1], waveforms=True)
    for sequence in range(2):  # the second starts afresh
        assert outputs.c[sequence, :, 0].tolist() == c
        assert outputs.h[sequence, :, 0].tolist() == h
        assert outputs.h_drive[sequence, :, 0].tolist() == h_drive


@pytest.mark.slow
@pytest.mark.parametrize("cell", WITH_CELL_TILE, ids=["table", "cell tile"])
def test_blocks_and_recording_never_change_an_lstm(cell: bool) -> None:
    rng = random.Random(f"blocks {cell}")
    lstm = random_lstm(rng, 3, cell=cell, saturating=False, projected=True)
    streams = random_streams(rng, 3, lstm.gates.n_in, sequences=7)
    everything = list(range(len(streams)))
    outputs, records = run_lstm_kernel(lstm, streams, everything)
    for sequence, stream in enumerate(streams):
        for recorded in (0, -1):
            alone, alone_records = run_lstm_kernel(lstm, [stream], [recorded])
            for name in RecurrentOutputs._fields:
                assert (getattr(alone, name)[0] == getattr(outputs, name)[sequence]).all()
            for part, (matrix, one) in alone_records.items():
                _, record = records[part]
                assert (totals(matrix, one)[0] == totals(matrix, record)[sequence]).all()
                assert (one.cycles_taken[0] == record.cycles_taken[sequence]).all()
                if recorded == 0 and getattr(lstm, part):
                    assert (
                        activity_of(matrix, one)[0] == activity_of(matrix, record)[sequence]
                    ).all()
                    assert (one.waveform[0] == record.waveform[sequence]).all()


@pytest.mark.parametrize("cell", WITH_CELL_TILE, ids=["table", "cell tile"])
def test_equal_sequences_give_equal_results(cell: bool) -> None:
    rng = random.Random(f"equal {cell}")
    lstm = random_lstm(rng, 2, cell=cell, saturating=False)
    first, second = random_streams(rng, 2, lstm.gates.n_in, sequences=2)
    outputs, _ = run_lstm_kernel(lstm, [first, second, first], [-1, -1, -1])
    for array in outputs:
        assert (array[0] == array[2]).all()


# ------------------------------------------------------------------------------------ linear layers


def run_matrix_kernel(
    matrix: NaiveMatrix,
    bias: int,
    streams: Streams,
    recorded: list[int],
    *,
    waveforms: bool,
    ideal: bool = False,
) -> tuple[np.ndarray, Matrix, MatrixRecord]:
    """Return codes, and the tiles and what they did."""
    x = np.array(streams, dtype=np.int16)
    arrays = matrix_arrays_of(matrix)
    code = np.full((*x.shape[:2], matrix.columns), 999, dtype=np.uint16)
    record = record_of(arrays, recorded, x.shape[1], waveforms=waveforms)
    convert_all(stage_of(arrays, record, ideal=ideal), bias, x, code)
    return code, arrays, record


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_tiles_are_the_twins(seed: int) -> None:
    rng = random.Random(f"linear {seed}")
    inputs, n_in = rng.randint(1, 6), rng.randint(1, 5)
    size = {"inputs": inputs + 1, "columns": rng.randint(1, 6), "n_in": n_in}
    tile = random_matrix(rng, **size, n_out=rng.randint(1, 5), ramps=rng.randint(1, 2))
    streams = random_streams(rng, inputs, n_in)
    recorded, waveforms = random_recorded(rng, len(streams)), rng.random() < 0.5
    bias = rng.choice([2**n_in - 1, 0, -1])
    twin = [[tile.convert([*x, bias]) for x in stream] for stream in streams]
    code, arrays, record = run_matrix_kernel(tile, bias, streams, recorded, waveforms=waveforms)
    assert code.tolist() == [[conversion.code for conversion in row] for row in twin]
    assert_recorded(arrays, record, twin, recorded, waveforms=waveforms)
    ideal_code, arrays, ideal_record = run_matrix_kernel(
        tile, bias, streams, recorded, waveforms=False, ideal=True
    )
    assert (ideal_code == code).all()
    assert_recorded(arrays, ideal_record, twin, recorded, waveforms=False)
    for sequence, stream in enumerate(streams):
        alone, _, alone_record = run_matrix_kernel(tile, bias, [stream], [-1], waveforms=False)
        assert (alone[0] == code[sequence]).all()
        assert (totals(arrays, alone_record)[0] == totals(arrays, record)[sequence]).all()
        assert (alone_record.cycles_taken[0] == record.cycles_taken[sequence]).all()


def test_random_layers_are_cut_in_every_way() -> None:
    """The random cases reach what they are for."""
    seen = dict.fromkeys(("column blocks", "row blocks", "tiles", "stops", "shared"), 0)
    for seed in range(60):
        rng = random.Random(f"cuts {seed}")
        matrix = random_matrix(rng, inputs=6, columns=5, n_in=2, n_out=2, ramps=1)
        banks = [placed.bank for placed in matrix.placed]
        seen["row blocks"] += row_blocks(matrix) > 1
        seen["column blocks"] += len(banks) > row_blocks(matrix)
        seen["tiles"] += len(banks[0].heights) > 1
        seen["stops"] += banks[0].early_stop
        seen["shared"] += banks[0].sharing is not None
    assert min(seen.values()) >= 5, seen


def test_sums_of_codes_worked_out_by_hand() -> None:
    """Two row blocks convert by themselves: codes add up, and each has its own bank's numbers."""
    whole = NaiveTile(
        plus=[[3, 0], [0, 2]],
        minus=[[0, 0], [0, 0]],
        threshold=[[1, 3, 9, 99]],
        ramp_of_column=[0, 0],
        n_in=2,
        n_out=2,
        reset_cycles=1,
        readout_cycles=1,
    )
    blocks = [replace(whole, plus=[row], minus=[[0, 0]]) for row in whole.plus]
    matrix = NaiveMatrix([Placed(bank, first, [1, 0]) for first, bank in enumerate(blocks)])
    code, _, record = run_matrix_kernel(matrix, 3, [[[2]]], [0], waveforms=True)
    # The first block has charges 6, 0, codes 2, 0; the second 0, 6, codes 0, 2; crossed over.
    assert record.waveform[0, 0, -1].tolist() == [6, 0, 0, 6]
    assert code.tolist() == [[[2, 2]]]
    # As one bank of two tiles: the same charges in one integrator.
    bank = one_bank(replace(whole, heights=(1, 1)))
    code, arrays, record = run_matrix_kernel(bank, 3, [[[2]]], [0], waveforms=True)
    assert record.waveform[0, 0, -1].tolist() == [6, 6]
    assert code.tolist() == [[[2, 2]]]
    assert totals(arrays, record).shape == (1, 1, 2, len(Activity))


def run_digital_kernel(
    weight: list[list[int]], bias: list[int], x: Streams, form: Format
) -> list[list[list[int]]]:
    words = np.array(x, dtype=np.int32)
    y = np.full((*words.shape[:2], len(bias)), -999, dtype=np.int32)
    run_linear_digital(
        np.array(weight, dtype=np.int64),
        np.array(bias, dtype=np.int64),
        form.fraction_bits,
        form.limit,
        words,
        y,
    )
    return y.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_digital_is_the_twins(seed: int) -> None:
    rng = random.Random(f"digital {seed}")
    inputs, units, fraction_bits = rng.randint(1, 6), rng.randint(1, 5), rng.randint(0, 12)
    form = Format(bits=fraction_bits + rng.randint(1, 4), fraction_bits=fraction_bits)

    def word() -> int:
        return rng.choice([rng.randint(-form.limit - 1, form.limit), form.limit, -form.limit - 1])

    weight = [[word() for _ in range(inputs)] for _ in range(units)]
    bias = [word() for _ in range(units)]
    x = [[[word() for _ in range(inputs)] for _ in range(3)] for _ in range(2)]
    twin = [[naive_linear(weight, bias, vector, form) for vector in row] for row in x]
    assert run_digital_kernel(weight, bias, x, form) == twin


def test_digital_rounds_once_half_up_and_saturates() -> None:
    form = Format(bits=6, fraction_bits=2)
    weight, bias = [[1, 1], [2, 0], [31, 31]], [0, 1, 0]
    x = [[[1, 1], [-1, -1], [3, 0], [-3, 0], [31, 31], [-32, -32]]]
    assert run_digital_kernel(weight, bias, x, form) == [
        [[1, 2, 16], [0, 1, -15], [1, 3, 23], [-1, 0, -23], [16, 17, 31], [-16, -15, -32]]
    ]
