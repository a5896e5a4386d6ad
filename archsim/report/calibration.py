"""Ranges that were found in data, as tables."""

from __future__ import annotations

import math
from typing import Any

from archsim.report.run import in_words, measured
from archsim.report.table import Cell, Column, Look, Report, number, quantity, report, table


def calibration_report(found: Any) -> Report:
    """Return the ranges, what to set, and how the chip agrees with the float network.

    Parameters
    ----------
    found : archsim.simulation.calibrate.Calibration
        The ranges.
    """
    rows: list[tuple[Cell, ...]] = [
        (
            place.layer,
            place.what,
            number(place.largest, ".4g"),
            "open" if math.isinf(place.before) else number(place.before, ".4g"),
            number(place.after, ".4g"),
            number(place.clipped_before, ".2%"),
            number(place.clipped_after, ".2%"),
            _decibel(place.noise_before),
            _decibel(place.noise_after),
        )
        for place in found.places
    ]
    columns = [
        Column("layer", "layer", once=True),
        Column("what", "what"),
        *(
            Column(key, heading, right=True)
            for key, heading in (
                ("largest", "largest"),
                ("before", "range"),
                ("after", "found"),
                ("clipped_before", "clipped"),
                ("clipped_after", "then"),
                ("noise_before", "SNR (dB)"),
                ("noise_after", "then"),
            )
        ),
    ]
    title = f"ranges of {found.name} on {found.sequences:,} sequences, method {found.method}"
    setting = [(key, str(value)) for key, value in found.values.items()]
    agreement: list[tuple[Cell, ...]] = [
        (in_words(name), measured(metric), measured(found.after[name]))
        for name, metric in found.before.items()
    ]
    energies = (quantity(joules, "J") for joules in (found.energy_before, found.energy_after))
    agreement.append(("energy of an inference", *energies))
    heads = [Column("what", "what")]
    heads += [Column(name, name, right=True) for name in ("before", "after")]
    return report(
        table(title, columns, rows),
        table("what to set", ["key", "value"], setting, look=Look.LIST),
        table("the chip against the float network", heads, agreement),
        *_overlap(found),
    )


def _overlap(found: Any) -> list[str]:
    if not found.seen_in_test:
        return ["None of these sequences is one that the configuration runs."]
    told = (
        f"{found.seen_in_test:,} of these sequences are among those that the configuration runs: "
        "what it finds there is then too good; take others"
    )
    return [told]


def _decibel(value: float) -> Cell:
    return "exact" if math.isinf(value) else number(value, ".1f", "dB")
