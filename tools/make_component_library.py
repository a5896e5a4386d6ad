"""Derive ``configs/components/cmos-16nm.yaml``, the component library at 16 nm and 1 GHz.

The simulator never needs this script: it reads the YAML file. The script keeps the figures
traceable. It evaluates the models of hwcomponents, hwcomponents-library and hwcomponents-adc (PyPI,
MIT), which scale published figures to 16 nm, and adds what they do not have: figures read in other
public sources and assumptions, each marked as such in the file. Figures and texts are in
``component_library_data.py``.

Usage, in an environment of its own (the packages need Python 3.12)::

    python3.12 -m venv hw-venv
    hw-venv/bin/pip install numpy pandas pyyaml
    hw-venv/bin/pip install --no-deps hwcomponents==1.0.114 hwcomponents-library==1.0.58 \
        hwcomponents-adc==1.0.21
    hw-venv/bin/python tools/make_component_library.py          # write the file
    hw-venv/bin/python tools/make_component_library.py --check  # exit 1 if it differs

``--no-deps`` keeps out hwcomponents-cacti and hwcomponents-neurosim: the library's package imports
them, the models used here do not. The SRAM figure comes from CACTI and is carried as a constant.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import component_library_data as data
import yaml
from component_library_data import Figures

OUTPUT = Path(__file__).resolve().parents[1] / "configs" / "components" / "cmos-16nm.yaml"

Component = dict[str, Any]


class Models:
    """The modules of hwcomponents that the library is derived from."""

    def __init__(self) -> None:
        self.scaling = importlib.import_module("hwcomponents.scaling")
        self.adc = importlib.import_module("hwcomponents_adc")
        name = "hwcomponents_library"
        spec = importlib.util.find_spec(name)
        if spec is None or spec.submodule_search_locations is None:
            raise SystemExit(f"{name} is not installed; see this script's docstring")
        # The package's own __init__ imports every model, CACTI and NeuroSim among them. A bare
        # module with the same path lets single files be imported instead.
        package = ModuleType(name)
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules[name] = package
        self.library = {
            part: importlib.import_module(f"{name}.library.{part}") for part in data.PAPERS
        }

    def part(self, model: str) -> str:
        """Return the file of hwcomponents-library that has a model."""
        return next(part for part in data.PAPERS if model.lower().startswith(part))

    def read(self, model: str, action: str, **arguments: int) -> Figures:
        """Evaluate one action of one model of hwcomponents-library at 16 nm."""
        instance = getattr(self.library[self.part(model)], model)(tech_node=data.NODE, **arguments)
        cost = getattr(instance, action)()
        return Figures(cost.energy, instance.area, instance.leak_power, cost.latency)

    def read_per_bit(self, model: str, action: str, power: int = 1) -> Figures:
        """Evaluate an Aladdin model for one bit, after checking how it grows with the width.

        Parameters
        ----------
        model, action : str
            Class and action in ``hwcomponents_library.library.aladdin``.
        power : int
            The power of the width that energy, area and leakage must follow.

        Raises
        ------
        ValueError
            If the model does not follow that power between 1 and 32 bits.
        """
        one = self.read(model, action, width=1)
        for width in (3, 5, 8, 16, 32):
            wide = self.read(model, action, width=width)
            for name in ("energy", "area", "leakage"):
                expected = getattr(one, name) * width**power
                if not math.isclose(getattr(wide, name), expected, rel_tol=1e-9):
                    raise ValueError(f"{model}.{name} does not go as the width to the {power}")
        return one

    def scale(self, raw: Figures, node: float) -> Figures:
        """Scale figures of another node to 16 nm as hwcomponents does."""
        energy = self.scaling.tech_node_energy(data.NODE, node)
        area = self.scaling.tech_node_area(data.NODE, node)
        latency = self.scaling.tech_node_latency(data.NODE, node)
        return Figures(
            raw.energy * energy, raw.area * area, raw.leakage * energy, raw.latency * latency
        )


def quantity(value: float, unit: str) -> str:
    """Write a number with four digits and an SI prefix, for example ``14.14 fJ``."""
    if value == 0:
        return f"0 {unit}"
    exponent = min(max(3 * math.floor(math.log10(value) / 3), -18), 0)
    return f"{value / 10.0**exponent:.4g} {data.PREFIXES[exponent]}{unit}"


def square_micrometres(area: float) -> str:
    """Write an area given in m2."""
    return f"{area * 1e12:.4g} um^2"


def via(source: str, model: str, node: str) -> str:
    """Name a published source and the model through which the figure was taken."""
    package = f"hwcomponents-library {version('hwcomponents-library')}"
    return f"model: {source}; through {package} {model}, scaled from {node} to 16 nm by it"


def build(
    description: str,
    source: str,
    actions: tuple[str, ...],
    figures: Figures,
    sources: dict[str, str] | None = None,
    **extra: Any,
) -> Component:
    """Lay out one component.

    Parameters
    ----------
    description, source : str
        What it is, and the source of every number that names none of its own.
    actions : tuple of str
        Actions, all of the same energy.
    figures : Figures
        The numbers. A latency of zero is left out.
    sources : dict, optional
        Own sources, keyed by action, ``area``, ``leakage`` or ``latency``.
    **extra
        Further keys, such as ``per`` or ``capacitance``.
    """
    own = sources or {}

    def sourced(name: str, text: str) -> Any:
        return {"value": text, "source": own[name]} if name in own else text

    component: Component = {"description": description, "source": source, "node": "16 nm"}
    if "per" in extra:
        component["per"] = extra.pop("per")
    energy = quantity(figures.energy, "J")
    component["actions"] = {
        name: {"energy": energy} | ({"source": own[name]} if name in own else {})
        for name in actions
    }
    component["area"] = sourced("area", square_micrometres(figures.area))
    component["leakage"] = sourced("leakage", quantity(figures.leakage, "W"))
    if figures.latency:
        component["latency"] = sourced("latency", quantity(figures.latency, "s"))
    return component | extra


def library_sources(part: str, figures: Figures) -> dict[str, str]:
    """Tell which numbers of a model of hwcomponents-library are not its paper's."""
    if figures.leakage == 0:
        return {"leakage": data.NO_LEAKAGE}
    return {"leakage": data.NEURRAM_LEAKAGE} if part == "neurram" else {}


