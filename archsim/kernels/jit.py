"""Compilation of kernels, with a disk cache that never outlives the source it was made from.

Numba's own cache looks only at the file of the function that is compiled, so a kernel that calls a
kernel of another file would keep a stale copy of it. Here the cache folder's name carries a digest
of every kernel file, so that a change in any of them starts a fresh cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache, update_wrapper
from importlib.metadata import version
from pathlib import Path
from threading import RLock
from time import perf_counter
from typing import Any, TypeVar, cast

CACHE_FOLDER_VARIABLE = "ARCHSIM_CACHE_DIR"
_KEPT_CACHES = 4

F = TypeVar("F", bound=Callable[..., Any])


@cache
def cache_folder() -> Path:
    """Return the folder of compiled kernels for this version of the kernels' source.

    The parent is ``$ARCHSIM_CACHE_DIR``, else ``$XDG_CACHE_HOME/archsim``, else
    ``~/.cache/archsim``.
    """
    parent = os.environ.get(CACHE_FOLDER_VARIABLE)
    if parent is None:
        base = os.environ.get("XDG_CACHE_HOME")
        parent = str((Path(base) if base else Path.home() / ".cache") / "archsim")
    digest = hashlib.sha256(version("numba").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    folder = Path(parent) / f"kernels-{digest.hexdigest()[:16]}"
    _drop_old_caches(folder)
    return folder


def _drop_old_caches(current: Path) -> None:
    """Delete all but the newest few caches of older kernel sources."""
    try:
        others = [path for path in current.parent.glob("kernels-*") if path != current]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return
    for path in others[_KEPT_CACHES:]:
        shutil.rmtree(path, ignore_errors=True)


def when_compiling(notice: Callable[[], object]) -> None:
    """Have a function called when a kernel is first compiled, not when it is loaded from disk."""
    _State.notice = notice


def inlined(function: F) -> F:
    """Make a kernel that is compiled as a part of those that call it, not once more by itself.

    A kernel's machine code is made and optimised again in every kernel that it ends up in. A leaf's
    parts are inlined; in other kernels references to the arguments of an inlined one are counted.
    """
    function._archsim_inline = True  # type: ignore[attr-defined]
    return kernel(function)


def leaf(function: F) -> F:
    """Make a kernel that makes no new array, and so need not count references to any.

    Counting them takes longer than many a short loop. A loop over a part of an array takes a slice
    of it first and counts from 0: an index that may be negative, for all that Numba knows, keeps
    vector instructions away.
    """
    function._archsim_leaf = True  # type: ignore[attr-defined]
    return kernel(function)


def kernel(function: F) -> F:
    """Compile `function` without the interpreter's lock and keep the machine code on disk.

    ``fastmath`` stays off: results have to be the same bits on every machine and in every order.

    Numba takes half a second to import, so it is imported when a kernel is first called: commands
    that call none start without it.
    """
    if _State.started:
        return cast("F", _dispatcher(function))
    waiting = _Waiting(function)
    _WAITING.append(waiting)
    return cast("F", waiting)


class _Waiting:
    """A kernel before Numba is there; calling any starts it for all."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        self.dispatcher: Any = None

    def __call__(self, *arguments: Any) -> Any:
        return self.started()(*arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.started(), name)

    def started(self) -> Any:
        """Return the kernel itself."""
        if self.dispatcher is None:
            _start()
        return self.dispatcher


class _State:
    """Whether Numba is there, seconds of compiling and loading, and what is called at the first."""

    started = False
    lock = RLock()
    seconds = 0.0
    notice: Callable[[], object] | None = None


def compile_seconds() -> float:
    """Return how long this process has imported Numba, compiled, or loaded compiled code, s."""
    return _State.seconds


def _watch_compilation() -> None:
    """Let `compile_seconds` grow while Numba's compiler is at work; tell when it is first."""
    from numba.core import event

    class Stopwatch(event.Listener):
        """Times the outermost of nested compilations."""

        depth = 0
        since = 0.0

        def on_start(self, event: Any) -> None:  # noqa: ARG002 - the interface's
            self.since = self.since if self.depth else perf_counter()
            self.depth += 1

        def on_end(self, event: Any) -> None:  # noqa: ARG002
            self.depth -= 1
            if not self.depth:
                _State.seconds += perf_counter() - self.since

    class Notice(event.Listener):
        """Tells once that something is compiled."""

        def on_start(self, event: Any) -> None:  # noqa: ARG002 - the interface's
            notice, _State.notice = _State.notice, None
            if notice:
                notice()

        def on_end(self, event: Any) -> None:
            pass

    register: Any = event.register
    register("numba:compiler_lock", Stopwatch())
    register("numba:compile", Notice())


_WAITING: list[_Waiting] = []


def _start() -> None:
    """Make all waiting kernels, and put them where kernels look each other up."""
    with _State.lock:
        if _State.started:
            return
        begin = perf_counter()
        _watch_compilation()
        for waiting in _WAITING:
            waiting.dispatcher = _dispatcher(waiting.function)
        package = __name__.rpartition(".")[0]
        for name, module in list(sys.modules.items()):
            if name.startswith(package):
                for key, value in list(vars(module).items()):
                    if isinstance(value, _Waiting):
                        setattr(module, key, value.dispatcher)
        _State.started = True
        _State.seconds += perf_counter() - begin


def _dispatcher(function: Callable[..., Any]) -> Any:
    """Return what compiles a function at its first call."""
    import numba

    compiler: Any = numba.njit
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder())
    try:
        inline = "always" if hasattr(function, "_archsim_inline") else "never"
        counted = not hasattr(function, "_archsim_leaf")
        return compiler(
            cache=True, nogil=True, inline=inline, _nrt=counted, forceinline=not counted
        )(function)
    finally:
        settings.CACHE_DIR = before
