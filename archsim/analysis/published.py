"""Published accelerators as they were published, and brought to one node and clock by one rule.

Format ``archsim-published/1``: a list of `Accelerator`, of which every number was read where
`read_in` says, and is left out where it was not. The rule is `RULE`, which the table prints:

- energy an operation: times Stillmaker and Baas' factor between the nodes, at `SUPPLY` on both
  ends (`archsim.costs.scaling`), so that what a chip gains by its own supply stays its own;
- area: times their area factor;
- throughput: in proportion to the clock. Energy an operation does not depend on the clock.

The whole chip is scaled as if it were digital, which flatters analog ones from coarser nodes.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from archsim.config.base import Section
from archsim.config.merge import load_document
from archsim.config.quantity import Quantity
from archsim.config.validate import validate_document
from archsim.costs.library import Source
from archsim.costs.scaling import NODES, Step
from archsim.errors import ConfigError, InputError
from archsim.listing import listed
from archsim.shipped import PUBLISHED, by_name

SUPPLY = 0.8
"""Supply of the energy equations at both ends, V; that of the shipped component library."""

RULE = (
    "Normalised: energy an operation and area by Stillmaker and Baas, Integration 58:74 (2017), at "
    f"{SUPPLY:g} V at both nodes, the whole chip taken as digital; throughput in proportion to the "
    "clock; nothing for bits, supply or sparsity. Area shrinks 7.9 times from 65 nm to 16 nm by "
    "this rule; Yang et al. 2025 take 16, about the square of the nodes."
)
"""The rule that `published_rows` normalises by, in words."""


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Accelerator(Section):
    """One operating point of a published accelerator; what was not read is left out.

    Attributes
    ----------
    node, clock, supply : float
        In m, Hz and V.
    tops, tops_per_w, tops_per_mm2 : float or None
        Throughput in 1e12 operations/s, and that over power and over area, as the source has them.
    area, power : float or None
        In m^2 and W.
    basis : {"measured", "modelled"} or None
        Whether a chip was measured.
    bits, network : str or None
        In words: precision of input/weight/output, and what ran.
    source, read_in : str
        The publication with its table, and where it (or a transcription of it) was read.
    """

    name: Annotated[str, Field(min_length=1)]
    year: Annotated[int, Field(ge=1950, le=2100)] | None = None
    basis: Literal["measured", "modelled"] | None = None
    node: Annotated[float, Quantity("m", gt=0)]
    clock: Annotated[float, Quantity("Hz", gt=0)] | None = None
    supply: Annotated[float, Quantity("V", gt=0)] | None = None
    tops: Positive | None = None
    tops_per_w: Positive | None = None
    tops_per_mm2: Positive | None = None
    area: Annotated[float, Quantity("m^2", gt=0)] | None = None
    power: Annotated[float, Quantity("W", gt=0)] | None = None
    bits: str | None = None
    network: str | None = None
    source: Source
    read_in: Source
    note: str | None = None


class PublishedAccelerators(Section):
    """A file of published accelerators."""

    schema_: Literal["archsim-published/1"] = Field(alias="schema")
    name: str
    accelerators: Annotated[list[Accelerator], Field(min_length=1)]


@dataclass(frozen=True)
class Figures:
    """The metrics of an accelerator, None where there is none.

    Attributes
    ----------
    tops : float or None
        Throughput, 1e12 operations/s.
    tops_per_w : float or None
        Energy efficiency, 1e12 operations/J.
    area_m2 : float or None
        Area, m^2.
    tops_per_mm2 : float or None
        Area efficiency, 1e12 operations/(s mm^2).
    """

    tops: float | None
    tops_per_w: float | None
    area_m2: float | None
    tops_per_mm2: float | None


@dataclass(frozen=True)
class SimulatedRow:
    """A simulated design beside published ones: its full system, and the same normalised.

    Attributes
    ----------
    name, bits : str
        Its name, and bits of input/weight/output.
    node, clock : float
        m and Hz.
    raw, normalised : Figures
        At its own node and clock, and at those of the published rows.
    """

    name: str
    bits: str
    node: float
    clock: float
    raw: Figures
    normalised: Figures


@dataclass(frozen=True)
class PublishedRow:
    """An accelerator with its figures as published and normalised.

    Attributes
    ----------
    entry : Accelerator
        What the file has.
    node, clock : float
        What `normalised` is brought to, m and Hz.
    raw, normalised : Figures
        As published, and by `RULE`.
    derived : tuple of str
        Names of the figures that the source does not have and that follow from others of it:
        TOPS/W from throughput and power, TOPS/mm^2 from throughput and area.
    """

    entry: Accelerator
    node: float
    clock: float
    raw: Figures
    normalised: Figures
    derived: tuple[str, ...]


def load_published(path: Path) -> PublishedAccelerators:
    """Read a file of published accelerators.

    Raises
    ------
    ConfigError
        If it cannot be read or is not such a file; names file, line and key.
    """
    document = load_document(by_name(path, PUBLISHED))
    if not document.data.keys() & {"schema", "accelerators"}:
        msg = (
            f"{path}: is no file of published accelerators: it has none of their keys; "
            "configs/published/accelerators.yaml is one"
        )
        raise ConfigError(msg)
    return validate_document(document, PublishedAccelerators)


def published_rows(path: Path, *, node: float, clock: float) -> list[PublishedRow]:
    """Read published accelerators and bring each to one node and clock by `RULE`.

    Energy efficiency is divided by the factor of a digital energy between the nodes at `SUPPLY`,
    area multiplied by the factor of a digital area, throughput by the ratio of the clocks; area
    efficiency follows from the last two. An accelerator without a clock has no normalised
    throughput, and one of a node that there is no rule for nothing that depends on the node.

    Parameters
    ----------
    path : Path
        A file of format ``archsim-published/1``.
    node : float
        Node to normalise to, m: one of `archsim.costs.scaling.NODES`.
    clock : float
        Clock to normalise to, Hz.

    Returns
    -------
    list of PublishedRow
        In the order of the file.

    Raises
    ------
    InputError
        If the file is wrong, there is no rule for `node`, or `clock` is not above 0.
    """
    if _nm(node) not in NODES:
        known = listed(f"{each:g}" for each in NODES)
        msg = f"nothing can be normalised to {_nm(node):g} nm: the rules are for {known} nm"
        raise ConfigError(msg)
    if not (math.isfinite(clock) and clock > 0):
        msg = f"a clock of {clock:g} Hz to normalise to is not above 0; give one such as 1 GHz"
        raise InputError(msg)
    return [_row(entry, node, clock) for entry in load_published(path).accelerators]


def to_json(rows: list[PublishedRow]) -> dict[str, Any]:
    """Return the rows as plain data, in SI units but for TOPS, TOPS/W and TOPS/mm^2."""
    return {
        "rule": RULE,
        "accelerators": [
            {
                "name": row.entry.name,
                "year": row.entry.year,
                "basis": row.entry.basis,
                "bits": row.entry.bits,
                "network": row.entry.network,
                "published": {
                    "node_m": row.entry.node,
                    "clock_hz": row.entry.clock,
                    "supply_v": row.entry.supply,
                    "power_w": row.entry.power,
                    **asdict(row.raw),
                },
                "normalised": {
                    "node_m": row.node,
                    "clock_hz": row.clock,
                    **asdict(row.normalised),
                },
                "derived": list(row.derived),
                "source": row.entry.source,
                "read_in": row.entry.read_in,
                "note": row.entry.note,
            }
            for row in rows
        ],
    }


def label_of(entry: Accelerator) -> str:
    """Return an accelerator's name with its year, if it is known."""
    return entry.name if entry.year is None else f"{entry.name} ({entry.year})"


