"""Does a trace appear at once, stay whole and locked, and say what the system refused it?"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest

from archsim.errors import ArchsimError, OutputError, TraceError
from archsim.trace import writer as writer_module
from archsim.trace.hdf5 import LOCKING_VARIABLE, errno_of, in_use, reason
from archsim.trace.layout import Group, Scale, Variable, strings
from archsim.trace.reader import open_trace
from archsim.trace.repeated import repeat
from archsim.trace.writer import TraceWriter
from tests.runs import ROOT

LENGTH = 3000
PHASES = {"idle": 0, "ramp": 1}
ONE = np.eye(1, 10, dtype=np.uint8)[0]


def group(*, resizable=False):
    """A group whose cycles and phases are known beforehand, and whose energy is not."""
    return Group(
        "tiles/lstm",
        (
            Scale("cycle", repeat(np.arange(10), LENGTH // 10, 10), "cycle"),
            Scale("component", strings(["array", "wires"]), "component"),
        ),
        (
            Variable("phase", ("cycle",), "u1", "1", "phase", repeat(ONE, 300), PHASES),
            Variable("energy", ("cycle", "component"), "f8", "J", "energy"),
            Variable("sequence", ("cycle",), "i8", "1", "sequence"),
            Variable("count", ("cycle",), "u4", "1", "count", np.arange(LENGTH)),
        ),
        {"name": "lstm"},
        resizable=resizable,
    )


def write(path, value=1.0, *, finish=True, **options):
    """Write a trace whose energy is `value`."""
    with TraceWriter(path) as writer:
        writer.define({"seed": np.int64(7)}, [group(**options)])
        writer.write("tiles/lstm/energy", 0, np.full((LENGTH, 2), value))
        writer.advance(1)
        if finish:
            writer.finish({"tiles/lstm": {"name": "done"}})


def energy(path):
    with h5py.File(path) as file:
        assert file.attrs["status"] == "complete"
        return float(file["tiles/lstm/energy"][...].mean())


@pytest.mark.parametrize("resizable", [False, True])
def test_what_is_not_reached_is_marked(tmp_path, resizable):
    path = tmp_path / "t.h5"
    with TraceWriter(path) as writer:
        writer.define({}, [group(resizable=resizable)])
        writer.write("tiles/lstm/energy", 0, np.ones((10, 2)))
    with h5py.File(path) as file:
        tile = file["tiles/lstm"]
        assert file.attrs["status"] == "running"
        assert tile["cycle"][...].tolist() == list(range(LENGTH))
        assert tile["phase"][...].tolist() == np.tile(ONE, 300).tolist()
        assert tile["count"][...].tolist() == list(range(LENGTH))
        assert (tile["energy"][:10] == 1).all()
        assert np.isnan(tile["energy"][10:]).all()
        assert (tile["sequence"][...] == -1).all()
        assert np.isnan(tile["energy"].fillvalue)


def test_the_file_is_in_its_place_before_it_is_filled(tmp_path, monkeypatch):
    """A copy of what is on disk at that moment is what a killed run leaves."""
    path, copy = tmp_path / "t.h5", tmp_path / "copy.h5"
    fill_in = writer_module.fill_in

    def look(file, waiting):
        copy.write_bytes(path.read_bytes())
        fill_in(file, waiting)

    monkeypatch.setattr(writer_module, "fill_in", look)
    write(path)
    with open_trace(copy) as file:
        assert (file.attrs["status"], file.attrs["sequences_done"]) == ("running", 0)
        assert file["tiles/lstm/energy"].shape == (LENGTH, 2)
        assert file["tiles/lstm/energy"].dims[0][0].name == "/tiles/lstm/cycle"
    assert copy.stat().st_size == path.stat().st_size


def test_threads_write_into_one_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    failed = []

    def work(number):
        try:
            for _ in range(3):
                write(tmp_path / f"{number}.h5", number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [energy(tmp_path / f"{number}.h5") for number in range(3)] == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 3


CHILD = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
os.getpid = lambda: 1
from pathlib import Path
from archsim.trace import writer
from tests.unit.trace.test_writer import write
number, stop = sys.argv[1:]
if stop:
    def wait(self, *rest, old=getattr(writer.TraceWriter, stop)):
        print("there", flush=True)
        sys.stdin.readline()
        old(self, *rest)
    setattr(writer.TraceWriter, stop, wait)
print("ready", flush=True)
sys.stdin.readline()
write(Path(f"{{number}}.h5"), int(number))
"""


