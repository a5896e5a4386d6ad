"""What a run assumed: choices that its numbers depend on and that its tables do not show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from archsim.chip.build import Chip
from archsim.config.converter import Converter
from archsim.config.hardware import CellActivation, Digital
from archsim.config.run import CHIP, RunConfig
from archsim.costs.library import ComponentLibrary, SourceKind
from archsim.costs.operation import Inventory
from archsim.costs.used import Used, in_words, joined, used_components
from archsim.si import with_prefix
from archsim.simulation.inputs import Inputs
from archsim.workloads.sequences import Sequences


@dataclass(frozen=True)
class Told:
    """What a run's trace tells of what was run.

    Attributes
    ----------
    network_hash, workload_hash : str
        SHA-256 of the network, and of the sequences with their labels.
    choices : dict of str to str
        What the run assumed, a line each.
    components : dict of str to dict of str to str
        Components of the library that each tile and unit uses, with the kinds of their sources.
    """

    network_hash: str
    workload_hash: str
    choices: dict[str, str]
    components: dict[str, dict[str, str]]

    def attributes(self) -> dict[str, str]:
        """Return the attributes of the trace."""
        return {
            "network_hash": self.network_hash,
            "workload_hash": self.workload_hash,
            "choices": json.dumps(self.choices),
            "components": json.dumps(self.components),
        }


def tell_of(chip: Chip, data: Sequences, inputs: Inputs) -> Told:
    """Return what the trace of a run tells of it."""
    used = components_of(chip)
    return Told(
        network_hash=inputs.network_hash(chip),
        workload_hash=inputs.workload_hash(chip.config, data),
        choices=choices_of(
            chip, joined(used.values()), inputs.workload_in_words(chip.config, len(data))
        ),
        components={name: in_words(part) for name, part in used.items()},
    )


def choices_of(chip: Chip, used: Used, workload: str) -> dict[str, str]:
    """Return what a run assumed, a short line each, by what it is about."""
    config = chip.config
    return {
        "library": _library(config, chip.library),
        **{f"components, {kind}": text for kind, text in _by_kind(used).items()},
        "converter": _converter(config.adc),
        "functions": _functions(config.adc, config.digital),
        "device": _device(config),
        "imperfections": _imperfections(config),
        "weights": _file(config.network.weights),
        "workload": workload,
        "seed": str(config.seed),
    }


def components_of(chip: Chip) -> dict[str, Used]:
    """Return the library's components that each tile and unit uses, and its clock tree."""
    library = chip.library
    tiles = {
        tile.name: used_components([tile.energy], tile.inventory, library) for tile in chip.tiles
    }
    units = {
        unit.name: used_components(unit.cost.energy.values(), unit.cost.inventory, library)
        for unit in chip.units
    }
    return {**tiles, **units, CHIP: used_components([chip.overhead], Inventory(), library)}


def _by_kind(used: Used) -> dict[str, str]:
    """Return the components by the kind of their weakest source."""
    weakest = {name: kinds[-1] if kinds else None for name, kinds in used.items()}
    lists = {
        str(kind): sorted(name for name, its in weakest.items() if its is kind)
        for kind in SourceKind
    }
    return {kind: ", ".join(names) for kind, names in lists.items() if names}


def _library(config: RunConfig, library: ComponentLibrary) -> str:
    technology = config.technology
    factors = "".join(f"; {name} x {by:g}" for name, by in technology.cost_factors.items())
    at = f"{with_prefix(technology.node, 'm')}, {with_prefix(technology.supply, 'V')}"
    name = library.name.partition(" at ")[0]  # scaling adds the node
    return f"{name} ({_file(technology.components)}) at {at}{factors}"


def _converter(adc: Converter) -> str:
    return ", ".join([f"{adc.kind}, {adc.bits} bits", *adc.of_kind.in_words(adc)])


def _functions(adc: Converter, digital: Digital) -> str:
    processors = digital.processors
    gates = "in the converter" if adc.nonlinear else f"by processors, {processors.method}"
    by_ramp = digital.cell_activation is CellActivation.RAMP
    cell = "a ramp" if by_ramp else f"a table of {digital.table_entries} entries"
    return f"gates {gates}; of the cell state by {cell}"


def _device(config: RunConfig) -> str:
    device = config.device
    parts = [device.model, f"{device.g_min:g} S to {with_prefix(device.g_max, 'S')}"]
    for key, text in (("name", "name"), ("table", "table")):
        if value := getattr(device, key, None):
            parts.append(f"{text} {_file(value)}")
    if device.slices.count > 1:
        parts.append(f"{device.slices.count} devices a weight")
    if description := getattr(device, "description", ""):
        parts.append(description)
    return ", ".join(parts)


def _imperfections(config: RunConfig) -> str:
    """Name what is not ideal; what is not named is."""
    integrator, wires, comparator = config.tile.integrator, config.tile.wires, config.adc.comparator
    found = [
        name
        for name, on in (
            ("devices", not config.device.exact),
            ("integrator leak", integrator.leak),
            ("integrators that clip at the rails", integrator.saturation),
            ("integrator offsets", integrator.offset_sigma),
            ("wires", wires.row_resistance or wires.column_resistance),
            ("comparator offsets", comparator.offset_sigma),
            ("comparator noise", comparator.noise_sigma),
        )
        if on
    ]
    return f"{', '.join(found)}; all else ideal" if found else "none: all is ideal"


def _file(path: Path | str) -> str:
    """Name a file by its last two parts, which do not depend on where a project lies."""
    return "/".join(Path(path).parts[-2:])
