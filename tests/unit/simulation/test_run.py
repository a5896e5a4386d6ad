"""Is a whole run right: codes, energy sums, reproducibility, accuracy, a trace others can open?"""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr

from archsim.config.load import load_config
from archsim.simulation.simulate import run
from archsim.trace.reader import read_summary
from tests.runs import KWS, ROOT, load, run_to
from tests.tools import tool


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "kws.h5"
    result = run_to(path, "trace.sequences=all", "trace.waveforms=true")
    return path, result


def test_codes_equal_an_independent_float64_computation_on_all_utterances(capsys):
    results = tool("check_codes").compare(str(KWS))
    with capsys.disabled():
        sys.stdout.write("\n" + "".join(f"  {result}\n" for result in results))
    assert [result.layer for result in results] == ["lstm", "output"]
    assert sum(result.codes for result in results) == len(load_all()) * (49 * 128 + 12)
    assert all(result.differ == 0 for result in results)


def load_all():
    from archsim.workloads.base import load_workload

    return load_workload(load(sequences="all").config)


@pytest.mark.parametrize(
    "overrides",
    [
        ("adc.bits=3",),
        ("adc.bits=8", "tile.input_bits=8"),
        ("tile.input_bits=2", "digital.cell_activation=ramp"),
        ("device.conductance_steps=63", "device.g_min=10 uS"),
        ("tile.rows=30", "tile.columns=40"),
        ("tile.rows=30", "adc.kind=linear_ramp", "tile.row_sum=digital"),
        ("adc.kind=sar", "tile.columns=70"),
    ],
    ids=str,
)
def test_codes_equal_float64_on_other_chips(overrides):
    for result in tool("check_codes").compare(str(KWS), [*overrides, "workload.sequences=20"]):
        assert result.differ == 0


def test_accuracy_on_all_utterances(tmp_path):
    """At 5 bits within 2 points of the float model, which reaches 93 % on unseen voices."""
    summary = run(load(sequences="all"), tmp_path / "t.h5").summary
    assert summary.accuracy_float >= 0.93
    assert summary.accuracy >= summary.accuracy_float - 0.02


def test_energy_over_the_cycle_trace_equals_the_summary(trace):
    path, result = trace
    with h5py.File(path) as file:
        parts = [file[f"{kind}/{name}"] for kind in ("tiles", "units") for name in file[kind]]
        total = dict.fromkeys(result.components, 0.0)
        for part in parts:
            names = part["component"].asstr()[...]
            for name, energy in zip(names, part["energy"][...].sum(axis=0), strict=True):
                total[name] += energy
        summary = dict(
            zip(
                file["summary/component"].asstr()[...],
                file["summary/energy_by_component"][...],
                strict=True,
            )
        )
        sequences = file["summary"].attrs["sequences"]
    assert all((part >= 0) for part in total.values())
    for name, joules in total.items():
        assert joules == pytest.approx(sequences * summary[name], rel=1e-9, abs=0)
    assert sum(total.values()) == pytest.approx(
        result.summary.energy_j * sequences, rel=1e-9, abs=0
    )


def test_cycles_are_absolute_busy_and_in_order(trace):
    path, result = trace
    with h5py.File(path) as file:
        for kind in ("tiles", "units"):
            for part in file[kind].values():
                assert (np.diff(part["cycle"][...]) > 0).all()
        events = file["events"]
        names = {v: k for k, v in h5py.check_enum_dtype(events["resource"].dtype).items()}
        for tile in file["tiles"]:
            mine = [names[code] == tile for code in events["resource"][...]]
            busy = np.concatenate(
                [
                    np.arange(a, b)
                    for a, b in zip(
                        events["start_cycle"][...][mine],
                        events["end_cycle"][...][mine],
                        strict=True,
                    )
                ]
            )
            assert (np.sort(busy) == file[f"tiles/{tile}/cycle"][...]).all()
        chip = file["units/chip/cycle"][...]
    assert (chip == np.arange(result.summary.total_cycles)).all()


def test_phases_and_counts_make_sense(trace):
    path, _ = trace
    with h5py.File(path) as file:
        tile = file["tiles/lstm"]
        phase = h5py.check_enum_dtype(tile["phase"].dtype)
        values = tile["phase"][...]
        assert phase == {"reset": 0, "integrate": 1, "ramp": 2, "readout": 3, "convert": 4}
        counts = np.bincount(values) // (49 * 3)
        assert counts.tolist() == [1, 32, 32, 1]
        assert (tile["active_rows"][...][values != phase["integrate"]] == 0).all()
        assert (tile["latched_columns"][...][values != phase["ramp"]] == 0).all()
        ramp = values == phase["ramp"]
        undecided = tile["undecided_columns"][...][ramp].reshape(-1, 32)
        latched = tile["latched_columns"][...][ramp].reshape(-1, 32)
        assert (undecided[:, 0] == 128).all()
        assert (undecided[:, 1:] == 128 - np.cumsum(latched, axis=1)[:, :-1]).all()
        code = file["outputs/lstm/code"][...].reshape(-1, 128)
    # every column that latched in ramp cycle q has code q
    for conversion in range(code.shape[0]):
        counts = np.bincount(code[conversion], minlength=32)
        assert (counts[:31] == latched[conversion, :31]).all()


