"""Cycle-accurate simulation of analog in-memory-computing chips for recurrent networks.

The physics, timing, energy and trace follow Yang et al., "Efficient nonlinear function
approximation in analog resistive crossbars for recurrent neural networks", Nature Communications
16:1136 (2025), doi 10.1038/s41467-025-56254-6.

What a program uses of it is here, and is imported when it is first used::

    import archsim

    run = archsim.run("kws", set={"adc.bits": 4})
    print(run.summary.metrics["accuracy"].value)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.api.about import catalogue, doctor, keys, schema, start_project
    from archsim.api.designs import Netlist, components, design_ramp, netlist, program_ramp
    from archsim.api.looks import compare, conversion, timeline
    from archsim.api.networks import from_torch, import_network, read_network
    from archsim.api.ranges import calibrate, write_calibration
    from archsim.api.reports import draw, report_of, to_json
    from archsim.api.runs import Run, build_chip, check, load, open_trace, run
    from archsim.api.streams import stream
    from archsim.api.studies import (
        experiment,
        measure_against,
        measure_growth,
        measure_speed,
        sweep,
    )
    from archsim.chip.build import Chip
    from archsim.config.load import Config
    from archsim.devices.base import DeviceModel
    from archsim.errors import ArchsimError
    from archsim.experiments.jobs import Executor, Job, Store
    from archsim.metrics import Metric
    from archsim.network.activations.base import Activation
    from archsim.report.table import Report
    from archsim.simulation.observer import Block, Observer, Plan
    from archsim.simulation.streaming import Stream
    from archsim.trace.summary import Summary
    from archsim.trace.trace import Trace
    from archsim.workloads.sequences import Sequences

__version__ = "0.1.0"

OFFERED = {
    "Activation": "network.activations.base",
    "ArchsimError": "errors",
    "Block": "simulation.observer",
    "Chip": "chip.build",
    "Config": "config.load",
    "DeviceModel": "devices.base",
    "Executor": "experiments.jobs",
    "Job": "experiments.jobs",
    "Metric": "metrics",
    "Netlist": "api.designs",
    "Observer": "simulation.observer",
    "Plan": "simulation.observer",
    "Report": "report.table",
    "Run": "api.runs",
    "Sequences": "workloads.sequences",
    "Store": "experiments.jobs",
    "Stream": "simulation.streaming",
    "Summary": "trace.summary",
    "Trace": "trace.trace",
    "build_chip": "api.runs",
    "calibrate": "api.ranges",
    "catalogue": "api.about",
    "check": "api.runs",
    "compare": "api.looks",
    "components": "api.designs",
    "conversion": "api.looks",
    "design_ramp": "api.designs",
    "doctor": "api.about",
    "draw": "api.reports",
    "experiment": "api.studies",
    "from_torch": "api.networks",
    "import_network": "api.networks",
    "keys": "api.about",
    "load": "api.runs",
    "measure_against": "api.studies",
    "measure_growth": "api.studies",
    "measure_speed": "api.studies",
    "netlist": "api.designs",
    "open_trace": "api.runs",
    "program_ramp": "api.designs",
    "read_network": "api.networks",
    "report_of": "api.reports",
    "run": "api.runs",
    "schema": "api.about",
    "start_project": "api.about",
    "stream": "api.streams",
    "sweep": "api.studies",
    "timeline": "api.looks",
    "to_json": "api.reports",
    "write_calibration": "api.ranges",
}
"""Where each name is."""

__all__ = [
    "Activation",
    "ArchsimError",
    "Block",
    "Chip",
    "Config",
    "DeviceModel",
    "Executor",
    "Job",
    "Metric",
    "Netlist",
    "Observer",
    "Plan",
    "Report",
    "Run",
    "Sequences",
    "Store",
    "Stream",
    "Summary",
    "Trace",
    "__version__",
    "build_chip",
    "calibrate",
    "catalogue",
    "check",
    "compare",
    "components",
    "conversion",
    "design_ramp",
    "doctor",
    "draw",
    "experiment",
    "from_torch",
    "import_network",
    "keys",
    "load",
    "measure_against",
    "measure_growth",
    "measure_speed",
    "netlist",
    "open_trace",
    "program_ramp",
    "read_network",
    "report_of",
    "run",
    "schema",
    "start_project",
    "stream",
    "sweep",
    "timeline",
    "to_json",
    "write_calibration",
]


def __getattr__(name: str) -> Any:
    """Import what is used."""
    if name not in OFFERED:
        msg = f"module 'archsim' has no attribute '{name}'"
        raise AttributeError(msg)
    found = getattr(import_module(f"archsim.{OFFERED[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
