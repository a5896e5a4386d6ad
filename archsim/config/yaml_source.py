"""Strict reading of YAML: plain data, and the file and line that every value came from.

PyYAML only scans and parses here. What a scalar means follows the core schema of YAML 1.2, section
10.3.2, so that ``1e-12`` is a number and ``no`` is text. What has no use in a configuration (tags,
merge keys, several documents, infinities) is refused with a sentence that says what to write.
"""

from __future__ import annotations

import re
import stat
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from archsim.config.origin import STANDARD_INPUT, KeyPath, Origin, is_stream
from archsim.config.yaml_scalar import FORBIDDEN, scalar
from archsim.errors import ConfigError
from archsim.shipped import shipped

__all__ = ["YamlSource", "parse_value", "read_yaml"]

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000
MAX_DEPTH = 50
_TOO_LARGE = "is larger than 1 MiB; split it with 'extends', or check that it is a configuration"

# libyaml where PyYAML was built with it, for speed; PyYAML's own parser takes the same language.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SPANS = re.compile("unexpected end of stream|expected ',' or|expected ':'")
_TAB_INDENT = re.compile(r"^ *\t[ \t]*[^\s#]", re.MULTILINE)

# Parts of the messages of libyaml and PyYAML, and what they mean to somebody who writes a file.
_SYNTAX = {
    # What libyaml says from PyYAML 6.0.4 on, before events are counted here.
    "maximum nesting depth": f"nested more than {MAX_DEPTH} deep; flatten it",
    "mapping values are not allowed": "a ':' where no key can be; align keys, quote text with ': '",
    "entries are not allowed": "a '- ' where no list can start; put each item on its own line",
    "could not find expected ':'": "a line has no ':' after its key; write 'key: value'",
    "that cannot start any token": "a value cannot start with this character; put it in quotes",
    "unexpected end of stream": "a quote is opened here and never closed; close it",
    "expected ',' or": "a bracket opened here is not closed or lacks a comma; mend it",
    "expected key": "the line does not fit those above; align it, and close quotes and brackets",
    "expected <block end>": "the line does not fit those above; align it with its neighbours",
    "'-' indicator": "the line does not fit the list above; start it with '- ', or align it",
    "escape": "a backslash escape that YAML does not know; use 'single quotes'",
}


@dataclass(frozen=True, slots=True)
class YamlSource:
    """Plain data of one YAML text.

    Attributes
    ----------
    data : Any
        Built of dict (with plain str keys), list, `SourceStr`, int, float, bool and None. From
        `read_yaml` the outermost is a dict. An alias stands as a copy, so nothing is shared.
    origins : dict of KeyPath to Origin
        Where each key path, such as ``("layers", 0, "units")``, was written; ``()`` is the whole.
    """

    data: Any
    origins: dict[KeyPath, Origin]


def read_yaml(path: str | Path, *, named_by: Origin | None = None) -> YamlSource:
    """Read a YAML file whose outermost value is a mapping.

    Parameters
    ----------
    path : str or Path
        The file, of at most 1 MiB of UTF-8 text; ``-`` reads standard input.
    named_by : Origin, optional
        The place that names this file; an error about a file that cannot be read points there.

    Returns
    -------
    YamlSource
        Its data, and the line that each value was written on.

    Raises
    ------
    ConfigError
        The file cannot be read, is not strict YAML, or is not a mapping.
    """
    origin = Origin(Path(path))
    source = _parse(_decode(_read_bytes(origin, named_by), origin), origin)
    if source is None:
        raise origin.error("the file is empty; write at least one 'key: value' line")
    if not isinstance(source.data, dict):
        raise origin.error("the file holds no keys at its top level; write 'key: value' lines")
    return source


def parse_value(text: str, origin: Origin) -> YamlSource:
    """Parse one scalar or flow collection, such as ``4``, ``250 mV`` or ``[0, 1]``.

    Parameters
    ----------
    text : str
        The text of the value.
    origin : Origin
        What every value in it is recorded to come from.

    Returns
    -------
    YamlSource
        The value under the same rules as in a file.

    Raises
    ------
    ConfigError
        The text is empty, not strict YAML, or a block collection.
    """
    _check_characters(text, origin)
    source = _parse(text, origin, block=False)
    if source is None:
        raise origin.error("there is no value; write null for nothing, or '' for an empty text")
    return source


