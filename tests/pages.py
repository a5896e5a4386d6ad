"""Commands and code blocks of README.md and docs/, as a reader copies them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.runs import ROOT

PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
NOTEBOOK = ROOT / "docs" / "archsim.ipynb"
SHELL = "sh"
_FENCED = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?<=\n\n)(?: {4}\S[^\n]*\n)(?: {4}[^\n]*\n)*")
_QUOTED = re.compile(r"`(archsim [^`]+)`")
_PROGRAM = re.compile(r"archsim|python|pip|make|bash|pytest|apt-get|ngspice|/usr/bin/time")
_PLACEHOLDER = re.compile(r"\b[A-Z]{3,}|\.\.\.|\bN\b|\bM\b")


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes
    ----------
    page : str
        Path of the page in the repository.
    line : int
        Line of the page at which the block begins.
    language : str
        What the fence says; ``sh`` for indented commands.
    text : str
        The code.
    """

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Page and line."""
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """The commands of a block of shell: comments dropped, continued lines joined."""
        lines = self.text.replace("\\\n", " ").splitlines()
        split = [shlex.split(line, comments=True) for line in lines]
        return [Command(self.page, tuple(words)) for words in split if words]


@dataclass(frozen=True)
class Command:
    """A command on a page.

    Attributes
    ----------
    page : str
        Path of the page in the repository.
    words : tuple of str
        Program and arguments.
    """

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)


def blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return list(chain.from_iterable(_blocks_of(path) for path in PAGES))


def commands() -> list[Command]:
    """Return each command of all pages once: those of blocks, and those quoted in sentences."""
    found = [command for block in blocks() if block.language == SHELL for command in block.commands]
    quoted = [command for path in PAGES for command in _quoted_in(path)]
    return list({str(command): command for command in (*found, *quoted)}.values())


def cells(path: Path) -> list[str]:
    """Return the code of a notebook's cells, in order."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def headings(path: Path) -> set[str]:
    """Return what a link to a heading of a page has behind its #, as GitHub makes it."""
    text = _without_fenced(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower().strip()).replace(" ", "-")
        count = sum(1 for each in found if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", each))
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def _blocks_of(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    page = path.relative_to(ROOT).as_posix()
    found = [
        Block(page, text[: match.start()].count("\n") + 1, match["language"], match["text"])
        for match in _FENCED.finditer(text)
    ]
    for match in _INDENTED.finditer(_without_fenced(text)):
        if _PROGRAM.match(match[0].lstrip()):
            line = text[: text.index(match[0])].count("\n") + 1
            found.append(Block(page, line, SHELL, match[0]))
    return found


def _without_fenced(text: str) -> str:
    return _FENCED.sub("", text)


def names_of_commands() -> set[str]:
    """Return the names of commands that sentences mention, as in `archsim run`."""
    quoted = [words for path in PAGES for words in _quotes_of(path) if _is_a_name(words)]
    return {name for _, name in quoted}


def _quoted_in(path: Path) -> list[Command]:
    """Return the whole commands that sentences quote: none with a placeholder, none cut."""
    page = path.relative_to(ROOT).as_posix()
    return [Command(page, words) for words in _quotes_of(path) if not _is_a_name(words)]


def _quotes_of(path: Path) -> list[tuple[str, ...]]:
    sentences = " ".join(_without_fenced(path.read_text(encoding="utf-8")).split())
    found = _QUOTED.findall(sentences)
    return [tuple(shlex.split(text)) for text in found if not _PLACEHOLDER.search(text)]


def _is_a_name(words: tuple[str, ...]) -> bool:
    return len(words) == 2 and not words[1].startswith("-")
