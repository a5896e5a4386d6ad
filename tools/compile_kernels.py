"""Compile the kernels that many tests need, so that no two workers of pytest compile the same.

A kernel is compiled once for every kind of chip: ideal or noisy, with or without integrators that
leak or clip, a second pass for tanh(c), a projection. Compiling takes minutes where the cache of
compiled kernels is empty, and seconds where it is not.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from make_golden_chips import CASES, found

GROUPS = (
    ("leak and rails",),
    ("ideal", "article's device", "read noise", "projection", "bit-serial"),
    ("tanh by ramp", "tanh by ramp, read noise"),
)
"""Cases that each compile what those before them do not, for a process each; the longest first."""


def run(names: tuple[str, ...]) -> None:
    """Run cases for what they compile."""
    for name in names:
        found(CASES[name])


def main() -> None:
    """Compile with two processes."""
    print("compiling kernels where the cache has none: minutes at first, then seconds", flush=True)
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(run, GROUPS))


if __name__ == "__main__":
    main()
