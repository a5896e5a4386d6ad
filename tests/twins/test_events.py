"""Does the event loop start every operation in the cycle in which a patient observer would?"""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.kernels.events import Operations, schedule_operations
from tests.naive_events import Operation, Timed, naive_schedule

pytestmark = pytest.mark.interpreted

QUICK = bool(numba.config.DISABLE_JIT)
SEEDS = range(20 if QUICK else 120)


def schedule(operations: list[Operation]) -> Timed:
    def column(name: str) -> np.ndarray:
        return np.array([getattr(op, name) for op in operations], dtype=np.int64)

    lengths = [len(op.needs) for op in operations]
    releases = column("releases")
    held = np.zeros(len(operations), dtype=np.int64)
    held[releases[releases >= 0]] = 1
    arrays = Operations(
        resource=column("resource"),
        priority=column("priority"),
        releases=releases,
        held=held,
        need_pointer=np.array([0, *itertools.accumulate(lengths)], dtype=np.int64),
        need=np.array([need for op in operations for need in op.needs], dtype=np.int64),
    )
    start, cause = schedule_operations(arrays, column("duration"))
    assert start.dtype == cause.dtype == np.int64
    # What never starts has no cause, but may have had one if the rest of its needs had ended.
    return Timed(start.tolist(), np.where(start < 0, -1, cause).tolist())


def assert_lawful(operations: list[Operation], timed: Timed) -> None:
    """Assert that no operation starts too early, that no two share a resource, and why all wait."""
    start = timed.start
    taken = defaultdict(list)
    released = {op.releases: index for index, op in enumerate(operations) if op.releases >= 0}
    for index, op in enumerate(operations):
        cycle = start[index]
        if cycle < 0:
            assert cycle == -1
            continue
        for need in op.needs:
            assert start[need] >= 0
            assert cycle >= start[need] + operations[need].duration
        free = cycle + op.duration
        if index in released:
            by = start[released[index]]
            free = by if by >= 0 else math.inf
        taken[op.resource].append((cycle, free))
        assert_caused(operations, timed, index)
    for spans in taken.values():
        for (_, end), (begin, _) in itertools.pairwise(sorted(spans)):
            assert begin >= end


def assert_caused(operations: list[Operation], timed: Timed, index: int) -> None:
    """Assert that what an operation waited for last ended, or let go, in the cycle it started in.

    What has waited for nothing starts at once.
    """
    op, cycle, why = operations[index], timed.start[index], timed.cause[index]
    if why < 0:
        assert cycle == 0
        assert not op.needs
        return
    other = operations[why]
    if other.releases >= 0 and operations[other.releases].resource == op.resource:
        assert cycle in (timed.start[why], timed.start[why] + other.duration)
    else:
        assert cycle == timed.start[why] + other.duration
    held_here = other.releases >= 0 and operations[other.releases].resource == op.resource
    assert why in op.needs or other.resource == op.resource or held_here


def random_operations(rng: random.Random, *, cyclic: bool = False) -> list[Operation]:
    """Return operations whose needs point both ways along the list, in cycles if allowed.

    Some become ready late, by what they need on a resource of its own; some hold their resource
    until a later one starts.
    """
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
                needs=tuple(rng.choice(before) for _ in range(needs)),  # repeats are harmless
            )
        )
    operations = delayed(rng, operations, resources, latest)
    return held(rng, operations, order, rng.choice([0.0, 0.2, 0.6]))


def delayed(
    rng: random.Random, operations: list[Operation], first: int, latest: int
) -> list[Operation]:
    """Let operations wait for ones of up to `latest` cycles, on resources from `first` on."""
    count, late = len(operations), []
    for index, op in enumerate(operations):
        cycles = rng.randint(0, latest)
        if cycles:
            needs = (*op.needs, count + len(late))
            operations[index] = op._replace(needs=needs)
            late.append(Operation(first + len(late), cycles, 0, ()))
    return [*operations, *late]


def held(
    rng: random.Random, operations: list[Operation], order: list[int], share: float
) -> list[Operation]:
    """Let some operations hold their resource until one on another resource, that needs them."""
    holding: set[int] = set()
    for index in rng.sample(range(len(order)), len(order)):
        op = operations[index]
        others = [
            n
            for n in range(len(order))
            if order[n] < order[index]
            and operations[n].resource != op.resource
            and n not in holding
            and operations[n].releases < 0
        ]
        if others and rng.random() < share:
            one = rng.choice(others)
            holding.add(one)
            operations[index] = op._replace(needs=(*op.needs, one), releases=one)
    return operations


@pytest.mark.parametrize("seed", SEEDS)
def test_schedule_is_the_twins(seed: int) -> None:
    operations = random_operations(random.Random(seed))
    timed = schedule(operations)
    assert timed == naive_schedule(operations)
    if all(op.releases < 0 for op in operations):
        assert min(timed.start) >= 0  # those that hold what others need may be in each other's way
    assert_lawful(operations, timed)


