"""Does every key of a configuration do something, or say that it does nothing?

`CHANGES` names for each key of the schema a small chip on which it matters and a change of it: the
trace of the run has to change in more than the configuration that it repeats. `SILENT` has the
opposite: chips on which a key changes nothing, and the note that says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import pytest
from pydantic import BaseModel

from archsim.chip.build import build_chip
from archsim.cli import app
from archsim.config.load import Config, load_config
from archsim.config.run import RunConfig
from archsim.devices.base import DeviceModel, Programmed, register
from archsim.exits import run_and_exit
from archsim.simulation.simulate import run
from tests.random_run import LSTM, OUTPUT
from tests.runs import ROOT
from tests.small_run import CLASSES, INPUTS, TIMESTEPS, write_small_run

SMALL = (
    *("tile.rows=64", "tile.columns=64", "tile.input_bits=3", "adc.bits=3"),
    *("network.inputs=5", "network.timesteps=3", "workload.sequences=2", "trace.sequences=all"),
)


@register
class EveryKeyScaled(DeviceModel):
    """Holds a share of what it is programmed to."""

    model = "every_key_scaled"

    def program(self, target, site):
        del site
        return Programmed(target * self.section.parameters["share"], pulses=0, energy=0.0)


@register
class EveryKeyHalf(DeviceModel):
    """Holds half of what it is programmed to."""

    model = "every_key_half"

    def program(self, target, site):
        del site
        return Programmed(target / 2, pulses=0, energy=0.0)


def device(model: str, **parts: str) -> str:
    """Return the override that makes the device one of a model, with a source for each part."""
    given = {"g_min": "1 uS", "g_max": "150 uS", **parts}
    text = ", ".join(f"{key}: {value}" for key, value in given.items())
    sources = ", ".join(f"{key}: 'assumed: for a test'" for key in (*given, "description"))
    return f"device={{model: {model}, {text}, sources: {{{sources}}}}}"


EFFECTS = {
    "programming": "{sigma: 3 uS}",
    "read_noise": "{sigma: 1 uS}",
    "faults": "{stuck_off: 2 %, stuck_on: 2 %}",
    "drift": "{nu: 0.05, nu_sigma: 0.01, time: 100 s}",
    "temperature": "{coefficient: 0.001 1/K, value: 350 K}",
    "slices": "{count: 2}",
}
TABLE = f"'{ROOT}/configs/devices/rram-wan2022.csv'"
MEASURED = {key: value for key, value in EFFECTS.items() if key != "programming"}
VERIFIED = {"programming": "{method: write_verify, write_verify: {pulse_gain: 0.4}}"}
RAMPED = {key: value for key, value in EFFECTS.items() if key == "programming"}
OWN = ("activations=[{name: own, points: [[-1, 0], [1, 1]]}]",)
HIDDEN = "{kind: linear, name: hidden, units: 5, timesteps: all}"
PROJECTED = "{kind: lstm, name: lstm, units: 6, projection: 3}"
SECOND = "{kind: lstm, name: second, units: 6}"
GRU = "{kind: gru, name: cell, units: 6}"
RNN = "{kind: rnn, name: cell, units: 6, function: relu, input_range: [-2, 2]}"
LOOKED_UP = "{kind: embedding, name: table, entries: 9, units: 6}"
BEFORE = "{kind: linear, name: before, units: 5, timesteps: all, input_range: [-2, 2]}"
SUM = "{kind: add, name: sum, inputs: [lstm, second]}"
THIRD = "{kind: lstm, name: third, units: 6, inputs: [second]}"
SIDES = "{kind: concatenate, name: sides, inputs: [lstm, second]}"
TANH = "{kind: function, name: f, function: tanh}"
OF_WORDS = ("add", "concatenate", "function")
BOTH = "{kind: linear, name: output, units: 5, inputs: [lstm, second]}"

BASES: dict[str, tuple[str, ...]] = {
    "ramp": (),
    "first": ("trace.sequences=[0]",),
    "wide output": (f"network.layers=[{LSTM}, {{kind: linear, name: output, units: 5}}]",),
    "waves": ("trace.waveforms=true",),
    "saturating": ("tile.integrator.saturation=true", "tile.full_scale=3 V"),
    "cut": ("tile.rows=8", "tile.columns=8", "tile.double_buffer=true"),
    "linear": ("adc.kind=linear_ramp",),
    "cut linear": ("adc.kind=linear_ramp", "tile.rows=8"),
    "piecewise": ("adc.kind=linear_ramp", "digital.processors.method=piecewise_linear"),
    "cordic": ("adc.kind=linear_ramp", "digital.processors.method=cordic"),
    "sar": ("adc.kind=sar", "adc.sharing.component=adc_survey_5b"),
    "serial": (
        *("adc.kind=bit_serial", "tile.row_sum=digital", "technology.node=32 nm"),
        f"technology.components={ROOT}/configs/components/isaac-system-32nm.yaml",
        *("adc.bit_serial.adc_bits=4", "adc.bits=6", "adc.bit_serial.component=isaac_adc_8b"),
        *("adc.bit_serial.read_cycles=200", "tile.columns=24"),
    ),
    "bus": ("digital.bus={width: 5, latency: 2}",),
    "cell": ("digital.cell_activation=ramp",),
    "projected": (f"network.layers=[{PROJECTED}, {OUTPUT}]",),
    "unbounded": ("network.layers.0.functions={g: relu, range: [-2, 2]}",),
    "own": (*OWN, "network.layers.0.functions.i=own"),
    "sliced": ("device.slices.count=2",),
    "bounded": (
        f"network.layers=[{LSTM}, {{kind: linear, name: output, units: 5, function: tanh}}]",
    ),
    "stacked": (
        f"network.layers=[{LSTM}, {HIDDEN}, {OUTPUT}]",
        "digital.fraction_bits=9",
    ),
    "digital": (
        f"network.layers=[{LSTM}, {{kind: linear, name: output, units: 5, placement: digital}}]",
    ),
    "two": (f"network.layers=[{LSTM}, {SECOND}, {BOTH}]",),
    "two gru": (f"network.layers=[{LSTM}, {GRU.replace('cell', 'second')}, {BOTH}]",),
    "two rnn": (f"network.layers=[{LSTM}, {RNN.replace('cell', 'second')}, {BOTH}]",),
    "two function": (
        f"network.layers=[{LSTM}, {SECOND}, {TANH[:-1]}, inputs: [lstm, second]}}, {OUTPUT}]",
    ),
    "two add": (
        f"network.layers=[{LSTM}, {SECOND}, {THIRD}, {SUM}, {BOTH.replace('[', '[sum, third, ')}]",
    ),
    "gru": (f"network.layers=[{GRU}, {OUTPUT}]",),
    "rnn": (f"network.layers=[{RNN}, {OUTPUT}]",),
    "embedding": (f"network.layers=[{LOOKED_UP}, {LSTM}, {OUTPUT}]", "network.inputs=1"),
    "function": (f"network.layers=[{BEFORE}, {TANH}, {OUTPUT}]",),
    "add": (f"network.layers=[{LSTM}, {SECOND}, {SUM}, {OUTPUT}]",),
    "sides": (f"network.layers=[{LSTM}, {SECOND}, {SIDES}, {OUTPUT}]",),
    "before": (f"network.layers=[{GRU.replace('6', '6, reset: before')}, {OUTPUT}]",),
    "conventional": (f"network.layers=[{GRU}, {OUTPUT}]", "adc.kind=linear_ramp"),
    "conventional rnn": (f"network.layers=[{RNN}, {OUTPUT}]", "adc.kind=linear_ramp"),
    "tanh": (f"network.layers=[{{kind: rnn, name: cell, units: 6}}, {OUTPUT}]",),
    "last sum": (f"network.layers=[{LSTM}, {SECOND}, {SUM}]",),
    "last table": (f"network.layers=[{LOOKED_UP}]", "network.inputs=1"),
    "last relu": (f"network.layers=[{BEFORE}, {TANH.replace('tanh', 'relu')}]",),
    "no lstm": (f"network.layers=[{OUTPUT}]",),
    "memristor": (device("memristor", **EFFECTS),),
    "verified": (device("memristor", **VERIFIED),),
    "programmed": (device("memristor", **RAMPED),),
    "table": (device("table", g_max="20 uS", table=TABLE, **MEASURED),),
    "custom": (device("custom", name="every_key_scaled", parameters="{share: 0.6}"),),
    "ideal": ("adc.kind=ideal",),
    "summary": ("trace.level=summary",),
    "spotting": (),
    "file": (),
    "decided": (
        *("network.layers.1.units=1", "network.layers.1.timesteps=all"),
        "task={kind: agreement}",
    ),
    "numbers": ("network.layers.1.timesteps=all", "task={kind: regression}", "workload.target=one"),
}

_DEVICE = {
    "g_min": "3 uS",
    "g_max": "200 uS",
    "conductance_steps": "300",
    "slices.count": "1",
    "slices.ratio": "0.2",
}
_IMPERFECT = {
    "read_noise.sigma": "3 uS",
    "read_noise.sigma_relative": "5 %",
    "faults.stuck_off": "20 %",
    "faults.stuck_on": "20 %",
    "drift.nu": "0.2",
    "drift.nu_sigma": "0.1",
    "drift.t0": "2 s",
    "drift.time": "1000 s",
    "temperature.coefficient": "0.01 1/K",
    "temperature.reference": "280 K",
    "temperature.value": "400 K",
}
_PROGRAMMING = {
    "sigma": ("memristor", "6 uS"),
    "sigma_relative": ("memristor", "10 %"),
    "write_verify.pulse_gain": ("verified", "0.7"),
    "write_verify.pulse_sigma": ("verified", "8 uS"),
    "write_verify.tolerance": ("verified", "4 uS"),
    "write_verify.max_pulses": ("verified", "2"),
    "write_verify.pulse_energy": ("verified", "2 pJ"),
}
_SETTINGS: dict[str, tuple[str, str]] = {
    "name": ("ramp", "other"),
    "seed": ("ramp", "5"),
    "technology.node": ("ramp", "22 nm"),
    "technology.clock": ("ramp", "900 MHz"),
    "technology.supply": ("ramp", "820 mV"),
    "technology.clock_gating": ("ramp", "false"),
    "technology.cost_factors": ("ramp", "{comparator: 2}"),
    "tile.rows": ("ramp", "8"),
    "tile.columns": ("ramp", "8"),
    "tile.input_bits": ("ramp", "4"),
    "tile.v_read": ("ramp", "210 mV"),
    "tile.v_clp": ("waves", "410 mV"),
    "tile.full_scale": ("ramp", "310 mV"),
    "tile.reset_cycles": ("ramp", "2"),
    "tile.readout_cycles": ("ramp", "2"),
    "tile.row_sum": ("cut linear", "digital"),
    "tile.weight_percentile": ("ramp", "80"),
    "tile.double_buffer": ("ramp", "true"),
    "tile.integrator.leak": ("ramp", "20 %"),
    "tile.integrator.saturation": ("saturating", "false"),
    "tile.integrator.headroom": ("saturating", "350 mV"),
    "tile.integrator.offset_sigma": ("ramp", "200 mV"),
    "tile.wires.row_resistance": ("ramp", "100 ohm"),
    "tile.wires.column_resistance": ("ramp", "100 ohm"),
    "adc.input_range": ("linear", "[-1, 1]"),
    "adc.sharing.columns": ("sar", "4"),
    "adc.sharing.cycles": ("sar", "7"),
    "adc.sharing.component": ("sar", "adc_survey_8b"),
    "adc.bit_serial.weight_bits": ("serial", "8"),
    "adc.bit_serial.cell_bits": ("serial", "4"),
    "adc.bit_serial.adc_bits": ("serial", "2"),
    "adc.bit_serial.read_cycles": ("serial", "210"),
    "adc.bit_serial.flipped_columns": ("serial", "false"),
    "adc.early_stop": ("ramp", "true"),
    "adc.banks_per_converter": ("cut", "2"),
    "adc.bits": ("ramp", "4"),
    "adc.bias_cells": ("ramp", "7"),
    "adc.gated_comparators": ("ramp", "false"),
    "adc.calibrate": ("programmed", "false"),
    "adc.copies": ("ramp", "2"),
    "adc.fixed_reference": ("ramp", "150 mV"),
    "adc.comparator.offset_sigma": ("ramp", "200 mV"),
    "adc.comparator.noise_sigma": ("ramp", "200 mV"),
    "digital.word_bits": ("ramp", "20"),
    "digital.fraction_bits": ("ramp", "9"),
    "digital.lanes": ("ramp", "4"),
    "digital.cell_activation": ("ramp", "ramp"),
    "digital.cell_range": ("cell", "1"),
    "digital.table_entries": ("ramp", "4"),
    "digital.buffer_word_bits": ("ramp", "8"),
    "digital.buffer_latency": ("ramp", "3"),
    "digital.processors.count": ("linear", "3"),
    "digital.processors.cycles": ("linear", "4"),
    "digital.processors.shared": ("linear", "true"),
    "digital.processors.method": ("linear", "piecewise_linear"),
    "digital.processors.segments": ("piecewise", "4"),
    "digital.processors.iterations": ("cordic", "5"),
    "digital.bus.width": ("bus", "3"),
    "digital.bus.latency": ("bus", "5"),
    "network.inputs": ("ramp", "7"),
    "network.timesteps": ("ramp", "4"),
    "network.layers(lstm).name": ("ramp", "other"),
    "network.layers(lstm).units": ("ramp", "7"),
    "network.layers(lstm).projection": ("ramp", "4"),
    "network.layers(lstm).projection_range": ("projected", "[-0.3, 0.3]"),
    "network.layers(lstm).output_range": ("projected", "3"),
    "network.layers(lstm).bias": ("ramp", "none"),
    "network.layers(lstm).tensors": ("ramp", "other"),
    "network.layers(linear).output_range": ("stacked", "2"),
    "network.layers(linear).bias": ("ramp", "none"),
    "network.layers(linear).tensors": ("ramp", "other"),
    "network.layers(lstm).functions.i": ("ramp", "softsign"),
    "network.layers(lstm).functions.f": ("ramp", "tanh"),
    "network.layers(lstm).functions.g": ("ramp", "softsign"),
    "network.layers(lstm).functions.o": ("ramp", "tanh"),
    "network.layers(lstm).functions.state": ("ramp", "softsign"),
    "network.layers(lstm).functions.range": ("unbounded", "[-1, 1]"),
    "network.layers(linear).name": ("ramp", "other"),
    "network.layers(linear).units": ("ramp", "4"),
    "network.layers(linear).placement": ("wide output", "digital"),
    "network.layers(linear).timesteps": ("ramp", "all"),
    "network.layers(linear).bits": ("ramp", "5"),
    "network.layers(linear).function": ("wide output", "tanh"),
    "network.layers(linear).input_range": ("ramp", "[-1, 1]"),
    "workload(keyword_spotting).sequences": ("spotting", "3"),
    "workload(synthetic).sequences": ("ramp", "3"),
    "workload(file).inputs": ("file", "more"),
    "workload(file).target": ("file", "other"),
    "workload(file).lengths": ("file", "fewer"),
    "workload(file).split": ("file", "b"),
    "workload(file).sequences": ("file", "2"),
    "workload(file).synthetic": ("file", "true"),
    "task(agreement).threshold": ("decided", "-100"),
    "task(agreement).timesteps": ("decided", "all"),
    "network.input_range": ("ramp", "2"),
    "streams": ("ramp", "2"),
    "trace.level": ("first", "event"),
    "trace.sequences": ("ramp", "[0]"),
    "trace.tiles": ("ramp", "[lstm]"),
    "trace.waveforms": ("ramp", "true"),
}
_CELLS = {
    "name": "other",
    "units": "7",
    "bias": "none",
    "tensors": "other",
    "direction": "backward",
    "stacked": "1",
}
_KINDS = {
    "gru": _CELLS | {"reset": "before", "candidate_range": "[-1, 1]"},
    "rnn": _CELLS | {"function": "silu", "input_range": "[-1, 1]", "output_range": "3"},
    "lstm": {"direction": "backward", "stacked": "1"},
    "embedding": {
        "name": "other",
        "units": "7",
        "tensors": "other",
        "entries": "5",
        "output_range": "9",
    },
    "function": {"name": "other", "function": "sigmoid", "table_range": "1", "output_range": "9"},
    "add": {"name": "other", "output_range": "9"},
}
"""Changes of keys, by kind, on a base that is called as the kind."""
SECTIONS = {"lstm": "network.layers.0", "linear": "network.layers.1"}


def _plain(key: str) -> str:
    """Return a key of the schema as ``--set`` has it."""
    for kind, path in SECTIONS.items():
        key = key.replace(f"network.layers({kind})", path)
    head, _, tail = key.partition("(")
    return head + tail.partition(")")[2] if tail else key


def _changes() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield key, base and overrides."""
    for key, (base, value) in _SETTINGS.items():
        yield key, base, (f"{_plain(key)}={value}",)
    for kind, inputs in (("lstm", "1.inputs=[input_buffer]"), ("linear", "2.inputs=[second]")):
        yield f"network.layers({kind}).inputs", "two", (f"network.layers.{inputs}",)
    for model, base in (("ideal", "ramp"), ("memristor",) * 2, ("table",) * 2, ("custom",) * 2):
        for key, value in _DEVICE.items():
            if (model, key) == ("ideal", "slices.ratio"):
                continue  # the first slice is exact
            more = ("device.slices.count=2",) if key == "slices.ratio" else ()
            changed = {"slices.count": "3", "g_max": value}.get(key, value)
            if (model, key) == ("table", "g_max"):
                changed = "30 uS"  # the table ends at 40 uS
            yield f"device({model}).{key}", base, (*more, f"device.{key}={changed}")
    for model in ("memristor", "table"):
        for key, value in _IMPERFECT.items():
            yield f"device({model}).{key}", model, (f"device.{key}={value}",)
    for key, (base, value) in _PROGRAMMING.items():
        yield f"device(memristor).programming.{key}", base, (f"device.programming.{key}={value}",)
    levels = ("device.levels=4", "device.sources.levels='assumed: for a test'")
    yield "device(memristor).levels", "memristor", levels
    every = ("task.timesteps=all", "workload.target=every")
    yield "task(regression).timesteps", "numbers", every
    method = "device.programming={method: write_verify}"
    yield "device(memristor).programming.method", "memristor", (method,)
    yield "device(custom).name", "custom", ("device.name=every_key_half",)
    yield "device(custom).parameters", "custom", ("device.parameters.share=0.7",)
    points = "activations.0.points=[[-2, 0], [1, 1]]"
    yield "activations.points", "own", (points,)
    renamed = ("activations.0.name=renamed", "network.layers.0.functions.i=renamed")
    yield "activations.name", "own", (*renamed, "trace.waveforms=true")


