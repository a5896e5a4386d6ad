"""Whether designs run the same network on the same inputs, and what that was told from.

Bits, mapping, converters and devices may differ: those are the designs. Layers, sizes and timesteps
may not. Other weights or other inputs change energy and accuracy a little, so they are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archsim.errors import InputError
from archsim.network.identity import structure_differences
from archsim.trace.summary import Summary


@dataclass(frozen=True)
class Sameness:
    """What a design has in common with the first one; None where its trace does not say.

    Attributes
    ----------
    weights : bool or None
        Whether the weights are the same numbers.
    inputs : bool or None
        Whether the sequences and labels are the same.
    """

    weights: bool | None
    inputs: bool | None


def sameness(first: Summary, other: Summary) -> Sameness:
    """Return what a run has in common with another one of the same structure."""
    return Sameness(
        _same(first.network_hash, other.network_hash),
        _same(first.workload_hash, other.workload_hash),
    )


def _same(one: str | None, other: str | None) -> bool | None:
    return None if one is None or other is None else one == other


def check_structures(named: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Check that designs are of one network.

    Parameters
    ----------
    named : sequence of (str, dict)
        Names of the designs, and their networks' `archsim.network.identity.network_structure`.

    Raises
    ------
    InputError
        If layers, sizes, functions or timesteps differ.
    """
    (first_name, first), *others = named
    for name, structure in others:
        found = structure_differences(first, structure)
        if found:
            raise _other_network(name, first_name, found)


def check_counts(named: Sequence[tuple[str, Summary]]) -> None:
    """Check that runs take equally many operations and timesteps, as they do of one network.

    Raises
    ------
    InputError
        If they do not.
    """
    (first_name, first), *others = named
    for name, other in others:
        found = [
            f"{mine:,} {what} against {theirs:,}"
            for what, mine, theirs in (
                ("operations an inference", other.operations, first.operations),
                ("timesteps", other.timesteps, first.timesteps),
            )
            if mine != theirs
        ]
        if found:
            raise _other_network(name, first_name, found)


def _other_network(name: str, first: str, found: Sequence[str]) -> InputError:
    return InputError(
        f"'{name}' is another network than '{first}' ({', '.join(found)}): compare equal networks"
    )


def same_title(summaries: Sequence[Summary]) -> str:
    """Return what designs have in common, for a title."""
    first, *others = summaries
    found = [sameness(first, other) for other in others]
    if all(item.weights and item.inputs for item in found):
        return "the same network and inputs"
    if all(item.weights for item in found):
        return "the same network"
    return "networks of the same layers, sizes and timesteps"


def differences(names: Sequence[str], summaries: Sequence[Summary]) -> list[str]:
    """Say, design by design, what is not the same, or cannot be told to be."""
    first, *others = summaries
    out = []
    for name, other in zip(names[1:], others, strict=True):
        found = sameness(first, other)
        if found.weights is False:
            out.append(f"{name} has other weights than {names[0]}")
        if found.inputs is False:
            what = f"{other.sequences} sequences against {first.sequences}"
            equal = other.sequences == first.sequences
            out.append(f"{name} ran other inputs than {names[0]}{'' if equal else f': {what}'}")
        if None in (found.weights, found.inputs):
            out.append(
                f"{name} or {names[0]} is of an earlier version, which does not say what weights "
                "and inputs it ran: layers, sizes and timesteps are the same"
            )
    return out


def other_choices(first: Summary, other: Summary) -> dict[str, str]:
    """Return the choices of a design that are not the first one's."""
    return {key: text for key, text in other.choices.items() if first.choices.get(key) != text}
