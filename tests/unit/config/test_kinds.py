"""Is a kind looked up when it is asked for, checked where it enters, and else in nobody's way?"""

from __future__ import annotations

import copy
import pickle
import sys
import textwrap
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from archsim.config.converter import CONVERTERS
from archsim.config.device import DEVICES
from archsim.config.experiment import EXPERIMENTS
from archsim.config.load import load_config
from archsim.config.schema import json_schema
from archsim.config.sections import LAYERS, WORKLOADS
from archsim.config.tasks import TASKS
from archsim.costs.library import load_library
from archsim.costs.models.base import COST_MODELS
from archsim.devices import Site, device_model
from archsim.errors import ArchsimError, ConfigError, DesignError
from archsim.experiments import load_experiment, run_experiment
from tests.runs import KWS

GROUPS = {
    "layers": LAYERS,
    "converters": CONVERTERS,
    "workloads": WORKLOADS,
    "devices": DEVICES,
    "costs": COST_MODELS,
    "experiments": EXPERIMENTS,
    "tasks": TASKS,
}

LAYER = """\
from __future__ import annotations
from typing import Literal
from archsim.config.run import RunConfig  # as one who annotates what it takes
from archsim.config.sections import LayerSection

class Gated(LayerSection):
    kind: Literal["gated"]
    units: int = 3

    @property
    def elements(self) -> int:
        return self.units

    def build(self, inputs, context): ...
"""
CONVERTER = """\
from archsim.config.base import Section
from archsim.config.converter import ConverterKind

class Options(Section):
    stages: int = 3

class Pipeline(ConverterKind):
    name, key, section = "pipeline", "pipeline", Options

    def build(self, spec, bits): ...
    def design(self, function, bits, *, limits, spec): ...
"""
WORKLOAD = """\
from __future__ import annotations
from typing import Literal
from archsim.config.quantity import ConfigPath
from archsim.config.sections import WorkloadSection

class Recorded(WorkloadSection):
    kind: Literal["recorded"]
    tape: ConfigPath

    def load(self, network, seed): ...
"""
DEVICE = """\
from __future__ import annotations
from typing import Annotated, Literal
from pydantic import Field
from archsim.config.device import DeviceSection
from archsim.config.quantity import Quantity
from archsim.devices import DeviceModel, Programmed

class WornDevice(DeviceSection):
    model: Literal["worn"] = Field(description="device model")
    pulses: int = Field(ge=0, description="how often each was written")
    loss: Annotated[float, Quantity("S", ge=0)] = Field(description="what a pulse takes away")

class Worn(DeviceModel):
    model = "worn"
    keys = WornDevice

    def program(self, target, site):
        return Programmed(target - self.section.pulses * self.section.loss, 0, 0.0)
"""
EXPERIMENT = """\
from __future__ import annotations
from typing import Literal
from archsim.config.experiment import ExperimentSection
from archsim.report.result import Column, ExperimentResult

class Counted(ExperimentSection):
    kind: Literal["counted"]
    to: int

    def run(self, progress, executor):
        rows = [{"number": number} for number in range(self.to)]
        return ExperimentResult("numbers", (Column("number", "number", "d"),), rows)
"""
CLASSES = {"gated": LAYER, "pipeline": CONVERTER, "recorded": WORKLOAD, "worn": DEVICE}