def _changes_of_kinds() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield key, base and overrides of kinds of layers beside the first two."""
    places = {"function": 1, "add": 2}
    for kind, keys in _KINDS.items():
        base = "ramp" if kind == "lstm" else kind
        for key, value in keys.items():
            path = f"network.layers.{places.get(kind, 0)}.{key}"
            yield f"network.layers({kind}).{key}", base, (f"{path}={value}",)
    yield "network.layers(concatenate).name", "sides", ("network.layers.2.name=other",)
    for kind, base, inputs in (
        ("concatenate", "sides", "2.inputs=[second, lstm]"),
        ("function", "two function", "2.inputs=[second, lstm]"),
        ("add", "two add", "3.inputs=[lstm, third]"),
        ("gru", "two gru", "1.inputs=[input_buffer]"),
        ("rnn", "two rnn", "1.inputs=[input_buffer]"),
    ):
        yield f"network.layers({kind}).inputs", base, (f"network.layers.{inputs}",)


CHANGES = {key: (base, changes) for key, base, changes in (*_changes(), *_changes_of_kinds())}
CHOICES = {  # what decides which other keys there are: changed by the bases
    *("adc.kind", "network.layers(lstm).kind", "network.layers(linear).kind"),
    *(f"workload({kind}).kind" for kind in ("synthetic", "keyword_spotting", "file")),
    *(f"task({kind}).kind" for kind in ("agreement", "classification", "next_symbol")),
    *(f"task({kind}).kind" for kind in ("regression", "tagging")),
    *(f"network.layers({kind}).kind" for kind in (*OF_WORDS, "gru", "rnn", "embedding")),
    *(f"device({model}).model" for model in ("ideal", "memristor", "table", "custom")),
}
FILES = {  # their content is, not their names
    *("technology.components", "network.weights", "device(table).table"),
    *("network.prefix", "network.ignore"),  # what a weights file calls its tensors
    *("workload(keyword_spotting).source", "workload(keyword_spotting).split"),
    "workload(file).source",
    "adc.bit_serial.component",  # the library has one
}
SILENT_ALONE = {  # have no effect with any other key
    "device(ideal).slices.ratio",
    "network.layers(embedding).inputs",  # says what it has to be
    *(f"network.layers({kind}).tensors" for kind in OF_WORDS),
}
FREE_TEXT = {  # repeated in the trace with the configuration
    *("description", *(f"device({model}).description" for model in ("memristor", "table"))),
    *(f"device({model}).sources" for model in ("memristor", "table", "custom")),
}


def sections_of(annotation: Any) -> list[type[BaseModel]]:
    """Return the sections that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for each in get_args(annotation) for section in sections_of(each)]


