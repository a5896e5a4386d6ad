"""Does a sweep run every combination of its values, and tell what failed?"""

from __future__ import annotations

import json

import pytest

from archsim.config.load import load_config
from archsim.errors import ConfigError, InputError
from archsim.experiments.jobs import Store
from archsim.experiments.sweep import sweep, values_from_text
from archsim.simulation.simulate import run
from tests.small_run import write_small_run

OVER = {"adc.bits": [3, 4], "tile.v_read": ["100 mV", "200 mV"]}


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_config(write_small_run(tmp_path))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_point_is_the_run_of_its_configuration(small, workers):
    result = sweep(small, OVER, workers=workers)
    assert result.keys == ("adc.bits", "tile.v_read")
    assert [(row["adc.bits"], row["tile.v_read"]) for row in result.rows] == [
        *((3, "100 mV"), (3, "200 mV"), (4, "100 mV"), (4, "200 mV"))
    ]
    for row in result.rows:
        values = {key: row[key] for key in result.keys}
        summary = run(small.with_values({"trace.level": "off", **values})).summary
        assert {key: row[key] for key in summary.numbers()} == summary.numbers()
    assert len({row["energy_j"] for row in result.rows}) == 4
    assert result.failed == ()
    assert json.loads(json.dumps(result.to_json()))["rows"] == result.rows


def test_seeds_are_chips_of_their_own(small):
    noisy = small.with_values({"tile.integrator.offset_sigma": "30 mV"})
    rows = sweep(noisy, {"adc.bits": [4, 5]}, seeds=3).rows
    assert [(row["adc.bits"], row["seed"]) for row in rows] == [
        (bits, seed) for bits in (4, 5) for seed in (0, 1, 2)
    ]
    assert [row["seed"] for row in sweep(noisy, {}, seeds=[7, 2]).rows] == [7, 2]
    alone = run(noisy.with_values({"trace.level": "off", "adc.bits": 5, "seed": 2})).summary
    assert rows[5]["accuracy"] == alone.accuracy
    assert len({row["accuracy"] for row in rows}) > 1


def test_what_is_kept_is_not_run_again(small, tmp_path):
    first = sweep(small, {"adc.bits": [3, 4]}, store=tmp_path / "store")
    again = sweep(small, {"adc.bits": [4, 5, 3]}, store=Store(tmp_path / "store"))
    assert [point.kept for point in again.points] == [True, False, True]
    assert again.rows[0] == first.rows[1]


def test_points_that_fail_have_their_reason_and_stop_no_other(small):
    result = sweep(small, {"adc.bits": [4, 11], "tile.columns": [16, 3]})
    good, narrow, *wrong = result.points
    assert (good.reason, good.numbers["sequences"]) == ("", 20)
    assert "tile.columns" in narrow.reason
    assert all("adc.bits: 11 is above the maximum 10" in point.reason for point in wrong)
    assert result.failed == (narrow, *wrong)
    assert all(point.wrong_input for point in result.failed)
    assert result.rows[1]["energy_j"] is None
    assert result.to_json()["failed"] == 3
    notes = result.table().notes
    assert notes[0].startswith("failed: adc.bits=4, tile.columns=3: ")
    assert notes[1].startswith("failed: adc.bits=11, tile.columns=16, adc.bits=11, tile.columns=3:")


def test_rows_are_a_frame_or_columns(small, monkeypatch):
    result = sweep(small, {"adc.bits": [3, 4]})
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert result.frame["adc.bits"] == [3, 4]
    assert len(result.frame["energy_j"]) == 2
    monkeypatch.undo()
    pytest.importorskip("pandas", reason="needs pandas")
    frame = result.frame
    assert list(frame["adc.bits"]) == [3, 4]
    assert list(frame["energy_j"]) == [row["energy_j"] for row in result.rows]


@pytest.mark.parametrize(
    ("over", "seeds", "says"),
    [
        ({}, None, "there is nothing to sweep over"),
        ({"adc.bits": []}, None, "over: adc.bits: give a list"),
        ({"tile.v_read": "100 mV"}, None, "over: tile.v_read: give a list"),
        ({"adc.bits": 3}, None, "over: adc.bits: give a list"),
        ({"seed": [1]}, 2, "'seed' is given, and so are seeds"),
        ({}, 0, "over: seed: give a list"),
    ],
)
def test_what_cannot_be_swept_over_is_told(small, over, seeds, says):
    with pytest.raises(InputError, match=says):
        sweep(small, over, seeds=seeds)


def test_values_are_parsed_as_those_of_set():
    texts = [
        "adc.bits=3,4",
        "tile.v_read = 100mV, 200 mV",
        "a.b=[1, 2],[3]",
        "c={x: 1, y: 2},null",
        'd="1,2",on',
    ]
    found = values_from_text(texts)
    assert found["adc.bits"] == [3, 4]
    assert found["tile.v_read"] == ["100mV", "200 mV"]
    assert found["a.b"] == [[1, 2], [3]]
    assert found["c"] == [{"x": 1, "y": 2}, None]
    assert found["d"][0] == "1,2"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("adc.bits", "write --over key.sub=value,value"),
        ("adc.bits=", "write --over key.sub=value,value"),
        ("adc..bits=3", "write --over key.sub=value,value"),
        ("adc.bits=[3,4", "a bracket opened here is not closed"),
        ("adc.bits=3],[4", "not valid YAML"),
        ("adc.bits=3,,4", "not valid YAML"),
    ],
)
def test_a_text_that_gives_no_values_is_told(text, says):
    with pytest.raises(ConfigError) as caught:
        values_from_text([text])
    assert str(caught.value).startswith(f"--over {text}: ")
    assert says in str(caught.value)


def test_a_key_is_given_once():
    with pytest.raises(ConfigError, match=r"'adc\.bits' is given twice"):
        values_from_text(["adc.bits=3", "adc.bits=4"])


# ------------------------------------------------------------------------- the command


def test_the_command_prints_a_table_or_json(small, archsim):
    words = ("sweep", "small.yaml", "--over", "adc.bits=3,4", "--over", "tile.v_read=100mV,200mV")
    code, out, err = archsim(*words, "--json", "--store", "store")
    assert code == 0
    assert (
        json.loads(out)["rows"]
        == sweep(small, {"adc.bits": [3, 4], "tile.v_read": ["100mV", "200mV"]}).rows
    )
    assert "4 of 4 runs were done; results are in store" in err
    code, out, err = archsim(*words, "--store", "store", "--workers", 2)
    assert (code, "0 of 4 runs were done" in err) == (0, True)
    assert "small over adc.bits, tile.v_read" in out


def test_the_command_tells_what_failed(small, archsim):
    code, out, err = archsim("sweep", "small.yaml", "--over", "adc.bits=4,11", "--json")
    assert code == 2
    assert [bool(row["reason"]) for row in json.loads(out)["rows"]] == [False, True]
    assert err.splitlines()[-1] == "archsim: 1 of 2 runs failed"
    code, out, err = archsim("sweep", "small.yaml")
    assert (code, out) == (2, "")
    assert "nothing to sweep over" in err
    assert "Traceback" not in err
