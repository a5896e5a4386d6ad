"""Write the golden results of many kinds of chips, each on a few sequences: `make golden`.

tests/golden/chips.json says for each case what makes its chip and what a run of it found:

- SHA-256 of the little-endian bytes of what every layer gave: codes, h, logits, labels;
- the energy of every sequence and the mean of every component, and how many cycles all took;
- some numbers that let one see what a difference is: classes found, accuracy, the mean code and the
  first codes of every layer.

Codes are integers and have to be the same on every machine. The last bit of an energy may hang on
the machine's BLAS and on vector instructions that NumPy picks, so energies are compared to 1e-12;
`energy_sha256`, of float64 (sequences, components), is compared only where ARCHSIM_GOLDEN_BITS is
set, for a change that must not move a bit on the machine at hand.

Write the file anew only when a result is meant to change, and say why in the commit. New cases
alone: `python tools/make_golden_chips.py "name of a case" ...`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from numpy.typing import NDArray

from archsim.config.load import Config, load_config
from archsim.simulation.simulate import RunResult, run

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
GOLDEN = ROOT / "tests" / "golden" / "chips.json"
SEQUENCES = 4
OUTPUTS = ("code", "h", "logits", "label")
IDEAL, TAOX, ISAAC = "kws-ideal.yaml", "kws-taox.yaml", "architectures/isaac.yaml"


@dataclass(frozen=True)
class Case:
    """A chip: configurations that it extends, below configs/, and what is set on top.

    Attributes
    ----------
    extends : tuple of str
        Configurations, the last one wins.
    set : tuple of str
        Settings as on the command line.
    """

    extends: tuple[str, ...]
    set: tuple[str, ...] = ()


def ideal(*settings: str) -> Case:
    """Return the ideal chip with settings."""
    return Case((IDEAL,), settings)


def taox(*settings: str) -> Case:
    """Return the chip with the article's device and programming error, with settings."""
    return Case((TAOX,), settings)


def sourced(**device: str) -> tuple[str, ...]:
    """Return settings of a device, each with a source."""
    return tuple(
        setting
        for key, value in device.items()
        for setting in (f"device.{key}={value}", f"device.sources.{key}='assumed: a golden result'")
    )


def random_network(*settings: str, layers: tuple[str, ...], timesteps: int = 6) -> Case:
    """Return small layers with random weights and inputs."""
    network = (
        "network.inputs=10",
        f"network.timesteps={timesteps}",
        f"network.layers=[{', '.join(layers)}]",
    )
    return Case(("random-lstm.yaml",), (*network, *settings))


CUT = ("tile.rows=30", "tile.columns=40")
NO_ERROR = "device.programming.sigma=0 S"
READ_NOISE = sourced(read_noise="{sigma: 1 uS}")
FAULTS = sourced(faults="{stuck_off: 0.5 %, stuck_on: 0.2 %}")
DRIFT = sourced(drift="{nu: 0.02, nu_sigma: 0.005, time: 86400 s}")
WIRES = "tile.wires={row_resistance: 0.1 ohm, column_resistance: 0.2 ohm}"
LEAK_AND_RAILS = "tile.integrator={leak: 0.002, saturation: true, headroom: 120 mV}"
OFFSETS = ("adc.comparator.offset_sigma=4 mV", "tile.integrator.offset_sigma=3 mV")
DECISIONS = "adc.comparator.noise_sigma=2 mV"
EVERYTHING = (*READ_NOISE, *FAULTS, *DRIFT, WIRES, LEAK_AND_RAILS, *OFFSETS, DECISIONS)
BUFFERS = "tile.double_buffer=true"
SAR = ("adc.kind=sar", "adc.sharing.columns=8")
LSTM = "{kind: lstm, name: lstm, units: 12}"
SECOND = "{kind: lstm, name: second, units: 7}"
PROJECTED = "{kind: lstm, name: lstm, units: 12, projection: 5}"
OUTPUT = "{kind: linear, name: output, units: 4, input_range: [-1, 1]}"

