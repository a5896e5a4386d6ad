"""Do a run's action counts, times what an action costs, come to its energy?"""

import math

import pytest
import yaml

from archsim.config.load import load_config
from archsim.simulation.recording.actions import write_actions
from archsim.simulation.simulate import run
from tests.small_run import SEQUENCES, TIMESTEPS, write_small_run

RUNS = {
    "default": (),
    "streams": ("streams=3", "tile.double_buffer=true"),
    "early-stop": ("adc.early_stop=true", "adc.gated_comparators=false"),
    "conventional": ("adc.kind=linear_ramp", "digital.processors.shared=true"),
    "sar": ("adc.kind=sar", "digital.bus={width: 8}"),
    "blocks": ("tile.columns=4", "tile.rows=8", "tile.row_sum=digital", "adc.kind=linear_ramp"),
    "analog-blocks": ("tile.columns=4", "tile.rows=8"),
    "cell-ramp": ("digital.cell_activation=ramp",),
    "digital": ("network.layers.1.placement=digital",),
    "scaled": ("technology.node=28 nm", "technology.cost_factors={register: 2}"),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return write_small_run(tmp_path_factory.mktemp("actions"))


def tables(folder):
    """Return energy (J) and count of each (component, action) in written tables."""
    ert = yaml.safe_load((folder / "ERT.yaml").read_text())["ERT"]["tables"]
    (chip,) = yaml.safe_load((folder / "action_counts.yaml").read_text())["action_counts"][
        "subtree"
    ]
    energy = {
        (table["name"].removeprefix(f"{chip['name']}."), action["name"]): action["energy"] * 1e-12
        for table in ert
        for action in table["actions"]
    }
    count = {
        (part["name"], action["name"]): action["counts"]
        for part in chip["local"]
        for action in part["action_counts"]
    }
    return energy, count


@pytest.mark.parametrize("overrides", RUNS.values(), ids=RUNS)
def test_counts_times_energies_are_the_energy_of_all_sequences(config, tmp_path, overrides):
    loaded = load_config(config, ["trace.level=off", *overrides])
    result = run(loaded)
    write_actions(tmp_path, loaded.config, result.actions)
    energy, count = tables(tmp_path)
    total = math.fsum(count[name] * energy[name] for name in count)
    assert total == pytest.approx(result.energy.sum(), rel=1e-9, abs=0)


def test_counts_by_hand(config):
    """A word of 5 bits for every row and conversion, a sample a column, a leaking chip."""
    result = run(load_config(config, ["trace.level=off"]))
    library = result.actions.library
    columns = {"lstm": 16, "output": 3}
    conversions = {"lstm": SEQUENCES * TIMESTEPS, "output": SEQUENCES}
    samples = sum(columns[name] * conversions[name] for name in columns)
    assert library["sample_and_hold"]["sample"] == samples
    assert library["lookup_table"]["read"] == SEQUENCES * TIMESTEPS * 4
    assert library["counter"]["count"] == 2 * 16 * 4 * sum(conversions.values())
    assert set(result.actions.own) == {"leakage", "array", "row_drivers", "ramp_cells"}
    leakage = sum(result.summary.leakage_by_component.values())
    expected = leakage * result.summary.total_cycles / result.summary.clock_hz
    assert result.actions.own["leakage"]["leak"] == pytest.approx(expected, rel=1e-12, abs=0)


def test_counts_do_not_depend_on_threads(config):
    one, four = (
        run(load_config(config, ["trace.level=off"]), threads=threads).actions for threads in (1, 4)
    )
    assert one == four


def test_command_writes_the_tables_of_the_run(archsim, config, tmp_path):
    out, folder = tmp_path / "t.h5", tmp_path / "new" / "tables"
    code, text, _ = archsim("run", config, "--out", out, "--accelergy", folder, "--json")
    assert code == 0
    assert text.startswith("{")
    energy, count = tables(folder)
    assert sum(energy[name] * count[name] for name in count) > 0
    assert "area" in (folder / "ART.yaml").read_text()


@pytest.mark.parametrize("name", ["file", "file/below", "folder"])
def test_a_folder_that_cannot_be_written_is_told_before_the_run(archsim, config, tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "ART.yaml").mkdir(parents=True)
    out = tmp_path / "t.h5"
    code, text, err = archsim("run", config, "--out", out, "--accelergy", tmp_path / name)
    assert (code, text) == (2, "")
    assert err.count("\n") == 1
    assert "tables cannot be written" in err
    assert not out.exists()
