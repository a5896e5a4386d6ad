"""Linearity of a ramp converter: INL, DNL, missing codes, effective number of bits.

A ramp whose cells have errors crosses its thresholds elsewhere than it should. How far is told in
two ways, against the ideal *nonlinear* transfer; no offset and no gain is taken
out first.

On the input, threshold by threshold. A *transition* is a threshold at which the code changes, in
the order in which x rises; turning points of a function are none. With `theta_k` its ideal and
`t_k` its measured place, and ``w_k = theta_{k+1} - theta_k`` the ideal widths of the codes::

    INL_k = (t_k - theta_k) / LSB_k        LSB_k = (w_{k-1} + w_k) / 2, at the ends the one there is
    DNL_k = (t_{k+1} - t_k) / w_k - 1

The measured place is the x at which the code first gets there as x rises. As the latch keeps the
first step whose ramp is above x, that is the highest point the ramp has been at so far: a step that
falls back, or does not move, has no width, its DNL is -1, and its code is missing unless another
step stands for it.

On the output, in codes. In a sweep of x the error is ``measured code(x) - ideal code(x)``. The
sweep takes equally many x in every ideal step, evenly spaced, so that every code counts the same
however wide it is::

    INL in codes of a step = mean error over that step         DNL = difference of two neighbours'

The effective number of bits compares the rms of ``level[code(x)] - g(x)`` over the sweep with that
of rounding to ideal levels, which is their spacing over sqrt(12)::

    ENOB = log2( P * LSB / (rms * sqrt(12)) ),    LSB = (y_max - y_min) / (P - 1)

so that an ideal ramp has about `bits` of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.network.activations import Activation
from archsim.transfer.ramp import Ramp

POINTS_PER_STEP = 64
"""Inputs of the sweep in each of a ramp's steps."""


