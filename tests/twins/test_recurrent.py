"""Do sequences of any length, in either direction and from any state, run as by themselves?"""

from __future__ import annotations

import random

import numba
import numpy as np
import pytest

from archsim.kernels.record import make_record, totals
from archsim.kernels.recurrent import RecurrentOutputs, Span, State, run_recurrent
from tests.banks import lstm_arrays, stage_of
from tests.naive import NaiveLSTM, matrix_arrays_of
from tests.twins.test_layers import PARTS, random_lstm

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(8 if QUICK else 40)
UNTOUCHED = 77


def random_words(rng: random.Random, count: int, top: int) -> list[int]:
    return [rng.randint(-top, top) for _ in range(count)]


class Block:
    """A block of sequences of random lengths, states and direction."""

    def __init__(self, seed: str) -> None:
        rng = random.Random(seed)
        whole = rng.random() < 0.5
        self.lstm = random_lstm(rng, 3, cell=whole, saturating=False, projected=whole, shared=False)
        self.timesteps, sequences = rng.randint(1, 5), rng.randint(1, 5)
        full = 2**self.lstm.gates.n_in - 1
        self.x = [[random_words(rng, 3, full) for _ in range(self.timesteps)]
                  for _ in range(sequences)]  # fmt: skip
        self.length = [max(0, rng.randint(-1, self.timesteps)) for _ in range(sequences)]
        self.backward = rng.random() < 0.5
        units, top = self.lstm.gates.columns // 4, 2**self.lstm.format.fraction_bits
        self.start = [
            (random_words(rng, self.lstm.elements, top), random_words(rng, units, top))
            for _ in range(sequences)
        ]

    def run(self) -> tuple[RecurrentOutputs, State, dict[str, np.ndarray]]:
        """Return what the kernel computed, the state at the end, and totals of each matrix."""
        lstm, sequences = self.lstm, len(self.x)
        length = np.array(self.length, dtype=np.int64)
        shape, units = (sequences, self.timesteps), lstm.gates.columns // 4
        outputs = RecurrentOutputs(
            code=np.full((*shape, 4 * units), UNTOUCHED, dtype=np.uint16),
            c=np.full((*shape, units), UNTOUCHED, dtype=np.int32),
            h=np.full((*shape, lstm.elements), UNTOUCHED, dtype=np.int32),
            h_drive=np.full((*shape, lstm.elements), UNTOUCHED, dtype=np.int16),
        )
        state = State(*(np.array(words, dtype=np.int64) for words in zip(*self.start, strict=True)))
        parts = {name: getattr(lstm, name) for name in PARTS}
        matrices = {name: matrix_arrays_of(part) if part else None for name, part in parts.items()}
        none = np.full(sequences, -1, dtype=np.int64)
        records = {
            name: make_record(
                matrix, none, first=0, conversions=self.timesteps, waveforms=False, ends=length
            )
            for name, matrix in matrices.items()
            if matrix is not None
        }
        stages = tuple(stage_of(matrix, records.get(name)) for name, matrix in matrices.items())
        run_recurrent(
            *lstm_arrays(lstm), stages, np.array(self.x, dtype=np.int16), state,
            Span(length, int(self.backward)), outputs,
        )  # fmt: skip
        return (
            outputs,
            state,
            {name: totals(matrices[name], record) for name, record in records.items()},
        )


def of_steps(lstm: NaiveLSTM, steps: list, name: str) -> list:
    return [[tile for bank in getattr(step, name).banks for tile in bank.totals] for step in steps]


FIRST = [*SEEDS[:2], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[2:])]
"""Each seed draws what there is of layers, and what is drawn first has to be compiled."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", FIRST)
def test_sequences_run_as_by_themselves(seed: int) -> None:
    block = Block(f"spans {seed}")
    outputs, state, found = block.run()
    for place, (x, length, start) in enumerate(
        zip(block.x, block.length, block.start, strict=True)
    ):
        mine = x[:length][::-1] if block.backward else x[:length]
        steps = block.lstm.run(mine, start)
        order = range(length)[::-1] if block.backward else range(length)
        for timestep, step in zip(order, steps, strict=True):
            for name in RecurrentOutputs._fields:
                assert getattr(outputs, name)[place, timestep].tolist() == getattr(step, name)
        for name in RecurrentOutputs._fields:
            assert (getattr(outputs, name)[place, length:] == UNTOUCHED).all()
        last = (steps[-1].h, steps[-1].c) if steps else start
        assert (state.h[place].tolist(), state.c[place].tolist()) == last
        for name, total in found.items():
            assert total[place, :length].tolist() == of_steps(block.lstm, steps, name)
            assert not total[place, length:].any(), "a sequence spends nothing after its end"


def test_blocks_are_of_every_kind() -> None:
    blocks = [Block(f"spans {seed}") for seed in SEEDS]
    assert {block.backward for block in blocks} == {True, False}
    lengths = [length for block in blocks for length in block.length]
    assert 0 in lengths
    assert any(len({*block.length}) > 1 for block in blocks)


def test_a_stream_in_two_chunks_is_the_whole_stream() -> None:
    rng = random.Random("chunks")
    lstm = random_lstm(rng, 2, cell=False, saturating=False, shared=False)
    full = 2**lstm.gates.n_in - 1
    x = [random_words(rng, 2, full) for _ in range(6)]
    whole, first = lstm.run(x), lstm.run(x[:2])
    assert lstm.run(x[2:], (first[-1].h, first[-1].c)) == whole[2:]
    units = lstm.gates.columns // 4
    cell, form = lstm_arrays(lstm)
    state = State(np.zeros((1, lstm.elements), np.int64), np.zeros((1, units), np.int64))
    found = []
    for chunk in (x[:2], x[2:]):
        steps, matrix = len(chunk), matrix_arrays_of(lstm.gates)
        outputs = RecurrentOutputs(
            np.zeros((1, steps, 4 * units), np.uint16), np.zeros((1, steps, units), np.int32),
            np.zeros((1, steps, lstm.elements), np.int32),
            np.zeros((1, steps, lstm.elements), np.int16),
        )  # fmt: skip
        none = np.full(1, -1, dtype=np.int64)
        record = make_record(matrix, none, first=0, conversions=steps, waveforms=False)
        drive = np.array([chunk], dtype=np.int16)
        span = Span(np.array([steps]), 0)
        run_recurrent(
            cell, form, (stage_of(matrix, record), None, None), drive, state, span, outputs
        )
        found += outputs.h[0].tolist()
    assert found == [step.h for step in whole]
