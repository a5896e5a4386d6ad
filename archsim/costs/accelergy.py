"""A library's costs and a run's action counts in the shape of Accelergy's tables.

Accelergy (github.com/Accelergy-Project/accelergy, version 0.4) reads and writes three tables, which
other tools of its family take too. Their shape was read in its sources and its test data:

- ``ERT.yaml``, the energy reference table: for each component its actions with arguments and an
  energy in pJ. Where a clock period is given, every component has an action ``leak``: one cycle.
- ``ART.yaml``, the area reference table: the area of one instance of each component in um^2.
- ``action_counts.yaml``: how often each action of each component was done.

Counts are a plain mapping, component -> action -> count. A component that is ``per: bit`` is one
bit here: eight writes of a register of 5 bits count as 40. What a run spends by physics and not
from the library, such as reads of the array, comes in as `own`: component -> action -> energy of
the whole run in J. Such an action is counted once, because its energy differs from time to time.
Both are what `archsim.costs.operation.ActionCounts` holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from archsim.costs.library import ComponentLibrary
from archsim.errors import ConfigError
from archsim.outputs import OutputKind, begins_with, check_output, writing

VERSION = 0.4
LEAK = "leak"
FILES = ("ERT.yaml", "ART.yaml", "action_counts.yaml")

Counts = Mapping[str, Mapping[str, float]]
Energies = Mapping[str, Mapping[str, float]]

_UNITS = {
    "ERT.yaml": "energies in pJ an action",
    "ART.yaml": "areas in um^2 an instance",
    "action_counts.yaml": "counts of actions, no unit",
}
_DIGITS = 12
_HEAD = "component library "
_TABLE = OutputKind(
    "an Accelergy table of archsim", begins_with(f"# {_HEAD}".encode()), "folder", "the tables"
)


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
        Component -> action -> energy of the whole run, J, of actions that are not in the library.
    period : float, optional
        Clock period, s; adds the action ``leak``.
    chip : str
        Name in front of every component's.

    Raises
    ------
    ConfigError
        If a counted component or action is not in the library, or an own one is.
    """
    own = own or {}
    _check(library, counts, own, period)
    tables = [
        {"name": f"{chip}.{component}", "actions": _actions(library, component, own, period)}
        for component in dict.fromkeys([*counts, *own])
    ]
    return {"ERT": {"version": VERSION, "tables": tables}}


def _actions(
    library: ComponentLibrary, component: str, own: Energies, period: float | None
) -> list[dict[str, Any]]:
    """Return a component's actions as they stand in the energy reference table."""
    return [
        {"name": action, "arguments": {}, "energy": _rounded(energy * 1e12)}
        for action, energy in _energies(library, component, own, period).items()
    ]


def area_reference_table(
    library: ComponentLibrary, counts: Counts, *, chip: str = "chip"
) -> dict[str, Any]:
    """Return the area reference table; own energies have no part, so no area."""
    tables = [
        {"name": f"{chip}.{component}", "area": _rounded(library.area(component) * 1e12)}
        for component in counts
    ]
    return {"ART": {"version": VERSION, "tables": tables}}


def action_counts(
    counts: Counts, *, own: Energies | None = None, chip: str = "chip"
) -> dict[str, Any]:
    """Return the action counts of a run; own actions are counted once.

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
        for component, actions in _all_counts(counts, own or {}).items()
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
    own = own or {}
    _check(library, counts, own, period)
    return math.fsum(
        count * _energies(library, component, own, period)[action]
        for component, actions in _all_counts(counts, own).items()
        for action, count in actions.items()
    )


def check_folder(folder: Path, *, inputs: Iterable[Path] = ()) -> None:
    """Make the folder of the tables, and raise unless they can be written there.

    Raises
    ------
    OutputError
        If they cannot, or would overwrite something else.
    """
    for name in FILES:
        check_output(folder / name, _TABLE, inputs=inputs, make_folder=True)


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

    Raises
    ------
    ConfigError
        If a counted action is not in the library, or an own one is.
    OutputError
        If the files cannot be written, or would overwrite something else.
    """
    tables = (
        energy_reference_table(library, counts, own=own, period=period, chip=chip),
        area_reference_table(library, counts, chip=chip),
        action_counts(counts, own=own, chip=chip),
    )
    check_folder(folder)
    paths = [folder / name for name in FILES]
    with ExitStack() as drafts:  # all three take their places when all are written
        for path, table in zip(paths, tables, strict=True):
            lines = [f"{_HEAD}{library.name}; {_UNITS[path.name]}"]
            if path.name != FILES[2]:
                lines += _sources(library, counts)
            if path.name == FILES[0]:
                lines += ["leak: one instance, one clock cycle"] if period is not None else []
                lines += [f"{each}: of the whole run, by physics" for each in _own_names(own or {})]
            head = "".join(f"# {line}\n" for line in lines)
            draft = drafts.enter_context(writing(path, _TABLE))
            draft.write_text(head + yaml.safe_dump(table, sort_keys=False), encoding="utf-8")
    return paths


def _sources(library: ComponentLibrary, counts: Counts) -> list[str]:
    """Return a line for each number that says where it comes from."""
    return [
        f"{figure.component}.{figure.action or figure.what}: {' '.join(figure.source.split())}"
        for figure in library.figures()
        if figure.component in counts and figure.what in ("energy", "area", "leakage")
    ]


def _own_names(own: Energies) -> list[str]:
    return [f"{component}.{action}" for component, actions in own.items() for action in actions]


def _all_counts(counts: Counts, own: Energies) -> dict[str, dict[str, float]]:
    """Return all counts; an own action counts once."""
    return {
        component: {**counts.get(component, {}), **dict.fromkeys(own.get(component, {}), 1)}
        for component in dict.fromkeys([*counts, *own])
    }


def _energies(
    library: ComponentLibrary, component: str, own: Energies, period: float | None
) -> dict[str, float]:
    """Return the energy of each action of a component, J."""
    energies = dict(own.get(component, {}))
    if component in library.components:
        energies |= _library_energies(library, component, period)
    return energies


def _library_energies(
    library: ComponentLibrary, component: str, period: float | None
) -> dict[str, float]:
    """Return the energy of each action that the library has of a component, J."""
    actions = library.component(component).actions
    energies = {name: library.energy(component, name) for name in actions}
    if period is not None:
        energies[LEAK] = library.leakage(component) * period
    return energies


def _check(library: ComponentLibrary, counts: Counts, own: Energies, period: float | None) -> None:
    for component, actions in counts.items():
        known = _library_energies(library, component, period)
        for action in actions:
            if action not in known:
                library.energy(component, action)
    for component, actions in own.items():
        for action in actions:
            if action in _energies(library, component, {}, period):
                msg = f"own energies: library '{library.name}' has '{component}.{action}' already"
                raise ConfigError(msg)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
