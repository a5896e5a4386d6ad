"""Code of `archsim.numeric.inner.loops` in kernels: written in vectors.

A processor with AVX2 or AVX-512 multiplies pairs of int16 and adds neighbours to int32 in one
instruction (``vpmaddwd``, with its sum ``vpdpwssd``); others get multiplications of int32. Vectors
that are wider than a processor's are cut up by LLVM.

What is written here takes pointers and numbers; `_intrinsic` wraps it for Numba. Types are named
at every access, since pointers will not know them any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba.core import cgutils as untyped_cgutils
from numba.core import types as untyped_types
from numba.extending import intrinsic

from archsim.numeric.inner.loops import HALVES, LANES, MANY_LANES

cgutils: Any = untyped_cgutils
types: Any = untyped_types

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_SUMS = ir.VectorType(_I32, LANES)
_PAIRS = ir.VectorType(_I16, LANES * HALVES)
_BYTES, _WORDS = ir.VectorType(_I8, 64), ir.VectorType(_I32, 64)

Write = Callable[[Any, str, list[Any], list[Any]], Any]
"""Writes code: from a builder, the processor's features, types of elements (of numbers, their
own), and values (of arrays, pointers to their first elements)."""


def adder_of_products(sequences: int, panels: int) -> Callable[..., Any]:
    """Return what kernels call for a function of `ADD_PRODUCTS`."""
    add = _intrinsic(7, _add_products(sequences, panels))

    def add_products(
        drive: Any, drive_stride: Any, cell: Any, panel_stride: Any, pairs: Any, total: Any,
        total_stride: Any,
    ) -> None:  # fmt: skip
        add(drive, drive_stride, cell, panel_stride, pairs, total, total_stride)

    return add_products


def counter_below(panels: int) -> Callable[..., Any]:
    """Return what kernels call for a function of `COUNT_BELOW`."""
    count_all = _intrinsic(4, _count_below(panels))

    def count_below(seen: Any, threshold: Any, thresholds: Any, count: Any) -> None:
        count_all(seen, threshold, thresholds, count)

    return count_below


def counter_reached() -> Callable[..., Any]:
    """Return what kernels call for `count_reached`."""
    count_all = _intrinsic(3, _count_reached)

    def count_reached(number: Any, steps: Any, count: Any) -> None:
        count_all(number, steps, count)

    return count_reached


def multiplier_high() -> Callable[..., Any]:
    """Return what kernels call for `multiply_high`."""
    multiply = _intrinsic(2, _multiply_high, returns=types.uint64)

    def multiply_high(a: Any, b: Any) -> Any:
        return multiply(a, b)

    return multiply_high


@intrinsic
def tail(_: Any, array: Any, start: Any) -> Any:  # noqa: ARG001
    """Return what is from an element on of a flat array, unchecked; it owns nothing.

    It is for leaves, which count no references, and is no function of its own: what leaves return
    cannot be an array.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind, (value, first) = signature.args[0], args
        make = cgutils.create_struct_proxy(kind)
        whole, part = make(context, builder, value), make(context, builder)
        part.data = _at(builder, whole.data, first, context.get_data_type(kind.dtype))
        part.nitems = builder.sub(whole.nitems, first)
        part.itemsize, part.strides = whole.itemsize, whole.strides
        part.shape = cgutils.pack_array(builder, [part.nitems])
        return part._getvalue()

    return array(array, types.intp), generate


