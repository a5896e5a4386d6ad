"""Which machine and versions a benchmark ran on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

CORETYPE_VARIABLE = "OPENBLAS_CORETYPE"
"""Holds OpenBLAS to the kernels of one processor, whatever it runs on."""

UNKNOWN_BLAS = "unknown (install threadpoolctl)"


@dataclass(frozen=True)
class Machine:
    """What a benchmark ran on.

    Attributes
    ----------
    cpu : str
        Model of the processor.
    cores : int
        Cores that the system has.
    load : float
        Processes that wanted to run, mean of the minute before the benchmark.
    python, numpy, numba : str
        Versions.
    blas : str
        Library and kernel that NumPy multiplies matrices with.
    coretype : str or None
        The kernel that the environment holds OpenBLAS to, None where OpenBLAS chooses.
    date : str
        When the benchmark began, ISO 8601.
    """

    cpu: str
    cores: int
    load: float
    python: str
    numpy: str
    numba: str
    blas: str
    coretype: str | None
    date: str


def this_machine() -> Machine:
    """Return what this process runs on."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        python=platform.python_version(),
        numpy=np.__version__,
        numba=version("numba"),
        blas=_blas(),
        coretype=os.environ.get(CORETYPE_VARIABLE) or None,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _cpu(path: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _blas() -> str:
    """Return the library that NumPy multiplies with, its version and its kernel."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return UNKNOWN_BLAS
    libraries: list[dict[str, Any]] = [
        library for library in threadpool_info() if library["user_api"] == "blas"
    ]
    libraries.sort(key=lambda library: "numpy" not in library["filepath"])
    if not libraries:
        return "none that threadpoolctl knows"
    first = libraries[0]
    parts = (first["internal_api"], first["version"], first.get("architecture"))
    return " ".join(str(part) for part in parts if part)