def _row(entry: Accelerator, node: float, clock: float) -> PublishedRow:
    raw, derived = _completed(entry)
    normalised = normalise(raw, entry.node, entry.clock, to=(node, clock))
    return PublishedRow(entry, node, clock, raw, normalised, derived)


def normalise(
    raw: Figures, node: float, clock: float | None, *, to: tuple[float, float]
) -> Figures:
    """Return figures at another node (m) and clock (Hz), by `RULE`; see `published_rows`."""
    faster = None if clock is None else to[1] / clock
    energy, area = _factors(node, to[0])
    return Figures(
        tops=times(raw.tops, faster),
        tops_per_w=_over(raw.tops_per_w, energy),
        area_m2=times(raw.area_m2, area),
        tops_per_mm2=_over(times(raw.tops_per_mm2, faster), area),
    )


def _completed(entry: Accelerator) -> tuple[Figures, tuple[str, ...]]:
    """Return the figures of an entry, what follows from others filled in, and what that is."""
    area_mm2 = times(entry.area, 1e6)
    follows = {
        "tops_per_w": _over(entry.tops, entry.power),
        "tops_per_mm2": _over(entry.tops, area_mm2),
    }
    given = {"tops_per_w": entry.tops_per_w, "tops_per_mm2": entry.tops_per_mm2}
    derived = tuple(
        key for key, value in follows.items() if given[key] is None and value is not None
    )
    filled = {key: value if value is not None else follows[key] for key, value in given.items()}
    return Figures(tops=entry.tops, area_m2=entry.area, **filled), derived


def _factors(node: float, to_node: float) -> tuple[float | None, float | None]:
    """Return the factors of energy and area; None where there is no rule for the node."""
    if _nm(node) not in NODES:
        return None, None
    step = Step(_nm(node), _nm(to_node), SUPPLY, SUPPLY)
    return step.energy().value, step.area().value


def times(value: float | None, factor: float | None) -> float | None:
    """Return a product, None if either is not known."""
    return None if value is None or factor is None else value * factor


def _over(value: float | None, divisor: float | None) -> float | None:
    return None if value is None or divisor is None else value / divisor


def _nm(node: float) -> float:
    """Return a node in nm, rounded so that it compares equal with the rules' nodes."""
    return round(node * 1e9, 3)
