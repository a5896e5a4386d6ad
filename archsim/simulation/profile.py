"""Where the wall time of a run goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from time import perf_counter

from archsim.numeric.jit import compile_seconds


class Part(StrEnum):
    """What a run spends its time on."""

    BUILD = "build"
    """The workload is read, the chip built and its schedule made."""
    COMPILE = "compile"
    """Numba is imported; kernels are compiled, or compiled ones loaded from disk."""
    KERNELS = "kernels"
    """The run waits for kernels."""
    TRACE = "trace"
    """The trace is laid out and written."""
    REST = "rest"


class Profile:
    """A stopwatch for the parts of a run, in the thread that runs it.

    Compilation within another part counts as compilation alone.
    """

    def __init__(self) -> None:
        self._start = perf_counter()
        self._seconds = dict.fromkeys(Part, 0.0)

    @contextmanager
    def part(self, part: Part) -> Iterator[None]:
        """Time a block of code as one part; parts do not nest."""
        begin, compiled = perf_counter(), compile_seconds()
        try:
            yield
        finally:
            spent = perf_counter() - begin
            # A compilation in a thread may have begun just before this part.
            compiling = min(compile_seconds() - compiled, spent)
            self._seconds[Part.COMPILE] += compiling
            self._seconds[part] += spent - compiling

    def seconds(self) -> dict[str, float]:
        """Return the seconds of every part so far; they add up to the time since the start."""
        known = sum(self._seconds.values())
        out = {str(part): seconds for part, seconds in self._seconds.items()}
        out[str(Part.REST)] = perf_counter() - self._start - known
        return out
