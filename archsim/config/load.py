"""Loading a run's configuration: read, merge, check, resolve, and give it a hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from archsim.config.base import Section
from archsim.config.merge import Document, Overrides, load_document, override
from archsim.config.origin import KeyPath, is_stream
from archsim.config.run import RunConfig
from archsim.config.validate import validate_document
from archsim.config.without_effect import keys_without_effect
from archsim.listing import listed
from archsim.shipped import CONFIGURATIONS, by_name, is_name

_CHUNK = 1 << 20
_LIKE_A_NUMBER = re.compile(r"[-+.0-9][-+.0-9a-fA-FxXoO_]*")


class _Dumper(yaml.SafeDumper):
    """Quotes texts that look like numbers, some of which PyYAML would leave bare."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if _LIKE_A_NUMBER.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


@dataclass(frozen=True)
class Config:
    """A checked configuration, where it came from, and what identifies it.

    Attributes
    ----------
    path : Path
        The file that was loaded, as the user named it.
    folder : Path
        Its folder, without links.
    config : RunConfig
        The configuration in SI units.
    digests : mapping of Path to str
        Of each file that the configuration names: a digest of its content when it was loaded.
    notes : tuple of str
        A sentence for each key that was written and has no effect here.
    document : Document
        What it was checked from.

    Examples
    --------
    >>> config = archsim.load("kws")
    >>> config.adc.bits, config.tile.v_read  # of quantities the number in SI, here 200 mV
    (5, 0.2)
    >>> changed = config.with_values({"adc.bits": 4, "tile.v_read": "150 mV"}).with_seed(7)
    >>> changed.adc.bits, changed.tile.v_read, changed.seed
    (4, 0.15, 7)
    >>> config.hash == changed.hash
    False
    >>> config.yaml.splitlines()[0]
    'name: kws'
    """

    path: Path
    folder: Path
    config: RunConfig
    digests: Mapping[Path, str]
    notes: tuple[str, ...]
    document: Document = field(repr=False, compare=False)

    @cached_property
    def yaml(self) -> str:
        """The resolved configuration, without ``extends``.

        Its paths are relative to `folder`, so that it can be run from there again.
        """
        plain = _dump(self.config, lambda file: os.path.relpath(file, self.folder))
        return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, width=100)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the resolved configuration with files' contents in place of their paths.

        It is the same on every machine, and another one when weights or costs change.
        """
        identity = json.dumps(_dump(self.config, self.digests.__getitem__), sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()

    def with_values(self, values: Mapping[str, Any]) -> Config:
        """Return the same configuration with other values of single keys, checked anew.

        Parameters
        ----------
        values : mapping
            Such as ``{"adc.bits": 4, "tile.v_read": "150 mV"}``; None takes a key away.

        Raises
        ------
        ConfigError
            If a value is wrong, with its key.
        """
        if not values:
            return self
        changed = self.document.copied()
        override(changed, values)
        return config_of(changed)

    def __getattr__(self, name: str) -> Any:
        """Return a section, such as ``adc`` or ``network``, or another key of the configuration."""
        if name.startswith("_") or name not in RunConfig.model_fields:
            msg = f"a configuration has no '{name}'; it has {listed(RunConfig.model_fields)}"
            raise AttributeError(msg)
        return getattr(self.config, name)

    def with_seed(self, seed: int) -> Config:
        """Return the same configuration with another seed: another chip of its kind.

        Parameters
        ----------
        seed : int
            The seed, at least 0.
        """
        document = self.document.copied()
        override(document, {"seed": seed})
        config = self.config.model_copy(update={"seed": seed})
        return replace(self, config=config, document=document)

    @property
    def inputs(self) -> list[Path]:
        """The configuration and the files that it names, which no output may overwrite."""
        return [self.path, *self.digests]


def is_config(path: Path) -> bool:
    """Return whether a path is that of a configuration: its suffix says so, or it has none."""
    return path.suffix in {".yaml", ".yml"} or is_name(path)


def digest_of_file(path: Path) -> str:
    """Return a digest of a file's content, or the name of what is not a readable file."""
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return path.name
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return path.name
    return digest.hexdigest()


def load_config(
    source: str | Path | Mapping[str, Any],
    overrides: Overrides = (),
    *,
    digest: Callable[[Path], str] = digest_of_file,
) -> Config:
    """Load a run's configuration.

    Parameters
    ----------
    source : str, Path or mapping
        YAML file, or the name of one that comes with archsim; ``-`` reads standard input. Or what
        would stand in a file, as plain data. Relative paths in either of the latter start at the
        working folder.
    overrides : iterable of str, or mapping
        Such as ``adc.bits=4``; see `archsim.config.merge.load_document`.
    digest : callable, optional
        Gives the digest of a file's content; reads the file by default.

    Raises
    ------
    ConfigError
        With one sentence a problem, each naming file, line and key.
    """
    if not isinstance(source, Mapping):
        source = by_name(source, CONFIGURATIONS)
    return config_of(load_document(source, overrides), digest=digest)


def config_of(document: Document, *, digest: Callable[[Path], str] = digest_of_file) -> Config:
    """Check a document that may be a run's configuration.

    Raises
    ------
    ConfigError
        As `load_config`.
    """
    config = validate_document(document, RunConfig)
    digests = {file: digest(file) for _, file in _files(config)}
    notes = keys_without_effect(config, document)
    path = document.path
    folder = Path.cwd() if is_stream(path) else path.resolve().parent
    return Config(path, folder, config, digests, notes, document)


def _files(part: Any, place: KeyPath = ()) -> Iterator[tuple[KeyPath, Path]]:
    """Yield key and path of every file that a configuration names."""
    if isinstance(part, Path):
        yield place, part
    elif isinstance(part, Section):
        for key in type(part).model_fields:
            yield from _files(getattr(part, key), (*place, key))
    elif isinstance(part, tuple):
        for index, each in enumerate(part):
            yield from _files(each, (*place, index))


def _dump(config: RunConfig, show_path: Callable[[Path], str]) -> dict[str, Any]:
    """Return plain data with quantities as text and paths as `show_path` says."""
    plain: dict[str, Any] = config.model_dump(mode="json")
    for (*place, last), path in _files(config):
        holder: Any = plain
        for key in place:
            holder = holder[key]
        holder[last] = show_path(path)
    return plain
