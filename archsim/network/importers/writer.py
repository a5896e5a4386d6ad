"""Canonical files of an imported network: weights in safetensors, and a configuration."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.load import load_config
from archsim.config.sections import NAME_PATTERN
from archsim.errors import ConfigError, InputError
from archsim.network.importers.base import Array, ImportedNetwork
from archsim.network.importers.plan import Plan, PlannedLayer, plan_of
from archsim.network.importers.report import ImportReport
from archsim.outputs import OutputKind, begins_with, check_output, first_bytes, writing
from archsim.shown import shown_in_line

CONFIGURATION, WEIGHTS = "chip.yaml", "weights.safetensors"
BASE = "yang2025-16nm"
_HEAD = "# Imported by archsim"
_MARK = "archsim"
TIMESTEPS = 32
"""Timesteps of a sequence where a file does not say."""

_YAML = OutputKind("a configuration that archsim imported", begins_with(_HEAD.encode()))
_TENSORS = OutputKind(
    "weights that archsim imported", lambda path: f'"{_MARK}"'.encode() in first_bytes(path)
)


def write_network(
    network: ImportedNetwork,
    folder: str | Path,
    *,
    name: str | None = None,
    timesteps: int | None = None,
) -> ImportReport:
    """Write a network's configuration and weights to a folder.

    Parameters
    ----------
    network : ImportedNetwork
        The network.
    folder : str or Path
        Where to; it is made if it is not there.
    name : str, optional
        What the configuration is called; by default after the file that was read.
    timesteps : int, optional
        Timesteps of a sequence; by default what the file says.

    Returns
    -------
    ImportReport
        What was done, and whether this archsim takes the configuration.

    Raises
    ------
    NetworkError
        If the network has what no configuration has.
    InputError
        If the folder has one of the files already, or the name is none.
    OutputError
        If they cannot be written.
    """
    folder = Path(folder)
    plan = plan_of(network)
    length = timesteps or network.length or TIMESTEPS
    assumed = list(plan.assumed)
    if not timesteps and network.length is None:
        assumed.append(f"sequences of {TIMESTEPS} timesteps: the file does not say")
    config = _configuration(network, plan, name or _name_of(network.source), length)
    tensors = _tensors(plan)
    _check_folder(folder)
    paths = folder / CONFIGURATION, folder / WEIGHTS
    for path, kind in zip(paths, (_YAML, _TENSORS), strict=True):
        check_output(path, kind, make_folder=True)
    _write(paths, _text(config, network), tensors)
    notes = network.notes
    return ImportReport(
        source=network.source,
        sort=network.sort,
        files=paths,
        layers=tuple(_told(layer) for layer in plan.layers),
        weights=sum(array.size for array in tensors.values()),
        found=notes.found,
        mapped=(*notes.mapped, *plan.mapped),
        assumed=(*notes.assumed, *assumed),
        left_out=(*notes.left_out, *plan.left_out),
        refused=_refusals(paths[0]),
    )


def _check_folder(folder: Path) -> None:
    there = [name for name in (CONFIGURATION, WEIGHTS) if (folder / name).exists()]
    if there:
        msg = f"{folder}: it has a {there[0]}, which is not overwritten: name another folder"
        raise InputError(msg)


def _write(paths: tuple[Path, Path], text: str, tensors: dict[str, NDArray[Any]]) -> None:
    from safetensors.numpy import save

    data = save(tensors, {_MARK: "imported"})
    with writing(paths[1], _TENSORS) as draft:
        draft.write_bytes(data)
    with writing(paths[0], _YAML) as draft:
        draft.write_text(text, encoding="utf-8")


def _refusals(path: Path) -> tuple[str, ...]:
    """Say why a configuration is not taken, if so."""
    try:
        load_config(path)
    except ConfigError as error:
        return tuple(str(error).splitlines())
    return ()


def _name_of(source: str) -> str:
    """Return a name for a configuration, after the file that was read."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(source).stem[:60]).strip("-_")
    return stem if re.fullmatch(NAME_PATTERN, stem) else f"imported-{stem}".rstrip("-")


def _tensors(plan: Plan) -> dict[str, NDArray[Any]]:
    """Return all tensors by their canonical names, in 32 bits where these hold every number."""
    out = {}
    for layer in plan.layers:
        for name, array in layer.layer.tensors():
            out[f"{layer.name}.{name}"] = _narrowed(array)
    return out


def _narrowed(array: Array) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(array, dtype=np.float32)
    return single if (single == array).all() else np.ascontiguousarray(array)


def _configuration(
    network: ImportedNetwork, plan: Plan, name: str, timesteps: int
) -> dict[str, Any]:
    if re.fullmatch(NAME_PATTERN, name) is None:
        msg = (
            f"'{name[:40]}' is not a name: begin with a letter and go on with letters, digits, _ "
            "and -, 64 in all at most"
        )
        raise InputError(msg)
    before = "input_buffer"
    layers = []
    for layer in plan.layers:
        given = {} if layer.inputs == (before,) else {"inputs": list(layer.inputs)}
        layers.append({"kind": layer.layer.kind, "name": layer.name, **layer.keys, **given})
        before = layer.name
    return {
        "extends": BASE,
        "name": name,
        "description": f"imported from {_in_ascii(Path(network.source).name)}",
        "network": {
            "inputs": network.inputs,
            "timesteps": timesteps,
            "weights": WEIGHTS,
            "layers": layers,
        },
        "workload": {"kind": "synthetic", "sequences": 1},
    }


def _text(config: dict[str, Any], network: ImportedNetwork) -> str:
    """Return a configuration as YAML; JSON's texts and lists are YAML's as well."""
    lines = [f"{_HEAD} from a file of sort: {network.sort or 'none'}."]
    lines.append("# What is not written here is as in the base: 'archsim list' shows others.")
    for key, value in config.items():
        if key not in {"network", "workload"}:
            lines.append(f"{key}: {_scalar(value)}")
    for key in ("network", "workload"):
        lines += ["", f"{key}:"]
        for inner, value in config[key].items():
            if inner == "layers":
                lines += ["  layers:", *(f"    - {_flow(each)}" for each in value)]
            else:
                lines.append(f"  {inner}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def _in_ascii(text: str) -> str:
    return shown_in_line(text).encode("ascii", "replace").decode()


def _flow(value: object) -> str:
    """Return a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", value)
    reserved = str(value).lower() in {"null", "true", "false"}
    return str(value) if plain and not reserved else json.dumps(value)


def _told(layer: PlannedLayer) -> str:
    keys = ", ".join(f"{key} {value}" for key, value in layer.keys.items())
    return f"{layer.layer.kind} {layer.name}: {keys or 'no keys'}; takes {', '.join(layer.inputs)}"
