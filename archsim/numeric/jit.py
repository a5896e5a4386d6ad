"""Compilation of kernels; their machine code is kept on disk (`archsim.numeric.cache`)."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from functools import update_wrapper
from threading import RLock
from time import perf_counter
from typing import Any, TypeVar, cast

from archsim.numeric.cache.sources import KERNELS
from archsim.numeric.cache.store import Store

F = TypeVar("F", bound=Callable[..., Any])


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
            start()
        return self.dispatcher


class _State:
    """Whether Numba is there, seconds of compiling and loading, what is called at the first.

    `store` is where machine code of a version of the sources is kept.
    """

    started = False
    lock = RLock()
    seconds = 0.0
    notice: Callable[[], object] | None = None
    store: Store | None = None
    version = 0


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


def _let_numbers_wrap() -> None:
    """Have NumPy say nothing of words that wrap where nothing is compiled; machine code does so."""
    import numba

    settings: Any = numba.config
    if settings.DISABLE_JIT:
        warnings.filterwarnings("ignore", "overflow", RuntimeWarning)


_WAITING: list[_Waiting] = []
_STARTING: list[Callable[[], object]] = []


def when_starting(prepare: Callable[[], object]) -> None:
    """Have a function called once Numba is there, before anything is compiled.

    It is not called where nothing is compiled.
    """
    if _State.started:
        _prepare(prepare)
    else:
        _STARTING.append(prepare)


def _prepare(*functions: Callable[[], object]) -> None:
    import numba

    settings: Any = numba.config
    for function in () if settings.DISABLE_JIT else functions:
        function()


def start() -> None:
    """Make all waiting kernels, and put them where kernels look each other up.

    The first call of a kernel does so; what compiles functions that call kernels does so before.
    """
    with _State.lock:
        if _State.started:
            return
        begin = perf_counter()
        _watch_compilation()
        _let_numbers_wrap()
        _prepare(*_STARTING)
        for waiting in _WAITING:
            waiting.dispatcher = _dispatcher(waiting.function)
        packages = {waiting.function.__module__.partition(".")[0] for waiting in _WAITING}
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in packages:
                for key, value in list(vars(module).items()):
                    if isinstance(value, _Waiting):
                        setattr(module, key, value.dispatcher)
        _State.started = True
        _State.seconds += perf_counter() - begin


def options(*, leaf: bool) -> dict[str, bool]:
    """Return the compiler's options for a kernel, with references to arrays counted or not."""
    return {"nogil": True, "_nrt": not leaf, "forceinline": leaf}


def _dispatcher(function: Callable[..., Any]) -> Any:
    """Return what compiles a function at its first call, or the function if nothing is compiled."""
    import numba

    settings: Any = numba.config
    compiler: Any = numba.njit
    inline = "always" if hasattr(function, "_archsim_inline") else "never"
    made = compiler(inline=inline, **options(leaf=hasattr(function, "_archsim_leaf")))(function)
    if not settings.DISABLE_JIT:
        from archsim.numeric.cache.numba_cache import KernelCache

        made._cache = KernelCache(function, _store)
    return made


def _store() -> Store:
    """Return where machine code is kept: another folder for every set of packages with kernels."""
    with _State.lock:
        if _State.store is None or _State.version != KERNELS.version:
            from archsim.numeric.cache.numba_cache import switches

            _State.version = KERNELS.version
            tell = logging.getLogger("archsim").warning  # stderr, if nobody has asked otherwise
            _State.store = Store(KERNELS, switches(), tell=tell)
        return _State.store