def _read_bytes(origin: Origin, named_by: Origin | None) -> bytes:
    path = origin.file or Path()
    try:
        problem = _unreadable(path)
        if not problem:
            with _opened(path) as stream:
                data = stream.read(MAX_BYTES + 1)
            if len(data) <= MAX_BYTES:
                return data
            problem = _TOO_LARGE
    except FileNotFoundError:
        problem = _absent(path)
        if path.is_symlink():
            problem = "is a link to a file that does not exist; mend the link"
    except PermissionError:
        problem = "may not be read; change its permissions"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        problem = f"cannot be read ({reason}); check the path"
    if named_by is None:
        raise origin.error(f"the file {problem}")
    raise named_by.error(f"the file {origin} {problem}")


def _absent(path: Path) -> str:
    """Say that a file does not exist, and where archsim's own of that name is."""
    folders = path.parts[:-1]
    if "configs" in folders:
        own = shipped("/".join(path.parts[folders.index("configs") + 1 :]))
        if own.is_file():
            return f"does not exist; the one that comes with archsim is {own}"
    return "does not exist; check the path"


def _opened(path: Path) -> AbstractContextManager[BinaryIO]:
    if path == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    return path.open("rb")


def _unreadable(path: Path) -> str:
    if path == STANDARD_INPUT:
        return "" if sys.stdin else "is closed; give it a configuration, or name a YAML file"
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return "is a directory; name a YAML file in it"
    if not stat.S_ISREG(status.st_mode) and not is_stream(path):
        return "is not a regular file; name a YAML file"
    return _TOO_LARGE if status.st_size > MAX_BYTES else ""


def _decode(data: bytes, origin: Origin) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Origin(origin.file, line).error("this is not UTF-8 text; save it as UTF-8") from None
    _check_characters(text, origin)
    if tab := _TAB_INDENT.search(text):
        line = text.count("\n", 0, tab.start()) + 1
        raise Origin(origin.file, line).error("the line is indented with a tab; use spaces")
    return text


def _check_characters(text: str, origin: Origin) -> None:
    if found := FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        at = Origin(origin.file, line, origin.label)
        raise at.error(f"the character U+{ord(found[0]):04X} is not text; remove it")


def _parse(text: str, origin: Origin, *, block: bool = True) -> YamlSource | None:
    scan = _Scan(origin, block=block)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            scan.take(event)
    except yaml.YAMLError as error:
        raise _syntax_error(error, text, origin) from None
    except (ValueError, OverflowError):  # PyYAML's own scanner on escapes above U+10FFFF
        raise origin.error("an escape names no character; write the character itself") from None
    if not scan.nodes or _is_empty(scan.nodes[0]):
        return None
    builder = _Builder(scan, origin)
    data, _ = builder.build(0, ())
    return YamlSource(data, builder.origins)


