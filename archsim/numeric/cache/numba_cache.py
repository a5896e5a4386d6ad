"""The cache that Numba asks for a kernel's machine code, in place of its own.

Numba's own looks for folders by itself, beside the source too, and executes whatever it finds
there. This one asks a `Store`. It relies on parts of Numba that are not documented; the tests name
them (``tests/unit/numeric/test_numba_internals.py``).
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import caching, compiler, serialize

from archsim.numeric.cache.store import Store
from archsim.numeric.inner.choice import has_vector_code

_ANY_CODE = {"CACHE_DIR", "CACHE_LOCATOR_CLASSES", "NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"}
"""Settings of Numba that leave machine code as it is; they differ from node to node."""

_NAME_DIGITS = 32

_Cache: Any = caching._Cache
_CompileResult: Any = compiler.CompileResult
_dumps: Any = serialize.dumps


def switches() -> list[str]:
    """Return what machine code depends on beside the source: versions, and Numba's settings.

    Whether there is vector code is one of them. Settings come from ``NUMBA_*`` in the environment
    and from ``.numba_config.yaml``.
    """
    settings = [
        f"{name}={value}"
        for name, value in sorted(vars(numba.config).items())
        if name.isupper() and name not in _ANY_CODE
    ]
    versions = [sys.version, numba.__version__, llvmlite.__version__, np.__version__]
    code = f"vector code {has_vector_code()}"
    return [*versions, f"python -O {sys.flags.optimize}", code, *settings]


class KernelCache(_Cache):  # type: ignore[misc]
    """Machine code of one kernel, a file a signature.

    Parameters
    ----------
    function : callable
        The kernel in Python.
    store : callable
        Returns where machine code is kept, which changes with the packages that have kernels.
    """

    def __init__(self, function: Callable[..., Any], store: Callable[[], Store]) -> None:
        self._function: Any = function
        self._find = store
        self._enabled = store().has_source(function.__code__.co_filename)

    @property
    def _store(self) -> Store:
        return self._find()

    @property
    def cache_path(self) -> str | None:
        """The folder."""
        return str(self._store.folder) if self._store.folder else None

    def enable(self) -> None:
        """Load and save from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Neither load nor save from now on."""
        self._enabled = False

    def flush(self) -> None:
        """Load nothing that was saved before: the kernel is to be compiled anew."""
        self.disable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return compiled code for some types of arguments, None if there is none."""
        target_context.refresh()
        key = self._key(sig, target_context.codegen())
        data = self._store.load(self._name(key)) if self._enabled else None
        if data is None:
            return None
        try:
            kept, payload = pickle.loads(data)
            if kept == key:
                return _CompileResult._rebuild(target_context, *payload)
        except Exception:
            return None  # whatever hinders it: it can be compiled again
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep compiled code for some types of arguments."""
        if not self._enabled or data.lifted or data.library.has_dynamic_globals:
            return
        key = self._key(sig, data.codegen)
        self._store.save(self._name(key), _dumps((key, data._reduce())))

    def _key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        """Return what tells one piece of machine code from another, processors included."""
        function = self._function
        place = function.__module__, function.__qualname__, function.__code__.co_firstlineno
        code = hashlib.sha256(function.__code__.co_code).hexdigest()
        return (*place, code, sig, codegen.magic_tuple())

    def _name(self, key: tuple[Any, ...]) -> str:
        """Return the name of a file; should two keys ever have the same, they take turns in it."""
        module = self._function.__module__.rpartition(".")[2]
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:_NAME_DIGITS]
        return f"{module}.{self._function.__name__}-{digest}"
