"""Do kernels of GRUs and plain recurrent layers do what their twins do, bit for bit?"""

from __future__ import annotations

import random

import numba
import numpy as np
import pytest

from archsim.chip.layers.gru.kernel import GRUAfterArrays, GRUBeforeArrays
from archsim.chip.layers.rnn.kernel import RNNArrays
from archsim.kernels.record import make_record
from archsim.kernels.recurrent import Format, RecurrentOutputs, Span, State, run_recurrent
from tests import naive
from tests.banks import stage_of
from tests.counting import spoil_record
from tests.naive import assert_recorded, matrix_arrays_of, random_matrix
from tests.naive_cells import CellStep, NaiveCell, NaiveGRUAfter, NaiveGRUBefore, NaiveRNN
from tests.twins.test_layers import codes_of, random_cell, random_recorded

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(12 if QUICK else 40)
GATES = {"rnn": 1, "after": 4, "after ramp": 4, "before": 2}
KINDS = [
    "rnn",
    "after",
    pytest.param("after ramp", marks=pytest.mark.slow),  # a kernel more to compile
    pytest.param("before", marks=pytest.mark.slow),
]


def random_twin(rng: random.Random, kind: str, inputs: int) -> NaiveCell:
    """Return a twin whose levels lie about -1 .. 1, or as far as words go."""
    units, n_in, n_out = rng.randint(1, 4), rng.randint(1, 5), rng.randint(1, 5)
    fraction_bits = rng.randint(1, 11)
    form = naive.Format(bits=fraction_bits + rng.randint(2, 5), fraction_bits=fraction_bits)
    top = rng.choice([form.limit, 2**fraction_bits, 2**fraction_bits])
    size = {"n_in": n_in, "shared": rng.random() < 0.3 if QUICK else False}

    def levels(count: int) -> list[int]:
        return sorted(rng.randint(-top, top) for _ in range(count))

    def matrix(columns: int):
        return random_matrix(
            rng, inputs=inputs + units + 1, columns=columns, n_out=n_out, ramps=2, **size
        )

    gates = matrix(GATES[kind] * units)
    common = {
        "gates": gates,
        "format": form,
        "level": [levels(codes_of(gates, n_out)) for _ in range(GATES[kind])],
        "h_full_scale": 2**fraction_bits * rng.randint(8, 8 * rng.choice([1, 3])) // 8,
    }
    if kind == "rnn":
        return NaiveRNN(**common)
    if kind == "before":
        second = matrix(units)
        return NaiveGRUBefore(**common, second=second, second_level=levels(codes_of(second, n_out)))
    if kind == "after":
        table = [rng.randint(0, top) for _ in range(rng.randint(1, 9))]
        return NaiveGRUAfter(**common, table=table, table_shift=rng.randint(0, fraction_bits + 1))
    return NaiveGRUAfter(
        **common,
        second=random_cell(rng, units, n_in, n_out),
        second_level=levels(2**n_out),
        second_full_scale=rng.randint(1, form.limit + 1),
    )


def arrays_of(twin: NaiveCell) -> tuple[RNNArrays | GRUAfterArrays | GRUBeforeArrays, Format]:
    """Return a twin's numbers as kernels take them."""
    level = np.array(twin.level, dtype=np.int64)
    words = {"fraction_bits": twin.format.fraction_bits, "word_limit": twin.format.limit}
    second = np.array(getattr(twin, "second_level", []), dtype=np.int64)
    if isinstance(twin, NaiveRNN):
        cell = RNNArrays(level[0])
    elif isinstance(twin, NaiveGRUBefore):
        cell = GRUBeforeArrays(level=level, second_level=second, **words)
    else:
        cell = GRUAfterArrays(
            level=level,
            table=np.array(twin.table, dtype=np.int64),
            table_shift=twin.table_shift,
            second_level=second,
            **words,
        )
    form = Format(
        **words,
        drive_steps=twin.full_width,
        h_full_scale=twin.h_full_scale,
        second_full_scale=getattr(twin, "second_full_scale", 1),
        projection_level=np.zeros(0, dtype=np.int64),
    )
    return cell, form