@pytest.mark.parametrize("seed", SEEDS)
def test_cyclic_needs_never_start_and_hold_up_nobody_else(seed: int) -> None:
    operations = random_operations(random.Random(seed), cyclic=True)
    timed = schedule(operations)
    assert timed == naive_schedule(operations)
    assert_lawful(operations, timed)


@given(seed=st.integers(0, 2**32 - 1), cyclic=st.booleans())
def test_any_schedule_is_the_twins(seed: int, cyclic: bool) -> None:
    operations = random_operations(random.Random(seed), cyclic=cyclic)
    assert schedule(operations) == naive_schedule(operations)


def test_random_operations_hold_and_wait() -> None:
    """The random cases reach what they are for: holders that start, and every kind of cause."""
    seen = dict.fromkeys(("held", "freed", "needed", "nothing"), 0)
    for seed in SEEDS:
        operations = random_operations(random.Random(seed))
        timed = schedule(operations)
        for index, op in enumerate(operations):
            seen["held"] += op.releases >= 0 and timed.start[index] >= 0
            why = timed.cause[index]
            seen["nothing"] += why < 0 and timed.start[index] == 0
            seen["needed"] += why >= 0 and why in op.needs
            seen["freed"] += why >= 0 and why not in op.needs
    assert min(seen.values()) > len(SEEDS) / 2, seen


def test_a_loop_and_what_hangs_on_it_never_start() -> None:
    operations = [
        Operation(0, 1, 0, (1,)),
        Operation(0, 1, 0, (0,)),
        Operation(1, 1, 0, (0, 4)),
        Operation(1, 1, 0, (3,)),
        Operation(1, 2, 0, (5,)),
        Operation(2, 3, 0, ()),
    ]
    assert schedule(operations) == ([-1, -1, -1, -1, 3, 0], [-1, -1, -1, -1, 5, -1])
    assert naive_schedule(operations).start == [-1, -1, -1, -1, 3, 0]


def test_no_operations() -> None:
    assert schedule([]) == ([], [])


@pytest.mark.parametrize(
    ("operations", "start", "cause"),
    [
        pytest.param(
            [Operation(0, 4, 0, ()), Operation(0, 1, 0, ()), Operation(0, 1, -1, ())],
            [1, 5, 0],
            [2, 0, -1],
            id="priority, then index",
        ),
        pytest.param(
            [
                Operation(0, 5, 0, ()),
                Operation(0, 1, 1, (3,)),
                Operation(0, 1, 0, (4,)),
                Operation(1, 1, 0, ()),
                Operation(2, 4, 0, ()),
            ],
            [0, 6, 5, 0, 0],
            [-1, 2, 0, -1, -1],
            id="the wait begins anew when the resource is freed: priority beats age",
        ),
        pytest.param(
            [
                Operation(0, 5, 0, ()),
                Operation(1, 5, 0, ()),
                Operation(0, 1, 1, ()),
                Operation(0, 1, 0, (1,)),
            ],
            [0, 0, 6, 5],
            [-1, -1, 3, 1],
            id="what becomes ready in the cycle competes in that cycle",
        ),
        pytest.param(
            [Operation(0, 9, 1, ()), Operation(0, 1, 0, (2,)), Operation(1, 1, 0, ())],
            [0, 9, 0],
            [-1, 0, -1],
            id="a free resource does not wait for a better operation",
        ),
        pytest.param(
            [
                Operation(0, 3, 0, ()),
                Operation(1, 2, 0, (0,), 0),
                Operation(0, 3, 1, ()),
                Operation(1, 9, 0, ()),
            ],
            [0, 9, 9, 0],
            [-1, 3, 1, -1],
            id="what is held is free when the other one starts, not when the holder ends",
        ),
        pytest.param(
            [
                Operation(0, 3, 0, ()),
                Operation(1, 2, 0, (0,), 0),
                Operation(0, 3, 1, ()),
                Operation(1, 2, 0, (2,), 2),
                Operation(0, 3, 2, ()),
                Operation(1, 9, 0, (4,), 4),
            ],
            [0, 3, 3, 6, 6, 9],
            [-1, 0, 1, 2, 3, 4],
            id="two stages side by side, each as long as the longer one",
        ),
        pytest.param(
            [
                Operation(0, 1, 0, ()),
                Operation(0, 1, 0, (0,), 0),
                Operation(0, 1, 0, ()),
                Operation(2, 4, 0, ()),
            ],
            [0, -1, -1, 0],
            [-1, -1, -1, -1],
            id="who needs what it has to let go of waits for ever",
        ),
        pytest.param(
            [
                Operation(0, 3, 0, ()),
                Operation(1, 3, 0, ()),
                Operation(2, 2, 0, (1, 0)),
                Operation(2, 2, 1, (0, 1, 0)),
                Operation(0, 1, 0, (2,)),
            ],
            [0, 0, 3, 5, 5],
            [-1, -1, 1, 2, 2],
            id="of two that end together, the one that started last is the cause",
        ),
    ],
)
def test_order_of_service(operations: list[Operation], start: list[int], cause: list[int]) -> None:
    assert schedule(operations) == (start, cause)
    assert naive_schedule(operations).start == start
