"""What archsim finds on a machine: versions, processor, cache of kernels, extras, packages."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from archsim import __version__
from archsim.config.converter import CONVERTERS
from archsim.config.device import DEVICES
from archsim.config.experiment import EXPERIMENTS
from archsim.config.sections import LAYERS, WORKLOADS
from archsim.config.tasks import TASKS
from archsim.numeric.cache.folder import NotKeptError, folder_for
from archsim.numeric.inner.choice import has_vector_code
from archsim.plugins import plugin_packages
from archsim.report.table import Column, Report, report, table
from archsim.shipped import shipped

_PACKAGES = (
    "numba",
    "llvmlite",
    "numpy",
    "h5py",
    "pydantic",
    "typer",
    "rich",
    "pint",
    "safetensors",
)

_EXTRAS = {
    "plot": ("matplotlib",),
    "xarray": ("xarray", "h5netcdf"),
    "exact": ("scipy",),
    "audio": ("librosa", "soundfile"),
    "train": ("torch", "librosa", "soundfile"),
    "hwcomponents": ("hwcomponents",),
}
_WHAT_FOR = {
    "plot": "pictures: --plot, archsim plot",
    "xarray": "traces as xarray datasets",
    "exact": "wires solved exactly",
    "audio": "speech from recordings",
    "train": "training networks",
    "hwcomponents": "costs from hwcomponents' models",
}
_PROGRAMS = {
    "ngspice": "running netlists of 'archsim spice': apt-get install ngspice",
    "verilator": "'archsim bench --against verilator': apt-get install verilator",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    about, what : str
        Group and name.
    found : str
        What is there.
    remedy : str
        What to do where something is missing or wrong; empty where nothing is.
    fault : bool
        Whether archsim cannot work as it should.
    """

    about: str
    what: str
    found: str
    remedy: str = ""
    fault: bool = False


def examine() -> tuple[Finding, ...]:
    """Look at the machine; what is missing is said with what to install."""
    return (*_versions(), *_processor(), *_files(), *_cache(), *_extras(), *_programs(), *_kinds())


def _versions() -> list[Finding]:
    found = [
        Finding("versions", "archsim", f"{__version__}, in {Path(__file__).parent.parent}"),
        Finding("versions", "python", f"{platform.python_version()}, {sys.executable}"),
    ]
    for name in _PACKAGES:
        try:
            found.append(Finding("versions", name, version(name)))
        except PackageNotFoundError:
            found.append(
                Finding("versions", name, "not installed", "pip install archsim again", fault=True)
            )
    return found


def _processor() -> list[Finding]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    known = [name for name in ("avx2", "avx512f", "avx512vnni", "neon") if features.get(name)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    vector = has_vector_code()
    return [
        Finding("processor", "model", f"{platform.machine()}, {binding.get_host_cpu_name()}"),
        Finding("processor", "vector instructions", ", ".join(known) or "none that are used"),
        Finding("processor", "cores", f"{cores}: archsim run --threads {cores}"),
        Finding(
            "processor",
            "kernels",
            "vector code" if vector else "plain loops, slower and with the same results",
            ""
            if vector
            else "unset ARCHSIM_PLAIN_LOOPS, or install the Numba that archsim asks for",
        ),
    ]


def _files() -> list[Finding]:
    path = shipped("kws.yaml")
    if path.is_file():
        return [Finding("files", "configurations", str(path.parent))]
    return [Finding("files", "configurations", "missing", "pip install archsim again", fault=True)]


def _cache() -> list[Finding]:
    try:
        folder = folder_for("").parent
    except NotKeptError as error:
        return [Finding("kernel cache", "folder", error.cause, error.remedy, fault=True)]
    kept = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
    size = sum(file.stat().st_size for file in kept)
    there = folder if folder.is_dir() else next(p for p in folder.parents if p.is_dir())
    writable = _writable(there)
    return [
        Finding("kernel cache", "folder", str(folder)),
        Finding("kernel cache", "size", f"{size / 2**20:.1f} MiB in {len(kept)} files"),
        Finding(
            "kernel cache",
            "writable",
            "yes" if writable else "no: every start compiles for half a minute",
            "" if writable else "set ARCHSIM_CACHE_DIR to a folder that can be written",
            fault=not writable,
        ),
    ]


def _writable(folder: Path) -> bool:
    """Return whether a file can be made in a folder; it is tried, for rights do not tell all."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _extras() -> list[Finding]:
    found = []
    for extra, packages in _EXTRAS.items():
        lacking = [name for name in packages if importlib.util.find_spec(name) is None]
        state = f"without {', '.join(lacking)}" if lacking else "installed"
        remedy = f"for {_WHAT_FOR[extra]}: pip install 'archsim[{extra}]'" if lacking else ""
        found.append(Finding("extras", extra, state, remedy))
    return found


def _programs() -> list[Finding]:
    found = []
    for name, use in _PROGRAMS.items():
        path = shutil.which(name)
        remedy = "" if path else f"for {use}"
        found.append(Finding("programs", name, path or "not installed", remedy))
    return found


def _kinds() -> list[Finding]:
    found = [
        Finding("plug-ins", name, str(place)) for place, name in sorted(plugin_packages().items())
    ]
    for kinds in (CONVERTERS, LAYERS, WORKLOADS, TASKS, DEVICES, EXPERIMENTS):
        kinds.registered()
        found += [
            Finding("kinds", kinds.what, said, "mend it", fault=True) for said in kinds.broken
        ]
        for name in kinds.names():
            if said := kinds.why_not(name):
                found.append(Finding("plug-ins", name, said, "mend or remove it", fault=True))
    return found


def doctor_report(findings: tuple[Finding, ...]) -> Report:
    """Return a table of what was found."""
    rows: list[tuple[str, ...] | None] = []
    for before, finding in zip((None, *findings), findings, strict=False):
        if before is not None and before.about != finding.about:
            rows.append(None)
        mark = "! " if finding.fault else ""
        rows.append((finding.about, finding.what, mark + finding.found, finding.remedy))
    columns = [
        Column("about", "about", once=True, fold=True),
        Column("what", "what", fold=True),
        Column("found", "found", fold=True),
        Column("remedy", "to do", fold=True),
    ]
    return report(table("archsim on this machine", columns, rows))


def doctor_to_json(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """Return the object that ``archsim doctor --json`` prints."""
    return {"findings": [vars(finding) for finding in findings]}
