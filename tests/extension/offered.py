"""Puts the package of this folder on the path as pip would, without installing it."""

from __future__ import annotations

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent


def offer(folder: Path, package: Path = FOLDER) -> str:
    """Write what pip would of a package; return what the path has to begin with.

    Parameters
    ----------
    folder : Path
        An empty folder for the metadata.
    package : Path
        The folder with the package's pyproject.toml.
    """
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    name = project["name"].replace("-", "_")
    info = folder / f"{name}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"].items()
    info.joinpath("entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in groups
        )
    )
    return f"{folder}:{package}"
