"""Threads of NumPy's matrix products: one inside archsim's own calls, unless more are asked for.

A BLAS with more threads than free cores waits in loops that keep the other cores from their work:
on two shared cores the float network of a run took 20 times as long, and two runs side by side
slowed each other down. The products here are small, so one thread is as fast where cores are free.
Importing archsim changes no setting; what the process had is put back when a call ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from archsim.errors import InputError

BLAS_THREADS_VARIABLE = "ARCHSIM_BLAS_THREADS"
"""Environment variable that asks for more threads than one."""

MOST_THREADS = 1024


@contextmanager
def few_blas_threads() -> Iterator[None]:
    """Hold the BLAS of this process to one thread, or to ``$ARCHSIM_BLAS_THREADS``.

    Calls may nest. Of calls from several threads the first one sets the limit for all, as the BLAS
    has one setting for the process, and gives the process its own setting back when it ends.

    Raises
    ------
    InputError
        If the environment variable is not a whole number of threads.
    """
    # threadpoolctl finds the libraries that are loaded by now, so NumPy has to be.
    import numpy as np  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=blas_threads(), user_api="blas"):
        yield


def blas_threads() -> int:
    """Return how many threads archsim's own matrix products take.

    Raises
    ------
    InputError
        If ``$ARCHSIM_BLAS_THREADS`` is set and not a whole number from 1 to 1024.
    """
    text = os.environ.get(BLAS_THREADS_VARIABLE, "")
    if not text:
        return 1
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_THREADS:
        msg = (
            f"{BLAS_THREADS_VARIABLE}: '{text[:40]}' is not a number of threads: set it to a whole "
            f"number from 1 to {MOST_THREADS}, or unset it for one thread"
        )
        raise InputError(msg)
    return int(text)
