"""Operations of an ONNX graph on numbers and sizes, which are done as the graph is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from archsim.errors import NetworkError
from archsim.network.importers.numbers import Budget
from archsim.network.importers.onnx_file import OnnxNode, Tensor
from archsim.network.importers.onnx_values import (
    Axis,
    Constant,
    Data,
    Filled,
    Role,
    Sizes,
    Value,
    known,
    sizes_of,
)

_FILL_LIKE = {
    "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Gather", "Identity", "Expand", "Cast",
    "Tile", "Split",
}  # fmt: skip
"""Operations after which one number everywhere is still one number everywhere."""
_NUMBER_TYPES = (1, 10, 11, 16)


def fold(node: OnnxNode, given: Sequence[Value | None], budget: Budget) -> list[Value] | None:
    """Return what an operation gives of numbers and sizes, None where it is about something else.

    Raises
    ------
    NetworkError
        If its numbers do not fit, or are too many.
    """
    first = given[0] if given else None
    if node.op in {"Constant", "ConstantOfShape", "Shape"}:
        out = _of_nothing(node, first)
        if out is not None:
            return [out]
    if isinstance(first, Filled) and node.op in _FILL_LIKE:
        return [first] * len(node.outputs)
    here = [each for each in given if each is not None]
    if node.op == "Expand":
        return _expanded(node, here, budget)
    if here and all(isinstance(each, Constant) for each in here):
        arrays = [each.array if isinstance(each, Constant) else None for each in given]
        return _on_numbers(node, arrays, budget)
    return _on_sizes(node, here) if any(isinstance(each, Sizes) for each in here) else None


def _of_nothing(node: OnnxNode, first: Value | None) -> Value | None:
    """Return a constant, what fills a shape, or the shape of outputs of layers."""
    if node.op == "Constant":
        return _constant(node)
    if node.op == "ConstantOfShape":
        value = node.get("value", np.zeros(1))
        return Filled(float(np.ravel(value)[0]) if np.size(value) else 0.0)
    if not isinstance(first, Data):
        return None
    sizes = tuple(axis if axis.size is None else axis.size for axis in first.axes)
    return Sizes(sizes[node.get("start", 0) : node.get("end", len(sizes))])


def _constant(node: OnnxNode) -> Value:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if key in node.attributes:
            array = np.asarray(node.attributes[key])
            return Constant(array.astype(np.float64 if array.dtype.kind == "f" else np.int64))
    raise node.refused("holds no number, which is not simulated")


def _expanded(node: OnnxNode, given: Sequence[Value], budget: Budget) -> list[Value] | None:
    """Return numbers spread to a shape; along an axis of a size that varies they stay single."""
    if len(given) != 2 or not isinstance(given[0], Constant):
        return None
    array, sizes = given[0].array, sizes_of(given[1])
    if sizes is None:
        raise node.refused("has a shape that does not follow from the graph's inputs")
    if array.size and (array == array.flat[0]).all():
        return [Filled(float(array.flat[0]))]
    shape = tuple(known(item) or 1 for item in sizes)
    try:
        shape = np.broadcast_shapes(array.shape, shape)
        budget.take(node.name, shape)
        return [Constant(np.broadcast_to(array, shape).copy())]
    except ValueError as error:
        raise node.refused(f"cannot spread shape {array.shape} to {shape}") from error


def axes_of(node: OnnxNode, given: Sequence[Tensor | None], rank: int) -> list[int] | None:
    """Return the axes that an operation names, by its attribute or its second input."""
    axes = node.get("axes", None)
    if axes is None and len(given) > 1 and given[1] is not None:
        axes = [int(each) for each in np.ravel(given[1])]
    if axes is None:
        return None
    if any(not -rank <= axis < rank for axis in axes):
        raise node.refused(f"names the axes {axes} where there are {rank}")
    return [axis % rank for axis in axes]


def _on_numbers(node: OnnxNode, given: list[Tensor | None], budget: Budget) -> list[Value] | None:
    work = _ON_NUMBERS.get(node.op)
    if work is None:
        return None
    total = sum(each.size for each in given if each is not None)
    try:
        budget.take(node.name, (total,))
        out = work(node, given)
    except NetworkError:
        raise
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise node.refused("has numbers that do not fit each other") from error
    return [Constant(np.asarray(each)) for each in out]


def _array(given: Sequence[Tensor | None], number: int) -> Tensor:
    found = given[number] if number < len(given) else None
    if found is None:
        raise IndexError(number)
    return found


def _reshape(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array, shape = _array(given, 0), [int(each) for each in np.ravel(_array(given, 1))]
    if not node.get("allowzero", 0):
        shape = [array.shape[n] if each == 0 else each for n, each in enumerate(shape)]
    return [array.reshape(shape)]


def _squeeze(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array = _array(given, 0)
    axes = axes_of(node, given, array.ndim)
    return [np.squeeze(array, None if axes is None else tuple(axes))]


def _unsqueeze(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array = _array(given, 0)
    named = node.get("axes", None)
    count = len(named) if named is not None else _array(given, 1).size
    axes = axes_of(node, given, array.ndim + count)
    return [np.expand_dims(array, tuple(axes or ()))]


def _slice(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array = _array(given, 0)
    cut = [slice(None)] * array.ndim
    for axis, begin, end, step in slices_of(node, given, array.ndim):
        cut[axis] = slice(begin, end if step > 0 or end >= -array.shape[axis] else None, step)
    return [array[tuple(cut)]]


def slices_of(
    node: OnnxNode, given: Sequence[Tensor | None], rank: int
) -> list[tuple[int, int, int, int]]:
    """Return axis, begin, end and step of every cut that a Slice makes.

    Raises
    ------
    NetworkError
        If they are not given, or do not fit each other.
    """

    def numbers(key: str, place: int) -> list[int] | None:
        if key in node.attributes:
            return [int(each) for each in node.attributes[key]]
        tensor = given[place] if place < len(given) else None
        return None if tensor is None else [int(each) for each in np.ravel(tensor)]

    begins, ends = numbers("starts", 1), numbers("ends", 2)
    if begins is None or ends is None:
        raise node.refused("has no begin or end")
    axes = numbers("axes", 3) or list(range(len(begins)))
    steps = numbers("steps", 4) or [1] * len(begins)
    fits = len(begins) == len(ends) == len(axes) == len(steps)
    if not fits or any(not -rank <= axis < rank for axis in axes) or 0 in steps:
        raise node.refused("has begins, ends, axes and steps that do not fit each other")
    return list(zip([axis % rank for axis in axes], begins, ends, steps, strict=True))


def _gather(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array, index = _array(given, 0), _array(given, 1)
    return [np.take(array, index.astype(np.int64), axis=node.get("axis", 0))]


def _concat(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    return [np.concatenate([each for each in given if each is not None], axis=node.get("axis", 0))]


def split_sizes(node: OnnxNode, given: Sequence[Tensor | None], size: int) -> list[int]:
    """Return the sizes of the parts that a Split makes of an axis."""
    told = node.get("split", None)
    if told is None and len(given) > 1 and given[1] is not None:
        told = [int(each) for each in np.ravel(given[1])]
    parts = len(node.outputs)
    sizes = told or [math.ceil(size / parts)] * (parts - 1)
    if not told:
        sizes.append(size - sum(sizes))
    if sum(sizes) != size or len(sizes) != parts or min(sizes) < 0:
        raise node.refused(f"has parts of {sizes} where there are {size} in all")
    return sizes


def _split(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    array, axis = _array(given, 0), node.get("axis", 0)
    ends = np.cumsum(split_sizes(node, given, array.shape[axis]))[:-1]
    return list(np.split(array, ends, axis=axis))


def _cast(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
    to = node.get("to", 1)
    return [_array(given, 0).astype(np.float64 if to in _NUMBER_TYPES else np.int64)]


def _two(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., list[Tensor]]:
    def work(node: OnnxNode, given: Sequence[Tensor | None]) -> list[Tensor]:
        one, other = _array(given, 0), _array(given, 1)
        most = 4 * max(one.size, other.size)
        if math.prod(np.broadcast_shapes(one.shape, other.shape)) > most:
            raise node.refused("makes far more numbers than it is given")
        with np.errstate(all="ignore"):
            return [function(one, other)]

    return work


def _divided(one: Tensor, other: Tensor) -> Tensor:
    return np.asarray(one // other if one.dtype.kind == "i" else one / other)


_ON_NUMBERS: dict[str, Callable[[OnnxNode, list[Tensor | None]], list[Tensor]]] = {
    "Identity": lambda _, given: [_array(given, 0)],
    "Shape": lambda _, given: [np.array(_array(given, 0).shape, dtype=np.int64)],
    "Transpose": lambda node, given: [np.transpose(_array(given, 0), node.get("perm", None))],
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Gather": _gather,
    "Concat": _concat,
    "Split": _split,
    "Cast": _cast,
    "Add": _two(np.add),
    "Sub": _two(np.subtract),
    "Mul": _two(np.multiply),
    "Div": _two(_divided),
    "Neg": lambda _, given: [-_array(given, 0)],
}


def _on_sizes(node: OnnxNode, given: Sequence[Value]) -> list[Value] | None:
    """Return what an operation gives of sizes of which some vary."""
    lists = [sizes_of(each) for each in given]
    first = lists[0]
    if node.op in {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze"} and first is not None:
        return [Sizes(first, scalar=node.op == "Squeeze" and len(first) == 1)]
    if node.op == "Concat" and None not in lists:
        return [Sizes(tuple(item for each in lists if each is not None for item in each))]
    if node.op == "Gather" and first is not None and isinstance(given[1], Constant):
        index = given[1].array
        picked = [int(each) for each in np.ravel(index)]
        if any(not -len(first) <= each < len(first) for each in picked):
            raise node.refused(f"picks {picked} of {len(first)} sizes")
        return [Sizes(tuple(first[each] for each in picked), scalar=index.ndim == 0)]
    if node.op == "Slice" and first is not None:
        arrays = [each.array if isinstance(each, Constant) else None for each in given]
        ((_, begin, end, step),) = slices_of(node, arrays, 1)[:1]
        return [Sizes(first[begin:end:step])]
    if node.op in {"Add", "Sub", "Mul", "Div"} and None not in lists:
        return [Sizes((Axis(Role.MERGED),), scalar=True)]
    return None
