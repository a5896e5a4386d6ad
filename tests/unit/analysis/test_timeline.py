"""Is a timeline what happened: utilisation, critical path, its parts' sum, its refusals?"""

import json

import h5py
import numpy as np
import pytest

from archsim.analysis.timeline import IDLE, critical_path, path_by_kind, timeline_of
from archsim.config.load import load_config
from archsim.simulation.simulate import run
from archsim.trace.trace import GroupEvents, Trace
from tests.small_run import TIMESTEPS, write_small_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("timeline")
    write_small_run(path)
    return path


@pytest.fixture
def traced(folder, tmp_path):
    """Run the small network with overrides; return its trace."""

    def call(*overrides):
        out = tmp_path / "t.h5"
        run(load_config(folder / "small.yaml", ["workload.sequences=8", *overrides]), out)
        return out

    return call


def group(*events):
    """Make a group of (start, end, resource, waited_for)."""
    start, end, resource, waited = zip(*events, strict=True)
    zero = np.zeros(len(events), dtype=np.int64)
    return GroupEvents(
        0,
        np.array(start),
        np.array(end),
        resource=resource,
        kind=tuple(f"do_{name}" for name in resource),
        layer=("l",) * len(events),
        stream=zero,
        sequence=zero,
        timestep=zero,
        waited_for=np.array(waited),
    )


def steps(events):
    return [(step.event, step.start, step.cycles, step.resource) for step in critical_path(events)]


def test_path_follows_what_was_waited_for_and_not_what_ended_last():
    events = group((0, 4, "a", -1), (0, 9, "b", -1), (4, 12, "a", 0))
    assert steps(events) == [(0, 0, 4, "a"), (2, 4, 8, "a")]


def test_path_of_a_release_leaves_the_releasing_event_no_cycles():
    """Event 3 starts when 2 does, which then takes the charge that 1 has held on a."""
    events = group(
        (0, 5, "adc", -1), (0, 3, "a", -1), (5, 9, "adc", 0), (5, 8, "a", 2), (9, 12, "adc", 2)
    )
    assert steps(events) == [(0, 0, 5, "adc"), (2, 5, 4, "adc"), (4, 9, 3, "adc")]
    longer = group((0, 5, "adc", -1), (0, 3, "a", -1), (5, 6, "adc", 0), (5, 8, "a", 2))
    assert steps(longer) == [(0, 0, 5, "adc"), (3, 5, 3, "a")]


def test_path_names_idle_cycles_by_what_waits():
    events = group((2, 4, "a", -1), (7, 9, "b", 0))
    assert steps(events) == [(-1, 0, 2, "a"), (0, 2, 2, "a"), (-1, 4, 3, "b"), (1, 7, 2, "b")]
    assert [step.kind for step in critical_path(events)] == [IDLE, "do_a", IDLE, "do_b"]


def test_path_that_never_ends_is_refused():
    with pytest.raises(ValueError, match="circle"):
        critical_path(group((0, 4, "a", 1), (0, 5, "b", 0)))


def test_closed_form_of_one_stream(traced):
    """Nothing overlaps but the loads: a timestep is a conversion and an update."""
    found = timeline_of(Trace(traced()))
    load, update, classes = 1, 4, 3
    convert = 1 + 16 + 16 + 1
    expected = {
        ("lstm", "convert"): (TIMESTEPS * convert, TIMESTEPS),
        ("output", "convert"): (convert, 1),
        ("lstm_update", "update"): (TIMESTEPS * update, TIMESTEPS),
        ("input_buffer", "load"): (load, 1),
        ("classifier", "argmax"): (classes - 1, 1),
    }
    parts = {(part.resource, part.kind): (part.cycles, part.count) for part in found.path}
    assert parts == expected
    assert found.cycles == sum(cycles for cycles, _ in expected.values())
    assert sum(part.share for part in found.path) == pytest.approx(1)


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("streams=3",),
        ("streams=4", "tile.double_buffer=true"),
        ("adc.early_stop=true",),
        ("streams=2", "adc.early_stop=true", "tile.double_buffer=true"),
        ("adc.kind=sar", "digital.bus={width: 8}", "digital.processors.shared=true"),
        ("tile.columns=4", "tile.rows=8", "tile.row_sum=digital", "adc.kind=linear_ramp"),
    ],
    ids=str,
)
def test_paths_and_utilisation_agree_with_the_run(traced, overrides):
    """Every group's path is as long as the group; busy shares are those of the summary."""
    trace = traced(*overrides)
    whole = [events.cycles for events in Trace(trace).groups()]
    for sequence in range(8):
        found = timeline_of(Trace(trace), sequence)
        assert sequence in found.sequences
        assert sum(step.cycles for step in found.steps) == found.cycles
        ends = [step.start + step.cycles for step in found.steps]
        assert [step.start for step in found.steps] == [0, *ends[:-1]]
        assert all(0 < usage.share <= 1 for usage in found.usage)
    assert sum(path_by_kind(Trace(trace)).values()) == pytest.approx(np.mean(whole))
    if 8 % found.summary.streams == 0:
        assert found.summary.cycles == np.mean(whole)
    if len(whole) == 1 or ("adc.early_stop=true" not in overrides and "streams=3" not in overrides):
        shares = {usage.resource: usage.share for usage in found.usage}
        assert shares == pytest.approx(found.summary.utilisation)