def _intrinsic(count: int, write: Write, returns: Any = types.void) -> Any:
    """Return an intrinsic of so many arguments: numbers, and arrays that become pointers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds, values = [], []
        for kind, value in zip(signature.args, args, strict=True):
            if isinstance(kind, types.Array):
                kinds.append(context.get_data_type(kind.dtype))
                values.append(cgutils.create_struct_proxy(kind)(context, builder, value).data)
            else:
                kinds.append(value.type)
                values.append(value)
        features = context.codegen().magic_tuple()[2]
        made = write(builder, features, kinds, values)
        return context.get_dummy_value() if returns == types.void else made

    def typed(*given: Any) -> Any:
        wanted = [
            kind if isinstance(kind, types.Array) else _number(kind, returns) for kind in given
        ]
        return returns(*wanted), generate

    return _PARAMETERS[count](typed)


def _number(kind: Any, returns: Any) -> Any:
    return kind if returns != types.void else types.intp


# Numba reads the number of parameters off the function that it is given.
_PARAMETERS: dict[int, Callable[[Any], Any]] = {
    2: lambda typed: intrinsic(lambda _, a, b: typed(a, b)),
    3: lambda typed: intrinsic(lambda _, a, b, c: typed(a, b, c)),
    4: lambda typed: intrinsic(lambda _, a, b, c, d: typed(a, b, c, d)),
    7: lambda typed: intrinsic(lambda _, a, b, c, d, e, f, g: typed(a, b, c, d, e, f, g)),
}


# ----------------------------------------------------------------- products


def _add_products(sequences: int, panels: int) -> Write:
    def write(builder: Any, features: str, kinds: list[Any], values: list[Any]) -> None:
        drive, drive_stride, cell, panel_stride, pairs, total, total_stride = values
        drives = _places(builder, drive, drive_stride, sequences, _I16)
        cells = _places(builder, cell, panel_stride, panels, kinds[2])
        rows = _places(builder, total, total_stride, sequences, _I32)
        sums = [
            [_at(builder, row, ir.Constant(_I64, LANES * panel), _I32) for panel in range(panels)]
            for row in rows
        ]
        _sum_pairs(builder, features, drives, cells, kinds[2], pairs, sums)

    return write


def _sum_pairs(
    builder: Any,
    features: str,
    drives: list[Any],
    cells: list[Any],
    kind: Any,
    pairs: Any,
    sums: Any,
) -> None:
    """Write the loop over pairs of rows; sums stay in registers while it runs."""
    multiply, stored = _multiplier(builder, features), ir.VectorType(kind, _PAIRS.count)
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
            column = _load(builder, _at(builder, start, at, kind), stored, kind.width // 8)
            if kind.width < _PAIRS.element.width:
                column = builder.zext(column, _PAIRS)
            for sequence, pair in enumerate(both):
                total = totals[sequence][panel]
                product = multiply(pair, column)
                before = builder.load(total, typ=_SUMS)
                builder.store(builder.add(before, product), total)
    for row, places in zip(totals, sums, strict=True):
        for total, place in zip(row, places, strict=True):
            _store(builder, builder.load(total, typ=_SUMS), place)


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    """Return a vector of some type that holds a number's bits again and again."""
    vector = ir.VectorType(value.type, kind.count * kind.element.width // value.type.width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    mask = ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count)
    return builder.bitcast(
        builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), mask), kind
    )


def _multiplier(builder: Any, features: str) -> Callable[[Any, Any], Any]:
    """Return how to multiply pairs (32 int16) and add neighbours (16 int32)."""
    known = features.split(",")
    if "+avx512bw" in known:
        return _instruction(builder, "llvm.x86.avx512.pmaddw.d.512", LANES)
    if "+avx2" in known:
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


def _count_below(panels: int) -> Write:
    def write(builder: Any, features: str, kinds: list[Any], values: list[Any]) -> None:  # noqa: ARG001
        seen, threshold, thresholds, count = values
        # Charges are int32, or int64 where they may be large; thresholds are as wide.
        one = kinds[0]
        charges = ir.VectorType(one, LANES)
        steps = [ir.Constant(_I64, n * LANES) for n in range(panels)]
        parts = [
            _load(builder, _at(builder, seen, step, one), charges, one.width // 8) for step in steps
        ]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_SUMS, None)) for _ in parts]
        with cgutils.for_range(builder, thresholds) as loop:
            mine = builder.load(_at(builder, threshold, loop.index, one), typ=one)
            level = _splat(builder, mine, charges)
            for total, part in zip(totals, parts, strict=True):
                below, before = (
                    builder.icmp_signed("<=", level, part),
                    builder.load(total, typ=_SUMS),
                )
                more = builder.add(before, ir.Constant(_SUMS, [1] * LANES))
                builder.store(builder.select(below, more, before), total)
        for step, total in zip(steps, totals, strict=True):
            _store(builder, builder.load(total, typ=_SUMS), _at(builder, count, step, _I32))

    return write


