"""A library's costs and a run's action counts in the shape of Accelergy's tables.

Accelergy (github.com/Accelergy-Project/accelergy, version 0.4) reads and writes three tables, which
other tools of its family take too. Their shape was read in its sources and its test data:

- ``ERT.yaml``, the energy reference table: for each component its actions with arguments and an
  energy in pJ. Where a clock period is given, every component has an action ``leak``: one cycle.
- ``ART.yaml``, the area reference table: the area of one instance of each component in um^2.
- ``action_counts.yaml``: how often each action of each component was done.

Counts are a plain mapping, component -> action -> count. A component that is ``per: bit`` is one
bit here: eight writes of a register of 5 bits count as 40. What a run charges by physics and not
from the library, such as reads of the array, comes in as `own`: component -> action -> energy in J.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from archsim.costs.library import ComponentLibrary
from archsim.errors import ConfigError

VERSION = 0.4
LEAK = "leak"
FILES = ("ERT.yaml", "ART.yaml", "action_counts.yaml")

Counts = Mapping[str, Mapping[str, float]]
Energies = Mapping[str, Mapping[str, float]]

_UNITS = {
    "ERT.yaml": "energies in pJ an action; leak is one clock cycle",
    "ART.yaml": "areas in um^2 an instance",
    "action_counts.yaml": "counts of actions, no unit",
}
_DIGITS = 12


def energy_reference_table(
    library: ComponentLibrary,
    counts: Counts,
    *,
    own: Energies | None = None,
    period: float | None = None,
    chip: str = "chip",
) -> dict[str, Any]:
    """Return the energy reference table of the components that a run counts.

    Parameters
    ----------
    library : ComponentLibrary
        Costs.
    counts : mapping
        Component -> action -> count; every component is listed with all of its actions.
    own : mapping, optional
        Energies of actions that are not in the library, J.
    period : float, optional
        Clock period, s; adds the action ``leak``.
    chip : str
        Name in front of every component's.

    Raises
    ------
    ConfigError
        If a component or action is neither in the library nor in `own`.
    """
    _check(library, counts, own or {}, period)
    tables = [
        {
            "name": f"{chip}.{component}",
            "actions": [
                {"name": action, "arguments": {}, "energy": _rounded(energy * 1e12)}
                for action, energy in _energies(library, component, own or {}, period).items()
            ],
        }
        for component in counts
    ]
    return {"ERT": {"version": VERSION, "tables": tables}}


def area_reference_table(
    library: ComponentLibrary, counts: Counts, *, own: Energies | None = None, chip: str = "chip"
) -> dict[str, Any]:
    """Return the area reference table; a component that only `own` has has no area here."""
    tables = [
        {"name": f"{chip}.{component}", "area": _rounded(library.area(component) * 1e12)}
        for component in counts
        if component in library.components or component not in (own or {})
    ]
    return {"ART": {"version": VERSION, "tables": tables}}


def action_counts(counts: Counts, *, chip: str = "chip") -> dict[str, Any]:
    """Return the action counts of a run.

    Raises
    ------
    ConfigError
        If a count is negative or not finite.
    """
    for component, actions in counts.items():
        for action, count in actions.items():
            if not (math.isfinite(count) and count >= 0):
                msg = f"action counts: {component}.{action} is {count}; give a count of 0 or more"
                raise ConfigError(msg)
    local = [
        {
            "name": component,
            "action_counts": [
                {"name": action, "counts": count} for action, count in actions.items()
            ],
        }
        for component, actions in counts.items()
    ]
    return {
        "action_counts": {"version": VERSION, "subtree": [{"name": chip, "local": local}]},
    }


def total_energy(
    library: ComponentLibrary,
    counts: Counts,
    *,
    own: Energies | None = None,
    period: float | None = None,
) -> float:
    """Return the energy of all counted actions, J: the sum of count times energy."""
    _check(library, counts, own or {}, period)
    return math.fsum(
        count * _energies(library, component, own or {}, period)[action]
        for component, actions in counts.items()
        for action, count in actions.items()
    )


def write_tables(
    folder: Path,
    library: ComponentLibrary,
    counts: Counts,
    *,
    own: Energies | None = None,
    period: float | None = None,
    chip: str = "chip",
) -> list[Path]:
    """Write the three tables into a folder; each says its units and where its numbers come from.

    Returns
    -------
    list of Path
        The files, in the order of `FILES`.
    """
    tables = (
        energy_reference_table(library, counts, own=own, period=period, chip=chip),
        area_reference_table(library, counts, own=own, chip=chip),
        action_counts(counts, chip=chip),
    )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in zip(FILES, tables, strict=True):
        lines = [f"component library {library.name}; {_UNITS[name]}"]
        if name != FILES[2]:
            lines += _sources(library, counts)
        head = "".join(f"# {line}\n" for line in lines)
        path = folder / name
        path.write_text(head + yaml.safe_dump(table, sort_keys=False), encoding="utf-8")
        paths.append(path)
    return paths


def _sources(library: ComponentLibrary, counts: Counts) -> list[str]:
    """Return a line for each number that says where it comes from."""
    return [
        f"{figure.component}.{figure.action or figure.what}: {' '.join(figure.source.split())}"
        for figure in library.figures()
        if figure.component in counts and figure.what in ("energy", "area", "leakage")
    ]


def _energies(
    library: ComponentLibrary, component: str, own: Energies, period: float | None
) -> dict[str, float]:
    """Return the energy of each action of a component, J."""
    energies = dict(own.get(component, {}))
    if component in library.components or not energies:
        actions = library.component(component).actions
        energies = {name: library.energy(component, name) for name in actions} | energies
        if period is not None:
            energies[LEAK] = library.leakage(component) * period
    return energies


def _check(library: ComponentLibrary, counts: Counts, own: Energies, period: float | None) -> None:
    for component, actions in counts.items():
        known = _energies(library, component, own, period)
        for action in actions:
            if action not in known:
                library.energy(component, action)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
