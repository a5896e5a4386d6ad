"""Vector instructions for `archsim.numeric.inner.loops`, written with llvmlite.

A processor with AVX2 or AVX-512 multiplies pairs of int16 and adds neighbours to int32 in one
instruction (``vpmaddwd``, with its sum ``vpdpwssd``); others get multiplications of int32. Vectors
that are wider than a processor's are cut up by LLVM.

A *definition* is what `numba.extending.intrinsic` takes: a function of types that returns a
signature and what writes the code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils as untyped_cgutils
from numba.core import types as untyped_types
from numba.core.registry import cpu_target
from numba.extending import intrinsic as untyped_intrinsic

from archsim.numeric.inner.loops import HALVES, LANES, MANY_LANES

cgutils: Any = untyped_cgutils
intrinsic: Any = untyped_intrinsic
types: Any = untyped_types

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_SUMS = ir.VectorType(_I32, LANES)
_PAIRS = ir.VectorType(_I16, LANES * HALVES)
_BYTES, _WORDS = ir.VectorType(ir.IntType(8), 64), ir.VectorType(_I32, 64)

_Definition = Callable[..., tuple[Any, Callable[..., Any]]]

# ----------------------------------------------------------------- what kernels call


def add_products(sequences: int, panels: int) -> Callable[..., Any]:
    """Return what is compiled for one of `ADD_PRODUCTS`."""
    write = intrinsic(_products(sequences, panels))

    def add(
        drive: Any, drive_stride: Any, cell: Any, panel_stride: Any, pairs: Any, total: Any,
        total_stride: Any,
    ) -> None:  # fmt: skip
        write(drive, drive_stride, cell, panel_stride, pairs, total, total_stride)

    return add


def count_below(panels: int) -> Callable[..., Any]:
    """Return what is compiled for one of `COUNT_BELOW`."""
    write = intrinsic(_counts_below(panels))

    def count_all(seen: Any, threshold: Any, thresholds: Any, count: Any) -> None:
        write(seen, threshold, thresholds, count)

    return count_all


def count_reached() -> Callable[..., Any]:
    """Return what is compiled for `archsim.numeric.inner.loops.count_reached`."""
    write = intrinsic(_counts_reached)

    def count_all(number: Any, steps: Any, count: Any) -> None:
        write(number, steps, count)

    return count_all


def multiply_high() -> Callable[..., Any]:
    """Return what is compiled for `archsim.numeric.inner.loops.multiply_high`."""
    write = intrinsic(_upper_half)

    def multiply(a: Any, b: Any) -> Any:
        return write(a, b)

    return multiply


def try_out() -> None:
    """Write code of every kind for this processor on trial, and have LLVM check it.

    Raises
    ------
    Exception
        Whatever Numba, llvmlite or LLVM raise.
    """
    if types.intp.bitwidth != _I64.width:
        msg = "a processor whose addresses do not have 64 bits"
        raise NotImplementedError(msg)
    i32, i64, place = types.int32[::1], types.int64[::1], types.intp
    for definition, given in (
        (_products(1, 4), (types.int16[::1], place, types.int16[::1], place, place, i32, place)),
        (_products(4, 1), (types.int16[::1], place, types.uint8[::1], place, place, i32, place)),
        (_counts_below(2), (i32, i32, place, i32)),
        (_counts_below(1), (i64, i64, place, i32)),
        (_counts_reached, (i32, place, i64)),
        (_upper_half, (types.uint64, types.uint64)),
    ):
        _write_on_trial(definition, given)


def _write_on_trial(definition: _Definition, given: tuple[Any, ...]) -> None:
    context = cpu_target.target_context
    signature, write = definition(None, *given)
    module = ir.Module("trial")
    module.triple = binding.get_process_triple()
    kind = ir.FunctionType(ir.VoidType(), [context.get_value_type(one) for one in signature.args])
    function = ir.Function(module, kind, "trial")
    builder = ir.IRBuilder(function.append_basic_block())
    write(context, builder, signature, function.args)
    builder.ret_void()
    binding.parse_assembly(str(module)).verify()


# ----------------------------------------------------------------- products


def _products(sequences: int, panels: int) -> _Definition:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        drive, drive_stride, cell, panel_stride, pairs, total, total_stride = args
        stored = ir.IntType(signature.args[2].dtype.bitwidth)
        drive, cell, total = (
            _first(context, builder, signature.args[n], array)
            for n, array in ((0, drive), (2, cell), (5, total))
        )
        drives = _starts(builder, drive, drive_stride, sequences, _I16)
        cells = _starts(builder, cell, panel_stride, panels, stored)
        sums = [
            [_at(builder, row, LANES * panel, _I32) for panel in range(panels)]
            for row in _starts(builder, total, total_stride, sequences, _I32)
        ]
        _sum_pairs(builder, _multiplier(context, builder), (drives, cells, stored), pairs, sums)
        return context.get_dummy_value()

    def define(
        _: Any, drive: Any, drive_stride: Any, cell: Any, panel_stride: Any, pairs: Any,  # noqa: ARG001
        total: Any, total_stride: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        return types.void(drive, place, cell, place, place, total, place), write

    return define


def _sum_pairs(
    builder: Any,
    multiply: Callable[[Any, Any], Any],
    factors: tuple[list[Any], list[Any], Any],
    pairs: Any,
    sums: list[list[Any]],
) -> None:
    """Write the loop over pairs of rows; sums stay in registers while it runs.

    `factors` are where vectors of pulse widths and panels of cells begin, and a cell's type.
    """
    drives, cells, stored = factors
    column_kind = ir.VectorType(stored, _PAIRS.count)
    totals = [
        [cgutils.alloca_once_value(builder, _load(builder, place, _SUMS, 4)) for place in row]
        for row in sums
    ]
    with cgutils.for_range(builder, pairs) as loop:
        at = builder.mul(loop.index, ir.Constant(_I64, HALVES))
        both = [
            _splat(builder, _load(builder, _at(builder, start, at, _I16), _I32, 2), _PAIRS)
            for start in drives
        ]
        at = builder.mul(loop.index, ir.Constant(_I64, LANES * HALVES))
        for panel, start in enumerate(cells):
            place = _at(builder, start, at, stored)
            column = _load(builder, place, column_kind, stored.width // 8)
            if stored.width < _I16.width:
                column = builder.zext(column, _PAIRS)
            for sequence, pair in enumerate(both):
                total = totals[sequence][panel]
                before, product = builder.load(total, typ=_SUMS), multiply(pair, column)
                builder.store(builder.add(before, product), total)
    for row, places in zip(totals, sums, strict=True):
        for total, place in zip(row, places, strict=True):
            _store(builder, builder.load(total, typ=_SUMS), place, 4)


def _multiplier(context: Any, builder: Any) -> Callable[[Any, Any], Any]:
    """Return how to multiply pairs (32 int16) and add neighbours (16 int32)."""
    features = context.codegen().magic_tuple()[2].split(",")
    if "+avx512bw" in features:
        return _instruction(builder, "llvm.x86.avx512.pmaddw.d.512", LANES)
    if "+avx2" in features:
        half = _instruction(builder, "llvm.x86.avx2.pmadd.wd", LANES // 2)
        return lambda x, y: _joined(
            builder, *(half(_part(builder, x, n), _part(builder, y, n)) for n in range(2))
        )
    return lambda x, y: _multiplied(builder, x, y)


def _instruction(builder: Any, name: str, sums: int) -> Callable[[Any, Any], Any]:
    pairs, out = ir.VectorType(_I16, HALVES * sums), ir.VectorType(_I32, sums)
    function = builder.module.declare_intrinsic(name, (), ir.FunctionType(out, [pairs, pairs]))
    return lambda x, y: builder.call(function, [x, y])


def _multiplied(builder: Any, x: Any, y: Any) -> Any:
    """Multiply without an instruction for it."""
    products = []
    for half in range(HALVES):
        lanes = range(half, LANES * HALVES, HALVES)
        wide = [builder.sext(_chosen(builder, v, v, lanes), _SUMS) for v in (x, y)]
        products.append(builder.mul(*wide))
    return builder.add(*products)


# ----------------------------------------------------------------- counts


def _counts_below(panels: int) -> _Definition:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        seen, threshold, thresholds, count = args
        # Charges are int32, or int64 where they may be large; thresholds are as wide.
        charge = ir.IntType(signature.args[0].dtype.bitwidth)
        charges = ir.VectorType(charge, LANES)
        seen, threshold, count = (
            _first(context, builder, signature.args[n], array)
            for n, array in ((0, seen), (1, threshold), (3, count))
        )
        starts = [_at(builder, seen, n * LANES, charge) for n in range(panels)]
        values = [_load(builder, start, charges, charge.width // 8) for start in starts]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_SUMS, None)) for _ in values]
        with cgutils.for_range(builder, thresholds) as loop:
            one = builder.load(_at(builder, threshold, loop.index, charge), typ=charge)
            level = _splat(builder, one, charges)
            for total, value in zip(totals, values, strict=True):
                below = builder.icmp_signed("<=", level, value)
                before = builder.load(total, typ=_SUMS)
                more = builder.add(before, ir.Constant(_SUMS, [1] * LANES))
                builder.store(builder.select(below, more, before), total)
        for n, total in enumerate(totals):
            place = _at(builder, count, n * LANES, _I32)
            _store(builder, builder.load(total, typ=_SUMS), place, 4)
        return context.get_dummy_value()

    def define(_: Any, seen: Any, threshold: Any, thresholds: Any, count: Any) -> Any:  # noqa: ARG001
        return types.void(seen, threshold, types.intp, count), write

    return define


def _counts_reached(_: Any, number: Any, steps: Any, count: Any) -> Any:  # noqa: ARG001
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number, steps, count = args
        number = _first(context, builder, signature.args[0], number)
        count = _first(context, builder, signature.args[2], count)
        starts = [_at(builder, number, n, _I32) for n in range(0, MANY_LANES, _BYTES.count)]
        parts = [builder.trunc(_load(builder, start, _WORDS, 4), _BYTES) for start in starts]
        with cgutils.for_range(builder, steps) as loop:
            step = builder.trunc(builder.add(loop.index, ir.Constant(_I64, 1)), _I32)
            all_bytes = builder.mul(step, ir.Constant(_I32, 0x01010101))
            least = _splat(builder, all_bytes, _BYTES)
            place = _at(builder, count, loop.index, _I64)
            total = builder.load(place, typ=_I64)
            for part in parts:
                reached = builder.bitcast(builder.icmp_unsigned(">=", part, least), _I64)
                total = builder.add(total, builder.ctpop(reached))
            builder.store(total, place)
        return context.get_dummy_value()

    return types.void(number, types.intp, count), write


def _upper_half(_: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    def write(_: Any, builder: Any, __: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(factor, wide) for factor in args))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), _I64)

    return types.uint64(types.uint64, types.uint64), write


# ----------------------------------------------------------------- lanes of vectors


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    """Return a vector of some type that holds a number's bits again and again."""
    vector = ir.VectorType(value.type, kind.count * kind.element.width // value.type.width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.bitcast(
        builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask), kind
    )