class Block:
    """A block of sequences of random lengths, states and direction, and what the kernel gave."""

    def __init__(self, kind: str, seed: int) -> None:
        rng = random.Random(f"{kind} {seed}")
        self.inputs = rng.randint(1, 4)
        self.twin = twin = random_twin(rng, kind, self.inputs)
        self.timesteps, count = rng.randint(1, 5), rng.randint(1, 5)
        full, top = twin.full_width, 2**twin.format.fraction_bits
        self.x = [
            [[rng.randint(-full, full) for _ in range(self.inputs)] for _ in range(self.timesteps)]
            for _ in range(count)
        ]
        self.varies, self.backward = rng.random() < 0.5, rng.random() < 0.5
        self.length = [
            rng.randint(1, self.timesteps) if self.varies else self.timesteps for _ in range(count)
        ]
        self.start = [[rng.randint(-top, top) for _ in range(twin.units)] for _ in range(count)]
        self.recorded = random_recorded(rng, count)
        self.waveforms = rng.random() < 0.5

    def of_twin(self) -> list[list[CellStep]]:
        """Run the twin; steps come in the order in which they are computed."""
        found = []
        for x, length, start in zip(self.x, self.length, self.start, strict=True):
            mine = x[:length][::-1] if self.backward else x[:length]
            found.append(self.twin.run(mine, start))
        return found

    def of_kernel(self):
        """Run the kernel; return outputs, the state after it, and each matrix with its record."""
        twin, length = self.twin, np.array(self.length, dtype=np.int64)
        shape, units = (len(self.x), self.timesteps), twin.units
        own = 0 if isinstance(twin, NaiveRNN) else units
        outputs = RecurrentOutputs(
            code=np.full((*shape, twin.gates.columns), 999, dtype=np.uint16),
            c=np.full((*shape, own), -999, dtype=np.int32),
            h=np.full((*shape, units), -999, dtype=np.int32),
            h_drive=np.full((*shape, units), -999, dtype=np.int16),
        )
        matrices = [matrix_arrays_of(twin.gates)]
        if getattr(twin, "second", None) is not None:
            matrices.append(matrix_arrays_of(twin.second))
        records = [
            make_record(
                matrix,
                np.array(self.recorded, dtype=np.int64),
                first=0,
                conversions=self.timesteps,
                waveforms=self.waveforms,
                ends=length,
            )
            for matrix in matrices
        ]
        if not self.varies:
            for record in records:
                spoil_record(record)
        stages = [stage_of(*pair) for pair in zip(matrices, records, strict=True)]
        state = State(np.array(self.start), np.zeros((len(self.x), own), dtype=np.int64))
        run_recurrent(
            *arrays_of(twin),
            (*stages, *[None] * (3 - len(stages))),
            np.array(self.x, dtype=np.int16),
            state,
            Span(length, int(self.backward)),
            outputs,
        )
        return outputs, state, list(zip(matrices, records, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_its_twin(kind, seed):
    block = Block(kind, seed)
    twin = block.of_twin()
    outputs, state, matrices = block.of_kernel()
    for place, (steps, length) in enumerate(zip(twin, block.length, strict=True)):
        order = range(length)[::-1] if block.backward else range(length)
        for timestep, step in zip(order, steps, strict=True):
            for name in RecurrentOutputs._fields:
                assert getattr(outputs, name)[place, timestep].tolist() == getattr(step, name)
        assert state.h[place].tolist() == steps[-1].h
    if not block.varies:
        for name, (matrix, record) in zip(("gates", "second"), matrices, strict=False):
            expected = [[getattr(step, name) for step in steps] for steps in twin]
            waves = block.waveforms
            assert_recorded(matrix, record, expected, block.recorded, waveforms=waves)


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_are_of_every_kind(kind):
    blocks = [Block(kind, seed) for seed in SEEDS]
    assert {block.backward for block in blocks} == {True, False}
    assert {block.varies for block in blocks} == {True, False}
    assert {block.waveforms for block in blocks} == {True, False}
