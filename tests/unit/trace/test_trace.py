"""Is a trace read no more often than needed, closed after it, and asked for what it has only?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from archsim.analysis.compare import read_designs
from archsim.config.load import load_config
from archsim.errors import InputError, TraceError
from archsim.simulation.simulate import run
from archsim.trace import reader, source
from archsim.trace import trace as trace_module
from archsim.trace.trace import Trace
from tests.small_run import write_small_run

EVERY = (
    "workload.sequences=8",
    "trace.level=cycle",
    "trace.tiles=all",
    "trace.waveforms=true",
    "trace.sequences=[0, 1]",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return a trace with everything in it, two sequences at work together."""
    folder = tmp_path_factory.mktemp("trace")
    write_small_run(folder)
    out = folder / "t.h5"
    run(load_config(folder / "small.yaml", [*EVERY, "streams=2"]), out)
    return out


@pytest.fixture
def opened(monkeypatch):
    """Note every file that is opened; return the list, to which each one is added."""
    files: list[h5py.File] = []

    def noted(path):
        files.append(found(path))
        return files[-1]

    found = reader.open_trace
    for module in (reader, source):
        monkeypatch.setattr(module, "open_trace", noted)
    return files


READINGS = {
    "cycles": lambda trace: trace.cycles("lstm"),
    "outputs": lambda trace: trace.outputs("lstm"),
    "events": lambda trace: trace.events,
    "groups": lambda trace: trace.groups(),
    "group_of": lambda trace: trace.group_of(3),
    "tiles": lambda trace: list(trace.tiles()),
    "units": lambda trace: list(trace.units()),
    "waveforms": lambda trace: trace.waveforms(),
    "codes": lambda trace: trace.codes(),
    "setting": lambda trace: trace.setting("adc", "bits", kind=int),
}


@pytest.mark.parametrize("what", READINGS)
def test_outside_of_a_block_nothing_stays_open(what, path, opened):
    trace = Trace(path)
    READINGS[what](trace)
    assert len(opened) >= 2  # the summary's, and what is read
    assert not any(opened)  # h5py's files are false when they are closed


@pytest.mark.parametrize("what", READINGS)
def test_a_summary_is_read_once(what, path, monkeypatch):
    read = []
    found = trace_module.read_summary
    for module in (reader, trace_module):
        monkeypatch.setattr(module, "read_summary", lambda path: read.append(path) or found(path))
    trace = Trace(path)
    READINGS[what](trace)
    READINGS[what](trace)
    assert read == [path]


def test_configuration_and_names_are_read_once(path, opened):
    trace = Trace(path)
    assert trace.config is trace.config
    assert trace.parts is trace.parts
    assert len(opened) == 3


def test_a_block_opens_the_file_once(path, opened):
    trace = Trace(path)
    opened.clear()
    with trace as entered:
        assert entered is trace
        for call in READINGS.values():
            call(trace)
        (file,) = opened
        assert file
    assert not file


def test_a_block_in_a_block_leaves_the_file_open(path, opened):
    trace = Trace(path)
    opened.clear()
    with trace:
        with trace:
            trace.codes()
        (file,) = opened
        assert file
        trace.codes()
    assert not file
    trace.codes()
    assert len(opened) == 2


def test_a_block_that_fails_closes_the_file(path, opened):
    trace = Trace(path)
    with pytest.raises(InputError, match="no tile or unit 'none'"), trace:
        trace.cycles("none")
    assert not any(opened)


def test_a_block_of_a_file_that_is_gone_says_so(path, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())
    trace = Trace(copy)
    copy.unlink()
    with pytest.raises(TraceError, match=r"copy\.h5: there is no such file"):
        trace.__enter__()
    copy.write_bytes(path.read_bytes())
    with trace:
        assert trace.codes()


def test_a_comparison_opens_each_trace_few_times(path, opened):
    traces = [Trace(path), Trace(path)]
    opened.clear()
    read_designs(traces)
    assert len(opened) == 4  # of each: once for the configuration, once for all else
    assert not any(opened)


def test_a_block_reads_what_is_read_without_one(path):
    alone, trace = Trace(path), Trace(path)
    with trace:
        for one, other in zip(alone.tiles(), trace.tiles(), strict=True):
            assert one.name == other.name
            np.testing.assert_array_equal(one.phase, other.phase)
        for one, other in zip(alone.groups(), trace.groups(), strict=True):
            np.testing.assert_array_equal(one.waited_for, other.waited_for)
        np.testing.assert_array_equal(alone.waveforms(1).v_mac, trace.waveforms(1).v_mac)


def test_groups_come_as_they_are_asked_for(path):
    trace = Trace(path)
    assert trace.summary.groups == 4
    assert [found.group for found in trace.groups()] == [0, 1, 2, 3]
    asked = trace.groups(np.array([3, 0, 3]))
    assert [found.group for found in asked] == [3, 0, 3]
    assert [sorted({*found.sequence.tolist()}) for found in asked] == [[6, 7], [0, 1], [6, 7]]
    assert trace.groups([]) == []


@pytest.mark.parametrize("number", [-1, 4, 99])
def test_a_group_that_is_not_there_is_no_damage(number, path):
    with pytest.raises(InputError, match=rf"t\.h5: there is no group {number}; it has 4, counted"):
        Trace(path).groups([0, number])
