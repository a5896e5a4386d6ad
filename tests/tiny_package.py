"""A package of tiny kernels, one of which calls another, imported anew as new processes do."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numba

from archsim.numeric.cache.numba_cache import KernelCache
from archsim.numeric.cache.sources import Sources
from archsim.numeric.cache.store import Store

NAME = "archsim_tiny_package"
FILES = {
    "__init__.py": "kernel = None\n",
    "parts.py": f"""\
from typing import NamedTuple
from {NAME} import kernel

FACTOR = 3


class Pair(NamedTuple):
    first: int
    second: int


@kernel
def scaled(value):
    return value * FACTOR
""",
    "caller.py": f"""\
from {NAME} import kernel
from {NAME}.parts import Pair, scaled


@kernel
def answer(value):
    return scaled(value) + 1


@kernel
def first_of(pair):
    return pair.first
""",
}


class TinyPackage:
    """The package in a folder, with what its processes said.

    Parameters
    ----------
    folder : Path
        Where it is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / NAME
        self.folder.mkdir(parents=True)
        self.told: list[str] = []
        for name, text in FILES.items():
            (self.folder / name).write_text(text)

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a file, as an upgrade or an editor would."""
        text = (self.folder / name).read_text()
        assert before in text
        (self.folder / name).write_text(text.replace(before, after))

    def start(self, *switches: str):
        """Import the package as a process with some switches does; return its module `caller`."""
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]
        importlib.invalidate_caches()
        sys.path.insert(0, str(self.folder.parent))
        try:
            store = Store(Sources(self.folder), list(switches), tell=self.told.append)

            def kernel(function):
                made = numba.njit(function)
                made._cache = KernelCache(function, lambda: store)
                return made

            importlib.import_module(NAME).kernel = kernel
            return importlib.import_module(f"{NAME}.caller")
        finally:
            sys.path.remove(str(self.folder.parent))


def loaded(kernel) -> bool:
    """Return whether a kernel that was called came from disk; it was compiled otherwise."""
    hits, misses = (sum(n.values()) for n in (kernel.stats.cache_hits, kernel.stats.cache_misses))
    assert hits + misses == 1
    return bool(hits)