def _is_empty(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.implicit[0] and not event.value


def _syntax_error(error: yaml.YAMLError, text: str, origin: Origin) -> ConfigError:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable")
    mark = getattr(error, "problem_mark", None)
    opened = getattr(error, "context_mark", None)
    if opened and _SPANS.search(problem):
        mark = opened
    line = min(mark.line + 1 if mark else 1, text.count("\n") + 1)
    at = Origin(origin.file, line, origin.label)
    for part, sentence in _SYNTAX.items():
        if part in problem:
            return at.error(sentence)
    return at.error(f"not valid YAML ({' '.join(problem.split())}); check indentation and brackets")


class _Scan:
    """Collects parser events; refuses what a configuration has no use for, and endless nesting.

    Attributes
    ----------
    nodes : list
        The events of the one document, in order.
    targets : dict of int to int
        For each alias in `nodes`, the index of what it repeats.
    """

    def __init__(self, origin: Origin, *, block: bool) -> None:
        self.nodes: list[Any] = []
        self.targets: dict[int, int] = {}
        self._origin = origin
        self._block = block
        self._documents = 0
        self._open: list[int] = []
        self._anchors: dict[str, int] = {}

    def take(self, event: Any) -> None:
        """Check one event and keep it, if it belongs to a node."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            self._allow(self._documents == 1, event, "a second document starts; keep only one")
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self.nodes.append(event)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
            self.nodes.append(event)

    def _allow(self, allowed: bool, event: Any, sentence: str) -> None:
        if not allowed:
            raise _at(event, self._origin).error(sentence)

    def _node(self, event: Any) -> None:
        index = len(self.nodes)
        self._allow(
            index < 2 * MAX_VALUES, event, f"more than {MAX_VALUES:,} values; split the file"
        )
        if isinstance(event, yaml.AliasEvent):
            self._alias(event, index)
            return
        self._allow(not event.tag, event, f"the tag {event.tag!r} is not allowed; leave it out")
        if event.anchor:
            self._anchors[event.anchor] = index
        if isinstance(event, yaml.CollectionStartEvent):
            flow = self._block or bool(event.flow_style)
            self._allow(flow, event, "lists here are [a, b], mappings {a: b}; quote ': ' and '- '")
            self._open.append(index)
            fits = len(self._open) <= MAX_DEPTH
            self._allow(fits, event, f"nested more than {MAX_DEPTH} deep; flatten it")

    def _alias(self, event: Any, index: int) -> None:
        name = event.anchor
        known = name in self._anchors
        self._allow(known, event, f"no &{name} above for *{name} to repeat; add it, or quote it")
        target = self._anchors[name]
        endless = target in self._open
        self._allow(not endless, event, f"*{name} contains itself; write the value out")
        self.targets[index] = target


def _at(event: Any, origin: Origin) -> Origin:
    return Origin(origin.file, event.start_mark.line + 1, origin.label)


class _Builder:
    """Turns events into plain data, aliases into copies, and notes each origin."""

    def __init__(self, scan: _Scan, origin: Origin) -> None:
        self.origins: dict[KeyPath, Origin] = {(): origin}
        self._scan = scan
        self._origin = origin
        self._count = 0

    def build(self, index: int, path: KeyPath) -> tuple[Any, int]:
        """Return the data of the node at `index`, and the index after it."""
        event = self._scan.nodes[index]
        at = _at(event, self._origin)
        self._count += 1
        if self._count > MAX_VALUES:
            raise at.error(f"more than {MAX_VALUES:,} values, aliases included; use fewer")
        if len(path) > MAX_DEPTH:
            raise at.error(f"nested more than {MAX_DEPTH} deep; flatten it")
        if index in self._scan.targets:
            return self.build(self._scan.targets[index], path)[0], index + 1
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value, at, plain=event.implicit[0]), index + 1
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(index + 1, path)
        return self._mapping(index + 1, path)

    def _list(self, index: int, path: KeyPath) -> tuple[list[Any], int]:
        items: list[Any] = []
        while not isinstance(event := self._scan.nodes[index], yaml.SequenceEndEvent):
            here = (*path, len(items))
            self.origins[here] = _at(event, self._origin)
            item, index = self.build(index, here)
            items.append(item)
        return items, index + 1

    def _mapping(self, index: int, path: KeyPath) -> tuple[dict[str, Any], int]:
        data: dict[str, Any] = {}
        while not isinstance(event := self._scan.nodes[index], yaml.MappingEndEvent):
            at = _at(event, self._origin)
            key = self._key(self._scan.nodes[self._scan.targets.get(index, index)], at)
            here = (*path, key)
            if key in data:
                first = self.origins[here].line
                raise at.error(f"the key {key!r} is given twice, first on line {first}; keep one")
            self.origins[here] = at
            data[key], index = self.build(index + 1, here)
        return data, index + 1

    def _key(self, event: Any, at: Origin) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise at.error("a list or mapping cannot be a key; write a name")
        plain = event.implicit[0]
        if plain and event.value == "<<":
            raise at.error("the merge key '<<' is not allowed; write its keys out")
        if not isinstance(scalar(event.value, at, plain=plain), str):
            raise at.error(f"a key is text; write it in quotes: '{event.value}'")
        return str(event.value)
