"""From files to one document: ``extends`` between files, and overrides from the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archsim.config.origin import MAPPING, KeyPath, Origin, folder_of
from archsim.config.plain_source import plain_source
from archsim.config.yaml_source import MAX_DEPTH, YamlSource, parse_value, read_yaml
from archsim.errors import ConfigError
from archsim.shipped import BASES, CONFIGURATIONS, DEVICES, by_name, is_name

__all__ = ["Document", "load_document"]

MAX_EXTENDS = 20
_KEY = "extends"
_BASES = CONFIGURATIONS, BASES, DEVICES
_MAX_LABEL = 80


Overrides = Iterable[str] | Mapping[str, Any]
"""Single values that are set: texts such as ``adc.bits=4``, or values by their keys."""


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration after merging and overriding, not yet checked against a schema.

    Attributes
    ----------
    path : Path
        The file that was loaded, as the user named it.
    data : dict
        Plain data, without ``extends``.
    origins : dict of KeyPath to Origin
        Where each key path was written last; also of a key that ``null`` has taken away.
    """

    path: Path
    data: dict[str, Any]
    origins: dict[KeyPath, Origin]

    def copied(self) -> Document:
        """Return a document that can be changed by itself."""
        return Document(self.path, _copied(self.data), dict(self.origins))

    def origin(self, path: KeyPath) -> Origin:
        """Return where `path` was written, or else its nearest enclosing mapping or list."""
        while path not in self.origins and path:
            path = path[:-1]
        return self.origins.get(path, Origin(self.path))


def load_document(source: str | Path | Mapping[str, Any], overrides: Overrides = ()) -> Document:
    """Load a YAML file or a mapping, what it extends, and overrides of single values.

    A top-level ``extends: base.yaml`` (or a list of files, later ones over earlier) names what a
    file starts from: a path relative to that file, or the name of one that comes with archsim.
    Mappings merge key by key; lists and scalars replace; ``null`` takes away a key that is
    inherited.

    Parameters
    ----------
    source : str, Path or mapping
        The file; or what would stand in it, as plain data, with paths relative to the working
        folder.
    overrides : iterable of str, or mapping
        Such as ``adc.bits=4`` or ``network.layers.0.units=64``, applied in order. The value is YAML
        on one line; a mapping or list replaces what was there, and ``null`` takes a key away. In a
        mapping, values by keys such as ``adc.bits``, as plain data.

    Returns
    -------
    Document
        The merged data with the origin of every value.

    Raises
    ------
    ConfigError
        A file or an override cannot be read, or files extend each other in a circle.
    """
    if isinstance(source, Mapping):
        path = MAPPING
        found = _Files().extended(plain_source(source, Origin(MAPPING)), MAPPING, (MAPPING,))
    else:
        path = Path(source)
        found = _Files().load(path, (), None)
    document = Document(path, _copied(found.data), dict(found.origins))
    override(document, overrides)
    return document


class _Files:
    """Loads files with what they extend, each file once."""

    def __init__(self) -> None:
        self._done: dict[str, YamlSource] = {}

    def load(self, path: Path, chain: tuple[Path, ...], named_by: Origin | None) -> YamlSource:
        """Return `path` merged over its bases; `chain` is how it was reached."""
        real = os.path.realpath(path)
        if named_by is not None:
            _check_chain(path, chain, named_by)
        if real not in self._done:
            source = read_yaml(path, named_by=named_by)
            self._done[real] = self.extended(source, path, (*chain, path))
        return self._done[real]

    def extended(self, source: YamlSource, path: Path, chain: tuple[Path, ...]) -> YamlSource:
        """Return what was read at `path` merged over what it extends."""
        if _KEY not in source.data:
            return source
        at = source.origins[_KEY,]
        merged: YamlSource | None = None
        for name in _base_names(source.data[_KEY], at):
            base = self.load(_base(folder_of(path), name, at), chain, at)
            merged = base if merged is None else _merge(merged, base)
        own = {key: value for key, value in source.data.items() if key != _KEY}
        over = YamlSource(own, source.origins)
        return over if merged is None else _merge(merged, over)


def _base(folder: Path, name: str, at: Origin) -> Path:
    """Return the file that a configuration extends: one beside it, or archsim's of that name."""
    beside = folder / name
    if not is_name(Path(name)) or beside.is_file():
        return beside
    try:
        return by_name(name, *_BASES)
    except ConfigError as error:
        raise at.error(f"extends: {error}") from None


def _check_chain(path: Path, chain: tuple[Path, ...], named_by: Origin) -> None:
    real = [os.path.realpath(each) for each in chain]
    if os.path.realpath(path) in real:
        names = " -> ".join(str(Origin(each)) for each in (*chain, path))
        raise named_by.error(f"extends goes in a circle ({names}); remove one link")
    if len(chain) > MAX_EXTENDS:
        raise named_by.error(f"extends goes more than {MAX_EXTENDS} files deep; flatten it")


