"""What there is: files by name, kinds, this machine, a project to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.config.reference import Reference
    from archsim.report.catalogue import Catalogue
    from archsim.report.doctor import Finding


def catalogue() -> Catalogue:
    """Return all files that come with archsim, by name, and all kinds that a configuration takes.

    Examples
    --------
    >>> "kws" in [entry.name for entry in archsim.catalogue().files["run"]]
    True
    """
    from archsim.report.catalogue import catalogue as found

    return found()


def keys(name: str | None = None, /) -> Reference:
    """Return keys of a configuration: unit, default, what is allowed, what each means.

    Parameters
    ----------
    name : str, optional
        A section, a key, its end or a kind; all by default.

    Returns
    -------
    Reference
        The keys, by their sections.

    Raises
    ------
    InputError
        If there is none of the name, with the nearest ones.

    Examples
    --------
    >>> [key.path for key in archsim.keys("adc.bits").sections[0].keys]
    ['adc.bits']
    """
    from archsim.config.reference import Reference, all_keys, keys_below

    return Reference(tuple(all_keys() if name is None else keys_below(name)))


def page_of(found: Reference, /) -> str:
    """Return keys as a page of Markdown, as docs/configuration.md has them.

    Parameters
    ----------
    found : Reference
        All keys.
    """
    from archsim.report.keys import keys_page

    return keys_page(found.sections)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of configurations, for editors.

    Examples
    --------
    >>> "adc" in archsim.schema()["properties"]
    True
    """
    from archsim.config.schema import json_schema

    return json_schema()


def doctor() -> tuple[Finding, ...]:
    """Look at this machine: versions, processor, kernel cache, extras, what to install for what.

    Returns
    -------
    tuple of Finding
        What was found, and what is wrong with it.

    Examples
    --------
    >>> any(finding.fault for finding in archsim.doctor())
    False
    """
    from archsim.report.doctor import examine

    return examine()


def start_project(folder: str | Path, /) -> tuple[Path, ...]:
    """Copy a project to start from: a configuration of one's own, weights, data, a script.

    Parameters
    ----------
    folder : str or Path
        A folder that is empty or not there yet.

    Returns
    -------
    tuple of Path
        Its files.

    Raises
    ------
    InputError, OutputError
        If one of the files is there already, or they cannot be written.

    Examples
    --------
    >>> [file.name for file in archsim.start_project("my-chip")][0]
    'chip.yaml'
    """
    from archsim.starter import make_project

    return make_project(Path(folder))