def test_kinds_count_together_over_tiles_and_layers(traced):
    wide = path_by_kind(Trace(traced("tile.columns=4", "adc.kind=linear_ramp")))
    assert set(wide) == {"load", "integrate", "convert", "activate", "update", "argmax"}
    assert wide["integrate"] == (TIMESTEPS + 1) * 17
    assert wide["convert"] == (TIMESTEPS + 1) * 17
    shared = path_by_kind(
        Trace(
            traced("adc.kind=linear_ramp", "digital={processors: {shared: true}, bus: {width: 8}}")
        )
    )
    assert {"bus", "activate"} <= set(shared)


def test_streams_wait_for_a_shared_resource(traced):
    """With one tile and eight streams the tile is never free, so it makes the path."""
    found = timeline_of(Trace(traced("streams=8")), 5)
    assert found.sequences == tuple(range(8))
    assert (found.path[0].resource, found.path[0].kind) == ("lstm", "convert")
    assert found.usage[0].resource == "lstm"
    assert found.usage[0].busy_cycles == 8 * TIMESTEPS * 34


def test_command_of_a_trace_and_a_configuration(archsim, traced, folder, tmp_path):
    trace = traced()
    code, out, _ = archsim("timeline", trace, "--sequence", 3, "--json")
    shown = json.loads(out)
    assert (code, shown["sequences"], shown["trace"]) == (0, [3], str(trace))
    assert sum(part["cycles"] for part in shown["critical_path"]) == shown["cycles"]
    _, out, _ = archsim("timeline", folder / "small.yaml", "--json")
    of_run = json.loads(out)
    assert of_run["trace"] is None
    assert of_run["critical_path"] == shown["critical_path"]
    code, out, _ = archsim("timeline", trace)
    assert max(map(len, out.splitlines())) <= 100
    assert "critical path" in out
    assert "lstm_update" in out


@pytest.mark.parametrize("streams", [1, 12])
def test_picture(archsim, folder, tmp_path, streams):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    out = tmp_path / "t.h5"
    run(load_config(folder / "small.yaml", [f"streams={streams}"]), out)
    code, _, _ = archsim("timeline", out, "--plot", tmp_path / "t.png")
    assert code == 0
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_refusals(archsim, traced, tmp_path):
    trace = traced("trace.level=summary")
    code, _, err = archsim("timeline", trace)
    assert (code, "trace.level=event" in err) == (2, True)
    trace = traced("trace.level=event")
    code, _, err = archsim("timeline", trace, "--sequence", 8)
    assert (code, "no sequence 8; the trace has 8" in err) == (2, True)
    code, _, err = archsim("timeline", trace, "--plot", tmp_path / "x.txt")
    assert (code, "has to end in .png" in err) == (2, True)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [("waited_for", 3, 10_000), ("waited_for", 3, 4), ("end_cycle", 2, -5), ("waited_for", 0, -7)],
)
def test_damaged_events_are_refused(archsim, traced, name, place, value):
    trace = traced()
    with h5py.File(trace, "r+") as file:
        file["events"][name][place] = value
    code, out, err = archsim("timeline", trace)
    assert (code, out) == (2, "")
    assert "run the simulation again" in err
