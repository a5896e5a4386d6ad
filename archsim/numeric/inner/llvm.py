"""Code of `archsim.numeric.inner.loops` in kernels: written in vectors.

A processor with AVX2 or AVX-512 multiplies pairs of int16 and adds neighbours to int32 in one
instruction (``vpmaddwd``, with its sum ``vpdpwssd``); others get multiplications of int32. Vectors
that are wider than a processor's are cut up by LLVM.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils as untyped_cgutils
from numba.core import types as untyped_types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from archsim.numeric.inner.loops import HALVES, LANES, MANY_LANES

cgutils: Any = untyped_cgutils
types: Any = untyped_types

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_SUMS = ir.VectorType(_I32, LANES)
_PAIRS = ir.VectorType(_I16, LANES * HALVES)
_BYTES, _WORDS = ir.VectorType(ir.IntType(8), 64), ir.VectorType(_I32, 64)


@cache
def type_of(name: str, parameters: tuple[int, ...]) -> Any:
    """Return Numba's type of a function of `archsim.numeric.inner.loops`."""
    function = _FUNCTIONS[name](*parameters)
    typing = cpu_target.typing_context
    typing.refresh()
    return typing.resolve_value_type(function)


# ----------------------------------------------------------------- products


def _add_products(sequences: int, panels: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        drive, drive_at, drive_stride, cell, cell_at, panel_stride, pairs, *out = args
        kinds = signature.args
        drives = _places(context, builder, kinds[0], drive, drive_at, drive_stride, sequences)
        cells = _places(context, builder, kinds[3], cell, cell_at, panel_stride, panels)
        total, total_at, total_stride = out
        rows = _places(context, builder, kinds[7], total, total_at, total_stride, sequences)
        sums = [
            [_pointer(builder, row, LANES * panel, _SUMS) for panel in range(panels)]
            for row in rows
        ]
        _sum_pairs(context, builder, drives, cells, kinds[3].dtype.bitwidth, pairs, sums)
        return context.get_dummy_value()

    def add(
        _: Any, a: Any, a_at: Any, a_step: Any, b: Any, b_at: Any, b_step: Any, n: Any,  # noqa: ARG001
        c: Any, c_at: Any, c_step: Any,  # noqa: ARG001
    ) -> Any:  # fmt: skip
        place = types.intp
        return types.void(a, place, place, b, place, place, place, c, place, place), generate

    return intrinsic(add)


def _sum_pairs(
    context: Any,
    builder: Any,
    drives: list[Any],
    cells: list[Any],
    bits: int,
    pairs: Any,
    sums: Any,
) -> None:
    """Write the loop over pairs of rows; sums stay in registers while it runs."""
    multiply, stored = _multiplier(context, builder), ir.VectorType(ir.IntType(bits), _PAIRS.count)
    totals = [
        [cgutils.alloca_once_value(builder, builder.load(place, align=4)) for place in row]
        for row in sums
    ]
    with cgutils.for_range(builder, pairs) as loop:
        at = builder.mul(loop.index, ir.Constant(_I64, HALVES))
        both = [_splat(builder, _load(builder, start, at, _I32, 2), _PAIRS) for start in drives]
        at = builder.mul(loop.index, ir.Constant(_I64, LANES * HALVES))
        for panel, start in enumerate(cells):
            column = _load(builder, start, at, stored, bits // 8)
            if bits < _PAIRS.element.width:
                column = builder.zext(column, _PAIRS)
            for sequence, pair in enumerate(both):
                total = totals[sequence][panel]
                product = multiply(pair, column)
                builder.store(builder.add(builder.load(total), product), total)
    for row, places in zip(totals, sums, strict=True):
        for total, place in zip(row, places, strict=True):
            builder.store(builder.load(total), place, align=4)


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    """Return a vector of some type that holds a number's bits again and again."""
    vector = ir.VectorType(value.type, kind.count * kind.element.width // value.type.width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.bitcast(
        builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask), kind
    )


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
    kind = ir.FunctionType(out, [pairs, pairs])
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    return lambda x, y: builder.call(function, [x, y])


def _chosen(builder: Any, x: Any, y: Any, lanes: range | list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_I32, len(lanes)), list(lanes)))


def _part(builder: Any, x: Any, number: int) -> Any:
    return _chosen(builder, x, x, range(number * LANES, (number + 1) * LANES))


def _joined(builder: Any, low: Any, high: Any) -> Any:
    return _chosen(builder, low, high, range(LANES))


