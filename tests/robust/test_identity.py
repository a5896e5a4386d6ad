"""Does a run say what it ran and what it assumed, and does a comparison hold it to that?"""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

import archsim
from archsim.analysis.compare import read_designs
from archsim.config.load import load_config
from archsim.console import show_report
from archsim.errors import InputError
from archsim.network.identity import network_structure, structure_differences
from archsim.report.comparison import comparison_report, comparison_to_json
from archsim.report.run import run_report
from archsim.simulation.simulate import run
from archsim.trace.reader import read_summary
from archsim.trace.trace import Trace
from tests.small_run import tensors, write_small_run

SHORT = "workload.sequences=2"
OTHER_WEIGHTS = "network.weights=other.safetensors"


@pytest.fixture(scope="module", autouse=True)
def here(folder):
    """Work in the folder, from which overrides name files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("identity")
    write_small_run(path)
    other = tensors()
    other["lstm.weight_hh_l0"][0, 0] += np.float32(1e-3)
    save_file(other, path / "other.safetensors")
    save_file(tensors(lstm="gates"), path / "renamed.safetensors")
    return path


@pytest.fixture(scope="module")
def summary_of(folder):
    """Run the small network with overrides; return its summary as it was and as it is read."""
    made = {}

    def call(*overrides):
        if overrides not in made:
            trace = folder / f"{len(made)}.h5"
            result = run(load_config(folder / "small.yaml", [SHORT, *overrides]), trace)
            assert read_summary(trace) == result.summary
            made[overrides] = result.summary
        return made[overrides]

    return call


RENAMED = (
    "network.weights=renamed.safetensors",
    "network.layers.0={kind: lstm, name: gates, units: 4}",
)


@pytest.mark.parametrize(
    "overrides",
    [("adc.bits=5",), ("adc.kind=sar",), ("network.layers.1.placement=digital",), RENAMED],
    ids=["bits", "converter", "placement", "names"],
)
def test_a_design_leaves_its_network_as_it_is(summary_of, overrides):
    first, other = summary_of(), summary_of(*overrides)
    assert other.network_hash == first.network_hash
    assert other.workload_hash == first.workload_hash
    assert other.config_hash != first.config_hash


@pytest.mark.parametrize(
    "overrides",
    [
        (OTHER_WEIGHTS,),
        ("network.weights=random",),
        ("network.weights=random", "seed=1"),
        ("network.layers.1.function=tanh",),
        ("network.layers.1.timesteps=all",),
    ],
    ids=["one-weight", "random", "other-random", "function", "timesteps"],
)
def test_what_makes_another_network(summary_of, overrides):
    others = (summary_of(), summary_of("network.weights=random"))
    mine = summary_of(*overrides).network_hash
    assert sum(other.network_hash == mine for other in others) == (
        overrides == ("network.weights=random",)
    )


def test_equal_counts_are_no_equal_networks():
    """20 inputs to 10 units and 5 inputs to 15 are 4 * 300 products a timestep each."""

    def network(inputs, units, **more):
        layers = [{"kind": "lstm", "name": "a", "units": units, **more}]
        return network_structure({"network": {"inputs": inputs, "timesteps": 5, "layers": layers}})

    first = network(20, 10)
    assert structure_differences(first, network(20, 10, bits=3, projection_range=[-2, 2])) == []
    swapped = structure_differences(first, network(5, 15))
    assert swapped == ["5 inputs against 20", "units 15 against 10 in layer 1"]


def test_a_table_of_points_is_what_is_in_it():
    def network(*points):
        tables = [{"name": "mine", "points": [list(point) for point in points]}]
        layers = [{"kind": "linear", "units": 1, "function": "mine"}]
        return network_structure({"network": {"layers": layers}, "activations": tables})

    one = network((0, 0), (1, 1))
    assert structure_differences(one, network((0, 0), (1, 1))) == []
    assert len(structure_differences(one, network((0, 0), (1, 2)))) == 1


def test_other_networks_are_refused_before_anything_runs(folder, monkeypatch):
    monkeypatch.setattr("archsim.simulation.simulate.run", lambda *_, **__: pytest.fail("it ran"))
    text = (folder / "small.yaml").read_text()
    (folder / "more.yaml").write_text(text.replace("timesteps: 5", "timesteps: 6"))
    with pytest.raises(InputError, match=r"6 timesteps against 5.*: compare equal networks"):
        archsim.compare([folder / "small.yaml", folder / "more.yaml"])


def compared(folder, *traces):
    found = archsim.compare([folder / trace for trace in traces])
    return found, comparison_to_json(found)["designs"][1]


def printed(report, capsys):
    show_report(report)
    return " ".join(capsys.readouterr().out.split())


def test_other_weights_and_inputs_are_said(folder, capsys):
    for name, overrides in {
        "a.h5": [SHORT],
        "same.h5": [SHORT, "adc.bits=5"],
        "weights.h5": [SHORT, OTHER_WEIGHTS, "name=trained"],
        "inputs.h5": ["workload.sequences=3", "name=longer"],
    }.items():
        run(load_config(folder / "small.yaml", overrides), folder / name)
    found, design = compared(folder, "a.h5", "same.h5")
    assert (design["same_weights_as_first"], design["same_inputs_as_first"]) == (True, True)
    out = printed(comparison_report(found), capsys)
    assert "designs on the same network and inputs" in out
    assert "note:" not in out
    found, design = compared(folder, "a.h5", "weights.h5")
    assert (design["same_weights_as_first"], design["same_inputs_as_first"]) == (False, True)
    out = printed(comparison_report(found), capsys)
    assert "designs on networks of the same layers" in out
    assert "note: trained has other weights than small" in out
    found, design = compared(folder, "a.h5", "inputs.h5")
    assert (design["same_weights_as_first"], design["same_inputs_as_first"]) == (True, False)
    out = printed(comparison_report(found), capsys)
    assert "note: longer ran other inputs than small: 3 sequences against 2" in out


def test_traces_of_earlier_versions_say_what_was_relied_on(folder, summary_of, capsys):
    new = folder / "new.h5"
    shutil.copy(summary_of().trace, new)
    old = folder / "old.h5"
    shutil.copy(new, old)
    with h5py.File(old, "r+") as file:
        for name in ("network_hash", "workload_hash", "choices", "components"):
            del file.attrs[name]
    assert read_summary(old).network_hash is None
    assert "what was assumed" not in printed(run_report(read_summary(old)), capsys)
    found, design = compared(folder, "new.h5", "old.h5")
    assert design["same_weights_as_first"] is None
    out = printed(comparison_report(found), capsys)
    assert "earlier version, which does not say what weights and inputs it ran" in out


def test_the_component_of_a_converter_is_named(summary_of, capsys):
    """Another component than the one that the resolution suggests changes the energy."""
    named = "adc.sharing.component=adc_survey_8b"
    usual, other = summary_of("adc.kind=sar"), summary_of("adc.kind=sar", named)
    assert other.energy_j > usual.energy_j
    for summary, component in ((usual, "adc_survey_4b"), (other, "adc_survey_8b")):
        assert f"at the cost of '{component}'" in summary.choices["converter"]
        assert component in summary.components["lstm"]
        out = printed(run_report(summary), capsys)
        assert out.count(component) == 2
        assert "library cmos-16nm" in out
        assert component in json.dumps(summary.to_json()["components"]["lstm"])
    first, second = read_designs([Trace(usual.trace), Trace(other.trace)])
    assert first.summary.components != second.summary.components


def test_components_are_named_with_the_kinds_of_their_sources(summary_of):
    found = summary_of()
    assert found.components["lstm"]["feedback_capacitor"] == "assumed"
    assert found.components["lstm"]["counter"] == "model"
    assert found.components["chip"] == {"clock_tree": "assumed"}
    assert "comparator" in found.choices["components, assumed"]


@pytest.mark.parametrize(
    ("override", "about", "says"),
    [
        ("seed=7", "seed", "7"),
        ("adc.early_stop=true", "converter", ", early stop"),
        ("adc.calibrate=false", "converter", "not calibrated"),
        ("adc.copies=3", "converter", "best of 3"),
        ("digital.cell_activation=ramp", "functions", "of the cell state by a ramp"),
        ("technology.cost_factors={comparator: 2}", "library", "; comparator x 2"),
        ("tile.integrator.leak=0.01", "imperfections", "integrator leak; all else ideal"),
        ("network.weights=random", "weights", "random"),
    ],
)
def test_choices_that_change_numbers_are_told(summary_of, override, about, says):
    assert says in summary_of(override).choices[about]
