"""Loading a run's configuration: read, merge, check, resolve, and give it a hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from archsim.config.merge import load_document
from archsim.config.run import RunConfig
from archsim.config.validate import validate_document

_CHUNK = 1 << 20
_PATHS = (
    ("technology", "components"),
    ("device", "table"),
    ("network", "weights"),
    ("workload", "source"),
)
_LIKE_A_NUMBER = re.compile(r"[-+.0-9][-+.0-9a-fA-FxXoO_]*")


class _Dumper(yaml.SafeDumper):
    """Quotes texts that look like numbers, some of which PyYAML would leave bare."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if _LIKE_A_NUMBER.fullmatch(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


@dataclass(frozen=True)
class LoadedConfig:
    """A checked configuration, where it came from, and what identifies it.

    Attributes
    ----------
    path : Path
        The file that was loaded, as the user named it.
    config : RunConfig
        The configuration in SI units.
    yaml : str
        The resolved configuration, without ``extends``; its paths are relative to the folder of
        `path`, so that it can be run from there again.
    hash : str
        SHA-256 of the resolved configuration in which the content of every file stands in place of
        its path: the same on every machine, another one when weights or costs change.
    """

    path: Path
    config: RunConfig
    yaml: str
    hash: str


def load_config(path: str | Path, overrides: Iterable[str] = ()) -> LoadedConfig:
    """Load a run's configuration.

    Parameters
    ----------
    path : str or Path
        YAML file.
    overrides : iterable of str
        Such as ``adc.bits=4``; see `archsim.config.merge.load_document`.

    Raises
    ------
    ConfigError
        With one sentence a problem, each naming file, line and key.
    """
    path = Path(path)
    config = validate_document(load_document(path, overrides), RunConfig)
    folder = path.resolve().parent
    plain = _dump(config, lambda file: os.path.relpath(file, folder))
    text = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, width=100)
    identity = json.dumps(_dump(config, _content), sort_keys=True)
    return LoadedConfig(path, config, text, hashlib.sha256(identity.encode()).hexdigest())


def _dump(config: RunConfig, show_path: Callable[[Path], str]) -> dict[str, Any]:
    """Return plain data with quantities as text and paths as `show_path` says."""
    plain = config.model_dump(mode="json")
    for section, key in _PATHS:
        value = getattr(getattr(config, section), key, None)
        if isinstance(value, Path):
            plain[section][key] = show_path(value)
    return plain


def _content(path: Path) -> str:
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
