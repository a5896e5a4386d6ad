"""Does a run keep what it has written when it is killed, interrupted, or out of space?"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from archsim.simulation.simulate import WAVEFORM_BLOCK
from tests.command_line import process
from tests.small_run import INPUTS, TIMESTEPS, features, write_small_run

BLOCKS, BLOCK = 6, WAVEFORM_BLOCK  # the runs below keep waveforms
SEQUENCES = BLOCKS * BLOCK
ALL = ("--set", "trace.sequences=all", "--set", "trace.waveforms=true")
WRITER = "archsim.trace.writer.TraceWriter"
TO_NEW = ("run", "small.yaml", "--out", "new.h5", *ALL)
MAIN = """
from archsim.cli import main
sys.argv[0] = "archsim"
print("ready", file=sys.stderr, flush=True)
main()
"""
# The command line, but every block waits for a line on standard input or its end.
STEPPED = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it otherwise
from archsim.trace.writer import TraceWriter
advance = TraceWriter.advance
def step(self, done):
    advance(self, done)
    print("done", done, file=sys.stderr, flush=True)
    sys.stdin.readline()
TraceWriter.advance = step
{MAIN}"""
# The command line on a disk that takes files of some size only.
LIMITED = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
{MAIN}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of 96 sequences and its whole trace."""
    path = tmp_path_factory.mktemp("robust")
    write_small_run(path)
    rng = np.random.default_rng(1)
    shape = (SEQUENCES, TIMESTEPS, INPUTS)
    arrays = features(
        features=rng.integers(-127, 128, shape).astype(np.int8),
        labels=rng.integers(0, 3, SEQUENCES),
        names=np.array([f"n{n}" for n in range(SEQUENCES)]),
    )
    np.savez_compressed(path / "features.npz", **arrays)
    done = process("run", "small.yaml", "--out", "whole.h5", *ALL, cwd=path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(autouse=True)
def no_leftovers(folder):
    (folder / "new.h5").unlink(missing_ok=True)
    yield
    assert not list(folder.glob(".archsim-*"))
    (folder / "new.h5").unlink(missing_ok=True)


@pytest.fixture
def here(folder, archsim, monkeypatch):
    """Run the command line in this process and in that folder; return code, stdout, stderr."""
    monkeypatch.chdir(folder)
    return archsim


@pytest.fixture
def stepped(folder):
    run = Stepped(folder)
    yield run
    run.process.kill()
    run.process.communicate()


class Stepped:
    """A run to new.h5 in a process of its own, block by block."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", STEPPED, *TO_NEW],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr.readline() == "ready\n"

    def allow(self, blocks):
        self.process.stdin.write("\n" * blocks)
        self.process.stdin.flush()

    def wait_for(self, block):
        for line in self.process.stderr:
            if line == f"done {block * BLOCK}\n":
                return
        pytest.fail("the run ended early")

    def end(self, number=None):
        """Send a signal, if any; return exit code, stdout and what stderr says but progress."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        progress = ("small: ", "done ")
        told = [line for line in err.splitlines() if not line.startswith(progress)]
        return self.process.returncode, out, told


def datasets(path):
    """Return every dataset and attribute of a trace, without the time at which it was made."""
    found = {}

    def take(name, node):
        for key, value in node.attrs.items():
            # References to other objects are addresses; names of the scales say the same.
            if key not in {"DIMENSION_LIST", "REFERENCE_LIST"}:
                found[f"{name}@{key}"] = np.asarray(value).tobytes()
        if isinstance(node, h5py.Dataset):
            value = node[...]
            text = value.dtype.kind == "O"
            found[name] = repr(value.tolist()).encode() if text else value.tobytes()
            found[f"{name}:type"] = f"{value.dtype} {value.shape}"

    with h5py.File(path, "r") as file:
        file.visititems(take)
        root = {key: str(value) for key, value in file.attrs.items() if key != "created"}
    return {**found, **root}


def assert_partial(path, whole, *, at_least=0):
    """Check a trace whose run did not end against that of one that did."""
    with h5py.File(path, "r") as part, h5py.File(whole, "r") as full:
        assert part.attrs["status"] == "running"
        done = int(part.attrs["sequences_done"])
        assert at_least <= done <= SEQUENCES
        assert done % BLOCK == 0
        assert part.attrs["config_hash"] == full.attrs["config_hash"]
        for name in (
            "events/start_cycle",
            "events/end_cycle",
            "tiles/lstm/cycle",
            "tiles/lstm/phase",
        ):
            assert part[name].shape == full[name].shape, name
            if done:  # a run that was killed before its first sequence may not have filled them in
                assert np.array_equal(part[name], full[name]), name
        assert np.array_equal(
            part["outputs/output/label"][:done], full["outputs/output/label"][:done]
        )
        cycles = full["tiles/lstm/cycle"].shape[0] // SEQUENCES * done
        for name in ("energy", "v_mac", "active_rows"):
            there = part[f"tiles/lstm/{name}"][:cycles]
            assert np.array_equal(there, full[f"tiles/lstm/{name}"][:cycles]), name
        assert np.isnan(part["summary"].attrs["energy_j"])
    return done


@pytest.mark.parametrize("block", [1, 3])
def test_a_killed_run_leaves_a_whole_file(folder, here, stepped, block):
    run = stepped
    run.allow(block - 1)
    run.wait_for(block)
    run.allow(BLOCKS - 1 - block)
    time.sleep(random.uniform(0, 0.05))  # somewhere in the blocks that follow
    assert run.end(signal.SIGKILL) == (-signal.SIGKILL, "", [])
    done = assert_partial(folder / "new.h5", folder / "whole.h5", at_least=block * BLOCK)
    told = f"the run that wrote it did not finish ({done} of {SEQUENCES} sequences): run it again"
    assert here("report", "new.h5") == (2, "", f"archsim: new.h5: {told}\n")
    assert here(*TO_NEW)[0] == 0
    assert datasets(folder / "new.h5") == datasets(folder / "whole.h5")


@pytest.mark.parametrize("delay", [0.1, 0.5, 1.0])
def test_a_run_killed_early_leaves_nothing_or_a_whole_file(folder, stepped, delay):
    time.sleep(delay * random.uniform(0.7, 1.3))
    stepped.end(signal.SIGKILL)
    if (folder / "new.h5").exists():
        assert_partial(folder / "new.h5", folder / "whole.h5")
    for draft in folder.glob(".archsim-*.part"):  # killed while it laid the trace out
        draft.unlink()


@pytest.mark.parametrize("block", [0, 2])
def test_an_interrupt_ends_in_one_sentence(folder, stepped, block):
    run = stepped
    if block:
        run.allow(block - 1)
        run.wait_for(block)
        run.allow(BLOCKS - 1 - block)
    time.sleep(random.uniform(0, 0.05 if block else 1.0))
    told = ["archsim: interrupted; what was written before is kept"]
    assert run.end(signal.SIGINT) == (130, "", told)
    if block:
        assert_partial(folder / "new.h5", folder / "whole.h5", at_least=block * BLOCK)
        with h5py.File(folder / "new.h5", "r+"):  # closed: nobody holds a lock on it
            pass


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_full_disk_is_one_sentence_and_keeps_the_older_trace(folder, share):
    whole = folder / "whole.h5"
    before = datasets(whole)
    command = ("run", "small.yaml", "--out", "whole.h5", *ALL)
    limit = int(share * whole.stat().st_size)
    done = process(limit, *command, script=LIMITED, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "ready\narchsim: whole.h5: writing the trace failed (File too large): free space or choose "
        "another --out; what was written before is kept\n"
    )
    assert datasets(whole) == before


@pytest.mark.parametrize("command", ["report whole.h5", "adc tanh --json", "schema"])
def test_nobody_reads_the_output(folder, command):
    reader, writer = os.pipe()
    os.close(reader)
    done = process(*command.split(), stdout=writer, cwd=folder)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_output_takes_no_more(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = process("report", "whole.h5", stdout=full, cwd=folder)
    assert done.returncode == 1
    assert done.stderr == ("archsim: standard output cannot be written (No space left on device)\n")


def test_there_is_no_output_at_all(folder):
    command = f"'{sys.executable}' -m archsim report whole.h5 >&-"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_configuration_gives_the_same_bytes(folder, here, threads):
    assert here(*TO_NEW, "--threads", threads)[0] == 0
    assert datasets(folder / "new.h5") == datasets(folder / "whole.h5")


@pytest.mark.parametrize(
    "command", ["run small.yaml --out new.h5", "report whole.h5", "adc tanh --bits 3"]
)
def test_json_is_one_object_and_nothing_else(here, command):
    code, out, err = here(*command.split(), "--json")
    assert code == 0
    assert isinstance(json.loads(out, parse_constant=pytest.fail), dict)
    assert out.count("\n") == 1
    assert all(line.startswith("small: ") for line in err.splitlines())
    assert bool(err) == command.startswith("run")


def test_json_of_a_process(folder):
    done = process(*TO_NEW, "--json", cwd=folder)
    assert done.returncode == 0
    assert json.loads(done.stdout)["sequences"] == SEQUENCES
    assert "small: 96 of 96 sequences\n" in done.stderr


def test_a_run_from_elsewhere_writes_its_trace_there(folder, here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = here("run", folder / "small.yaml")
    assert (code, out.splitlines()[-1]) == (0, "trace: traces/small.h5")
    assert [path.name for path in (tmp_path / "traces").iterdir()] == ["small.h5"]
    assert not (folder / "traces").exists()
    with h5py.File(tmp_path / "traces/small.h5", "r") as file:
        assert file.attrs["status"] == "complete"


@pytest.mark.parametrize(
    "wrong",
    [
        "adc.bits=11",
        "tile.columns=3",
        "network.weights=no",
        "workload.source=no",
        "trace.tiles=[x]",
    ],
)
def test_wrong_input_keeps_the_older_trace(folder, here, wrong):
    before = (folder / "whole.h5").read_bytes()
    code, out, _ = here("run", "small.yaml", "--out", "whole.h5", "--set", wrong)
    assert (code, out) == (2, "")
    assert (folder / "whole.h5").read_bytes() == before


@pytest.mark.parametrize("place", ["layout", "_lay_out"])
def test_a_bug_before_the_first_sequence_keeps_the_older_trace(folder, here, monkeypatch, place):
    def fail(*arguments, **options):
        raise ZeroDivisionError("no")

    target = (
        "archsim.simulation.recording.recorded.layout"
        if place == "layout"
        else f"{WRITER}._lay_out"
    )
    monkeypatch.setattr(target, fail)
    before = (folder / "whole.h5").read_bytes()
    code, out, err = here("run", "small.yaml", "--out", "whole.h5")
    assert (code, out) == (1, "")
    assert err.startswith("archsim: internal error: ZeroDivisionError: no (this is a bug; set")
    assert err.count("\n") == 1
    assert (folder / "whole.h5").read_bytes() == before


def test_two_runs_do_not_write_one_file(folder, here, stepped):
    stepped.wait_for(1)
    for command in (TO_NEW, ("report", "new.h5")):
        code, out, err = here(*command)
        assert (code, out) == (2, "")
        assert err.startswith("archsim: new.h5: another process is writing it: wait")
        assert err.count("\n") == 1
    assert stepped.end()[0] == 0
    assert datasets(folder / "new.h5") == datasets(folder / "whole.h5")


def test_a_link_stays_a_link(here, tmp_path):
    (tmp_path / "link.h5").symlink_to("target.h5")
    assert here("run", "small.yaml", "--out", tmp_path / "link.h5")[0] == 0
    assert (tmp_path / "link.h5").is_symlink()
    assert here("report", tmp_path / "target.h5")[0] == 0
