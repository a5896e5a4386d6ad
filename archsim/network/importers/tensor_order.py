"""In which order the layers of a file of tensors follow each other, which its names do not say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.importers.options import Options
from archsim.network.importers.tensor_groups import Block, Matrix, NamedTensors, Stack, names_of

_MOST_STEPS = 20_000
"""Attempts at putting layers in order, after which they count as having several orders."""


def ordered(blocks: list[Block], given: NamedTensors, options: Options) -> tuple[list[Block], str]:
    """Return blocks from input to output, and how their order was found.

    Raises
    ------
    NetworkError
        If none fits, or several do and the file's own order says nothing.
    """
    if options.order:
        return _as_told(blocks, options.order), "the order was given"
    blocks = _numbered(blocks) or blocks
    if _fits(blocks) and (given.ordered or _numbered(blocks)):
        return blocks, "layers follow each other as their tensors do in the file"
    found: list[list[Block]] = []
    _search(blocks, [], found, [0])
    if len(found) == 1:
        return found[0], "sizes leave one order of the layers"
    if not found:
        table = _tables(blocks)
        if table is not None:
            return ordered(table, given, options)
        sizes = [f"{block.name} {block.takes} -> {block.gives}" for block in blocks]
        raise NetworkError(
            f"its layers' sizes form no chain ({listed(sizes, characters=200)}): give their order "
            "as order=NAME,NAME, or leave tensors out with option ignore"
        )
    raise NetworkError(
        f"its layers' sizes leave several orders of {names_of(blocks)}: say which one by "
        "order=NAME,NAME"
    )


def _as_told(blocks: list[Block], names: Sequence[str]) -> list[Block]:
    by_name = {block.name: block for block in blocks}
    wrong = [name for name in names if name not in by_name]
    if wrong or len(set(names)) != len(names) or len(names) != len(blocks):
        what = f"'{shortened(wrong[0])}' is none of them" if wrong else "name each of them once"
        raise NetworkError(f"option order: its layers are {names_of(blocks)}: {what}")
    return [by_name[name] for name in names]


def _numbered(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks by the numbers that a Sequential gives them, none where names are others."""
    parts = [re.fullmatch(r"((?:.*\.)?)(\d{1,6})", block.name) for block in blocks]
    if not all(parts) or len({part[1] for part in parts if part}) != 1:
        return []
    keyed = [(int(part[2]), number) for number, part in enumerate(parts) if part]
    return [blocks[number] for _, number in sorted(keyed)]


def _fits(blocks: Sequence[Block]) -> bool:
    """Return whether each block takes what the one before it gives, and a table is the first."""
    return all(_follows(one, other) for one, other in pairwise(blocks))


def _follows(one: Block, other: Block) -> bool:
    return one.gives == other.takes and not (isinstance(other, Matrix) and other.is_table)


def _search(
    left: list[Block], chain: list[Block], found: list[list[Block]], steps: list[int]
) -> None:
    """Add chains of all blocks to `found`, two at most."""
    steps[0] += 1
    if not left:
        found.append(chain)
        return
    for number, block in enumerate(left):
        if len(found) > 1:
            return
        if steps[0] > _MOST_STEPS:
            found += [chain, chain]
            return
        if not chain or _follows(chain[-1], block):
            _search([*left[:number], *left[number + 1 :]], [*chain, block], found, steps)


def _tables(blocks: list[Block]) -> list[Block] | None:
    """Return blocks with one of them made a table, where that is the only way to a chain."""
    ways = []
    for number, block in enumerate(blocks):
        if isinstance(block, Matrix) and block.bias is None and not block.is_table:
            made = [*blocks[:number], replace(block, is_table=True), *blocks[number + 1 :]]
            found: list[list[Block]] = []
            _search(made, [], found, [0])
            if found:
                ways.append(made)
    return ways[0] if len(ways) == 1 else None


def last_recurrent(blocks: Sequence[Block]) -> int:
    """Return the place of the last recurrent block.

    Raises
    ------
    NetworkError
        If there is none.
    """
    places = [number for number, block in enumerate(blocks) if isinstance(block, Stack)]
    if not places:
        raise NetworkError(
            f"it has no recurrent layer: none of {names_of(blocks)} has a tensor weight_hh"
        )
    return places[-1]
