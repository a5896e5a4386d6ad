"""Compilation of kernels, with a disk cache that never outlives the source it was made from.

Numba's own cache looks only at the file of the function that is compiled, so a kernel that calls a
kernel of another file would keep a stale copy of it. Here the cache folder's name carries a digest
of every kernel file, so that a change in any of them starts a fresh cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

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
    digest = hashlib.sha256(numba.__version__.encode())
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


def is_warm() -> bool:
    """Return whether compiled kernels of this source are already on disk."""
    return any(cache_folder().glob("**/*.nbc"))


def kernel(function: F) -> F:
    """Compile `function` without the interpreter's lock and keep the machine code on disk.

    ``fastmath`` stays off: results have to be the same bits on every machine and in every order.
    """
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(cache_folder())
    try:
        compiled: Any = numba.njit(cache=True, nogil=True)(function)
    finally:
        settings.CACHE_DIR = before
    return compiled  # type: ignore[no-any-return]