def from_library(models: Models) -> dict[str, Component]:
    """Build what hwcomponents-library has, in the order of ``LIBRARY``."""
    components = {}
    for name, model, action, description in data.LIBRARY:
        part = models.part(model)
        paper, node = data.PAPERS[part]
        source = via(paper, model, node)
        extra = {}
        if part == "aladdin":
            power = 2 if action == "multiply" else 1
            figures = models.read_per_bit(model, action, power)
            extra["per"] = "bit" if power == 1 else "bit^2"
        else:
            figures = models.read(model, action, **data.ARGUMENTS.get(name, {}))
        own = library_sources(part, figures)
        if name == "register":
            figures = register_bit(models)
            own = {"leakage": data.REGISTER_LEAKAGE}
        if name == "sample_and_hold":
            own["area"] = data.SAMPLER_AREA
        components[name] = build(description, source, (action,), figures, own, **extra)
    return components


def register_bit(models: Models) -> Figures:
    """Return one register bit, with the leakage that hwcomponents-library leaves out."""
    bit = models.read_per_bit("AladdinRegister", "write")
    leakage = models.scale(Figures(0, 0, 73.95312e-9), 40e-9).leakage
    return Figures(bit.energy, bit.area, leakage, bit.latency)


def comparators(models: Models) -> dict[str, Component]:
    """Build the column comparator and, as a ceiling, one with offset calibration."""
    timely = models.read("TimelyChargingComparator", "compare")
    dynamic = models.scale(Figures(67e-15, 0, 0, 70e-12), 65e-9)
    calibrated = models.scale(Figures(0.89e-3 / 11e9, 540e-12, 0), 28e-9)
    leakage = register_bit(models).leakage
    latch = {"leakage": data.LATCH_LEAKAGE}
    scaled = f"scaled to 16 nm with the {data.STILLMAKER}"
    return {
        "comparator": build(
            data.COMPARATOR,
            f"{data.DYNAMIC} (post-layout, 65 nm: 67 fJ, 70 ps), {scaled}",
            ("compare",),
            Figures(dynamic.energy, timely.area, leakage, dynamic.latency),
            latch | {"area": data.COMPARATOR_AREA},
        ),
        "comparator_calibrated": build(
            data.COMPARATOR_CALIBRATED,
            f"{data.CALIBRATED} (0.89 mW at 11 GHz and 1 V, 0.00054 mm^2 with calibration, 28 nm), "
            f"{scaled}",
            ("compare",),
            Figures(calibrated.energy, calibrated.area, leakage),
            latch,
        ),
    }