CASES: dict[str, Case] = {
    "ideal": ideal(),
    "article's device": taox(),
    "article's device, another seed": taox("seed=1"),
    "phase-change memory": Case((IDEAL, "devices/pcm.yaml"), ("device.drift.time=86400 s",)),
    "rram": Case((IDEAL, "devices/rram.yaml")),
    "programming error relative to the target": taox(
        "device.programming={sigma: 0.5 uS, sigma_relative: 3 %}"
    ),
    "read noise": taox(NO_ERROR, *READ_NOISE),
    "stuck cells": taox(NO_ERROR, *FAULTS),
    "drift": taox(NO_ERROR, *DRIFT),
    "temperature": taox(*sourced(temperature="{coefficient: 0.001 1/K, value: 350 K}")),
    "write-verify": taox(
        "device.programming={method: write_verify, sigma: 0 S, write_verify: {max_pulses: 12}}"
    ),
    "levels": taox(*sourced(levels="16")),
    "slices": taox("device.slices={count: 3, ratio: 0.25}", *READ_NOISE),
    "offsets": taox(NO_ERROR, *OFFSETS),
    "leak": ideal("tile.integrator.leak=0.002"),
    "rails": ideal("tile.integrator={saturation: true, headroom: 150 mV}"),
    "leak and rails": taox(LEAK_AND_RAILS),
    "decision noise": ideal(DECISIONS),
    "wires": ideal(WIRES),
    "all imperfections": taox(*EVERYTHING),
    "ramp copies": taox("adc.copies=3"),
    "no calibration": taox("adc.calibrate=false"),
    "fixed ramp": taox("adc.fixed_reference=200 mV", "tile.v_read=180 mV"),
    "eight bits": taox("adc.bits=8", "tile.input_bits=8", "network.layers.1.bits=10"),
    "few conductance steps": ideal("device.conductance_steps=63", "device.g_min=10 uS"),
    "cut rows and columns": taox(*CUT),
    "cut, all imperfections": taox(*CUT, *EVERYTHING),
    "streams": taox("streams=3", BUFFERS),
    "early stop": taox("adc.early_stop=true"),
    "early stop, streams, read noise": taox("adc.early_stop=true", "streams=2", *READ_NOISE),
    "converters taking turns": taox("tile.columns=40", BUFFERS, "adc.banks_per_converter=2"),
    "tanh by ramp": taox("digital.cell_activation=ramp"),
    "tanh by ramp, read noise": taox("digital.cell_activation=ramp", *READ_NOISE),
    "linear ramp": taox("adc.kind=linear_ramp"),
    "linear ramp, digital row sums": taox(*CUT, "adc.kind=linear_ramp", "tile.row_sum=digital"),
    "shared converters": taox(*SAR),
    "shared converters, offsets and decision noise": taox(*SAR, *OFFSETS, DECISIONS),
    "shared converters, digital row sums": taox(*CUT, *SAR, "tile.row_sum=digital"),
    "bit-serial": Case((ISAAC,)),
    "bit-serial, cut, coarse": Case(
        (ISAAC,),
        (
            "tile.rows=40",
            "adc.bit_serial={adc_bits: 7, weight_bits: 8, flipped_columns: false}",
            "adc.bit_serial.component=isaac_adc_8b",
        ),
    ),
    "piecewise-linear processors": taox(
        "adc.kind=linear_ramp", "digital.processors={method: piecewise_linear, segments: 8}"
    ),
    "cordic processors": taox("adc.kind=linear_ramp", "digital.processors.method=cordic"),
    "digital output": taox("network.layers.1.placement=digital"),
    "random weights": random_network(layers=(LSTM, OUTPUT)),
    "projection": random_network(layers=(PROJECTED, OUTPUT)),
    "projection, cut, article's device": Case(
        ("random-lstm.yaml", "devices/yang2025-taox.yaml"),
        random_network("tile.rows=8", "tile.columns=8", layers=(PROJECTED, OUTPUT)).set,
    ),
    "bus and shared processors": random_network(
        "adc.kind=linear_ramp",
        "digital={bus: {width: 7, latency: 2}, processors: {shared: true, count: 5}}",
        "streams=2",
        layers=(LSTM, SECOND, OUTPUT),
    ),
    "function of two branches": random_network(
        layers=(LSTM, "{kind: linear, name: output, units: 4, function: gelu, timesteps: all}")
    ),
}
"""What is run, by name."""


def load_case(case: Case, folder: Path, *, sequences: int = SEQUENCES) -> Config:
    """Write a case's configuration to a folder and load it."""
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump({"extends": [str(CONFIGS / name) for name in case.extends]}))
    few = (f"workload.sequences={sequences}", "trace={level: event, sequences: []}")
    return load_config(path, [*few, *case.set])


def digest(values: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's little-endian bytes in the order of its indices."""
    ordered = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return hashlib.sha256(ordered.tobytes()).hexdigest()


def digests(outputs: dict[str, NDArray[Any]]) -> dict[str, str]:
    """Return the digest of everything that layers gave."""
    return {name: digest(values) for name, values in outputs.items()}


def outputs_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return what layers gave for every sequence, by layer and dataset."""
    with h5py.File(path) as file:
        return {
            f"{layer}/{name}": data[...]
            for layer, group in file["outputs"].items()
            for name, data in group.items()
            if name in OUTPUTS
        }


def readable(outputs: dict[str, NDArray[Any]], result: RunResult) -> dict[str, Any]:
    """Return numbers that let one see what a difference is."""
    codes = {name: values for name, values in outputs.items() if name.endswith("/code")}
    return {
        "classes": result.answer.tolist(),
        "accuracy": result.summary.accuracy,
        "programming_pulses": result.summary.programming_pulses,
        "mean_code": {name: float(values.mean()) for name, values in codes.items()},
        "first_codes": {name: values.ravel()[:8].tolist() for name, values in codes.items()},
    }


def found(case: Case) -> dict[str, Any]:
    """Run a case and return what the golden file says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.h5"
        result = run(load_case(case, Path(folder)), path)
        outputs = outputs_of(path)
    return {
        "extends": list(case.extends),
        "set": list(case.set),
        "sha256": digests(outputs),
        "total_cycles": result.summary.total_cycles,
        **readable(outputs, result),
        "energy_by_sequence_j": result.energy.sum(axis=1).tolist(),
        "energy_by_component_j": result.summary.energy_by_component,
        "energy_sha256": digest(result.energy),
    }


def main() -> None:
    """Write the golden file, or the named cases of it."""
    names = sys.argv[1:] or list(CASES)
    before = json.loads(GOLDEN.read_text(encoding="utf-8")) if sys.argv[1:] else {}
    written = {name: found(CASES[name]) for name in names}
    golden = {name: written.get(name) or before[name] for name in CASES}
    text = json.dumps(golden, indent=1)
    one_line = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)
    GOLDEN.write_text(one_line + "\n", encoding="utf-8")
    print(GOLDEN)


if __name__ == "__main__":
    main()
