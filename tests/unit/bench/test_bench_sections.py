"""Does every section of ``archsim bench`` time what it says, and hold it against the right aim?

Nothing here asks how fast anything is.
"""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from archsim.bench import limits, loops, machine, overhead, speed, start, tracefile
from archsim.bench.aims import Bound, at_least, at_most
from archsim.bench.limits import measure_limits
from archsim.bench.network import Recording, TimedNetwork, timed_network
from archsim.bench.overhead import measure_noise, measure_recording, quiet_and_noisy
from archsim.bench.process import Finished, archsim
from archsim.bench.sections import Section, measure, sections_of
from archsim.bench.speed import measure_speed
from archsim.bench.start import FirstStart, measure_start
from archsim.bench.tracefile import measure_file
from archsim.cli import app
from archsim.config.load import load_config
from archsim.errors import ArchsimError, InputError
from archsim.simulation.profile import Part
from archsim.simulation.simulate import BLOCK, run
from tests.runs import KWS, ROOT

UNITS, INPUTS, TIMESTEPS, MANY = 8, 6, 2, 3
CELLS = (INPUTS + UNITS + 1) * 4 * UNITS
CYCLES = 1 + 32 + 32 + 1
"""Of a conversion: reset, pulse widths of 5 bits, a ramp of 5 bits, readout."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Time calls once, and few sequences."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("archsim.bench.paired._SECONDS", 0.0)
    monkeypatch.setattr(loops, "_STRETCH", 1 << 10)
    monkeypatch.setattr(loops, "_LONG_STRETCH", 1 << 10)
    monkeypatch.setattr(speed, "MANY", 5)
    monkeypatch.setattr(speed, "SIZE", (MANY, TIMESTEPS))


@pytest.fixture
def network(tmp_path):
    """Write a small network's configuration under a name; return its path."""

    def write(name="small"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            f"extends: {ROOT / 'configs/random-lstm.yaml'}\n"
            f"name: {name}\n"
            f"network:\n  inputs: {INPUTS}\n  timesteps: {TIMESTEPS}\n"
            f"  layers: [{{kind: lstm, name: lstm, units: {UNITS}}}]\n"
            f"workload: {{kind: synthetic, sequences: {MANY}}}\n"
        )
        return path

    return write


@pytest.fixture
def steps():
    """Collect what a display of progress is told."""

    class Steps(list):
        def __call__(self, done, of):
            self.append((done, of))

    return Steps()


@pytest.fixture
def recorded(monkeypatch):
    """Collect what networks are told to record, in order."""
    seen = []
    original = TimedNetwork.run

    def spy(self, recording, threads=1):
        seen.append((self.batch, str(recording), threads))
        original(self, recording, threads)

    monkeypatch.setattr(TimedNetwork, "run", spy)
    return seen


# ------------------------------------------------------------------------------------------ aims


def test_a_figure_is_met_on_its_side_of_the_aim():
    assert [at_most(value, 2.0).met for value in (1.9, 2.0, 2.1)] == [True, True, False]
    assert [at_least(value, 2.0).met for value in (1.9, 2.0, 2.1)] == [False, True, True]
    assert at_most(1.0, None).met is None
    assert (at_most(1.0, 1.0).bound, at_least(1.0, 1.0).bound) == (Bound.AT_MOST, Bound.AT_LEAST)


# ----------------------------------------------------------------------------------------- speed


def test_speed_counts_every_tile_cycle(network, steps):
    found = measure_speed((network(),), steps, repeats=1)
    kept = [(case.batch, case.threads, case.recording) for case in found.cases]
    one = [(batch, 1, str(recording)) for batch in (1, MANY) for recording in Recording]
    assert kept == [*one, (MANY, 2, "off"), (MANY, 2, "cycles")]
    for case in found.cases:
        simulated = case.tile_cycles_per_s.value * case.timestep_us * 1e-6
        assert simulated == pytest.approx(case.batch * CYCLES)
        assert case.ratio.value == pytest.approx(case.timestep_us / case.numpy_us)
        assert (case.rows, case.columns) == (INPUTS + UNITS + 1, 4 * UNITS)
        assert case.kernel.startswith("cycles" if case.recording == "waveforms" else "fused")
    assert [(gain.sequences, gain.recording) for gain in found.gains] == [(5, "off"), (5, "cycles")]
    assert all(gain.gain.value == pytest.approx(gain.one_us / gain.two_us) for gain in found.gains)
    assert steps == [(done, 10) for done in range(1, 11)]