def memories(_: Models) -> dict[str, Component]:
    """Build the buffer and the function table."""
    sram = data.SRAM
    quarter = Figures(sram.energy / 4, sram.area / 4, sram.leakage / 4, sram.latency)
    return {
        "sram_2kib": build(
            "SRAM buffer of 2 KiB, one 64-bit word",
            data.SRAM_SOURCE,
            ("read", "write"),
            sram,
            {"write": data.SRAM_WRITE},
        ),
        "lookup_table": build(
            "table of a function, 256 entries of 16 bits (512 bytes), one read",
            data.TABLE_SOURCE,
            ("read",),
            quarter,
        ),
    }


def wires(models: Models) -> dict[str, Component]:
    """Build the on-chip wire and the clock distribution."""
    default = f"model: default of hwcomponents-library {version('hwcomponents-library')} Wire"
    nothing = {"area": data.NO_REPEATERS, "leakage": data.NO_REPEATERS}
    stub = 2 * math.sqrt(register_bit(models).area)
    clock = 1.5 * (data.CLOCK_PIN_F + stub * data.WIRE_F_PER_M)
    return {
        "wire": build(
            "on-chip wire, one transition of one line from 0 to 0.7 V",
            f"{default}: 0.2 fF/um, C*V^2 at 0.7 V; it names no publication",
            ("transition",),
            Figures(data.WIRE_F_PER_M * 1e-3 * data.WIRE_SWING**2, 0, 0),
            nothing,
            per="mm",
            capacitance={"value": "0.2 fF/um", "source": default},
        ),
        "clock_tree": build(
            "clock distribution, one cycle of one flip-flop bit that is not gated",
            f"assumed: C*V^2 at {data.SUPPLY} V with {quantity(clock, 'F')} a bit: a clock pin of "
            f"{quantity(data.CLOCK_PIN_F, 'F')} (477 aF at 7 nm, flip-flop of ASAP7 in github.com/"
            "The-OpenROAD-Project/OpenROAD-flow-scripts), a stub of twice the pitch of a register "
            f"bit ({stub * 1e6:.3g} um at 0.2 fF/um), half as much again for buffers and trunk",
            ("cycle_per_bit",),
            Figures(clock * data.SUPPLY**2, 0, 0),
            nothing,
        ),
    }


def row_driver() -> Component:
    """Size the switches of one row by their on-resistance."""
    fin = data.GATE_PITCH * data.FIN_PITCH
    area = 1.5 * 3 * data.DRIVER_FINS * fin
    edge = 1.5 * data.DRIVER_FINS * data.FIN_GATE_F * data.SUPPLY**2
    return build(
        data.DRIVER,
        data.DRIVER_SOURCE,
        ("edge",),
        Figures(edge, area, 40e-9),
        {"area": data.DRIVER_AREA, "leakage": data.DRIVER_LEAKAGE},
    )


