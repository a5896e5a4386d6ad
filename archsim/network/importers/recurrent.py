"""Recurrent layers of an imported network."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from archsim.network.activations import get_activation
from archsim.network.cells import Step, gru_step, lstm_step, rnn_step, run_cell
from archsim.network.importers.base import Array, ImportedLayer, Lengths, Timesteps


class Direction(StrEnum):
    """Which way a recurrent layer goes through time."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True, eq=False, kw_only=True)
class Recurrent(ImportedLayer):
    """A layer with a state.

    Attributes
    ----------
    w_ih, w_hh : float64 (gates * units, inputs), (gates * units, elements)
        Weights.
    direction : Direction
        Which way it goes through time.
    h0 : float64 (elements,), optional
        What h is before the first timestep; None for zeros.
    """

    w_ih: Array
    w_hh: Array
    direction: Direction = Direction.FORWARD
    h0: Array | None = None

    gates = 1

    @property
    def backward(self) -> bool:
        """Whether it begins at the last timestep."""
        return self.direction is Direction.BACKWARD

    @property
    def units(self) -> int:
        """Units: rows of one gate."""
        return int(self.w_hh.shape[0]) // self.gates

    @property
    def out(self) -> int:
        """Elements of h."""
        return self.units

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of h."""
        rows = self.gates * self.units
        if not rows or self.w_hh.shape[0] != rows:
            raise self.wrong(f"has no whole number of units: {self.w_hh.shape[0]} rows of weights")
        self.check_shape("weight_ih", self.w_ih, (rows, sum(widths)))
        self.check_shape("weight_hh", self.w_hh, (rows, self.out))
        self.check_shape("h0", self.h0, (self.out,))
        if self.timesteps is not Timesteps.ALL:
            raise self.wrong("is recurrent and takes in one timestep only, which is no sequence")
        return self.out

    @abstractmethod
    def step(self) -> Step:
        """Return the step that takes it from one timestep to the next."""

    @property
    def states(self) -> tuple[Array, ...]:
        """Its states before the first timestep, h first."""
        return (np.zeros(self.out) if self.h0 is None else self.h0,)

    def run(self, taken: Sequence[Array], lengths: Lengths) -> Array:
        """Return h at every timestep."""
        x = np.concatenate(taken, axis=-1)
        return run_cell(self.step(), x, self.states, lengths=lengths, backward=self.backward)

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        bias = any(name.startswith("bias") for name, _ in self.tensors())
        out: dict[str, object] = {"units": self.units, **({} if bias else {"bias": "none"})}
        return {**out, "direction": "backward"} if self.backward else out

    def final_is_last(self) -> bool:
        """Return whether it ends at the last timestep."""
        return not self.backward

    def _states(self) -> Iterator[tuple[str, Array]]:
        if self.h0 is not None:
            yield "h0", self.h0

    def _matrices(self) -> Iterator[tuple[str, Array]]:
        yield "weight_ih_l0", self.w_ih
        yield "weight_hh_l0", self.w_hh


USUAL = ("sigmoid", "sigmoid", "tanh", "sigmoid", "tanh")
"""Functions of an LSTM's gates i, f, g, o and of its cell state, as most have it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LSTMCell(Recurrent):
    """LSTM units; gates i, f, g, o.

    Attributes
    ----------
    b_ih, b_hh : float64 (4 * units,), optional
        Biases, which are added.
    w_hr : float64 (elements, units), optional
        Projection of h.
    c0 : float64 (units,), optional
        What c is before the first timestep; None for zeros.
    functions : tuple of str
        Functions of i, f, g, o and of the cell state.
    """

    b_ih: Array | None = None
    b_hh: Array | None = None
    w_hr: Array | None = None
    c0: Array | None = None
    functions: tuple[str, str, str, str, str] = USUAL

    gates = 4

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "lstm"

    def step(self) -> Step:
        """Return the step of LSTM units."""
        functions = [get_activation(name).value for name in self.functions]
        bias = or_zero(self.b_ih) + or_zero(self.b_hh)
        return lstm_step(self.w_ih, self.w_hh, bias, self.w_hr, functions)

    @property
    def states(self) -> tuple[Array, ...]:
        """States h and c before the first timestep."""
        return (*super().states, np.zeros(self.units) if self.c0 is None else self.c0)

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        projection = {} if self.w_hr is None else {"projection": self.out}
        names = ("i", "f", "g", "o", "state")
        pairs = zip(names, self.functions, USUAL, strict=True)
        functions = {name: mine for name, mine, usual in pairs if mine != usual}
        return {**super().keys(), **projection, **({"functions": functions} if functions else {})}

    @property
    def out(self) -> int:
        """Elements of h, projected where it is."""
        return self.units if self.w_hr is None else self.w_hr.shape[0]

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of h."""
        if self.w_hr is not None:
            self.check_shape("weight_hr", self.w_hr, (self.out, self.units))
        for name, bias in (("bias_ih", self.b_ih), ("bias_hh", self.b_hh)):
            self.check_shape(name, bias, (4 * self.units,))
        self.check_shape("c0", self.c0, (self.units,))
        return super().elements(widths)

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its tensors."""
        yield from self._matrices()
        yield from both_biases(self.b_ih, self.b_hh)
        if self.w_hr is not None:
            yield "weight_hr_l0", self.w_hr
        yield from self._states()
        if self.c0 is not None:
            yield "c0", self.c0