def child(folder, number, stop="", **environment):
    """Start a process that writes a trace, and waits where `stop` is called."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(number), stop],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_of_one_number_write_into_one_folder(tmp_path):
    processes = [child(tmp_path, number) for number in range(6)]
    for process in processes:
        go(process)
    assert [process.communicate() for process in processes] == [("", "")] * 6
    assert [energy(tmp_path / f"{number}.h5") for number in range(6)] == list(range(6))
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("locking", ["", "TRUE", "FALSE", "BEST_EFFORT"])
def test_only_the_draft_of_a_killed_run_is_removed(tmp_path, locking):
    process = child(tmp_path, 1, "_publish", **{LOCKING_VARIABLE: locking} if locking else {})
    go(process)
    assert process.stdout.readline() == "there\n"
    (draft,) = tmp_path.glob(".archsim-*.part")
    write(tmp_path / "2.h5")
    assert draft.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert draft.exists()
    write(tmp_path / "2.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["2.h5"]


@pytest.mark.parametrize("locking", ["", "TRUE"])
def test_nobody_replaces_or_reads_a_trace_that_is_being_written(tmp_path, locking):
    process = child(tmp_path, 1, "finish", **{LOCKING_VARIABLE: locking} if locking else {})
    go(process)
    assert process.stdout.readline() == "there\n"
    says = "another process is writing it: wait"
    with pytest.raises(OutputError, match=says):
        write(tmp_path / "1.h5")
    with pytest.raises(TraceError, match=says):
        open_trace(tmp_path / "1.h5")
    go(process)
    assert process.communicate() == ("", "")
    assert energy(tmp_path / "1.h5") == 1
    with h5py.File(tmp_path / "1.h5"):  # a reader keeps what it reads, and is in nobody's way
        write(tmp_path / "1.h5", 2)
    assert energy(tmp_path / "1.h5") == 2


def test_two_writers_in_one_process_do_not_share_a_trace(tmp_path):
    path = tmp_path / "t.h5"
    with TraceWriter(path) as first, TraceWriter(path) as second:
        first.define({}, [group()])
        with pytest.raises(OutputError, match="another process is writing it"):
            second.define({}, [group()])
        first.finish({})


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_takes_traces(tmp_path, monkeypatch, number):
    def no_locks(*_):
        raise OSError(number, os.strerror(number))

    opened = h5py.File

    def hdf5_without_locks(name, mode="r", *, locking=True):
        if locking:
            msg = f"unable to lock file, errno = {number}, error message = 'told so'"
            raise OSError(msg)
        return opened(name, mode, locking=locking)

    monkeypatch.setattr(fcntl, "flock", no_locks)
    monkeypatch.setattr(h5py, "File", hdf5_without_locks)
    write(tmp_path / "t.h5", 1)
    write(tmp_path / "t.h5", 2)
    with open_trace(tmp_path / "t.h5") as file:
        assert file["tiles/lstm/energy"][0, 0] == 2


FAILURES = {
    errno.ENOSPC: "(No space left on device): free space or choose another --out",
    errno.EDQUOT: "(Disk quota exceeded): free space or choose another --out",
    errno.EFBIG: "(File too large): free space or choose another --out",
    errno.EIO: "(Input/output error): check the disk or choose another --out",
    errno.EACCES: "(Permission denied): choose another --out, where you may write",
    errno.ESTALE: "(Stale file handle): make its folder or choose another --out",
    errno.ENOLCK: "(No locks available): choose another --out",
}


@pytest.mark.parametrize("number", FAILURES)
@pytest.mark.parametrize("kind", [OSError, RuntimeError, KeyError])
def test_a_failure_is_told_by_its_number(tmp_path, monkeypatch, number, kind):
    text = f"file write failed: free space, errno = {number}, error message = 'disk full', buf = 0"

    def fail(*_):
        raise kind(text)

    monkeypatch.setattr(writer_module, "_LOST", [])
    monkeypatch.setattr(writer_module, "fill_in", fail)
    path = tmp_path / "t.h5"
    with pytest.raises(ArchsimError) as failed:
        write(path)
    says = f"{path}: writing the trace failed {FAILURES[number]}; what was written before is kept"
    assert str(failed.value) == says
    assert failed.value.exit_code == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_without_space_for_all_of_it_the_older_trace_stays(tmp_path, monkeypatch, number):
    path = tmp_path / "t.h5"
    write(path, 1)

    def full(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writer_module, "_LOST", [])
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(ArchsimError, match="free space"):
        write(path, 2)
    assert energy(path) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_where_space_cannot_be_reserved_the_trace_is_written(tmp_path, monkeypatch):
    def not_here(*_):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", not_here, raising=False)
    write(tmp_path / "a.h5", 1)
    monkeypatch.delattr(os, "posix_fallocate")
    write(tmp_path / "b.h5", 2)
    assert (energy(tmp_path / "a.h5"), energy(tmp_path / "b.h5")) == (1, 2)


@pytest.mark.parametrize("how", ["removed", "replaced", "folder"])
def test_a_trace_that_vanished_while_it_was_written_is_told(tmp_path, how):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "t.h5"
    with TraceWriter(path) as writer:
        writer.define({}, [group()])
        if how == "folder":
            folder.rename(tmp_path / "elsewhere")
        else:
            path.unlink()
        if how == "replaced":
            path.write_text("something else")
        with pytest.raises(ArchsimError, match="was moved, removed or replaced while the run"):
            writer.finish({})


def test_a_write_protected_trace_stays(tmp_path):
    path = tmp_path / "t.h5"
    write(path)
    path.chmod(0o444)
    with pytest.raises(OutputError, match="is write-protected, so it is not overwritten"):
        write(path, 2)
    assert energy(path) == 1


READING = {
    errno.ENOENT: "there is no such file: name a trace",
    errno.EAGAIN: "another process is writing it: wait until it has ended",
    errno.EACCES: r"cannot be read \(Permission denied\): check the path",
    errno.EIO: r"cannot be read \(Input/output error\): check the path",
    errno.EMFILE: r"cannot be read \(Too many open files\): check the path",
}


@pytest.mark.parametrize("number", READING)
def test_what_keeps_a_trace_from_being_read_is_told_by_its_number(tmp_path, monkeypatch, number):
    path = tmp_path / "errno = 1.h5"
    write(path)

    def fail(*_, **__):
        msg = f"unable to lock file: name = '{path}', errno = {number}, error message = 'already'"
        raise OSError(msg)

    monkeypatch.setattr(h5py, "File", fail)
    with pytest.raises(TraceError, match=READING[number]):
        open_trace(path)


def test_numbers_of_errors():
    assert errno_of(OSError(5, "x")) == 5
    assert errno_of(KeyError("errno = 28, error message = 'x'")) == 28
    assert errno_of(OSError("unable to lock file, already open")) is None
    assert not in_use(OSError("unable to lock file, already open"))
    assert in_use(BlockingIOError(11, "x"))
    assert reason(OSError("no number")) == "OSError"


def test_a_cut_trace_and_a_text_are_told_apart(tmp_path):
    write(tmp_path / "t.h5")
    whole = (tmp_path / "t.h5").read_bytes()
    for content, says in ((whole[:1000], "is cut short or damaged"), (b"text", "is not an HDF5")):
        (tmp_path / "t.h5").write_bytes(content)
        with pytest.raises(TraceError, match=says):
            open_trace(tmp_path / "t.h5")