@dataclass(frozen=True)
class Linearity:
    """How far a ramp is from the one that was asked for.

    Attributes
    ----------
    function : str
        Name of the activation function.
    bits : int
        Resolution of the ramp.
    transition : int64 (transitions,)
        Code to the right of each transition.
    inl : float64 (transitions,)
        Error of each transition's place, in local LSB of x.
    dnl : float64 (transitions - 1,)
        Error of each width between two transitions, in parts of its ideal width.
    inl_codes : float64 (steps,)
        Mean error of the output code over each ideal step, in codes.
    dnl_codes : float64 (steps - 1,)
        Its differences from step to step, in codes.
    code_error_mean : float
        Mean of the absolute error of the output code over the sweep, in codes.
    code_error_worst : int
        The largest absolute one.
    missing : tuple of int
        Codes that the ideal ramp gives and this one never does, at any input.
    rms_error : float
        Root mean square over the sweep of the output level less the function, in units of y.
    worst_error : float
        The largest absolute one, in LSB of the output; 0.5 for an ideal ramp.
    enob : float
        Effective number of bits, from `rms_error`.
    """

    function: str
    bits: int
    transition: NDArray[np.int64]
    inl: NDArray[np.float64]
    dnl: NDArray[np.float64]
    inl_codes: NDArray[np.float64]
    dnl_codes: NDArray[np.float64]
    code_error_mean: float
    code_error_worst: int
    missing: tuple[int, ...]
    rms_error: float
    worst_error: float
    enob: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data; of every array also its mean absolute and its worst absolute value."""
        return {
            "function": self.function,
            "bits": self.bits,
            "transition_to_code": self.transition.tolist(),
            "inl_lsb": _statistics(self.inl),
            "dnl_lsb": _statistics(self.dnl),
            "inl_codes": _statistics(self.inl_codes),
            "dnl_codes": _statistics(self.dnl_codes),
            "code_error_mean": self.code_error_mean,
            "code_error_worst": self.code_error_worst,
            "missing_codes": list(self.missing),
            "rms_error": self.rms_error,
            "worst_error_lsb": self.worst_error,
            "enob": self.enob,
        }


def mean_absolute(values: NDArray[np.float64]) -> float:
    """Return the mean of the absolute values; 0 of none."""
    return float(np.abs(values).mean()) if values.size else 0.0


def worst_absolute(values: NDArray[np.float64]) -> float:
    """Return the largest absolute value; 0 of none."""
    return float(np.abs(values).max(initial=0.0))


def _statistics(values: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "mean_absolute": mean_absolute(values),
        "worst_absolute": worst_absolute(values),
        "values": values.tolist(),
    }


def linearity(
    ramp: Ramp, activation: Activation, *, points_per_step: int = POINTS_PER_STEP
) -> Linearity:
    """Measure a ramp against the function that it was designed for.

    Parameters
    ----------
    ramp : Ramp
        With its cells as they were programmed.
    activation : Activation
        The function, as it was given to `design_ramp`.
    points_per_step : int, optional
        Inputs of the sweep in each of the ramp's steps, at least 1.
    """
    change = np.flatnonzero(np.diff(ramp.step_code))
    ideal, measured = ramp.theta[change], ramp.crossing[change]
    width = np.diff(ideal)
    x = sweep(ramp, points_per_step)
    code_error = ramp.code(x) - ramp.ideal_code(x)
    by_step = code_error.reshape(ramp.steps, points_per_step).mean(axis=1)
    lsb = float(ramp.level[1] - ramp.level[0])
    error = ramp.level[ramp.code(x)] - activation.value(x)
    rms = float(np.sqrt(np.mean(error**2)))
    return Linearity(
        function=ramp.function,
        bits=ramp.bits,
        transition=ramp.step_code[change + 1],
        inl=(measured - ideal) / local_lsb(ramp, activation, ideal),
        dnl=np.diff(measured) / width - 1.0,
        inl_codes=by_step,
        dnl_codes=np.diff(by_step),
        code_error_mean=mean_absolute(code_error.astype(np.float64)),
        code_error_worst=int(np.abs(code_error).max()),
        missing=missing_codes(ramp),
        rms_error=rms,
        worst_error=worst_absolute(error) / lsb,
        enob=effective_bits(ramp, rms),
    )


def sweep(ramp: Ramp, points_per_step: int) -> NDArray[np.float64]:
    """Return rising inputs (steps * points_per_step,) with as many in each of the ideal steps.

    They are at the middles of equal parts of the step; the first and the last step end where
    `Ramp.x_range` does.
    """
    low, high = ramp.x_range
    edge = np.concatenate([[low], ramp.theta, [high]])
    part = (np.arange(points_per_step) + 0.5) / points_per_step
    return np.asarray((edge[:-1, None] + np.diff(edge)[:, None] * part).ravel())


def missing_codes(ramp: Ramp) -> tuple[int, ...]:
    """Return the codes that no input gives, though one should, in rising order.

    Step 0 is latched by every x below its end, the last by every x that no step has decided, and a
    step between them by an x only if it takes the ramp higher than any step before it.
    """
    latched = np.concatenate([[True], np.diff(ramp.crossing) > 0, [True]])
    missing = np.setdiff1d(ramp.step_code, ramp.step_code[latched])
    return tuple(int(code) for code in missing)


def local_lsb(
    ramp: Ramp, activation: Activation, transition: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the width of a code around each transition, in units of x.

    That is the mean of the ideal widths to either side, of which the first and the last transition
    have one. A single transition, of a 1-bit ramp, has none: it gets the output's LSB over the
    slope of the function.
    """
    width = np.diff(transition)
    if width.size:
        return np.asarray(
            (np.concatenate([width[:1], width]) + np.concatenate([width, width[-1:]])) / 2
        )
    around = transition[0] + 1e-6 * (ramp.x_range[1] - ramp.x_range[0]) * np.array([-1.0, 1.0])
    rise = abs(float(np.diff(activation.value(around))[0]))
    with np.errstate(divide="ignore"):
        return np.asarray((ramp.level[1] - ramp.level[0]) * np.diff(around) / rise)


def effective_bits(ramp: Ramp, rms: float) -> float:
    """Return the resolution of an ideal converter whose error has this root mean square.

    Parameters
    ----------
    ramp : Ramp
        Gives the levels.
    rms : float
        Root mean square of the error, in units of y; less than 1e-12 LSB counts as that.
    """
    lsb = float(ramp.level[1] - ramp.level[0])
    return math.log2(ramp.level.size * lsb / (max(rms, 1e-12 * lsb) * math.sqrt(12.0)))
