"""A project to start from: a configuration of one's own with weights, data and a script."""

from __future__ import annotations

import shutil
from pathlib import Path

from archsim.errors import InputError, OutputError
from archsim.shipped import shipped

FILES = {
    "chip.yaml": "starter/chip.yaml",
    "README.md": "starter/README.md",
    "run.py": "starter/run.py",
    "weights.safetensors": "kws/weights.safetensors",
    "features.npz": "kws/test_features.npz",
    "archsim.schema.json": "archsim.schema.json",
}
"""Files of a project, and where each is below archsim's own files."""


def make_project(folder: Path) -> tuple[Path, ...]:
    """Copy a project to a folder that is empty or not there yet; return its files.

    Raises
    ------
    InputError
        If something of the folder's files is there already; nothing is written then.
    OutputError
        If it cannot be written.
    """
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        msg = f"{folder}: it has a {there[0]}, which is not overwritten: name another folder"
        raise InputError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in FILES.items():
            shutil.copyfile(shipped(source), folder / name)
    except OSError as error:
        reason = error.strerror or str(error)
        msg = f"{folder}: the project cannot be written ({reason}): name another folder"
        raise OutputError(msg) from error
    return tuple(folder / name for name in FILES)