def keys_of(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield every key of a section and those below it; of several kinds in brackets which."""
    for name, field in model.model_fields.items():
        marks = [mark.sections() for mark in field.metadata if hasattr(mark, "sections")]
        item = [mark.sections() for each in get_args(field.annotation)
                for mark in getattr(each, "__metadata__", ())
                if hasattr(mark, "sections")]  # fmt: skip
        found = [section for sections in marks + item for section in sections]
        found = found or sections_of(field.annotation)
        if not found:
            yield path + name
        for section in found:
            tags = [section.model_fields[key] for key in ("kind", "model")
                    if len(found) > 1 and key in section.model_fields]  # fmt: skip
            tag = "".join(f"({get_args(each.annotation)[0]})" for each in tags)
            yield from keys_of(section, f"{path}{name}{tag}.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keys")


@cache
def prepared(folder: Path) -> Path:
    return write_small_run(folder)


@cache
def arrays_of(folder: Path) -> Path:
    """Write a file of sequences with several arrays to choose from; return its path."""
    rng = np.random.default_rng(2)
    path = folder / "arrays.npz"
    np.savez(
        path,
        inputs=rng.uniform(-1, 1, (6, TIMESTEPS, INPUTS)),
        more=rng.uniform(-1, 1, (6, TIMESTEPS, INPUTS)),
        target=rng.integers(0, CLASSES, 6),
        other=rng.integers(0, CLASSES, 6),
        one=rng.normal(size=(6, CLASSES)),
        every=rng.normal(size=(6, TIMESTEPS, CLASSES)),
        lengths=np.array([5, 4, 3, 2, 1, 5]),
        fewer=np.array([5, 1, 1, 1, 1, 5]),
        split=np.array(["a", "b", "a", "b", "a", "b"]),
    )
    return path


def load(folder: Path, base: str, changes: tuple[str, ...] = ()) -> Config:
    if base == "spotting":
        return load_config(prepared(folder), ["workload.sequences=2", *changes])
    if base in {"file", "numbers"}:
        of_file = f"workload={{kind: file, source: {arrays_of(folder)}}}"
        return load_config(prepared(folder), [of_file, *BASES[base], *changes])
    layers = f"network.layers=[{LSTM}, {OUTPUT}]"
    return load_config(ROOT / "configs/random-lstm.yaml", [*SMALL, layers, *BASES[base], *changes])


@cache
def seen(folder: Path, base: str, changes: tuple[str, ...] = ()) -> str:
    """Return a digest of a run's trace, without the configuration that it repeats."""
    path = folder / "run.h5"
    path.unlink(missing_ok=True)
    run(load(folder, base, changes), path)
    digest = hashlib.sha256()

    def take(name: str, item: h5py.Group | h5py.Dataset) -> None:
        digest.update(name.encode())
        for key in sorted(set(item.attrs) - {"REFERENCE_LIST", "DIMENSION_LIST"}):
            digest.update(f"{key}={item.attrs[key]}".encode())
        if isinstance(item, h5py.Dataset):
            value = item[...]
            digest.update(
                str(value.tolist()).encode() if value.dtype == object else value.tobytes()
            )

    with h5py.File(path) as file:
        file.visititems(take)
    return digest.hexdigest()


def test_every_key_of_the_schema_is_looked_at():
    known = set(CHANGES) | CHOICES | FILES | FREE_TEXT | SILENT_ALONE
    assert set(keys_of(RunConfig)) == known
    assert not set(CHANGES) & (CHOICES | FILES | FREE_TEXT)


SLOW = {"tile.v_clp", "trace.waveforms"}  # integrators that clip, waveforms: kernels of their own


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[pytest.mark.slow] * (key in SLOW)) for key in CHANGES]
)
def test_a_change_of_a_key_is_seen(folder, key):
    base, changes = CHANGES[key]
    assert load(folder, base, changes).notes == ()
    before = changes[:-1] if key.endswith("slices.ratio") else ()  # which needs slices
    assert seen(folder, base, changes) != seen(folder, base, before)