@pytest.fixture
def offer(monkeypatch, tmp_path):
    """Let packages offer kinds: entries by group, and the text of their one module."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []
    for group in GROUPS.values():
        group.registered()  # the shipped ones stay
        monkeypatch.setattr(group, "_known", dict(group._known))
        monkeypatch.setattr(group, "_entries", tuple)

    def offered(group, *entries, text, module="brought"):
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
        written.append(module)
        found = [EntryPoint(*each.split("="), GROUPS[group].group) for each in entries]
        monkeypatch.setattr(GROUPS[group], "_entries", lambda: tuple(found))

    yield offered
    for module in written:
        sys.modules.pop(module, None)


@pytest.fixture
def all_three(offer):
    """A package with a layer, a converter and a workload."""
    offer("layers", "gated=gated:Gated", text=LAYER, module="gated")
    offer("converters", "pipeline=pipeline:Pipeline", text=CONVERTER, module="pipeline")
    offer("workloads", "recorded=recorded:Recorded", text=WORKLOAD, module="recorded")


def refused(*sets, path=KWS):
    with pytest.raises(ConfigError) as caught:
        load_config(path, sets)
    return str(caught.value)


# ------------------------------------------------------------------------- looked up


def test_what_is_installed_is_imported_only_where_it_is_asked_for(all_three):
    before = load_config(KWS)
    assert not {"gated", "pipeline", "recorded"} & sys.modules.keys()
    layer = load_config(KWS, ["network.layers.0={kind: gated, name: a, units: 4}"])
    assert "gated" in sys.modules
    assert not {"pipeline", "recorded"} & sys.modules.keys()
    assert layer.config.network.layers[0].elements == 4
    assert before.hash == load_config(KWS).hash


def test_a_kind_that_is_installed_changes_no_other_configuration(all_three):
    before = load_config(KWS)
    used = load_config(KWS, ["adc.kind=pipeline", "adc.pipeline.stages=4"])
    assert used.config.adc.own.stages == 4
    assert "stages: 4" in used.yaml
    after = load_config(KWS)
    assert (after.hash, after.yaml) == (before.hash, before.yaml)
    assert "pipeline" not in after.yaml


@pytest.mark.parametrize("sets", [(), ("adc.kind=sar", "adc.sharing.columns=4")])
def test_a_configuration_goes_to_another_process(sets):
    config = load_config(KWS, sets).config
    assert pickle.loads(pickle.dumps(config)) == config
    assert copy.deepcopy(config) == config


def test_keys_of_a_converter_that_is_not_asked_for_are_checked_and_told(all_three):
    loaded = load_config(KWS, ["adc.pipeline.stages=4"])
    [note] = loaded.notes
    assert note.endswith("adc.pipeline.stages has no effect with adc.kind nonlinear_ramp")
    assert "unknown key 'stage' (did you mean 'stages'?)" in refused("adc.pipeline.stage=4")
    assert "stages: expected a whole number" in refused("adc.pipeline.stages=x")
    assert "adc: unknown key 'pipelin' (did you mean 'pipeline'?)" in refused("adc.pipelin=4")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("network.layers.0.kind=gatd", "(did you mean 'gated'?)"),
        (
            "network.layers.0={name: a}",
            "the key 'kind' is missing; it is one of add, concatenate, embedding, function, gated",
        ),
        ("network.layers.0={kind: gated, name: a, unit: 3}", "layers.0: unknown key 'unit' (did"),
        ("network.layers.0={kind: gated, name: a, units: x}", "layers.0.units: expected a whole"),
        ("network.layers.0=3", "network.layers.0: expected a mapping (key: value), got 3"),
        ("workload={kind: recorded}", "workload: the key 'tape' is missing"),
        ("workload=recorded", "workload: expected a mapping (key: value), got 'recorded'"),
        ("adc.kind=pipelines", "'pipelines' is not one of bit_serial, ideal, linear_ramp"),
        ("adc.kind=3", "adc.kind: 3 is not one of"),
        ("adc=3", "adc: expected a mapping (key: value), got 3"),
    ],
)
def test_mistakes_name_the_key_and_what_there_is(all_three, override, sentence):
    text = refused(override)
    assert text.startswith(f"--set {override}"[:80])
    assert sentence in text


def test_the_schema_lists_what_is_installed(all_three):
    schema = json_schema()
    assert {"Gated", "Options", "Recorded"} <= schema["$defs"].keys()
    assert "pipeline" in schema["$defs"]["Converter"]["properties"]["kind"]["enum"]


def test_a_file_that_a_kind_names_counts_by_its_content(all_three, tmp_path):
    tape = tmp_path / "tape"
    tape.write_text("a")
    other = tmp_path / "other"
    other.write_text("a")

    def loaded(path):
        return load_config(KWS, [f"workload={{kind: recorded, tape: '{path}'}}"])

    first = loaded(tape)
    assert tape in first.inputs
    assert loaded(other).hash == first.hash
    other.write_text("b")
    assert loaded(other).hash != first.hash


WORN = "device={{model: worn, g_min: 0 S, g_max: 1 uS, pulses: 2, {}: 1 nS}}"


def test_a_device_of_a_package_has_keys_of_its_own(offer):
    offer("devices", "worn=brought:Worn", text=DEVICE)
    device = load_config(KWS, [WORN.format("loss")]).config.device
    assert device.loss == 1e-9
    written = device_model(device).program(np.array([[1e-6]]), Site(0, 0, 0)).conductance
    assert written.tolist() == [[1e-6 - 2e-9]]
    assert "device: unknown key 'los' (did you mean 'loss'?)" in refused(WORN.format("los"))
    assert "WornDevice" in json_schema()["$defs"]


def test_a_device_without_keys_of_its_own_is_named_with_model_custom(offer):
    offer("devices", "worn=brought:Worn", text=DEVICE.replace("    keys = WornDevice\n", ""))
    said = refused("device={model: worn, g_min: 0 S, g_max: 1 uS}")
    assert said.endswith(
        "device.model: 'worn' has no keys of its own: write model: custom, name: worn"
    )
    assert "'wornn' is not one of custom, ideal, memristor, table" in refused("device.model=wornn")
    assert "WornDevice" not in json_schema()["$defs"]


def test_a_kind_that_registers_later_is_known(offer):
    load_config(KWS)
    offer("layers", text=LAYER)
    from brought import Gated  # what a notebook defines

    LAYERS.register(Gated)
    loaded = load_config(KWS, ["network.layers.0={kind: gated, name: a}"])
    assert isinstance(loaded.config.network.layers[0], Gated)


def test_an_experiment_of_a_package_is_found_by_its_kind(offer, tmp_path):
    offer("experiments", "counted=brought:Counted", text=EXPERIMENT)
    file = tmp_path / "e.yaml"
    file.write_text("kind: counted\nto: 3\n")
    result = run_experiment(load_experiment(file), lambda *_: None)
    assert [row["number"] for row in result.rows] == [0, 1, 2]
    file.write_text("kind: counted\nto: x\n")
    with pytest.raises(ConfigError, match=r"e\.yaml:2: to: expected a whole number"):
        load_experiment(file)
    file.write_text("# a comment\nkind: countd\n")
    with pytest.raises(ConfigError, match=r"e\.yaml:2: kind: .*mean 'counted'.*calibration"):
        load_experiment(file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def run", "def rnu", "lacks run"),
        ('["counted"]', '["numbers"]', "calls itself 'numbers'"),
        ("return Exp", "return dict or Exp", "returned a type: make run return"),
    ],
)
def test_a_wrong_experiment_of_a_package_is_one_sentence(offer, tmp_path, old, new, says):
    offer("experiments", "counted=brought:Counted", text=EXPERIMENT.replace(old, new))
    file = tmp_path / "e.yaml"
    file.write_text("kind: counted\nto: 3\n")
    with pytest.raises(ArchsimError, match=says):
        run_experiment(load_experiment(file), lambda *_: None)


# ------------------------------------------------------------------------- checked where they enter

ASKED = {
    "layers": "network.layers.0={kind: gated, name: a}",
    "converters": "adc.kind=pipeline",
    "workloads": "workload={kind: recorded, tape: x}",
    "devices": WORN.format("loss"),
}
BROKEN = {
    "no such class": ("layers", "gated", "Gated", "Gate", "does not load: AttributeError"),
    "no base": ("layers", "gated", "(LayerSection)", "", "is not a subclass of archsim.config."),
    "not complete": ("layers", "gated", "def build", "def biuld", "lacks build"),
    "a type that is not there": (
        *("layers", "gated", "units: int", "units: Whole"),
        "has a key that is not defined: name 'Whole' is not defined",
    ),
    "another name": ("layers", "gated", '["gated"]', '["gate"]', "calls itself 'gate'"),
    "an end of the program": ("layers", "gated", "class", "raise SystemExit(3)\nclass", "Exit: 3"),
    "arguments": (
        *(
            "converters",
            "pipeline",
            "    def build",
            "    def __init__(self, x): ...\n    def build",
        ),
        "cannot be made without arguments: TypeError",
    ),
    "keys that have to be given": (
        *("converters", "pipeline", "int = 3", "int"),
        "has keys below 'pipeline' that have no default",
    ),
    "a key that all have": (
        *("converters", "pipeline", '"pipeline", Options', '"bits", Options'),
        "has the key 'bits', which adc has already: call it something else",
    ),
    "a key of a shipped kind": (
        *("converters", "pipeline", '"pipeline", Options', '"sharing", Options'),
        "has the key 'sharing', which adc has already",
    ),
    "a word of Python's": (
        *("converters", "pipeline", '"pipeline", Options', '"nonlinear", Options'),
        "has the key 'nonlinear', which adc has already",
    ),
    "no section": (
        *("converters", "pipeline", '"pipeline", Options', '"pipeline", None'),
        "has the key 'pipeline' and no section for it",
    ),
    "no program": ("devices", "worn", "def program", "def programm", "lacks program"),
    "a unit that is not there": (
        *("devices", "worn", '"S", ge=0', '"SS", ge=0'),
        "does not load: ValueError: 'SS' is not a known unit",
    ),
    "no load": ("workloads", "recorded", "def load", "def lod", "lacks load"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_kind_is_one_sentence_where_it_is_asked_for(offer, what):
    group, name, old, new, sentence = BROKEN[what]
    text = CLASSES[name]
    assert old in text
    offer(group, f"{name}=brought:{name.capitalize()}", text=text.replace(old, new, 1))
    if what == "no such class":
        offer(group, f"{name}=brought:Gated", text=text.replace(old, new, 1))
    assert load_config(KWS).notes == ()
    said = refused(ASKED[group])
    assert said.startswith(f"--set {ASKED[group]}")
    assert f"plug-in '{name}' (brought:" in said
    assert sentence in said
    assert "\n" not in said
    assert name not in str(json_schema()["$defs"].get("Converter", {}).get("enum"))
    assert said == refused(ASKED[group])  # the second time too


def test_two_packages_that_offer_one_name_are_refused_where_it_is_asked_for(offer):
    offer("converters", "pipeline=brought:Pipeline", "pipeline=other:Pipeline", text=CONVERTER)
    assert load_config(KWS).notes == ()
    said = refused("adc.kind=pipeline")
    assert (
        "two plug-ins offer a converter kind 'pipeline', brought:Pipeline and other:Pipeline: "
        "remove one" in said
    )


def test_a_shipped_kind_cannot_be_replaced(offer):
    offer("converters", "sar=brought:Pipeline", text=CONVERTER)
    assert load_config(KWS, ["adc.kind=sar"]).config.adc.own.columns == 8


@pytest.mark.parametrize(("old", "sentence"), [("resolve", "lacks resolve"), ("from_", "calls")])
def test_a_broken_cost_model_is_one_sentence_with_its_line(offer, tmp_path, old, sentence):
    text = """\
    from archsim.costs.models.base import CostModel

    class Table(CostModel):
        key = "from_table"

        def resolve(self, document, name, entry): ...
    """
    offer("costs", "from_table=brought:Table", text=text.replace(old, "other"))
    path = tmp_path / "library.yaml"
    path.write_text(
        "schema: archsim-components/1\nname: l\nnode: 16 nm\n"
        "components:\n  a: {description: a, from_table: x}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_library(path)
    assert str(caught.value).startswith(f"{path}:5: ")
    assert sentence in str(caught.value)


def test_a_class_that_registers_itself_is_held_against_its_base():
    with pytest.raises(DesignError, match=r"converter kind .*Half lacks build, design"):
        CONVERTERS.register(type("Half", (CONVERTERS.base,), {"name": "half"}))
    with pytest.raises(DesignError, match="is not a subclass of"):
        CONVERTERS.register(type("Other", (), {"name": "other"}))


def test_a_shipped_kind_that_does_not_load_leaves_the_others_alone(monkeypatch, tmp_path):
    """As after half an edit: `sar` is gone with a reason, and ramps work."""
    monkeypatch.setattr(CONVERTERS, "_known", {})
    monkeypatch.setattr(CONVERTERS, "_started", False)
    monkeypatch.setattr(CONVERTERS, "broken", [])
    kept = {name for name in sys.modules if name.startswith("archsim.chip.converters.")}
    for name in kept:
        monkeypatch.delitem(sys.modules, name)
    name = "archsim.chip.converters.sar.section"
    monkeypatch.setitem(sys.modules, name, None)  # importing it raises ModuleNotFoundError
    assert load_config(KWS).notes == ()
    said = refused("adc.kind=sar")
    assert f"'sar' is not one of bit_serial, ideal, linear_ramp, nonlinear_ramp; {name}" in said
    assert "does not load: ModuleNotFoundError" in said
