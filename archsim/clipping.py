"""What a run clipped: values beyond the range of what holds them, by layer and place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TOLD_SHARE = 1e-3
"""Share of a place's values above which a run says so: ranges are often chosen so that they cut off
a few in a thousand, since that leaves finer steps to all others."""


class Place(StrEnum):
    """Where values can be clipped, by what decides how far they reach."""

    INPUTS = "inputs"
    """Inputs beyond `network.input_range`, as pulse widths."""
    OUTPUT_RANGE = "output_range"
    """What a layer hands to tiles as pulse widths."""
    INPUT_RANGE = "input_range"
    """Sums of a linear layer beyond its ramp, where its function goes on."""
    PROJECTION_RANGE = "projection_range"
    """Sums of a projection beyond its ramp."""
    CONVERTER_RANGE = "converter_range"
    """Sums of gates beyond an ordinary converter, where the function is not flat yet."""
    GATE_RANGE = "gate_range"
    """Sums of gates at either end of a ramp whose function has no bounds."""
    CANDIDATE_RANGE = "candidate_range"
    """Sums of a GRU's candidate at either end of their ramp."""
    CELL_RANGE = "cell_range"
    """|c| beyond the table or ramp of its function, where that is not flat yet."""
    TABLE_RANGE = "table_range"
    """Inputs beyond the table of a function, where that is not flat yet."""
    STATE_WORDS = "state_words"
    """Cell states that words do not hold."""
    OUTPUT_WORDS = "output_words"
    """Outputs that words do not hold: of digital units, or levels of a ramp."""
    WEIGHT_WORDS = "weight_words"
    """Weights of the same."""
    WEIGHTS = "weights"
    """Weights beyond what conductances reach."""
    RAILS = "rails"
    """Codes that the rails of integrators change."""
    CROSSBAR_SUMS = "crossbar_sums"
    """Codes that converters of bit-serial crossbars change."""


# What is beyond what, and what to change; `fit` is a value that would do.
_TEXTS = {
    Place.INPUTS: (
        "inputs exceed {limit}, which a full pulse width stands for",
        "raise network.input_range",
    ),
    Place.OUTPUT_RANGE: (
        "outputs exceed {limit}, which a full pulse width stands for",
        "set the layer's output_range to {fit} or more",
    ),
    Place.INPUT_RANGE: (
        "sums lie beyond the layer's input_range",
        "set its input_range to [-{fit}, {fit}]",
    ),
    Place.PROJECTION_RANGE: (
        "sums of the projection lie beyond the layer's projection_range",
        "set its projection_range to [-{fit}, {fit}]",
    ),
    Place.CONVERTER_RANGE: (
        "sums of the gates lie beyond adc.input_range, where their function goes on",
        "widen adc.input_range",
    ),
    Place.GATE_RANGE: (
        "sums of the gates lie at an end of functions.range, where their function goes on",
        "widen functions.range",
    ),
    Place.CANDIDATE_RANGE: (
        "sums of the candidate lie at an end of the layer's candidate_range",
        "widen its candidate_range",
    ),
    Place.CELL_RANGE: (
        "cell states exceed {limit}, beyond which their function counts as flat",
        "raise digital.cell_range{power}",
    ),
    Place.TABLE_RANGE: (
        "inputs exceed {limit}, beyond which the table of the function counts as flat",
        "raise the layer's table_range{power}",
    ),
    Place.STATE_WORDS: (
        "cell states stand at the end of a word, {limit}",
        "lower digital.fraction_bits by one or more, or raise digital.word_bits",
    ),
    Place.OUTPUT_WORDS: (
        "outputs stand at the end of a word, {limit}",
        "lower digital.fraction_bits by one or more, or raise digital.word_bits",
    ),
    Place.WEIGHT_WORDS: (
        "weights exceed the end of a word, {limit}",
        "lower digital.fraction_bits by one or more, or raise digital.word_bits",
    ),
    Place.WEIGHTS: (
        "weights exceed {limit}, which the largest conductance stands for",
        "raise tile.weight_percentile",
    ),
    Place.RAILS: (
        "codes are changed by the rails of the integrators, {limit} V from V_CLP",
        "lower tile.full_scale, or move the rails (tile.v_clp, tile.integrator.headroom)",
    ),
    Place.CROSSBAR_SUMS: (
        "codes are changed by sums above {limit}, the largest number of a crossbar's converter",
        "raise adc.bit_serial.adc_bits, or lower tile.rows",
    ),
}


@dataclass(frozen=True)
class Clipping:
    """How many values a layer clipped in one place.

    Attributes
    ----------
    layer : str
        Name of the layer.
    place : Place
        Where.
    limit : float
        Largest magnitude that there is room for.
    count, of : int
        Values that were clipped by more than rounding would change them, and all values.
    lost : int
        Those of them that can change an answer: all, but for the last layer, whose class is that
        of the largest output; there, outputs that tie at the end of the range.
    largest : float
        Largest magnitude among all values, None where it is not known.
    """

    layer: str
    place: Place
    limit: float
    count: int = 0
    of: int = 0
    lost: int = 0
    largest: float | None = None

    @property
    def name(self) -> str:
        """Layer and place in one word; layers' names have no dots."""
        return f"{self.layer}.{self.place}"

    @property
    def share(self) -> float:
        """Share of the values that are lost."""
        return self.lost / self.of if self.of else 0.0

    def __add__(self, other: Clipping) -> Clipping:
        """Return what two parts of a run clipped in the same place."""
        known = [value for value in (self.largest, other.largest) if value is not None]
        return Clipping(
            layer=self.layer,
            place=self.place,
            limit=self.limit,
            count=self.count + other.count,
            of=self.of + other.of,
            lost=self.lost + other.lost,
            largest=max(known, default=None),
        )

    def what(self) -> str:
        """Say what is beyond what."""
        return _TEXTS[self.place][0].format(limit=f"{self.limit:g}")

    def remedy(self) -> str:
        """Say which key to change, and to what."""
        power = 2 ** math.ceil(math.log2(self.largest)) if self.largest else 0
        return _TEXTS[self.place][1].format(
            fit="a wider one" if self.largest is None else f"{_rounded_up(self.largest):g}",
            power=f" to {power}" if 0 < power <= 64 else "",
        )

    def sentence(self) -> str:
        """Return a sentence that says layer, share, largest value and what to change."""
        known = "" if self.largest is None else f" (the largest is {self.largest:.3g})"
        share = f"{self.share:.2g}" if self.share < 1e-3 else f"{self.share:.1%}"
        return f"layer '{self.layer}': {share} of its {self.what()}{known}: {self.remedy()}"

    def counted(self) -> str:
        """Say in a few words how many values were clipped, where that is of no weight."""
        largest = "" if self.largest is None else f", the largest {self.largest:.3g}"
        harmless = ", which changes no answer" if self.lost == 0 else ""
        return f"'{self.layer}': {self.count:,} of {self.of:,} {self.what()}{largest}{harmless}"

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``--json``."""
        return {
            "layer": self.layer,
            "place": str(self.place),
            "limit": self.limit,
            "count": self.count,
            "of": self.of,
            "lost": self.lost,
            "largest": self.largest,
        }


def _rounded_up(value: float) -> float:
    """Return the least number of two digits that is not below a value."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")


def worth_telling(clipped: Iterable[Clipping]) -> list[Clipping]:
    """Return the places that clip more than a range is meant to."""
    return [item for item in clipped if item.share > TOLD_SHARE]
