"""A configuration that extends another one with ranges that were found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from archsim.config.load import load_config
from archsim.outputs import OutputKind, first_bytes, writing
from archsim.shipped import is_name
from archsim.simulation.calibrate import Calibration

_FIRST = "# Ranges found by archsim calibrate"
_RANGES = OutputKind(
    "a file of ranges", lambda path: first_bytes(path).startswith(b"# Range"), "path", "ranges"
)


def write_ranges(found: Calibration, config: Path, out: Path) -> None:
    """Write the file.

    Layers are a list, and a list is given whole: it has all layers of the configuration.

    Raises
    ------
    OutputError
        If it cannot be written, or something else is there.
    """
    loaded = load_config(config)
    base = str(config) if is_name(config) else os.path.relpath(config, out.parent)
    changed = found.apply(loaded)
    document: dict[str, Any] = {"extends": base, "name": f"{found.name}-calibrated"}
    for key, value in found.values.items():
        section, *rest = key.split(".")
        if rest[0] != "layers":
            document.setdefault(section, {})[rest[0]] = value
    if any(key.startswith("network.layers.") for key in found.values):
        layers = yaml.safe_load(changed.yaml)["network"]["layers"]
        document.setdefault("network", {})["layers"] = layers
    text = yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)
    told = f"{_FIRST}: {found.method}, {found.sequences} sequences.\n"
    with writing(out, _RANGES, inputs=loaded.inputs) as draft:
        draft.write_text(told + text, encoding="utf-8")