def _base_names(value: Any, at: Origin) -> list[str]:
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name for name in names) or len(names) > MAX_EXTENDS:
        raise at.error(
            f"extends takes a file or a list of up to {MAX_EXTENDS} files; write extends: base.yaml"
        )
    return names


def _merge(base: YamlSource, over: YamlSource) -> YamlSource:
    origins: dict[KeyPath, Origin] = {(): over.origins[()]}
    return YamlSource(_merged(base, over, (base.data, over.data), (), origins), origins)


def _merged(
    base: YamlSource,
    over: YamlSource,
    pair: tuple[dict[str, Any], dict[str, Any]],
    path: KeyPath,
    origins: dict[KeyPath, Origin],
) -> dict[str, Any]:
    below, above = pair
    data: dict[str, Any] = {}
    for key in below | above:
        here = (*path, key)
        low, high = below.get(key), above.get(key)
        if key in above and high is None and low is not None:
            origins[here] = over.origins[here]  # of what is missing now
            continue
        if isinstance(low, dict) and isinstance(high, dict):
            origins[here] = over.origins[here]
            data[key] = _merged(base, over, (low, high), here, origins)
        else:
            source = over if key in above else base
            data[key] = high if key in above else low
            _copy_origins(data[key], here, source.origins, origins)
    return data


def _copy_origins(
    value: Any, path: KeyPath, source: dict[KeyPath, Origin], target: dict[KeyPath, Origin]
) -> None:
    target[path] = source[path]
    for key, child in _children(value):
        _copy_origins(child, (*path, key), source, target)


def _children(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _copied(value: Any) -> Any:
    """Copy mappings and lists, so that overriding one document leaves the others alone."""
    if isinstance(value, dict):
        return {key: _copied(child) for key, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value


def override(document: Document, overrides: Overrides) -> None:
    """Set single values of a document, as `load_document` says."""
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            origin = _labelled(f"set {name}={value}")
            keys = [key.strip() for key in str(name).split(".")]
            if not all(keys):
                raise origin.error("give keys with dots between them, such as adc.bits")
            _override(document, keys, plain_source(value, origin), origin)
        return
    for text in overrides:
        origin = _labelled(f"--set {text}")
        name, equals, value_text = text.partition("=")
        keys = [key.strip() for key in name.split(".")]
        if not equals or not all(keys):
            raise origin.error("write --set key.sub=value, for example --set adc.bits=4")
        _override(document, keys, parse_value(value_text, origin), origin)


def _labelled(label: str) -> Origin:
    label = label if len(label) <= _MAX_LABEL else f"{label[:_MAX_LABEL]}..."
    return Origin(None, 0, " ".join(label.split()))


def _override(document: Document, keys: list[str], source: YamlSource, origin: Origin) -> None:
    if keys[0] == _KEY:
        raise origin.error("extends works in files only; write it at the top of the file")
    if len(keys) > MAX_DEPTH:
        raise origin.error(f"more than {MAX_DEPTH} keys deep; check the name")
    container, path = _container(document, keys[:-1], origin)
    key = _step(container, keys[-1], path, origin)
    if source.data is None and isinstance(container, dict) and container.get(key) is not None:
        del container[key]
    else:
        container[key] = source.data
    _forget_origins(document.origins, (*path, key))
    document.origins.update({(*path, key, *rest): o for rest, o in source.origins.items()})


def _container(document: Document, keys: list[str], origin: Origin) -> tuple[Any, KeyPath]:
    """Walk to the mapping or list that `keys` name; mappings that are missing are made."""
    container: Any = document.data
    path: KeyPath = ()
    for name in keys:
        key = _step(container, name, path, origin)
        path = (*path, key)
        if isinstance(container, dict) and key not in container:
            container[key] = {}
            document.origins[path] = origin
        container = container[key]
    return container, path


def _step(container: Any, name: str, path: KeyPath, origin: Origin) -> str | int:
    if isinstance(container, dict):
        return name
    where = ".".join(map(str, path))
    if not isinstance(container, list):
        raise origin.error(f"{where} is a single value, '{name}' cannot be set in it; set {where}")
    if not container:
        raise origin.error(f"{where} is an empty list; set it whole: --set {where}=[...]")
    if not (name.isascii() and name.isdigit() and len(name) < 10 and int(name) < len(container)):
        raise origin.error(
            f"{where} is a list of {len(container)}, '{name}' is not in it; "
            f"write {where}.0 to {where}.{len(container) - 1}"
        )
    return int(name)


def _forget_origins(origins: dict[KeyPath, Origin], path: KeyPath) -> None:
    for old in [key for key in origins if key[: len(path)] == path]:
        del origins[old]
