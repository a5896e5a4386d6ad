"""Derive ``configs/components/cmos-16nm.yaml``, the component library at 16 nm and 1 GHz.

The simulator never needs this script: it reads the YAML file. The script keeps the figures
traceable. It evaluates the models of hwcomponents, hwcomponents-library and hwcomponents-adc (PyPI,
MIT), which scale published figures to 16 nm, and adds what they do not have: figures read in other
public sources and assumptions, each marked as such in the file.

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
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

OUTPUT = Path(__file__).resolve().parents[1] / "configs" / "components" / "cmos-16nm.yaml"
NODE = 16e-9
CLOCK_HZ = 1e9
SUPPLY = 0.8  # V, the supply at which hwcomponents scales energy
PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: ""}
PACKAGES = ("hwcomponents", "hwcomponents-library", "hwcomponents-adc")

WIRE_F_PER_M = 2e-10  # default of hwcomponents-library's Wire
WIRE_SWING = 0.7  # V, likewise
GATE_PITCH, METAL_PITCH, FIN_PITCH = 90e-9, 64e-9, 48e-9  # m, WikiChip
FIN_GATE_F = 0.07e-15  # assumed gate capacitance of one fin
CLOCK_PIN_F = 0.8e-15  # assumed clock pin of one flip-flop bit
CELL_DEVICE_F = 0.1e-15  # assumed access device or memristor seen from the row
DRIVER_FINS = 250  # fins in one of a row driver's three switches

PITCHES = "WikiChip, '16 nm lithography process' (TSMC 16FF: gate 90 nm, metal 64 nm, fin 48 nm)"
NEURRAM = "Wan et al., Nature 608:504 (2022), NeuRRAM"
TIMELY = "Li et al., ISCA 2020, TIMELY, Table II"
ALADDIN = "Shao et al., ISCA 2014, Aladdin"
ISAAC = "Shafiee et al., ISCA 2016, ISAAC"
DYNAMIC = (
    "Satapathy and Kaur, Circuits Syst. Signal Process. 42:5108 (2023), "
    "doi 10.1007/s00034-023-02375-6, abstract"
)
CALIBRATED = (
    "Ramkaj et al., 'An 11 GHz Dual-Sided Self-Calibrating Dynamic Comparator in 28 nm CMOS', "
    "Electronics (MDPI), 21 December 2018, abstract"
)
STILLMAKER = "equations of Stillmaker and Baas, Integration 58:74 (2017), as in hwcomponents"
NO_LEAKAGE = "assumed: none, because the model gives no leakage"

PAPERS = {
    "neurram": (NEURRAM, "130 nm"),
    "timely": (TIMELY, "65 nm"),
    "aladdin": (ALADDIN, "40 nm"),
    "isaac": (ISAAC, "32 nm"),
}
REGISTER_LEAKAGE = (
    "Aladdin, github.com/harvard-acc/ALADDIN common/power_func.h, REG_1ns_leakage_power "
    f"(7.395312e-05 mW a bit, 40 nm), scaled to 16 nm with the {STILLMAKER}; "
    "hwcomponents-library leaves it out"
)
SAMPLER_AREA = (
    "assumed: hwcomponents-library's 45 um^2 at 130 nm, scaled by it; its table beside the model "
    "says 350 um^2 without telling why it differs"
)
INTEGRATOR = (
    "analog integrator of one column, one integration cycle; the model keeps the 1.8 V of the "
    "130 nm circuit (too much) and knows nothing of settling in 1 ns (too little)"
)
SLOW_COMPARATOR = (
    "charging comparator of TIMELY, one comparison; it takes 36.9 ns, so at 1 GHz it can NOT "
    "decide once a clock cycle: for comparison with time-domain designs only"
)
STEEP_SAR = (
    "successive-approximation converter of ISAAC, 5 bits, one conversion; the model halves "
    "energy and area with every bit, which flatters it: see isaac_sar_5b_saberi"
)
NEURRAM_ADC = (
    "variable-precision converter of NeuRRAM, one conversion step; the model keeps the 1.8 V of "
    "the 130 nm circuit"
)
# Component, model, action, description. Aladdin's models are evaluated for one bit.
LIBRARY = (
    ("integrator", "NeurramAnalogIntegrator", "integrate", INTEGRATOR),
    ("sample_and_hold", "NeurramAnalogSample", "sample", "sample-and-hold, one sample"),
    ("timely_comparator", "TimelyChargingComparator", "compare", SLOW_COMPARATOR),
    ("counter", "AladdinCounter", "count", "binary counter, one increment"),
    ("register", "AladdinRegister", "write", "register with a gated clock, one write"),
    ("digital_comparator", "AladdinComparator", "compare", "magnitude comparator, digital"),
    ("adder", "AladdinAdder", "add", "adder, one addition"),
    ("multiplier", "AladdinMultiplier", "multiply", "multiplier of n by m bits, one product"),
    ("shift_add", "IsaacShiftAdd", "shift_add", "shift-and-add unit of 16 bits, one operation"),
    ("isaac_sar_5b", "IsaacADC", "convert", STEEP_SAR),
    ("isaac_sar_8b", "IsaacADC", "convert", "successive-approximation converter of ISAAC, 8 bits"),
    ("isaac_dac", "IsaacDAC", "convert", "1-bit digital-to-analog converter of one row of ISAAC"),
    ("neurram_adc", "NeurramVariablePrecisionADC", "convert", NEURRAM_ADC),
    ("timely_dtc", "TimelyDTC", "read", "8-bit digital-to-time converter of TIMELY"),
    ("timely_tdc", "TimelyTDC", "read", "8-bit time-to-digital converter of TIMELY"),
)
ARGUMENTS = {
    "shift_add": {"width": 16},
    "isaac_sar_5b": {"resolution": 5},
    "isaac_sar_8b": {"resolution": 8},
}

Component = dict[str, Any]


@dataclass(frozen=True)
class Figures:
    """What one model says: energy in J, area in m2, leakage in W, latency in s."""

    energy: float
    area: float
    leakage: float
    latency: float = 0.0


SRAM = Figures(5.529e-13, 1.307e-9, 3.472e-7, 3.21e-10)  # CACTI, 2 KiB, one 64-bit word


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
        self.library = {part: importlib.import_module(f"{name}.library.{part}") for part in PAPERS}

    def part(self, model: str) -> str:
        """Return the file of hwcomponents-library that has a model."""
        return next(part for part in PAPERS if model.lower().startswith(part))

    def read(self, model: str, action: str, **arguments: int) -> Figures:
        """Evaluate one action of one model of hwcomponents-library at 16 nm."""
        instance = getattr(self.library[self.part(model)], model)(tech_node=NODE, **arguments)
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
        energy = self.scaling.tech_node_energy(NODE, node)
        area = self.scaling.tech_node_area(NODE, node)
        latency = self.scaling.tech_node_latency(NODE, node)
        return Figures(
            raw.energy * energy, raw.area * area, raw.leakage * energy, raw.latency * latency
        )


def quantity(value: float, unit: str) -> str:
    """Write a number with four digits and an SI prefix, for example ``14.14 fJ``."""
    if value == 0:
        return f"0 {unit}"
    exponent = min(max(3 * math.floor(math.log10(value) / 3), -18), 0)
    return f"{value / 10.0**exponent:.4g} {PREFIXES[exponent]}{unit}"


def square_micrometres(area: float) -> str:
    """Write an area given in m2."""
    return f"{area * 1e12:.4g} um^2"


def via(source: str, model: str, node: str) -> str:
    """Name a published source and the model through which the figure was taken."""
    package = f"hwcomponents-library {version('hwcomponents-library')}"
    return f"{source}; through {package} {model}, scaled from {node} to 16 nm by it"


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
        return {"leakage": NO_LEAKAGE}
    if part == "neurram":
        return {
            "leakage": "assumed: the library's own static power at 130 nm, scaled by it; its table "
            "of the paper's figures has no leakage, so this is a placeholder above zero"
        }
    return {}


def from_library(models: Models) -> dict[str, Component]:
    """Build what hwcomponents-library has, in the order of ``LIBRARY``."""
    components = {}
    for name, model, action, description in LIBRARY:
        part = models.part(model)
        paper, node = PAPERS[part]
        source = via(paper, model, node)
        extra = {}
        if part == "aladdin":
            power = 2 if action == "multiply" else 1
            figures = models.read_per_bit(model, action, power)
            extra["per"] = "bit" if power == 1 else "bit^2"
        else:
            figures = models.read(model, action, **ARGUMENTS.get(name, {}))
        own = library_sources(part, figures)
        if name == "register":
            figures = register_bit(models)
            own = {"leakage": REGISTER_LEAKAGE}
        if name == "sample_and_hold":
            own["area"] = SAMPLER_AREA
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
    latch = {"leakage": "assumed: that of one register bit, about as many transistors"}
    return {
        "comparator": build(
            "clocked dynamic comparator of one column, one decision; its 65 nm layout runs at up "
            "to 1 GHz with 8 mV offset (standard deviation), so it can decide in every cycle of a "
            "1 GHz ramp; the energy is its worst case, at 1.2 V",
            f"{DYNAMIC} (post-layout, 65 nm: 67 fJ, 70 ps), scaled to 16 nm with the {STILLMAKER}",
            ("compare",),
            Figures(dynamic.energy, timely.area, leakage, dynamic.latency),
            latch
            | {
                "area": "assumed: that of TIMELY's comparator (40 um^2 at 65 nm), because the "
                "abstract gives none; multi-GHz comparators are several times larger"
            },
        ),
        "comparator_calibrated": build(
            "clocked comparator with offset calibration, one decision; silicon: 0.99 mV calibrated "
            "offset, 0.82 mV noise, 11 GHz; far faster and larger than a column needs: a ceiling",
            f"{CALIBRATED} (0.89 mW at 11 GHz and 1 V, 0.00054 mm^2 with calibration, 28 nm), "
            f"scaled to 16 nm with the {STILLMAKER}",
            ("compare",),
            Figures(calibrated.energy, calibrated.area, leakage),
            latch,
        ),
    }


def memories(_: Models) -> dict[str, Component]:
    """Build the buffer and the function table."""
    quarter = Figures(SRAM.energy / 4, SRAM.area / 4, SRAM.leakage / 4, SRAM.latency)
    return {
        "sram_2kib": build(
            "SRAM buffer of 2 KiB, one 64-bit word",
            "CACTI through hwcomponents-cacti 1.0.40, extrapolated to 16 nm",
            ("read", "write"),
            SRAM,
            {"write": "assumed: as much as a read, because only the read was evaluated"},
        ),
        "lookup_table": build(
            "table of a function, 256 entries of 16 bits (512 bytes), one read",
            "assumed: a quarter of sram_2kib in all but latency, because the table has its 256 "
            "words at a quarter of their width; a read-only table would cost less",
            ("read",),
            quarter,
        ),
    }


def wires(models: Models) -> dict[str, Component]:
    """Build the on-chip wire and the clock distribution."""
    package = f"hwcomponents-library {version('hwcomponents-library')}"
    none = "assumed: none of its own; repeaters and buffers are few against the blocks they join"
    nothing = {"area": none, "leakage": none}
    stub = 2 * math.sqrt(register_bit(models).area)
    clock = 1.5 * (CLOCK_PIN_F + stub * WIRE_F_PER_M)
    return {
        "wire": build(
            "on-chip wire, one transition of one line from 0 to 0.7 V",
            f"default of {package} Wire: 0.2 fF/um, C*V^2 at 0.7 V; it names no publication",
            ("transition",),
            Figures(WIRE_F_PER_M * 1e-3 * WIRE_SWING**2, 0, 0),
            nothing,
            per="mm",
            capacitance={"value": "0.2 fF/um", "source": f"default of {package} Wire"},
        ),
        "clock_tree": build(
            "clock distribution, one cycle of one flip-flop bit that is not gated",
            f"assumed: C*V^2 at {SUPPLY} V with {quantity(clock, 'F')} a bit: a clock pin of "
            f"{quantity(CLOCK_PIN_F, 'F')} (477 aF at 7 nm, flip-flop of ASAP7 in github.com/"
            "The-OpenROAD-Project/OpenROAD-flow-scripts), a stub of twice the pitch of a register "
            f"bit ({stub * 1e6:.3g} um at 0.2 fF/um), half as much again for buffers and trunk",
            ("cycle_per_bit",),
            Figures(clock * SUPPLY**2, 0, 0),
            nothing,
        ),
    }


def row_driver() -> Component:
    """Size the switches of one row by their on-resistance."""
    fin = GATE_PITCH * FIN_PITCH
    area = 1.5 * 3 * DRIVER_FINS * fin
    edge = 1.5 * DRIVER_FINS * FIN_GATE_F * SUPPLY**2
    return build(
        "driver of one row with three switches, to V_CLP and to V_CLP +- V_read; an edge books the "
        "driver's own gates, the row wire's C*V^2 is NOT included (it is computed from "
        "crossbar_cell); sized for about 256 cells a row",
        f"assumed: switches of 20 ohm, {DRIVER_FINS} fins of 5 kohm each, against about 50 ohm of "
        f"256 cells at 75 uS; 0.07 fF of gate a fin at {SUPPLY} V; half as much again for what "
        "drives them; ISAAC's 1-bit DAC (isaac_dac) books 0.068 um^2 and 110 fJ a row",
        ("edge",),
        Figures(edge, area, 40e-9),
        {
            "area": f"assumed: the same fins, each of one gate by one fin pitch ({PITCHES}), half "
            "as much again for what drives them",
            "leakage": "assumed: two switches off at 0.1 nA a fin and 0.4 V, one more switch's "
            "worth of drivers at 0.8 V",
        },
    )


def array(_: Models) -> dict[str, Component]:
    """Memristor cell, capacitor and row driver."""
    length, height = 4 * METAL_PITCH, 2 * GATE_PITCH
    wire_f = length * WIRE_F_PER_M
    return {
        "crossbar_cell": build(
            "one memristor with its access transistor (1T1R), 256 nm along the row by 180 nm; its "
            "read energy is physics, V^2*G*T, and no action",
            "assumed: two gate pitches by four metal pitches, room for four fins and isolation; "
            f"{PITCHES}; published cells: 0.0486 um^2 (Intel 22FFL RRAM, fuse.wikichip.org/news/"
            "2801), 0.07632 um^2 (FIND RRAM, 16 nm FinFET, IEDM 2015 paper 10.5, "
            "www.eenewseurope.com)",
            (),
            Figures(0, length * height, 0),
            {"leakage": "assumed: none, because an idle row and its column both rest at V_CLP"},
            capacitance_per_cell={
                "value": quantity(wire_f + CELL_DEVICE_F, "F"),
                "source": f"assumed: {quantity(wire_f, 'F')} of row wire (256 nm at 0.2 fF/um) and "
                "100 aF for what hangs on it: a 50 nm square of 5 nm HfO2 has about 90 aF, the "
                "drain of a four-fin transistor about as much",
            },
        ),
        "feedback_capacitor": build(
            "metal capacitor of an integrator, no action; its area is its capacitance over the "
            "density",
            "assumed: nothing fixed; area follows from the density, and metal capacitors hardly "
            "leak",
            (),
            Figures(0, 0, 0),
            capacitor_density={
                "value": "2 fF/um^2",
                "source": "assumed: round value for a metal-oxide-metal capacitor over several "
                "layers; hwcomponents-library's Capacitor takes 2.3 fF/um^2 at 22 nm, without "
                "naming a publication",
            },
        ),
        "row_driver": row_driver(),
    }


def survey_adc(models: Models, bits: int) -> Component:
    """Build a converter of the survey fit at 1 GS/s."""
    model = models.adc.ADC(n_bits=bits, tech_node=NODE, throughput=CLOCK_HZ)
    cost = model.convert()
    return build(
        f"analog-to-digital converter of {bits} bits at 1 GS/s, one conversion; the model books "
        "80 % of the energy here and 20 % as leakage on top, so a busy converter costs both",
        "Andrulis et al., arXiv 2404.06553 (2024), fit to Murmann's ADC survey; through "
        f"hwcomponents-adc {version('hwcomponents-adc')} ADC at 16 nm",
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
            "converter of ISAAC at 5 bits, scaled from 8 by a model of capacitive DACs, not by "
            "halving with every bit; the fairer baseline, nearly five times isaac_sar_5b in energy",
            f"{ISAAC}, scaled to 5 bits after Saberi et al. 2011 (0.99 pJ, 476.91 um^2 at 32 nm, a "
            f"comment in hwcomponents-library's isaac.py), scaled to 16 nm with the {STILLMAKER}",
            ("convert",),
            Figures(saberi.energy, saberi.area, 0, latency),
            {"leakage": NO_LEAKAGE},
        ),
    }


def render(models: Models) -> str:
    """Return the text of the library file."""
    head = {
        "schema": "archsim-components/1",
        "name": "cmos-16nm",
        "node": "16 nm",
        "description": "components of an analog in-memory LSTM chip at 16 nm and 1 GHz; a number "
        "without a source of its own has its component's; a source that begins with 'assumed' is "
        "a guess and says why",
    }
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    groups = (from_library, comparators, memories, wires, array, converters)
    components = {name: part for group in groups for name, part in group(models).items()}

    def dump(data: dict[str, Any]) -> str:
        return yaml.safe_dump(data, sort_keys=False, width=92)

    blocks = [textwrap.indent(dump({name: part}), "  ") for name, part in components.items()]
    return (
        "# Written by: python tools/make_component_library.py\n"
        f"# with {packages}.\n"
        "# Do not edit this file: change the script and run it again.\n"
        f"{dump(head)}components:\n" + "\n".join(blocks)
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
