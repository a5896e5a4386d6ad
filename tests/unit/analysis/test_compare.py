"""Does a comparison hold equal networks side by side, at three levels, with right reasons?"""

import json
import math
import re

import h5py
import numpy as np
import pytest

import archsim
from archsim.analysis.compare import read_designs, reasons
from archsim.analysis.levels import COMPONENTS, Level, level_metrics
from archsim.config.load import load_config
from archsim.errors import InputError, TraceError
from archsim.report.comparison import comparison_to_json
from archsim.simulation.simulate import run
from archsim.trace.trace import Trace
from tests.runs import ROOT
from tests.small_run import CONFIG, write_small_run

PUBLISHED = ROOT / "configs/published/accelerators.yaml"
DESIGNS = {
    "nl": (),
    "linear": ("adc.kind=linear_ramp",),
    "sar": ("adc.kind=sar", "digital.bus={width: 8}"),
    "digital-sum": ("tile.columns=4", "tile.rows=8", "tile.row_sum=digital", "adc.kind=sar"),
    "analog-sum": ("tile.columns=4", "tile.rows=8"),
    "cell": ("digital.cell_activation=ramp",),
    "digital": ("network.layers.1.placement=digital",),
    "streams": ("streams=4", "tile.double_buffer=true", "trace.sequences=[0, 1, 2, 3]"),
    "stop": ("adc.early_stop=true", "trace.sequences=all"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare")
    write_small_run(path)
    return path


@pytest.fixture(scope="module")
def traces(folder):
    """Return the traces of all designs."""
    out = {}
    for name, overrides in DESIGNS.items():
        out[name] = folder / f"{name}.h5"
        run(load_config(folder / "small.yaml", [f"name={name}", *overrides]), out[name])
    return out


def metrics(trace):
    return {item.level: item for item in level_metrics(Trace(trace))}


@pytest.mark.parametrize("name", DESIGNS)
def test_every_component_has_one_level_and_levels_are_parts_of_the_system(traces, name):
    (design,) = read_designs([Trace(traces[name])])
    charged = {*design.summary.energy_by_component, *design.summary.area_by_component}
    assert not charged - frozenset().union(*COMPONENTS.values())
    assert sum(map(len, COMPONENTS.values())) == len(frozenset().union(*COMPONENTS.values()))
    system = design.levels[Level.SYSTEM]
    assert system.energy_j == pytest.approx(design.summary.energy_j, rel=1e-12, abs=0)
    assert system.tops == pytest.approx(design.summary.tops, rel=1e-12, abs=0)
    for level in (Level.MAC, Level.NONLINEAR):
        part = design.levels[level]
        assert 0 < part.cycles < system.cycles
        assert 0 < part.energy_j < system.energy_j
        assert 0 < part.area_m2 < system.area_m2
        assert part.energy_delay == part.energy_j * part.latency_s


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs/architectures").glob("*.yaml")), ids=lambda path: path.stem
)
def test_shipped_architectures_have_all_three_levels(path, tmp_path):
    """Bit-serial crossbars among them, whose parts have names of their own."""
    run(load_config(path, ["workload.sequences=1"]), tmp_path / "t.h5")
    (design,) = read_designs([Trace(tmp_path / "t.h5")])
    charged = {*design.summary.energy_by_component, *design.summary.area_by_component}
    assert not charged - frozenset().union(*COMPONENTS.values())
    assert all(item.energy_j > 0 and item.cycles > 0 for item in design.levels.values())


def test_shipped_components_have_a_level():
    """Names that cost energy or area stand in its sources as first arguments and pieces."""
    text = "".join(path.read_text() for path in ROOT.glob("archsim/c[ho]*/**/*.py"))
    calls = r"(?:_?Piece|_?Actions|add\w*)\(\s*\"([a-z_0-9]+)\""
    named = set(re.findall(calls, text))
    assert {"bus", "sum_adders", "converters", "leakage", "ramp_cells"} <= named
    assert not named - frozenset().union(*COMPONENTS.values())


def test_time_of_the_levels_in_closed_form(traces):
    """5 timesteps and one output: reset and 16 integrate cycles; 16 ramp cycles."""
    nl, linear, sar = (metrics(traces[name]) for name in ("nl", "linear", "sar"))
    assert nl[Level.MAC].cycles == linear[Level.MAC].cycles == sar[Level.MAC].cycles == 6 * 17
    assert nl[Level.NONLINEAR].cycles == 6 * 16
    assert linear[Level.NONLINEAR].cycles == 6 * 16 + 5 * 2
    # 8 columns share a converter of 4 cycles; 16 gates on 32 processors of 2 cycles.
    assert sar[Level.NONLINEAR].cycles == 6 * 8 * 4 + 5 * 2


def test_digital_sums_are_part_of_the_product(traces):
    """Their adders work in cycles in which no tile does."""
    with h5py.File(traces["digital-sum"]) as file:
        expected = set()
        for tile in file["tiles"].values():
            names = h5py.check_enum_dtype(tile["phase"].dtype)
            mine = np.isin(tile["phase"][...], [names["reset"], names["integrate"]])
            expected |= set(tile["cycle"][...][mine].tolist())
        before = len(expected)
        for name, unit in file["units"].items():
            if name.endswith("_sum"):
                expected |= set(unit["cycle"][...].tolist())
    assert metrics(traces["digital-sum"])[Level.MAC].cycles == len(expected) > before


def test_streams_count_together(traces):
    """Four sequences of a group: their throughput, the cycles in which any of them is there."""
    one, four = metrics(traces["nl"]), metrics(traces["streams"])
    mac = four[Level.MAC]
    assert mac.together == 4
    assert one[Level.MAC].cycles < mac.cycles <= 4 * one[Level.MAC].cycles
    assert mac.tops == 4 * mac.operations / mac.latency_s / 1e12
    assert mac.tops_per_w == mac.operations / mac.energy_j / 1e12
    assert four[Level.SYSTEM].tops > one[Level.SYSTEM].tops


def test_early_stop_takes_the_mean_over_the_recorded_sequences(traces):
    with h5py.File(traces["stop"]) as file:
        names = h5py.check_enum_dtype(file["tiles/lstm/phase"].dtype)
        ramps = sum((tile["phase"][...] == names["ramp"]).sum() for tile in file["tiles"].values())
    cycles = metrics(traces["stop"])[Level.NONLINEAR].cycles
    assert cycles == ramps / 20
    assert cycles < metrics(traces["nl"])[Level.NONLINEAR].cycles


def test_reasons_are_signed_shares_of_the_first_design(traces):
    first, other = read_designs([Trace(traces["nl"]), Trace(traces["linear"])])
    energy, area, time = reasons(first, other)
    change = other.summary.energy_j / first.summary.energy_j - 1
    assert f"{change:+.1%}: nonlinear_processors +" in energy
    assert energy.count(";") == 2
    assert area.startswith("area ")
    assert re.search(r"nonlinear_processors \+[\d,]+ um\^2, \+\d", area)
    assert time == (
        f"time +10 cycles, {10 / first.summary.cycles:+.1%}: "
        f"activate +10 cycles, {10 / first.summary.cycles:+.1%}"
    )
    back = reasons(other, first)
    assert "nonlinear_processors -" in back[0]
    assert back[2].startswith("time -10 cycles")


def test_reasons_of_equal_designs_and_of_other_streams(traces):
    first, other, streams = read_designs([Trace(traces[name]) for name in ("nl", "nl", "streams")])
    assert other.name == "nl (2)"
    assert all(reason.endswith("the same in every part") for reason in reasons(first, other))
    assert "(4 sequences together against 1)" in reasons(first, streams)[2]


def test_configurations_are_run_with_whole_groups(folder):
    """Whatever they record themselves; a last group that is not full does not count."""
    path = folder / "own.yaml"
    path.write_text(
        CONFIG + "streams: 3\ntrace: {level: summary, sequences: [1, 19], tiles: [lstm]}\n"
    )
    found = archsim.compare([path, folder / "small.yaml"])
    own, one = found.designs
    assert own.levels[Level.MAC].together == 3
    assert own.levels[Level.MAC].cycles > one.levels[Level.MAC].cycles


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (("trace.level=event",), "trace.level=cycle"),
        (("trace.tiles=[lstm]",), "trace.tiles=all"),
        (("streams=4",), "trace.sequences=[0, 1, 2, 3]"),
    ],
)
def test_traces_that_lack_cycles_say_how_to_run(folder, tmp_path, overrides, says):
    run(load_config(folder / "small.yaml", overrides), tmp_path / "t.h5")
    with pytest.raises(TraceError, match=re.escape(says)):
        level_metrics(Trace(tmp_path / "t.h5"))


