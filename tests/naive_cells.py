"""Naive twins of recurrent cells beside the LSTM: plain Python, exact fractions, a timestep a line.

They are written from the equations and the rules of fixed point (each state is rounded once, half
up, and saturates), not from the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.naive import Format, MatrixConversion, NaiveMatrix, naive_pulse_width


class CellStep(NamedTuple):
    """One timestep: codes of the gates, the cell's own state, h, h as pulses, conversions."""

    code: list[int]
    c: list[int]
    h: list[int]
    h_drive: list[int]
    gates: MatrixConversion
    second: MatrixConversion | None


@dataclass(frozen=True)
class NaiveCell:
    """What all cells have: gates' tiles, words, the values of codes, the range of h."""

    gates: NaiveMatrix
    format: Format
    level: list[list[int]]
    h_full_scale: int

    @property
    def units(self) -> int:
        return self.gates.columns // len(self.level)

    @property
    def full_width(self) -> int:
        return 2**self.gates.n_in - 1

    def encode(self, words: list[int], full_scale: int) -> list[int]:
        return [naive_pulse_width(word, full_scale, self.full_width) for word in words]

    def values(self, code: list[int]) -> list[list]:
        """Return what each gate's codes stand for, unit by unit."""
        units = self.units
        return [
            [self.format.real(level[one]) for one in code[gate * units : (gate + 1) * units]]
            for gate, level in enumerate(self.level)
        ]

    def run(self, x_drive: list[list[int]], h: list[int] | None = None) -> list[CellStep]:
        """Run one sequence, from h or from rest."""
        h = h or [0] * self.units
        steps = []
        for x in x_drive:
            h_drive = self.encode(h, self.h_full_scale)
            gates = self.gates.convert([*x, *h_drive, self.full_width])
            c, h, second = self.step(x, gates.code, h)
            drive = self.encode(h, self.h_full_scale)
            steps.append(CellStep(gates.code, c, h, drive, gates, second))
        return steps

    def step(
        self, x: list[int], code: list[int], h: list[int]
    ) -> tuple[list[int], list[int], MatrixConversion | None]:
        """Return the cell's own state, the new h, and the second conversion if there is one."""
        raise NotImplementedError


@dataclass(frozen=True)
class NaiveRNN(NaiveCell):
    """h is what the code of the sum stands for."""

    def step(self, x, code, h):
        return [], [self.level[0][one] for one in code], None


class Mixing(NaiveCell):
    """A GRU's last line."""

    def mix(self, z, n: list[int], h: list[int]) -> list[int]:
        real, word = self.format.real, self.format.word
        return [word((1 - z[u]) * real(n[u]) + z[u] * real(h[u])) for u in range(self.units)]


@dataclass(frozen=True)
class NaiveGRUAfter(Mixing):
    """Columns r, z, n_x, n_h; tanh from `table`, or from `second` where there is one."""

    table: list[int] = field(default_factory=list)
    table_shift: int = 0
    second: NaiveMatrix | None = None
    second_level: list[int] = field(default_factory=list)
    second_full_scale: int = 1

    def step(self, x, code, h):
        r, z, n_x, n_h = self.values(code)
        a = [self.format.word(n_x[u] + r[u] * n_h[u]) for u in range(self.units)]
        if self.second is None:
            return a, self.mix(z, [self.look_up(word) for word in a], h), None
        done = self.second.convert(self.encode(a, self.second_full_scale))
        return a, self.mix(z, [self.second_level[one] for one in done.code], h), done

    def look_up(self, word: int) -> int:
        entry = min(abs(word) // 2**self.table_shift, len(self.table) - 1)
        return self.table[entry] if word >= 0 else -self.table[entry]


@dataclass(frozen=True)
class NaiveGRUBefore(Mixing):
    """Columns r and z; the candidate's tiles take inputs, r * h and the bias."""

    second: NaiveMatrix | None = None
    second_level: list[int] = field(default_factory=list)

    def step(self, x, code, h):
        r, z = self.values(code)
        m = [self.format.word(r[u] * self.format.real(h[u])) for u in range(self.units)]
        done = self.second.convert([*x, *self.encode(m, self.h_full_scale), self.full_width])
        return m, self.mix(z, [self.second_level[one] for one in done.code], h), done