_LSTM_KEYS = {
    "adc.input_range": "[-1, 1]",
    "digital.processors": "{count: 3}",
    "digital.cell_activation": "ramp",
    "digital.cell_range": "2",
    "digital.table_entries": "16",
}
_OF_RAMPS = {
    "adc.bias_cells": "7",
    "adc.gated_comparators": "false",
    "adc.copies": "3",
    "adc.calibrate": "false",
}
SILENT = [
    *(("no lstm", key, value) for key, value in _LSTM_KEYS.items()),
    *(
        (base, key, value)
        for base in ("sar", "serial", "ideal")
        for key, value in _OF_RAMPS.items()
    ),
    ("ramp", "adc.input_range", "[-1, 1]"),
    ("ideal", "adc.input_range", "[-1, 1]"),
    ("linear", "adc.sharing.columns", "4"),
    ("sar", "adc.bit_serial.cell_bits", "4"),
    ("ramp", "tile.integrator.headroom", "100 mV"),
    ("ramp", "digital.processors", "{count: 3, cycles: 7}"),
    ("linear", "digital.processors.segments", "4"),
    ("piecewise", "digital.processors.iterations", "5"),
    ("cell", "digital.table_entries", "16"),
    ("ramp", "device.slices.ratio", "0.5"),
    ("sliced", "device.slices.ratio", "0.5"),
    ("programmed", "device.programming.write_verify", "{tolerance: 1 uS}"),
    ("programmed", "device.drift.time", "100 s"),
    ("programmed", "device.temperature.value", "400 K"),
    ("summary", "trace.sequences", "[1]"),
    ("summary", "trace.tiles", "[lstm]"),
    ("summary", "trace.waveforms", "true"),
    ("spotting", "workload.split", "train"),
    ("spotting", "seed", "3"),
    ("ramp", "network.layers.0.projection_range", "[-2, 2]"),
    ("ramp", "network.layers.1.output_range", "2"),
    ("ramp", "network.prefix", "net."),
    ("ramp", "network.ignore", "[head]"),
    ("linear", "network.layers.0.functions.range", "[-2, 2]"),
    ("ramp", "network.layers.0.functions.range", "[-2, 2]"),
    ("digital", "network.layers.1.bits", "6"),
    ("digital", "network.layers.1.input_range", "[-2, 2]"),
    ("bounded", "network.layers.1.input_range", "[-2, 2]"),
    ("before", "network.layers.0.candidate_range", "[-1, 1]"),
    ("conventional", "network.layers.0.candidate_range", "[-1, 1]"),
    ("conventional rnn", "network.layers.0.input_range", "[-1, 1]"),
    ("tanh", "network.layers.0.input_range", "[-1, 1]"),
    ("last relu", "network.layers.1.table_range", "4"),
    ("last relu", "network.layers.1.output_range", "4"),
    ("function", "network.layers.1.tensors", "other"),
    ("add", "network.layers.2.tensors", "other"),
    ("sides", "network.layers.2.tensors", "other"),
    ("last sum", "network.layers.2.output_range", "4"),
    ("last table", "network.layers.0.output_range", "4"),
    ("ramp", "activations", "[{name: own, points: [[-1, 0], [1, 1]]}]"),
]