def array(_: Models) -> dict[str, Component]:
    """Memristor cell, capacitor and row driver."""
    length, height = 4 * data.METAL_PITCH, 2 * data.GATE_PITCH
    wire_f = length * data.WIRE_F_PER_M
    return {
        "crossbar_cell": build(
            data.CELL,
            data.CELL_SOURCE,
            (),
            Figures(0, length * height, 0),
            {"leakage": data.CELL_LEAKAGE},
            capacitance_per_cell={
                "value": quantity(wire_f + data.CELL_DEVICE_F, "F"),
                "source": f"assumed: {quantity(wire_f, 'F')} {data.CELL_CAPACITANCE}",
            },
        ),
        "feedback_capacitor": build(
            data.CAPACITOR,
            data.CAPACITOR_SOURCE,
            (),
            Figures(0, 0, 0),
            capacitor_density={"value": "2 fF/um^2", "source": data.CAPACITOR_DENSITY},
        ),
        "row_driver": row_driver(),
    }


def survey_adc(models: Models, bits: int) -> Component:
    """Build a converter of the survey fit at 1 GS/s."""
    model = models.adc.ADC(n_bits=bits, tech_node=data.NODE, throughput=data.CLOCK_HZ)
    cost = model.convert()
    return build(
        f"analog-to-digital converter of {bits} bits at {data.SURVEY_ADC}",
        f"{data.SURVEY_SOURCE}; through hwcomponents-adc {version('hwcomponents-adc')} ADC at "
        "16 nm",
        ("convert",),
        Figures(cost.energy, model.area, model.leak_power, cost.latency),
    )


def converters(models: Models) -> dict[str, Component]:
    """Build ordinary converters that are not in ``LIBRARY``, for the baselines."""
    saberi = models.scale(Figures(0.99e-12, 476.91e-12, 0), 32e-9)
    latency = models.read("IsaacADC", "convert", resolution=5).latency
    survey = {f"adc_survey_{bits}b": survey_adc(models, bits) for bits in (4, 5, 8)}
    return survey | {
        "isaac_sar_5b_saberi": build(
            data.SABERI,
            data.SABERI_SOURCE,
            ("convert",),
            Figures(saberi.energy, saberi.area, 0, latency),
            {"leakage": data.NO_LEAKAGE},
        ),
    }


def with_scaling(name: str, component: Component) -> Component:
    """Say after the node how a component follows it, unless as digital logic does."""
    if name not in data.SCALING:
        return component
    front = {"description", "source", "node", "per"}
    first = {key: value for key, value in component.items() if key in front}
    return first | {"scaling": data.SCALING[name]} | component


def render(models: Models) -> str:
    """Return the text of the library file."""
    packages = ", ".join(f"{name} {version(name)}" for name in data.PACKAGES)
    groups = (from_library, comparators, memories, wires, array, converters)
    components = {name: part for group in groups for name, part in group(models).items()}
    components = {name: with_scaling(name, part) for name, part in components.items()}

    def dump(part: dict[str, Any]) -> str:
        return yaml.safe_dump(part, sort_keys=False, width=92)

    blocks = [textwrap.indent(dump({name: part}), "  ") for name, part in components.items()]
    return (
        "# Written by: python tools/make_component_library.py\n"
        f"# with {packages}.\n"
        "# Do not edit this file: change the script and run it again.\n"
        f"{dump(data.HEADER)}components:\n" + "\n".join(blocks)
    )


def main() -> int:
    """Write the library, or compare it with the file on disk."""
    parser = argparse.ArgumentParser(description="derive configs/components/cmos-16nm.yaml")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 on difference")
    check = parser.parse_args().check
    text = render(Models())
    if not check:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        OUTPUT.write_text(text, encoding="utf-8")
        print(f"wrote {OUTPUT.name}")
        return 0
    same = OUTPUT.is_file() and OUTPUT.read_text(encoding="utf-8") == text
    print(f"{OUTPUT.name} is {'up to date' if same else 'NOT what the script derives'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
