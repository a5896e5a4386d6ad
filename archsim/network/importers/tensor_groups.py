"""Tensors of one file, put together by their names to layers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from archsim.errors import NetworkError
from archsim.listing import listed, shortened
from archsim.network.foreign import name_hint
from archsim.network.importers.base import Array
from archsim.network.importers.options import Options
from archsim.network.unused import NORMALISATION

_CELL = re.compile(
    r"(?:(?P<owner>.*)\.)?(?P<what>weight_(?:ih|hh|hr)|bias_(?:ih|hh)|[hc]0)"
    r"(?:_l(?P<layer>\d{1,3}))?(?P<reverse>_reverse)?"
)
_PLAIN = re.compile(r"(?:(?P<owner>.*)\.)?(?P<what>weight|bias)")
_TABLE = re.compile(r"(emb(ed(ding)?)?s?|wte|lookup|tok(en)?s?)([._\d]|$)", re.IGNORECASE)
_COUNTERS = ("num_batches_tracked",)
MOST_TENSORS, LONGEST_NAME = 20_000, 500


@dataclass(frozen=True)
class NamedTensors:
    """Tensors of one file.

    Attributes
    ----------
    source : str
        The file.
    tensors : dict of str to float64 array
        Tensors by name.
    others : dict of str to str
        Types of tensors that are not of floating point numbers.
    ordered : bool
        Whether they stand in the order in which their layers were made.
    """

    source: str
    tensors: dict[str, Array]
    others: dict[str, str] = field(default_factory=dict)
    ordered: bool = True


@dataclass(frozen=True)
class Stack:
    """Recurrent layers on top of each other, and their two directions.

    Attributes
    ----------
    name : str
        What stands before its tensors' names.
    parts : dict of (int, bool) to dict of str to float64 array
        Tensors by their name, by number of the layer and whether it is the backward one.
    """

    name: str
    parts: dict[tuple[int, bool], dict[str, Array]]

    @property
    def depth(self) -> int:
        """Layers on top of each other."""
        return 1 + max(number for number, _ in self.parts)

    @property
    def directions(self) -> int:
        """1, or 2 for a bidirectional one."""
        return 1 + any(backward for _, backward in self.parts)

    @property
    def takes(self) -> int:
        """Elements of its input."""
        return int(self.parts[0, False]["weight_ih"].shape[1])

    @property
    def gives(self) -> int:
        """Elements of its output."""
        last = self.parts[self.depth - 1, False]
        return int(last["weight_hh"].shape[1]) * self.directions


@dataclass(frozen=True)
class Matrix:
    """A matrix and perhaps a bias: a linear layer, or a table.

    Attributes
    ----------
    name : str
        What stands before its tensors' names.
    weight : float64 (rows, columns)
        The matrix.
    bias : float64 (rows,), optional
        The bias.
    is_table : bool
        Whether it is an embedding, of which rows are picked.
    """

    name: str
    weight: Array
    bias: Array | None
    is_table: bool = False

    @property
    def takes(self) -> int:
        """Elements of its input."""
        return 1 if self.is_table else int(self.weight.shape[1])

    @property
    def gives(self) -> int:
        """Elements of its output."""
        return int(self.weight.shape[1] if self.is_table else self.weight.shape[0])


Block = Stack | Matrix


def blocks_of(given: NamedTensors, options: Options) -> list[Block]:
    """Return the layers that tensors belong to, in the order of their first tensors.

    Raises
    ------
    NetworkError
        If a tensor belongs to no layer that is known, or lacks what comes with it.
    """
    _check_names(given)
    ignored = _ignored(given, options.ignore)
    stacks: dict[str, dict[tuple[int, bool], dict[str, Array]]] = defaultdict(dict)
    plain: dict[str, dict[str, Array]] = defaultdict(dict)
    order: dict[str, None] = {}
    for name, kind in given.others.items():
        if name not in ignored and not name.endswith(_COUNTERS):
            raise NetworkError(
                f"tensor '{shortened(name)}' is of type {kind}: save it as 32-bit floating point, "
                "or leave it out with option ignore"
            )
    for name, tensor in given.tensors.items():
        if name in ignored or name in NORMALISATION:
            continue
        cell, other = _CELL.fullmatch(name), _PLAIN.fullmatch(name)
        if cell is not None:
            key = int(cell["layer"] or 0), cell["reverse"] is not None
            stacks[cell["owner"] or ""].setdefault(key, {})[cell["what"]] = tensor
        elif other is not None:
            plain[other["owner"] or ""][other["what"]] = tensor
        else:
            raise NetworkError(_unknown(name, tensor, given))
        order[((cell or other) or {"owner": ""})["owner"] or ""] = None
    blocks: list[Block] = []
    for owner in order:
        if owner in stacks:
            blocks.append(_stack(owner, stacks[owner]))
        if owner in plain:
            blocks.append(_matrix(owner, plain[owner], options))
    return blocks


def _check_names(given: NamedTensors) -> None:
    names = (*given.tensors, *given.others)
    if len(names) > MOST_TENSORS:
        raise NetworkError(
            f"it has more than {MOST_TENSORS:,} tensors, which no network here needs"
        )
    for name in names:
        if len(name) > LONGEST_NAME:
            raise NetworkError(
                f"it has a tensor whose name has more than {LONGEST_NAME} characters: "
                f"'{shortened(name)}'"
            )
    if not names:
        raise NetworkError("it has no tensors")


def _ignored(given: NamedTensors, patterns: Iterable[str]) -> set[str]:
    names = (*given.tensors, *given.others)
    found: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        if not fitting:
            what = f"option ignore names '{shortened(pattern)}', and it has no such tensor"
            raise NetworkError(what)
        found |= fitting
    return found


def _unknown(name: str, tensor: Array, given: NamedTensors) -> str:
    """Say that a tensor is of no layer that is known, with what its name tells."""
    hint = name_hint("layer.weight_ih_l0", (*given.tensors, *given.others))
    what = f"tensor '{shortened(name)}' of shape {tensor.shape} belongs to no layer that is known"
    if hint:
        return what + hint
    return f"{what}: leave it out with option ignore if the network does not need it"


def _stack(owner: str, parts: dict[tuple[int, bool], dict[str, Array]]) -> Stack:
    shown = shortened(owner) or "the recurrent layer"
    depth = 1 + max(number for number, _ in parts)
    both = any(backward for _, backward in parts)
    wanted = {(number, back) for number in range(depth) for back in ((False, True)[: 1 + both])}
    if wanted != set(parts):
        lacking = sorted(wanted - set(parts))[0]
        suffix = f"_l{lacking[0]}" + ("_reverse" if lacking[1] else "")
        raise NetworkError(f"'{shown}' lacks the tensors that end with {suffix}")
    for (number, backward), tensors in parts.items():
        suffix = f"_l{number}" + ("_reverse" if backward else "")
        for name in ("weight_ih", "weight_hh"):
            if name not in tensors:
                raise NetworkError(f"'{shown}' lacks the tensor {name}{suffix}")
        for name, tensor in tensors.items():
            if tensor.ndim != (2 if name.startswith("weight") else 1):
                raise NetworkError(
                    f"'{shown}' has a tensor {name}{suffix} of shape {tensor.shape}, which is no "
                    f"{'matrix' if name.startswith('weight') else 'vector'}"
                )
    return Stack(owner, parts)


def _matrix(owner: str, tensors: dict[str, Array], options: Options) -> Matrix:
    shown = shortened(owner) or "weight"
    weight, bias = tensors.get("weight"), tensors.get("bias")
    if weight is None:
        raise NetworkError(f"'{shown}' has a bias and no weight")
    if weight.ndim != 2:
        raise NetworkError(_no_matrix(shown, weight.shape))
    if bias is not None and bias.shape != (weight.shape[0],):
        raise NetworkError(
            f"'{shown}' has a bias of shape {bias.shape} where ({weight.shape[0]},) is needed"
        )
    named = options.embedding == owner if options.embedding else bool(_TABLE.search(owner))
    return Matrix(owner, weight, bias, is_table=bias is None and named)


def _no_matrix(shown: str, shape: tuple[int, ...]) -> str:
    what = "a normalisation" if len(shape) == 1 else "a convolution"
    if len(shape) == 1:
        return f"'{shown}' has a weight of shape {shape}, as {what} has, which is not simulated"
    return f"'{shown}' has a weight of shape {shape}, as {what} may have: it is no linear layer"


def names_of(blocks: Iterable[Block]) -> str:
    """Return the names of blocks in their order, as a message shows them."""
    return listed((block.name or "(no name)" for block in blocks), characters=200)