def test_other_networks_are_refused(folder, traces, tmp_path):
    other = tmp_path / "other.h5"
    config = ["network.weights=random", "network.layers.0.units=5", "name=other"]
    run(load_config(folder / "small.yaml", config), other)
    says = r"'other' is another network than 'nl' \(units 5 against 4 in layer 1\): compare equal"
    with pytest.raises(InputError, match=says):
        read_designs([Trace(traces["nl"]), Trace(other)])


def test_json_holds_ratios_products_and_times_of_a_timestep(traces):
    found = archsim.compare([traces["nl"], traces["sar"]])
    first, other = comparison_to_json(found)["designs"]
    system, base = other["levels"][-1], first["levels"][-1]
    ratio = other["ratio_to_first"]["full system"]
    assert ratio["tops"] == pytest.approx(system["tops"] / base["tops"])
    assert system["energy_delay_j_s"] == system["energy_j"] * system["latency_s"]
    assert system["latency_per_timestep_s"] == system["latency_s"] / 5
    assert math.fsum(other["critical_path_cycles"].values()) == pytest.approx(system["cycles"])
    assert len(other["reasons"]) == 3


def test_command_with_published_accelerators_and_a_picture(archsim, traces, tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    picture = tmp_path / "c.png"
    options = ("--published", PUBLISHED, "--plot", picture)
    code, out, _ = archsim("compare", traces["nl"], traces["sar"], *options)
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert max(map(len, out.splitlines())) <= 120
    for text in ("sar against nl", "ISAAC-CE", "simulated, 4/analog/4", "full system, a timestep"):
        assert text in out
    _, out, _ = archsim("compare", traces["nl"], traces["sar"], *options[:2], "--json")
    published = json.loads(out)["published"]["accelerators"]
    assert {entry["normalised"]["node_m"] for entry in published} == {16e-9}
    assert {entry["normalised"]["clock_hz"] for entry in published} == {1e9}


@pytest.mark.parametrize("options", [("--plot", "no/x.png"), ("--published", "no.yaml")])
def test_what_cannot_work_is_told_before_anything_runs(archsim, folder, monkeypatch, options):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    monkeypatch.setattr("archsim.simulation.simulate.run", lambda *_, **__: pytest.fail("it ran"))
    monkeypatch.chdir(folder)
    code, out, err = archsim("compare", "small.yaml", *options)
    assert (code, out) == (2, "")
    assert options[1] in err


def test_a_picture_without_matplotlib_is_told_before_anything_runs(archsim, folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    monkeypatch.setattr("archsim.simulation.simulate.run", lambda *_, **__: pytest.fail("it ran"))
    experiment = ROOT / "configs/experiments/fig1c.yaml"
    device = ROOT / "configs/devices/ideal.yaml"
    for command in (
        ("compare", folder / "small.yaml"),
        ("timeline", folder / "small.yaml"),
        ("experiment", experiment),
        ("adc", "tanh", "--device", device),
    ):
        code, out, err = archsim(*command, "--plot", "x.png")
        assert (code, out) == (2, "")
        assert "pip install 'archsim[plot]'" in err


def test_a_check_leaves_no_picture_and_spoils_none(archsim, folder, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    picture = tmp_path / "x.png"
    archsim("compare", "no.yaml", "--plot", picture)
    assert not picture.exists()
    picture.write_bytes(b"mine")
    archsim("compare", "no.yaml", "--plot", picture)
    assert picture.read_bytes() == b"mine"
