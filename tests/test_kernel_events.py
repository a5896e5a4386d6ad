"""Does the event loop start every operation in the cycle in which a patient observer would?"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.kernels.events import schedule_operations
from tests.naive import Operation, naive_schedule

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(20 if QUICK else 120)


def schedule(operations: list[Operation]) -> list[int]:
    def column(name: str) -> np.ndarray:
        return np.array([getattr(op, name) for op in operations], dtype=np.int64)

    lengths = [len(op.needs) for op in operations]
    start = schedule_operations(
        column("resource"),
        column("duration"),
        column("priority"),
        column("release"),
        np.array([0, *itertools.accumulate(lengths)], dtype=np.int64),
        np.array([need for op in operations for need in op.needs], dtype=np.int64),
    )
    assert start.dtype == np.int64
    return start.tolist()


def assert_lawful(operations: list[Operation], start: list[int]) -> None:
    """Assert that no operation starts too early and that no two share a resource."""
    taken = defaultdict(list)
    for op, cycle in zip(operations, start, strict=True):
        if cycle < 0:
            assert cycle == -1
            continue
        assert cycle >= op.release
        for need in op.needs:
            assert start[need] >= 0
            assert cycle >= start[need] + operations[need].duration
        taken[op.resource].append((cycle, cycle + op.duration))
    for spans in taken.values():
        for (_, end), (begin, _) in itertools.pairwise(sorted(spans)):
            assert begin >= end


def random_operations(rng: random.Random, *, cyclic: bool = False) -> list[Operation]:
    """Return operations whose needs point both ways along the list, in cycles if allowed."""
    count = rng.randint(1, 60)
    resources = rng.randint(1, 5)
    longest, latest = rng.choice([1, 2, 6]), rng.choice([0, 5, 40])
    priorities = rng.choice([0, 1, 3])
    fewest_needs, most_needs = rng.choice([(0, 0), (0, 1), (0, 4), (1, 2)])
    order = rng.sample(range(count), count)
    operations = []
    for index in range(count):
        before = range(count) if cyclic else [n for n in range(count) if order[n] < order[index]]
        needs = rng.randint(fewest_needs, most_needs) if before else 0
        operations.append(
            Operation(
                resource=rng.randrange(resources),
                duration=rng.randint(1, longest),
                priority=rng.randint(-priorities, priorities),
                release=rng.randint(0, latest),
                needs=tuple(rng.choice(before) for _ in range(needs)),  # repeats are harmless
            )
        )
    return operations


@pytest.mark.parametrize("seed", SEEDS)
def test_schedule_is_the_twins(seed: int) -> None:
    operations = random_operations(random.Random(seed))
    start = schedule(operations)
    assert start == naive_schedule(operations)
    assert min(start) >= 0
    assert_lawful(operations, start)


@pytest.mark.parametrize("seed", SEEDS)
def test_cyclic_needs_never_start_and_hold_up_nobody_else(seed: int) -> None:
    operations = random_operations(random.Random(seed), cyclic=True)
    start = schedule(operations)
    assert start == naive_schedule(operations)
    assert_lawful(operations, start)


@given(seed=st.integers(0, 2**32 - 1), cyclic=st.booleans())
def test_any_schedule_is_the_twins(seed: int, cyclic: bool) -> None:
    operations = random_operations(random.Random(seed), cyclic=cyclic)
    assert schedule(operations) == naive_schedule(operations)


def test_a_loop_and_what_hangs_on_it_never_start() -> None:
    operations = [
        Operation(0, 1, 0, 0, (1,)),
        Operation(0, 1, 0, 0, (0,)),
        Operation(1, 1, 0, 0, (0, 4)),
        Operation(1, 1, 0, 0, (3,)),
        Operation(1, 2, 0, 3, ()),
    ]
    assert schedule(operations) == [-1, -1, -1, -1, 3]


def test_no_operations() -> None:
    assert schedule([]) == []


@pytest.mark.parametrize(
    ("operations", "start"),
    [
        pytest.param(
            [Operation(0, 4, 0, 0, ()), Operation(0, 1, 0, 0, ()), Operation(0, 1, -1, 0, ())],
            [1, 5, 0],
            id="priority, then index",
        ),
        pytest.param(
            [Operation(0, 5, 0, 0, ()), Operation(0, 1, 1, 1, ()), Operation(0, 1, 0, 4, ())],
            [0, 6, 5],
            id="the wait begins anew when the resource is freed: priority beats age",
        ),
        pytest.param(
            [
                Operation(0, 5, 0, 0, ()),
                Operation(1, 5, 0, 0, ()),
                Operation(0, 1, 1, 0, ()),
                Operation(0, 1, 0, 0, (1,)),
            ],
            [0, 0, 6, 5],
            id="what becomes ready in the cycle competes in that cycle",
        ),
        pytest.param(
            [Operation(0, 9, 1, 0, ()), Operation(0, 1, 0, 1, ())],
            [0, 9],
            id="a free resource does not wait for a better operation",
        ),
    ],
)
def test_order_of_service(operations: list[Operation], start: list[int]) -> None:
    assert schedule(operations) == start
    assert naive_schedule(operations) == start