def _multiplied(builder: Any, x: Any, y: Any) -> Any:
    """Multiply without an instruction for it."""
    products = []
    for half in range(HALVES):
        lanes = range(half, LANES * HALVES, HALVES)
        wide = [builder.sext(_chosen(builder, v, v, lanes), _SUMS) for v in (x, y)]
        products.append(builder.mul(*wide))
    return builder.add(*products)


# ----------------------------------------------------------------- counts


def _count_below(panels: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        seen, seen_at, rung, rung_at, rungs, count, count_at = args
        kinds = signature.args
        # Charges are int32, or int64 where they may be large; rungs are as wide.
        one_charge = ir.IntType(kinds[0].dtype.bitwidth)
        charges, align = ir.VectorType(one_charge, LANES), one_charge.width // 8
        seen_data = _data(context, builder, kinds[0], seen)
        places = [builder.add(seen_at, ir.Constant(_I64, n * LANES)) for n in range(panels)]
        values = [_load(builder, seen_data, place, charges, align) for place in places]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_SUMS, None)) for _ in values]
        first = builder.gep(_data(context, builder, kinds[2], rung), [rung_at])
        with cgutils.for_range(builder, rungs) as loop:
            one = _splat(builder, builder.load(builder.gep(first, [loop.index])), charges)
            for total, value in zip(totals, values, strict=True):
                below, before = builder.icmp_signed("<=", one, value), builder.load(total)
                more = builder.add(before, ir.Constant(_SUMS, [1] * LANES))
                builder.store(builder.select(below, more, before), total)
        out = builder.gep(_data(context, builder, kinds[5], count), [count_at])
        for n, total in enumerate(totals):
            builder.store(builder.load(total), _pointer(builder, out, n * LANES, _SUMS), align=4)
        return context.get_dummy_value()

    def count(_: Any, a: Any, a_at: Any, b: Any, b_at: Any, n: Any, c: Any, c_at: Any) -> Any:  # noqa: ARG001
        place = types.intp
        return types.void(a, place, b, place, place, c, place), generate

    return intrinsic(count)


def _count_reached() -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, steps, _ = args
        kinds = signature.args
        data, out = (_data(context, builder, kinds[n], args[n]) for n in (0, 3))
        places = [builder.add(at, ir.Constant(_I64, n)) for n in range(0, MANY_LANES, _BYTES.count)]
        parts = [_load(builder, data, place, _WORDS, 4) for place in places]
        parts = [builder.trunc(part, _BYTES) for part in parts]
        ones = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_I64, [_I64]), "llvm.ctpop.i64"
        )
        with cgutils.for_range(builder, steps) as loop:
            step = builder.trunc(builder.add(loop.index, ir.Constant(_I64, 1)), _I32)
            all_bytes = builder.mul(step, ir.Constant(_I32, 0x01010101))
            least = _splat(builder, all_bytes, _BYTES)
            place = builder.gep(out, [loop.index])
            total = builder.load(place)
            for part in parts:
                reached = builder.bitcast(builder.icmp_unsigned(">=", part, least), _I64)
                total = builder.add(total, builder.call(ones, [reached]))
            builder.store(total, place)
        return context.get_dummy_value()

    def count(_: Any, a: Any, at: Any, n: Any, c: Any) -> Any:  # noqa: ARG001
        return types.void(a, types.intp, types.intp, c), generate

    return intrinsic(count)


def _multiply_high() -> Any:
    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(factor, wide) for factor in args))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), _I64)

    def multiply(_: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
        return types.uint64(types.uint64, types.uint64), generate

    return intrinsic(multiply)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add_products": _add_products,
    "count_below": _count_below,
    "count_reached": _count_reached,
    "multiply_high": _multiply_high,
}

# ----------------------------------------------------------------- memory


def _data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Return the pointer to an array's first element."""
    return cgutils.create_struct_proxy(kind)(context, builder, array).data


def _places(
    context: Any, builder: Any, kind: Any, array: Any, at: Any, stride: Any, count: int
) -> list[Any]:
    """Return pointers to where several vectors of an array begin."""
    data = _data(context, builder, kind, array)
    steps = [builder.mul(stride, ir.Constant(_I64, n)) for n in range(count)]
    return [builder.gep(data, [builder.add(at, step)]) for step in steps]


def _pointer(builder: Any, start: Any, offset: int, kind: Any) -> Any:
    place = builder.gep(start, [ir.Constant(_I64, offset)])
    return builder.bitcast(place, kind.as_pointer())


def _load(builder: Any, start: Any, at: Any, kind: Any, align: int) -> Any:
    """Return a value of some type from an element on; it need not be aligned to its own size."""
    place = builder.bitcast(builder.gep(start, [at]), kind.as_pointer())
    return builder.load(place, align=align)
