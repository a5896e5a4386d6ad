"""Do the experiments on efficiency, costs and schedules say what runs say?"""

import json
import os
import subprocess
import sys

import h5py
import pytest

from archsim.config.load import load_config
from archsim.errors import ConfigError
from archsim.experiments import load_experiment, run_experiment
from archsim.experiments.efficiency import Baseline, Efficiency
from archsim.experiments.schedule_options import NamedConfig, Option, ScheduleOptions
from archsim.experiments.sensitivity import Sensitivity
from archsim.simulation.simulate import run
from tests.runs import KWS, ROOT

FEW = ("workload.sequences=3",)
LINEAR = ("adc.kind=linear_ramp",)
CHARLM = ROOT / "configs" / "charlm.yaml"
SMALLER = ("network.timesteps=2", "network.layers.0.units=96", "network.layers.0.projection=24")


def nothing(done, of):
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def efficiency():
    baseline = Baseline(name="linear", overrides=LINEAR)
    only_5 = Baseline(name="only at 5", overrides=LINEAR, bits=(5,))
    section = Efficiency(
        kind="efficiency", config=KWS, overrides=FEW, baselines=(baseline, only_5), bits=(4, 5)
    )
    return run_experiment(section, nothing)


def test_efficiency_is_that_of_single_runs(efficiency):
    summary = run(load_config(KWS, [*FEW, "adc.bits=4", "trace.level=off"])).summary
    theirs = run(load_config(KWS, [*FEW, *LINEAR, "adc.bits=4", "trace.level=off"])).summary
    system = {
        (row["bits"], row["design"]): row
        for row in efficiency.rows
        if row["level"] == "full system"
    }
    assert set(system) == {
        *((4, "NL-ADC"), (4, "linear"), (5, "NL-ADC"), (5, "linear"), (5, "only at 5"))
    }
    for key in ("tops", "tops_per_w", "tops_per_mm2"):
        ratio = getattr(summary, key) / getattr(theirs, key)
        assert system[4, "linear"][f"{key}_ratio"] == pytest.approx(ratio, rel=1e-9)
        assert system[4, "NL-ADC"][key] == pytest.approx(getattr(summary, key), rel=1e-9)


def test_efficiency_says_why(efficiency):
    reasons = [note for note in efficiency.notes if note.startswith("4 bits, linear")]
    assert [kind for kind in ("energy", "area", "time") if any(kind in n for n in reasons)] == [
        *("energy", "area", "time")
    ]


def test_efficiency_names_the_library_and_the_converters(efficiency):
    notes = "\n".join(efficiency.notes)
    assert "library: cmos-16nm (components/cmos-16nm.yaml) at 16 nm, 800 mV" in notes
    assert "4 bits, NL-ADC: nonlinear_ramp, 4 bits" in notes
    assert "4 bits, linear: linear_ramp, 4 bits" in notes


TWICE = {
    "networks": """\
kind: schedule_options
networks: [{name: a, config: k.yaml}, {name: a, config: k.yaml}]
options: [{name: one}]
""",
    "baselines": """\
kind: efficiency
config: k.yaml
bits: [4]
baselines: [{name: a, overrides: [adc.bits=3]}, {name: a, overrides: [adc.kind=sar]}]
""",
}


@pytest.mark.parametrize(("what", "file"), TWICE.items(), ids=TWICE)
def test_rows_are_told_apart_by_their_names(tmp_path, what, file):
    (tmp_path / "e.yaml").write_text(file)
    with pytest.raises(ConfigError, match=f"{what}: two are called 'a': give each its own name"):
        load_experiment(tmp_path / "e.yaml")


def test_accuracy_of_random_weights_is_not_told():
    section = Efficiency(
        kind="efficiency",
        config=CHARLM,
        overrides=SMALLER,
        baselines=(Baseline(name="linear", overrides=LINEAR),),
        bits=(3,),
    )
    result = run_experiment(section, nothing)
    assert all(row["accuracy"] is None for row in result.rows)
    assert any("random" in note for note in result.notes)


def test_sensitivity_moves_what_it_should(efficiency):
    section = Sensitivity(
        kind="sensitivity", config=KWS, overrides=FEW, baseline=LINEAR, factors=(2.0,)
    )
    first, *rows = run_experiment(section, nothing).rows
    system = next(
        row
        for row in efficiency.rows
        if (row["bits"], row["design"], row["level"]) == (5, "linear", "full system")
    )
    assert first["tops_per_w_ratio"] == pytest.approx(system["tops_per_w_ratio"], rel=1e-9)
    by_part = {row["part"]: row for row in rows}
    assert {"comparator", "lookup_table", "integrator", "feedback_capacitor"} <= set(by_part)
    for part, row in by_part.items():
        assert row["tops_per_w_nladc"] <= first["tops_per_w_nladc"] * (1 + 1e-12), part
        assert row["tops_per_mm2_nladc"] <= first["tops_per_mm2_nladc"] * (1 + 1e-12), part
    capacitor = by_part["feedback_capacitor"]
    assert capacitor["tops_per_w_nladc"] == pytest.approx(first["tops_per_w_nladc"], rel=1e-12)
    assert capacitor["tops_per_mm2_nladc"] < 0.6 * first["tops_per_mm2_nladc"]


def test_schedule_options_compare_with_the_first():
    section = ScheduleOptions(
        kind="schedule_options",
        networks=(
            NamedConfig(name="kws", config=KWS, overrides=("workload.sequences=4",)),
            NamedConfig(name="char", config=CHARLM, overrides=(*SMALLER, "workload.sequences=4")),
        ),
        options=(
            Option(name="plain"),
            Option(name="2 streams", overrides=("streams=2",)),
            Option(name="both", overrides=("streams=2", "tile.double_buffer=true")),
            Option(name="early", overrides=("adc.early_stop=true",)),
        ),
    )
    rows = {(row["network"], row["option"]): row for row in run_experiment(section, nothing).rows}
    for network in ("kws", "char"):
        plain = rows[network, "plain"]
        assert plain["tops_ratio"] == 1
        assert rows[network, "2 streams"]["tops_ratio"] > 1
        assert rows[network, "both"]["tops_ratio"] >= rows[network, "2 streams"]["tops_ratio"]
        assert rows[network, "early"]["cycles_each"] <= plain["cycles_each"]
    assert rows["kws", "both"]["tops_ratio"] > 1.7


@pytest.mark.slow
def test_fig5_the_whole_layer_is_traced_cycle_by_cycle_in_little_memory(tmp_path):
    """633 x 8064 with its projection, 16 timesteps, every cycle: far below 4 GB."""
    code = (
        "import json, resource; from pathlib import Path;"
        "from archsim.config.load import load_config; from archsim.simulation.simulate import run;"
        f"r = run(load_config(Path({str(CHARLM)!r}), ['trace.waveforms=false']), Path('t.h5'));"
        "print(json.dumps([r.summary.cycles,"
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    cycles, memory = json.loads(done.stdout)
    assert memory < 4e9
    with h5py.File(tmp_path / "t.h5") as file:
        assert len(file["tiles"]) == 8 + 2
        total = 0.0
        for part in ("tiles", "units"):
            for group in file[part].values():
                total += group["energy"][...].sum()
        for tile in file["tiles"].values():
            length = 66 if tile["active_rows"].shape[0] == 16 * 66 else 33
            assert tile["cycle"].shape == (16 * length,)
        assert total == pytest.approx(file["summary"].attrs["energy_j"], rel=1e-9, abs=0)
        assert file["units/chip/cycle"].shape == (cycles,)