@dataclass(frozen=True, eq=False, kw_only=True)
class GRUCell(Recurrent):
    """GRU units; gates r, z, n.

    Attributes
    ----------
    b_ih, b_hh : float64 (3 * units,), optional
        Biases; of gate n, the second one is reset with h where `reset_after`.
    reset_after : bool
        Whether r multiplies ``U h + b_hh``, as PyTorch has it, rather than h itself.
    """

    b_ih: Array | None = None
    b_hh: Array | None = None
    reset_after: bool = True

    gates = 3

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "gru"

    def step(self) -> Step:
        """Return the step of GRU units."""
        biases = or_zero(self.b_ih), or_zero(self.b_hh)
        return gru_step(self.w_ih, self.w_hh, *biases, reset_after=self.reset_after)

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        return {**super().keys(), "reset": "after" if self.reset_after else "before"}

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of h."""
        for name, bias in (("bias_ih", self.b_ih), ("bias_hh", self.b_hh)):
            self.check_shape(name, bias, (3 * self.units,))
        return super().elements(widths)

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its tensors."""
        yield from self._matrices()
        yield from both_biases(self.b_ih, self.b_hh)
        yield from self._states()


@dataclass(frozen=True, eq=False, kw_only=True)
class RNNCell(Recurrent):
    """Units that feed their own output back, without gates.

    Attributes
    ----------
    b_ih, b_hh : float64 (units,), optional
        Biases, which are added.
    nonlinearity : str
        ``tanh`` or ``relu``.
    """

    b_ih: Array | None = None
    b_hh: Array | None = None
    nonlinearity: str = "tanh"

    @property
    def kind(self) -> str:
        """Return its kind."""
        return "rnn"

    def step(self) -> Step:
        """Return the step of its units."""
        bias = or_zero(self.b_ih) + or_zero(self.b_hh)
        return rnn_step(self.w_ih, self.w_hh, bias, get_activation(self.nonlinearity).value)

    def keys(self) -> dict[str, object]:
        """Return its keys of a configuration."""
        return {**super().keys(), "function": self.nonlinearity}

    def elements(self, widths: tuple[int, ...]) -> int:
        """Return the elements of h."""
        if self.nonlinearity not in {"tanh", "relu"}:
            raise self.wrong(f"has the function '{self.nonlinearity}', not tanh or relu")
        for name, bias in (("bias_ih", self.b_ih), ("bias_hh", self.b_hh)):
            self.check_shape(name, bias, (self.units,))
        return super().elements(widths)

    def tensors(self) -> Iterator[tuple[str, Array]]:
        """Yield its tensors."""
        yield from self._matrices()
        yield from both_biases(self.b_ih, self.b_hh)
        yield from self._states()


def both_biases(b_ih: Array | None, b_hh: Array | None) -> Iterator[tuple[str, Array]]:
    """Yield two biases that come together, zeros for one that there is not."""
    given = b_ih if b_ih is not None else b_hh
    if given is not None:
        yield "bias_ih_l0", np.zeros_like(given) if b_ih is None else b_ih
        yield "bias_hh_l0", np.zeros_like(given) if b_hh is None else b_hh


def or_zero(bias: Array | None) -> Array | float:
    """Return a bias, or zero where there is none."""
    return 0.0 if bias is None else bias
