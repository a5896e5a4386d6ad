"""Notes: what the user should know of a run that works, such as what was found by itself.

Library code notes and never prints; the command line has notes told on stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar


def _nobody(_text: str) -> None:
    pass


class _State:
    tell: Callable[[str], object] = _nobody
    told: ClassVar[set[str]] = set()


def when_noted(tell: Callable[[str], object]) -> None:
    """Have a function called with every note, one sentence each; nobody hears them before."""
    _State.tell = tell
    _State.told.clear()


def note(text: str) -> None:
    """Note one sentence; it is told once, however many runs have a reason for it."""
    if text not in _State.told:
        _State.told.add(text)
        _State.tell(text)
