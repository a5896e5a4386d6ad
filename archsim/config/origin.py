"""Where a value of a configuration was written, so that an error can name the place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from archsim.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Keys and list indices that lead to a value."""


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
        absolute = os.path.abspath(self.file)  # noqa: PTH100 - keeps links, unlike Path.resolve
        below = Path(absolute).is_relative_to(Path.cwd())
        name = str(Path(absolute).relative_to(Path.cwd()) if below else self.file)
        name = name if name.isprintable() else repr(name)
        return f"{name}:{self.line}" if self.line else name

    def error(self, sentence: str) -> ConfigError:
        """Return the error that says `sentence` about this place."""
        return ConfigError(f"{self}: {sentence}")


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