def _chosen(builder: Any, x: Any, y: Any, lanes: range) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))


def _part(builder: Any, x: Any, number: int) -> Any:
    return _chosen(builder, x, x, range(number * LANES, (number + 1) * LANES))


def _joined(builder: Any, low: Any, high: Any) -> Any:
    return _chosen(builder, low, high, range(LANES))


# ----------------------------------------------------------------- memory
# What a pointer points to is said wherever it is used, since pointers stop to know it.


def _first(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Return the pointer to an array's first element."""
    return cgutils.create_struct_proxy(kind)(context, builder, array).data


def _at(builder: Any, start: Any, index: Any, kind: Any) -> Any:
    """Return the pointer to an element; elements are of some type."""
    place = ir.Constant(_I64, index) if isinstance(index, int) else index
    return builder.gep(start, [place], source_etype=kind)


def _starts(builder: Any, first: Any, stride: Any, count: int, kind: Any) -> list[Any]:
    """Return pointers to where several vectors of an array begin."""
    steps = (builder.mul(stride, ir.Constant(_I64, n)) for n in range(count))
    return [_at(builder, first, step, kind) for step in steps]


def _load(builder: Any, place: Any, kind: Any, align: int) -> Any:
    """Return a value of some type; it need not be aligned to its own size."""
    return builder.load(_to(builder, place, kind), align=align, typ=kind)


def _store(builder: Any, value: Any, place: Any, align: int) -> None:
    builder.store(value, _to(builder, place, value.type), align=align)


def _to(builder: Any, place: Any, kind: Any) -> Any:
    """Return a pointer as one to some type, where pointers still know theirs."""
    if getattr(place.type, "is_opaque", True):
        return place
    return builder.bitcast(place, kind.as_pointer())
