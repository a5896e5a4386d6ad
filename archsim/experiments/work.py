"""Work that is done once each: what any job has, and jobs that are no run.

A job's id is a digest of all that its result depends on: what its function does, what it is given
with the contents of files in place of their paths, and the code of archsim and of packages that
add kinds to it.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from types import CodeType
from typing import Any

import archsim
from archsim.config.base import Section
from archsim.config.load import digest_of_file
from archsim.plugins import plugin_packages
from archsim.simulation.inputs import Inputs


class Work(ABC):
    """Anything that an `archsim.experiments.jobs.Executor` does.

    Attributes
    ----------
    label : str
        What it is called in messages.
    """

    label: str

    @cached_property
    @abstractmethod
    def id(self) -> str:
        """SHA-256 of all that its result depends on."""

    @property
    def name(self) -> str:
        """Its label, or else how its id begins."""
        return self.label or self.id[:12]

    @property
    @abstractmethod
    def about(self) -> dict[str, str]:
        """What a store writes beside its result, for whoever looks into the file."""

    @abstractmethod
    def do(self, inputs: Inputs) -> Any:
        """Do it; return plain data, as JSON has it.

        Parameters
        ----------
        inputs : Inputs
            Files that jobs of one process share.
        """


@dataclass(frozen=True)
class Calculation(Work):
    """A function's answer to some arguments: a job that is no run.

    Attributes
    ----------
    function : callable
        Returns plain data. Several workers need one that stands in a module, not in a notebook.
    arguments : mapping
        What it is given, by name: sections of a configuration, paths, numbers, text, and lists,
        tuples and mappings of these.
    label : str
        What it is called in messages.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    label: str = ""

    @cached_property
    def id(self) -> str:
        """SHA-256 of the function, its arguments, files' contents and archsim's own code."""
        return digest_of(self.function, json.dumps(_identity(self.arguments), sort_keys=True))

    @property
    def about(self) -> dict[str, str]:
        """The function's name."""
        return {"function": f"{self.function.__module__}.{self.function.__qualname__}"}

    def do(self, inputs: Inputs) -> Any:
        """Call the function."""
        del inputs
        return self.function(**self.arguments)


def digest_of(function: Callable[..., Any], given: str) -> str:
    """Return a digest of what a function does, what it is given, and the code that it may use."""
    digest = hashlib.sha256(f"{given} {_code()} ".encode())
    _note_function(digest, getattr(function, "__code__", None))
    closed = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    digest.update(repr((closed, getattr(function, "__defaults__", None))).encode())
    digest.update(f"{function.__module__}.{function.__qualname__}".encode())
    return digest.hexdigest()


def _note_function(digest: Any, code: Any) -> None:
    """Add what a function does to a digest, wherever it stands; other functions by their names."""
    if not isinstance(code, CodeType):
        digest.update(repr(code).encode())
        return
    digest.update(repr((code.co_code, code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        _note_function(digest, constant)


def _identity(value: Any) -> Any:
    """Return plain data that is the same for the same value; a file's content for its path.

    Raises
    ------
    TypeError
        If the value is of no type that has such data.
    """
    if isinstance(value, Section):
        values = {key: _identity(getattr(value, key)) for key in type(value).model_fields}
        return {"": f"{type(value).__module__}.{type(value).__qualname__}", **values}
    if isinstance(value, Path):
        return {"file": digest_of_file(value)}
    if isinstance(value, Enum):
        return _identity(value.value)
    if isinstance(value, Mapping):
        return {str(key): _identity(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_identity(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    msg = f"a job cannot be told from others by a {type(value).__name__}: give it plain data"
    raise TypeError(msg)


@cache
def _code() -> str:
    """Return a digest of the code of archsim and of packages that add kinds to it.

    Other code may find other results.
    """
    digest = hashlib.sha256()
    for place in (Path(archsim.__file__).parent, *sorted(plugin_packages())):
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.relative_to(place.parent).as_posix().encode())
            digest.update(digest_of_file(path).encode())
    return digest.hexdigest()