def _count_reached(
    builder: Any,
    features: str,  # noqa: ARG001
    kinds: list[Any],  # noqa: ARG001
    values: list[Any],
) -> None:
    number, steps, count = values
    starts = [ir.Constant(_I64, n) for n in range(0, MANY_LANES, _BYTES.count)]
    parts = [_load(builder, _at(builder, number, start, _I32), _WORDS, 4) for start in starts]
    parts = [builder.trunc(part, _BYTES) for part in parts]
    ones = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(_I64, [_I64]), "llvm.ctpop.i64"
    )
    with cgutils.for_range(builder, steps) as loop:
        step = builder.trunc(builder.add(loop.index, ir.Constant(_I64, 1)), _I32)
        all_bytes = builder.mul(step, ir.Constant(_I32, 0x01010101))
        least = _splat(builder, all_bytes, _BYTES)
        place = _at(builder, count, loop.index, _I64)
        total = builder.load(place, typ=_I64)
        for part in parts:
            reached = builder.bitcast(builder.icmp_unsigned(">=", part, least), _I64)
            total = builder.add(total, builder.call(ones, [reached]))
        builder.store(total, place)


def _multiply_high(
    builder: Any,
    features: str,  # noqa: ARG001
    kinds: list[Any],  # noqa: ARG001
    values: list[Any],
) -> Any:
    wide = ir.IntType(128)
    product = builder.mul(*(builder.zext(factor, wide) for factor in values))
    return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), _I64)


# ----------------------------------------------------------------- memory


def _at(builder: Any, start: Any, place: Any, kind: Any) -> Any:
    """Return the pointer to an element of some type."""
    return builder.gep(start, [place], source_etype=kind)


def _places(builder: Any, start: Any, stride: Any, count: int, kind: Any) -> list[Any]:
    """Return pointers to where several vectors of an array begin."""
    steps = (builder.mul(stride, ir.Constant(_I64, n)) for n in range(count))
    return [_at(builder, start, step, kind) for step in steps]


def _load(builder: Any, place: Any, kind: Any, align: int) -> Any:
    """Return a value of some type from a place; it need not be aligned to its own size."""
    return builder.load(builder.bitcast(place, kind.as_pointer()), align=align, typ=kind)


def _store(builder: Any, value: Any, place: Any) -> None:
    builder.store(value, builder.bitcast(place, value.type.as_pointer()), align=4)


# ----------------------------------------------------------------- whether it can be built


def try_out() -> None:
    """Write all code for this processor into a module that nothing runs, and have LLVM check it.

    Raises
    ------
    Exception
        Whatever llvmlite or LLVM say.
    """
    features = binding.get_host_cpu_features().flatten()
    for write, kinds, arrays in (
        (_add_products(4, 4), [_I16, _I64, _I16, _I64, _I64, _I32, _I64], {0, 2, 5}),
        (_add_products(1, 1), [_I16, _I64, _I8, _I64, _I64, _I32, _I64], {0, 2, 5}),
        (_count_below(2), [_I32, _I32, _I64, _I32], {0, 1, 3}),
        (_count_below(1), [_I64, _I64, _I64, _I32], {0, 1, 3}),
        (_count_reached, [_I32, _I64, _I64], {0, 2}),
        (_multiply_high, [_I64, _I64], set()),
    ):
        given = [kind.as_pointer() if place in arrays else kind for place, kind in enumerate(kinds)]
        module = ir.Module("tried")
        module.triple = binding.get_process_triple()
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), given), "tried")
        builder = ir.IRBuilder(function.append_basic_block())
        write(builder, features, kinds, list(function.args))
        builder.ret_void()
        binding.parse_assembly(str(module)).verify()