def test_waveforms_show_the_crossing(trace):
    """Each column's code is the first ramp cycle in which its ramp is above its voltage."""
    path, _ = trace
    with h5py.File(path) as file:
        tile = file["tiles/lstm"]
        ramp = tile["phase"][...] == 2
        v_ramp = tile["v_ramp"][...][ramp].reshape(-1, 32, 2)
        v_mac = tile["v_mac"][...][ramp].reshape(-1, 32, 128)
        code = file["outputs/lstm/code"][...].reshape(-1, 128)
        functions = tile["ramp"].asstr()[...].tolist()
    assert functions == ["sigmoid", "tanh"]
    assert (v_mac == v_mac[:, :1]).all()
    of_column = np.repeat([0, 0, 1, 0], 32)
    above = v_ramp[:, :, of_column] > v_mac + 1e-6  # float32 on disk
    first = np.where(above.any(axis=1), above.argmax(axis=1), 31)
    assert (first == code).mean() > 0.999
    assert np.abs(v_ramp - 0.4).max() == pytest.approx(0.3, rel=1e-5, abs=0)


def test_xarray_opens_every_group_with_named_dimensions_and_units(trace):
    path, _ = trace
    groups = []
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: groups.append(name) if isinstance(node, h5py.Group) else None
        )
    assert {"events", "summary", "tiles/lstm", "units/chip", "outputs/output"} <= set(groups)
    for group in groups:
        with xr.open_dataset(path, engine="h5netcdf", group=group) as data:
            for name, variable in data.variables.items():
                assert not any(dim.startswith("phony") for dim in variable.dims), name
                assert variable.attrs["units"], f"{group}/{name}"
                assert variable.attrs["long_name"], f"{group}/{name}"
    with xr.open_dataset(path, engine="h5netcdf", group="tiles/lstm") as tile:
        assert tile.energy.dims == ("cycle", "component")
        assert tile.energy.attrs["units"] == "J"
        assert float(tile.energy.sel(component="array").sum()) > 0


@pytest.mark.parametrize("level", ["summary", "event", "cycle"])
def test_recording_never_changes_a_result(tmp_path, level):
    plain = run(load("trace.level=off"))
    recorded = run_to(tmp_path / "t.h5", f"trace.level={level}", "trace.waveforms=true")
    assert plain.summary.trace is None
    assert (plain.answer == recorded.answer).all()
    assert (plain.energy == recorded.energy).all()
    assert read_summary(tmp_path / "t.h5").to_json() == recorded.summary.to_json()
    with h5py.File(tmp_path / "t.h5") as file:
        assert ("events" in file) == (level != "summary")
        assert ("tiles" in file) == (level == "cycle")


def test_the_block_size_changes_nothing(tmp_path, monkeypatch):
    whole = run_to(tmp_path / "a.h5", "trace.sequences=[0, 2, 4]", sequences=5)
    monkeypatch.setattr("archsim.simulation.simulate.BLOCK", 2)
    split = run_to(tmp_path / "b.h5", "trace.sequences=[0, 2, 4]", sequences=5)
    assert (whole.energy == split.energy).all()
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        names = []
        a.visititems(lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None)
        for name in names:
            one, other = a[name][...], b[name][...]
            assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), name


def test_the_resolved_configuration_runs_again_from_the_trace(trace, tmp_path):
    path, result = trace
    with h5py.File(path) as file:
        text, digest = file.attrs["config"], file.attrs["config_hash"]
    again = shutil.copytree(ROOT / "configs", tmp_path / "configs") / "again.yaml"
    again.write_text(text)
    assert load_config(again).hash == digest == result.summary.config_hash


def test_the_second_run_compiles_nothing(tmp_path):
    """Every kernel comes from the cache: no cache file changes, and the cache reports only hits."""
    code = (
        "from pathlib import Path; from tests.runs import run_to;"
        f"run_to(Path({str(tmp_path / 't.h5')!r}));"
        "from archsim.kernels import recurrent, convert, events;"
        "kernels = (recurrent.run_recurrent, convert.convert_all, events.schedule_operations);"
        "print([sum(k.stats.cache_misses.values()) for k in kernels],"
        "[sum(k.stats.cache_hits.values()) for k in kernels])"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
        )
    assert done.stdout.split() == ["[0,", "0,", "0]", "[1,", "1,", "1]"]


def test_a_notice_comes_with_the_first_compilation_only(tmp_path):
    code = (
        "from archsim.numeric.jit import when_compiling; when_compiling(lambda: print('told'));"
        "import numpy; from archsim.numeric.philox import uniform; uniform(numpy.uint64(5));"
        "from archsim.numeric.fixed import saturate; saturate(5, 3)"
    )
    environment = {**os.environ, "ARCHSIM_CACHE_DIR": str(tmp_path)}
    told = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
            env=environment,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert told == ["told\n", ""]


def test_the_schema_file_is_current():
    from archsim.config.schema import json_schema

    shipped = json.loads((ROOT / "configs/archsim.schema.json").read_text())
    assert shipped == json_schema(), "run `make schema`"
