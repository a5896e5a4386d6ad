"""Where a value of a configuration was written, so that an error can name the place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from archsim.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Keys and list indices that lead to a value."""

STANDARD_INPUT = Path("-")
"""What stands for standard input where a configuration is named."""
MAPPING = Path("(mapping)")
"""What stands for a configuration that a program gives as a mapping, where it is named."""
_STREAMS = ("/dev/stdin", "/dev/fd", "/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written.

    Attributes
    ----------
    file : Path or None
        The file as the user named it; None where the value came from the command line.
    line : int
        Line in the file, from 1; 0 stands for the file as a whole.
    label : str
        Shown in place of file and line where it is not empty: ``--set adc.bits=4``.
    """

    file: Path | None
    line: int = 0
    label: str = ""

    def __str__(self) -> str:
        if self.label or self.file is None:
            return self.label
        name = _name(self.file)
        name = name if name.isprintable() else repr(name)
        return f"{name}:{self.line}" if self.line else name

    def error(self, sentence: str) -> ConfigError:
        """Return the error that says `sentence` about this place."""
        return ConfigError(f"{self}: {sentence}")


def is_stream(path: Path) -> bool:
    """Return whether a configuration is no file: standard input, a shell's process, a mapping."""
    return path in {STANDARD_INPUT, MAPPING} or any(path.is_relative_to(each) for each in _STREAMS)


def folder_of(path: Path) -> Path:
    """Return the folder that paths written in a file start at; of a stream the working folder."""
    return Path() if is_stream(path) else path.parent


def _name(file: Path) -> str:
    """Return a file's name as the user may type it."""
    if file == STANDARD_INPUT:
        return "standard input"
    if file == MAPPING:
        return "the mapping"
    try:
        here = Path.cwd()
        absolute = Path(os.path.abspath(file))  # noqa: PTH100 - keeps links, unlike Path.resolve
    except FileNotFoundError:  # the working folder was removed
        return str(file)
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else file)


class SourceStr(str):
    """Text that remembers where it was written.

    Attributes
    ----------
    origin : Origin
        File and line of the text, for paths relative to that file.
    """

    __slots__ = ("origin",)
    origin: Origin

    def __new__(cls, text: str, origin: Origin) -> SourceStr:  # noqa: D102
        self = super().__new__(cls, text)
        self.origin = origin
        return self

    def __reduce__(self) -> tuple[type[SourceStr], tuple[str, Origin]]:
        return SourceStr, (str(self), self.origin)