@pytest.mark.parametrize(("base", "key", "value"), SILENT)
def test_a_key_without_effect_is_told_and_has_none(folder, base, key, value):
    """Sources of a device's parts are given with them; the note names the key and its place."""
    part = key.removeprefix("device.").partition(".")[0]
    more = [f"device.sources.{part}='assumed: for a test'"] * (base == "programmed")
    name = f"{key}.0" if key == "activations" else key
    notes = load(folder, base, (*more, f"{key}={value}")).notes
    [note] = [each for each in notes if f": {name}" in each]
    assert note.startswith(f"--set {key}={value}"[:80])
    assert " has no effect " in note
    assert seen(folder, base, (*more, f"{key}={value}")) == seen(folder, base)


def test_calibration_of_an_exact_ramp_is_told_and_changes_no_threshold(folder):
    """But where bias cells cannot be off: what they hold too much is then calibrated away."""
    on, off = (load(folder, "ramp", (f"adc.calibrate={how}",)) for how in ("true", "false"))
    assert "adc.calibrate has no effect with device.model ideal" in off.notes[0]
    pairs = zip(build_chip(on.config).banks, build_chip(off.config).banks, strict=True)
    for one, other in pairs:
        assert (one.arrays.readout.threshold == other.arrays.readout.threshold).all()
    assert load(folder, "ramp", ("adc.calibrate=false", "device.g_min=1 uS")).notes == ()


SHIPPED = [*sorted((ROOT / "configs").glob("*.yaml")), *(ROOT / "configs").glob("arch*/*.yaml")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configurations_have_no_such_keys(path):
    assert load_config(path).notes == ()


def test_a_base_of_another_kind_is_told_with_its_line(folder):
    prepared(folder)
    path = folder / "other.yaml"
    path.write_text("extends: small.yaml\nadc:\n  sharing: {columns: 4, component: x}\n")
    assert load_config(path).notes == (
        f"{path}:3: adc.sharing has no effect with adc.kind nonlinear_ramp",
    )
    assert load_config(path, ["adc.kind=sar"]).notes == ()


def test_notes_go_to_stderr(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        run_and_exit(
            lambda: app(
                ["validate", str(prepared(folder)), "--set", "adc.copies=2", "--set", "seed=4"],
                standalone_mode=False,
            )
        )
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == "note: --set seed=4: seed has no effect because nothing in this run is random\n"
    assert "valid" in out