def test_speed_has_aims_for_one_thread_with_cycles_recorded(network, steps, monkeypatch):
    monkeypatch.setattr(speed, "SIZE", (64, 1))
    found = measure_speed((network("kws"), network()), steps, repeats=1)
    aimed = {
        (case.network, case.batch, case.threads, case.recording): case.ratio.aim
        for case in found.cases
        if case.ratio.aim
    }
    assert aimed == {("kws", 1, 1, "cycles"): 0.15, ("kws", 64, 1, "cycles"): 1.0}
    rates = [case.batch for case in found.cases if case.tile_cycles_per_s.aim]
    assert rates == [1, 64]
    assert [gain.gain.aim for gain in found.gains] == [1.8, 1.8]


# ------------------------------------------------------------------------- recording, read noise


def test_recording_is_timed_in_turn_with_nothing(network, steps, recorded):
    found = measure_recording((network(),), steps, repeats=2)
    of_one = recorded[: len(recorded) // 2]
    assert of_one[-4:] == [(1, "cycles", 1), (1, "off", 1)] * 2
    assert recorded[-4:] == [(MANY, "cycles", 1), (MANY, "off", 1)] * 2
    assert [case.ratio.aim for case in found.cases] == [None, None]
    assert steps == [(1, 2), (2, 2)]


def test_recording_and_noise_have_the_aims_of_their_networks(network, steps, monkeypatch):
    monkeypatch.setattr(speed, "SIZE", (64, 1))
    found = measure_recording((network("kws"),), steps, repeats=1)
    assert [(case.batch, case.ratio.aim) for case in found.cases] == [(1, None), (64, 1.5)]
    found = measure_noise((network("kws"),), steps, repeats=1)
    aims = [(case.batch, case.recording, case.ratio.aim) for case in found.cases]
    assert aims == [(1, "off", None), (1, "cycles", 2), (64, "off", None), (64, "cycles", 2)]


def test_noise_is_on_in_one_of_two_chips_that_are_else_the_same(network, steps, monkeypatch):
    pairs = []

    def spy(ours, theirs, *, repeats):
        pairs.append((ours.__closure__, theirs.__closure__))
        return original(ours, theirs, repeats=repeats)

    original = overhead.paired_times
    monkeypatch.setattr(overhead, "paired_times", spy)
    measure_noise((network(),), steps, repeats=1)
    assert len(pairs) == 4
    for closures in pairs:
        noisy, quiet = (
            next(cell.cell_contents for cell in closure if hasattr(cell.cell_contents, "chip"))
            for closure in closures
        )
        (noisy_bank,), (quiet_bank,) = noisy.layer.banks, quiet.layer.banks
        assert (noisy_bank.arrays.difference == quiet_bank.arrays.difference).all()
        analog = noisy_bank.arrays.analog
        sigma = np.sqrt(analog.read_variance.sum(axis=0) * analog.variance_step)
        cells = np.sqrt((noisy_bank.arrays.difference.astype(float) ** 2).sum(axis=0))
        assert sigma / cells == pytest.approx(0.01, rel=0.1)
        assert quiet_bank.arrays.analog.read_variance.size == 0


@pytest.mark.parametrize("device", ["pcm", "rram", "yang2025-taox"])
def test_noise_is_all_that_is_left_of_another_device(tmp_path, device):
    path = tmp_path / "other.yaml"
    path.write_text(f"extends: [{KWS}, {ROOT}/configs/devices/{device}.yaml]\n")
    own = load_config(path).config.device
    quiet, noisy = (load_config(path, [each]).config.device for each in quiet_and_noisy(path))
    assert (quiet.model, noisy.model) == ("ideal", "memristor")
    assert noisy.read_noise.sigma_relative == overhead.NOISE
    assert noisy.programming.sigma == noisy.drift.nu == 0
    assert own.g_max == quiet.g_max == noisy.g_max


# ---------------------------------------------------------------------------------------- limits


def test_limits_count_bytes_and_products(network, steps, monkeypatch):
    monkeypatch.setattr(speed, "SIZE", (2 * BLOCK, TIMESTEPS))
    monkeypatch.setattr(limits, "read_rate", lambda size, **_: size * 1e3)
    monkeypatch.setattr(limits, "write_rate", lambda size, **_: size * 1e2)
    found = measure_limits((network(),), steps, repeats=1)
    kept = [(case.batch, case.recording) for case in found.cases]
    assert kept == [(1, "off"), (1, "cycles"), (2 * BLOCK, "off"), (2 * BLOCK, "cycles")]
    for case in found.cases:
        blocks = 1 if case.batch == 1 else 2
        assert case.read_bytes == 2 * CELLS * blocks
        assert case.read_us == pytest.approx(1e3 * blocks)
        assert case.macs == CELLS * case.batch
        assert case.macs_us == pytest.approx(CELLS * case.batch / found.macs_per_s * 1e6)
        assert case.fraction == pytest.approx(case.bound_us / case.measured_us)
    off, one, _, many = found.cases
    assert (off.written_bytes, off.write_us, off.bound) == (0, 0, "conductances")
    assert (one.bound, one.write_us, one.bound_us) == ("record", 5e3, 5e3)  # 1e4 / TIMESTEPS
    assert many.written_bytes == 2 * BLOCK * one.written_bytes
    assert one.written_bytes >= CYCLES  # at least a byte for every cycle
    assert list(found.claims()) == []


def test_a_record_grows_with_sequences_up_to_a_block(network):
    sizes = [
        timed_network(network(), batch=batch, timesteps=TIMESTEPS).record_bytes()
        for batch in (1, 4, BLOCK, 2 * BLOCK)
    ]
    assert sizes[1] == 4 * sizes[0]
    assert sizes[2] == sizes[3] == BLOCK * sizes[0]


def test_loops_read_and_write_every_word():
    buffer = np.arange(5, dtype=np.int64)
    read, write = loops._loops()
    assert read(buffer, 3) == 30
    write(buffer, 7)
    assert (buffer == 6).all()
    assert loops.read_rate(64, repeats=1) > 0
    assert loops.write_rate(64, repeats=1) > 0
    assert loops.gain_of_cores(repeats=1) > 0


# ----------------------------------------------------------------------------- commands and files


def test_a_command_tells_where_its_time_went(network, tmp_path):
    done = archsim("run", network(), "--profile", "--out", tmp_path / "t.h5")
    assert {*Part} <= set(done.parts)
    assert 0 < sum(done.part(part) for part in Part) < done.seconds
    with pytest.raises(ArchsimError, match="does not say how long 'kernels' took"):
        Finished(1.0, {}).part(Part.KERNELS)


def test_a_command_that_fails_is_an_error(tmp_path):
    with pytest.raises(ArchsimError, match=r"'archsim validate .*none.yaml' failed: archsim: "):
        archsim("validate", tmp_path / "none.yaml")


def test_a_trace_of_everything_is_timed_beside_none(network, steps, monkeypatch):
    commands, runs = [], []

    def command(*words):
        commands.append(words)

    def simulate(loaded, out):
        runs.append((loaded.config.trace.level, loaded.config.trace.sequences))
        return run(loaded, out)

    monkeypatch.setattr(tracefile, "archsim", command)
    monkeypatch.setattr(tracefile, "run", simulate)
    config = network()
    found = measure_file((config,), steps, repeats=2)
    assert runs == [("cycle", "all"), *[("cycle", "all"), ("off", (0,))] * 2]
    assert commands[0] == commands[2]
    assert "trace.sequences=all" in commands[0]
    assert commands[1] == ("run", config, "--set", "trace.level=off")
    assert (found.sequences, found.command.ratio.aim) == (MANY, None)
    assert found.mib > MANY * TIMESTEPS * CYCLES / 2**20
    assert steps == [(done, 4) for done in range(1, 5)]
    kws = measure_file((network("kws"),), steps, repeats=1)
    assert (kws.command.ratio.aim, kws.simulation.ratio.aim) == (2.5, 2.5)


def test_everything_is_in_the_trace(network, tmp_path):
    run(load_config(network(), tracefile.ALL), tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5") as file:
        assert set(file["tiles/lstm/sequence"][:]) == set(range(MANY))
        assert {"chip", "lstm_update"} <= set(file["units"])


@pytest.mark.parametrize("size", [0, 1, 1 << 24, (1 << 24) + 3])
def test_plain_writing_writes_every_byte(tmp_path, size):
    path = tmp_path / "plain"
    path.write_bytes(b"old")
    assert tracefile._plain_write(path, size) > 0
    assert path.stat().st_size == size


def test_starts_are_medians_and_the_first_is_counted(network, steps, monkeypatch):
    seconds = iter([9.0, 3.0, 1.0, 2.0])
    commands = []

    def command(*words, cache=None):
        commands.append((words[0], cache is not None))
        if words[0] != "run":
            return Finished(0.5, {})
        if not cache.exists():
            for name in ("a/m.x-1.kernel", "a/m.y-1.kernel", "a/m.y-2.kernel"):
                (cache / name).parent.mkdir(parents=True, exist_ok=True)
                (cache / name).touch()
        whole = next(seconds)
        return Finished(whole, {Part.COMPILE: whole / 2, Part.KERNELS: whole / 10})

    monkeypatch.setattr(start, "archsim", command)
    found = measure_start((network("kws"),), steps)
    assert commands == [
        ("run", True),
        *[("--help", False), ("validate", False), ("run", True)] * 3,
    ]
    assert found.first == FirstStart(9.0, 4.5, kernels=2)
    assert (found.run_s, found.kernels_s) == (at_most(2.0, 2.0), at_most(0.2, 0.2))
    assert (found.help_s, found.validate_s, found.load_s) == (0.5, 0.5, 1.0)
    assert steps == [(done, 4) for done in range(1, 5)]


# --------------------------------------------------------------------------------------- machine


def test_the_processor_is_named(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A Processor: fast\nmodel name\t: Another\n")
    assert machine._cpu(info) == "A Processor: fast"
    assert machine._cpu(tmp_path / "none")


def test_versions_and_the_kernel_of_numpy_are_told(monkeypatch):
    pytest.importorskip("threadpoolctl")
    monkeypatch.setenv(machine.CORETYPE_VARIABLE, "Prescott")
    found = machine.this_machine()
    assert (found.numpy, found.coretype) == (np.__version__, "Prescott")
    assert found.blas != machine.UNKNOWN_BLAS
    monkeypatch.setenv(machine.CORETYPE_VARIABLE, "")
    monkeypatch.setitem(__import__("sys").modules, "threadpoolctl", None)
    found = machine.this_machine()
    assert (found.coretype, found.blas) == (None, machine.UNKNOWN_BLAS)


# -------------------------------------------------------------------------------- all of it


def test_sections_are_chosen_by_name():
    assert sections_of(()) == tuple(Section)
    assert sections_of(("start", "speed", "start")) == (Section.SPEED, Section.START)
    with pytest.raises(InputError, match=r"'nosie' \(did you mean 'noise'\?\); known are speed"):
        sections_of(("nosie",))


def test_the_command_prints_the_sections_that_are_asked_for(network):
    call = ["bench", str(network()), "--only", "noise", "--only", "recording"]
    found = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert set(found) == {"machine", "peak_mib", "aims", "recording", "noise", "tables"}
    assert [len(found[name]["cases"]) for name in ("recording", "noise")] == [2, 4]
    assert found["aims"] == []
    text = CliRunner().invoke(app, call).stdout
    assert "recording: " in text
    assert "noise: a timestep with 1% read noise of every device" in text
    assert "start: " not in text
    assert "aims: " not in text


@pytest.mark.parametrize("others", [["--growth"], ["--against", "ngspice"]])
def test_sections_do_not_go_with_other_benchmarks(others):
    result = CliRunner().invoke(app, ["bench", "--only", "speed", *others])
    assert isinstance(result.exception, InputError)
    assert "--only" in str(result.exception)


def test_sections_run_in_order_under_their_names(network, monkeypatch):
    names = []

    class Display:
        def __init__(self, name, what):
            names.append((name, what))

        def __enter__(self):
            return lambda *_: None

        def __exit__(self, *error):
            return False

    monkeypatch.setattr("archsim.bench.sections._MEASURE", dict.fromkeys(Section, lambda *_: None))
    bench = measure((network(),), sections_of(()), Display)
    assert names == [(f"bench, {section}", "cases") for section in Section]
    assert list(bench.results) == list(Section)
