"""Operations of an ONNX graph that only move axes about, or pick a part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archsim.network.importers.onnx_constants import axes_of, slices_of, split_sizes
from archsim.network.importers.onnx_file import OnnxNode, Tensor
from archsim.network.importers.onnx_values import (
    Axis,
    Constant,
    Data,
    Part,
    Role,
    Step,
    Value,
    sizes_of,
)

_MOST_AXES = 8
_FAR = 1 << 31
"""Beyond this an end of a Slice means the end of the axis, as exporters write it."""

_UNROLLED = (
    "an exporter may have unrolled a recurrent layer, which PyTorch's does not with dynamo=False"
)

Widths = Callable[[str], int]
"""Returns how many elements a layer hands on."""


@dataclass(frozen=True)
class Glue:
    """Follows axes.

    Attributes
    ----------
    width : callable
        Returns how many elements a layer hands on.
    has_lengths : callable
        Returns whether sequences have lengths of their own.
    """

    width: Widths
    has_lengths: Callable[[], bool]

    def takes(self, op: str) -> bool:
        """Return whether an operation is one of these."""
        return op in _WORK

    def follow(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Return what an operation gives of outputs of layers.

        Raises
        ------
        NetworkError
            If it mixes what layers here cannot.
        """
        return _WORK[node.op](self, node, data, given)

    # ------------------------------------------------------------- axes

    def same(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Return what an operation leaves as it is; in training, Dropout does not."""
        if node.op == "Dropout":
            training = given[2] if len(given) > 2 else None
            if isinstance(training, Constant) and training.array.any():
                raise node.refused("is in training mode: export the model after model.eval()")
        return [data, *[Data(data.axes, data.parts) for _ in node.outputs[1:]]]

    def transpose(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:  # noqa: ARG002
        """Put the axes into another order."""
        order = node.get("perm", list(range(len(data.axes)))[::-1])
        if sorted(order) != list(range(len(data.axes))):
            raise node.refused(f"has the order {order} of {len(data.axes)} axes")
        return [Data(tuple(data.axes[each] for each in order), data.parts)]

    def squeeze(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Take axes away that have one element."""
        axes = axes_of(node, arrays_of(given), len(data.axes))
        if axes is None:
            axes = [number for number, axis in enumerate(data.axes) if axis.size == 1]
        for number in axes:
            if data.axes[number].size != 1 or data.axes[number].role is Role.TIME:
                raise node.refused(f"takes an axis of {data.axes[number].role} away")
        kept = tuple(axis for number, axis in enumerate(data.axes) if number not in axes)
        return [Data(kept, data.parts)]

    def unsqueeze(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Add axes of one element."""
        arrays = arrays_of(given)
        named = node.get("axes", None)
        if named is None and (len(arrays) < 2 or arrays[1] is None):
            raise node.refused("does not say which axes it adds")
        count = len(named) if named is not None else int(arrays[1].size)  # type: ignore[union-attr]
        rank = len(data.axes) + count
        if rank > _MOST_AXES:
            raise node.refused("makes more axes than any network here has")
        places = axes_of(node, arrays, rank) or []
        left = iter(data.axes)
        out = [Axis(Role.SINGLE, 1) if n in places else next(left, None) for n in range(rank)]
        return [Data(tuple(axis for axis in out if axis is not None), data.parts)]

    def reshape(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Give a new shape that keeps the order of elements: merge axes, part them again."""
        target = sizes_of(given[1]) if len(given) > 1 and given[1] is not None else None
        if target is None:
            raise node.refused("has a shape that does not follow from the graph's inputs")
        wanted: list[int | Axis] = list(target)
        for number, item in enumerate(wanted):
            if item == 0 and number < len(data.axes):
                wanted[number] = data.axes[number]
        parted = [inner for axis in data.axes for inner in (axis.of or (axis,))]
        found = next(_fits(parted, wanted), None) if len(parted) <= _MOST_AXES else None
        if found is None:
            told = ["?" if isinstance(each, Axis) else each for each in wanted]
            raise node.refused(f"makes the shape {told} of axes that it would mix")
        return [Data(tuple(found), data.parts)]

    def flatten(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:  # noqa: ARG002
        """Merge axes to two, which may be there already."""
        if node.get("axis", 1) % len(data.axes) != len(data.axes) - 1:
            raise node.refused("merges timesteps and elements, which is not simulated")
        merged = next(_fits(list(data.axes), [-1, data.axes[-1]]), None)
        if merged is None:
            raise node.refused("merges axes that are not simulated merged")
        return [Data(tuple(merged), data.parts)]

    # ------------------------------------------------------------- parts

    def gather(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Pick one element of an axis."""
        number = node.get("axis", 0) % len(data.axes)
        index = given[1] if len(given) > 1 else None
        if not isinstance(index, Constant) or index.array.size != 1:
            raise node.refused("picks several elements of an axis, or ones that vary")
        at = int(index.array.flat[0])
        return [self._picked(node, data, number, (at, at + 1 or _FAR), index.array.ndim > 0)]

    def slice(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Cut a piece out of axes."""
        for number, begin, end, step in slices_of(node, arrays_of(given), len(data.axes)):
            if step != 1:
                raise node.refused("goes backward or skips elements, which is not simulated")
            size = data.axes[number].size
            if begin == 0 and (end >= _FAR or (size is not None and end >= size)):
                continue
            data = self._picked(node, data, number, (begin, end), keep=True)
        return [data]

    def split(self, node: OnnxNode, data: Data, given: Sequence[Value | None]) -> list[Value]:
        """Cut an axis into pieces."""
        number = node.get("axis", 0) % len(data.axes)
        axis = data.axes[number]
        if axis.size is None or axis.role not in {Role.DIRECTIONS, Role.FEATURES}:
            raise node.refused(f"cuts the axis of {axis.role}: {_UNROLLED}")
        ends, out = 0, []
        for size in split_sizes(node, arrays_of(given), axis.size):
            out.append(self._picked(node, data, number, (ends, ends + size), keep=True))
            ends += size
        return [*out]

    def _picked(
        self, node: OnnxNode, data: Data, number: int, cut: tuple[int, int], keep: bool
    ) -> Data:
        """Return what is left of an axis; `keep`: with an axis of one element where it was."""
        axis = data.axes[number]
        begin, end = _from_zero(cut, axis.size)
        parts = data.parts
        if axis.role is Role.TIME:
            step = _step(node, begin, end, axis)
            if step is Step.LAST and self.has_lengths():
                raise node.refused(
                    "takes the last of all timesteps, where sequences have lengths of their own: "
                    "take the final state Y_h"
                )
            parts = tuple(Part(part.layer, step) for part in parts)
            left = Axis(Role.SINGLE, 1)
        elif axis.role is Role.DIRECTIONS:
            parts = parts[begin:end]
            left = Axis(Role.DIRECTIONS, len(parts))
        elif axis.role is Role.FEATURES and keep:
            parts = self._side_by_side(node, parts, (begin, end))
            left = Axis(Role.FEATURES, end - begin)
        elif axis.size == 1 and (begin, end) == (0, 1):
            left = axis
        else:
            raise node.refused(f"picks from the axis of {axis.role}: {_UNROLLED}")
        if not parts or (not keep and left.size != 1):
            raise node.refused(f"picks {cut} of the axis of {axis.role}, which is not there")
        middle = (left,) if keep else ()
        return Data((*data.axes[:number], *middle, *data.axes[number + 1 :]), parts)

    def _side_by_side(
        self, node: OnnxNode, parts: tuple[Part, ...], cut: tuple[int, int]
    ) -> tuple[Part, ...]:
        """Return the layers whose outputs are a piece of the elements, whole ones only."""
        at, out = 0, []
        for part in parts:
            end = at + self.width(part.layer)
            if cut[0] <= at and end <= cut[1]:
                out.append(part)
            elif at < cut[1] and end > cut[0]:
                raise node.refused("cuts a layer's outputs in two, which is not simulated")
            at = end
        return tuple(out)

    def concat(self, node: OnnxNode, given: Sequence[Value | None]) -> list[Value]:
        """Put outputs of layers side by side."""
        several = [each for each in given if isinstance(each, Data)]
        if len(several) != len(given):
            raise node.refused("puts outputs of layers beside numbers, which is not simulated")
        ranks = {len(each.axes) for each in several}
        if len(ranks) != 1:
            raise node.refused("puts outputs with different axes side by side")
        number = node.get("axis", 0) % ranks.pop()
        roles = {tuple(axis.role for axis in each.axes) for each in several}
        role = several[0].axes[number].role
        if len(roles) != 1 or role not in {Role.FEATURES, Role.DIRECTIONS}:
            raise node.refused(f"puts outputs side by side along the axis of {role}")
        sizes = [each.axes[number].size for each in several]
        size = None if None in sizes else sum(each for each in sizes if each is not None)
        first = several[0]
        axes = (*first.axes[:number], Axis(role, size), *first.axes[number + 1 :])
        if role is Role.FEATURES and first.place(Role.DIRECTIONS) is not None:
            raise node.refused("puts elements of several directions side by side")
        return [Data(axes, tuple(part for each in several for part in each.parts))]


def arrays_of(given: Sequence[Value | None]) -> list[Tensor | None]:
    """Return the arrays among values, None for others."""
    return [each.array if isinstance(each, Constant) else None for each in given]


def _from_zero(cut: tuple[int, int], size: int | None) -> tuple[int, int]:
    """Return a cut counted from the beginning, as far as the axis's size is known."""
    begin, end = cut
    if size is not None:
        begin = max(0, begin + size) if begin < 0 else begin
        end = max(0, end + size) if end < 0 else min(end, size)
    return begin, end


def _step(node: OnnxNode, begin: int, end: int, axis: Axis) -> Step:
    """Return which timestep a cut leaves."""
    if (begin, end) == (0, 1):
        return Step.FIRST
    if (begin == -1 and end >= _FAR) or (
        axis.size is not None and begin == axis.size - 1 == end - 1
    ):
        return Step.LAST
    raise node.refused(
        f"takes timesteps that are neither all nor the first nor the last: {_UNROLLED}"
    )


def _fits(axes: list[Axis], wanted: list[int | Axis]) -> Iterator[list[Axis]]:
    """Yield the ways in which axes, in their order, can have a shape; the plainest first.

    Each number of the shape takes a run of neighbouring axes; axes of one element may go, and
    come.
    """
    if not axes and not wanted:
        yield []
        return
    if axes and wanted:
        for length in range(1, len(axes) + 1):
            run = axes[:length]
            if _may_be(run, wanted[0]):
                for rest in _fits(axes[length:], wanted[1:]):
                    yield [_merged(run), *rest]
    if wanted and wanted[0] == 1:
        for rest in _fits(axes, wanted[1:]):
            yield [Axis(Role.SINGLE, 1), *rest]
    if axes and axes[0].size == 1 and axes[0].role is not Role.TIME:
        yield from _fits(axes[1:], wanted)


def _may_be(run: Sequence[Axis], wanted: int | Axis) -> bool:
    """Return whether neighbouring axes may have a size together."""
    if isinstance(wanted, Axis):
        if wanted.of:
            return list(run) == list(wanted.of)
        return wanted.role is Role.MERGED or (len(run) == 1 and run[0] is wanted)
    if wanted == -1:
        return True
    size = 1
    for axis in run:
        if axis.size is None:
            return len(run) == 1 and wanted > 0
        size *= axis.size
    return size == wanted


def _merged(run: Sequence[Axis]) -> Axis:
    """Return neighbouring axes as one: directions and elements are elements."""
    if len(run) == 1:
        return run[0]
    real = [axis for axis in run if axis.role is not Role.SINGLE]
    sizes = [axis.size for axis in run]
    size = 1
    for each in sizes:
        size *= each or 0
    if [axis.role for axis in real] == [Role.DIRECTIONS, Role.FEATURES]:
        return Axis(Role.FEATURES, size)
    if len(real) == 1:
        return real[0]
    return Axis(Role.MERGED, size or None, tuple(run))


_WORK: dict[str, Callable[[Glue, OnnxNode, Data, Sequence[Value | None]], list[Value]]] = {
    "Identity": Glue.same,
    "Dropout": Glue.same,
    "Cast": Glue.same,
    "Transpose": Glue.transpose,
    "Squeeze": Glue.squeeze,
    "Unsqueeze": Glue.unsqueeze,
    "Reshape": Glue.reshape,
    "Flatten": Glue.flatten,
    "Gather": Glue.gather,
    "Slice": Glue.slice,
    "Split": Glue.split,
}
