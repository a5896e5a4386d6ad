"""Are drafts named uniquely, owned by a lock, and removed when nobody owns them?"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from archsim import drafts
from archsim.drafts import Draft, Lock, is_written, lock, remove_abandoned

HDF5 = b"\x89HDF\r\n\x1a\n"
OWNER = """
import os, sys
from pathlib import Path
from archsim.drafts import Draft
draft = Draft(Path("."))
os.write(draft.descriptor, b"\\x89HDF")
print(draft.path, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def owner(tmp_path):
    """A process that owns a draft, and the draft's path."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process, tmp_path / process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_a_draft_takes_its_place_with_the_permissions_of_what_was_there(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o640)
    with Draft(tmp_path) as draft:
        draft.path.write_text("new")
        assert target.read_text() == "old"
        draft.publish(target)
        assert draft.is_at(target)
        assert is_written(target)
    assert not is_written(target)
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_draft_that_is_not_published_is_gone(tmp_path):
    def work():
        with Draft(tmp_path) as draft:
            draft.path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert not list(tmp_path.iterdir())


def test_names_differ_whatever_the_process_number(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)
    made = [Draft(tmp_path) for _ in range(20)]
    assert len({draft.path for draft in made}) == 20
    for draft in made:
        draft.discard()


def test_a_name_that_is_taken_is_left_alone(tmp_path, monkeypatch):
    names = iter(["0" * 16, "0" * 16, "1" * 16])
    monkeypatch.setattr(drafts.secrets, "token_hex", lambda _: next(names))
    with Draft(tmp_path) as first, Draft(tmp_path) as second:
        assert first.path.name == ".archsim-0000000000000000.part"
        assert second.path.name == ".archsim-1111111111111111.part"


def test_the_draft_of_a_living_process_stays_and_that_of_a_killed_one_goes(owner, tmp_path):
    process, path = owner
    with Draft(tmp_path):
        assert path.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.exists()
    with Draft(tmp_path):
        assert not path.exists()


def test_threads_do_not_remove_each_others_drafts(tmp_path):
    missing = []

    def work():
        for _ in range(30):
            with Draft(tmp_path) as draft:
                if not draft.is_at(draft.path):
                    missing.append(draft.path)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missing
    assert not list(tmp_path.iterdir())


REMOVED = {
    ".archsim-17.part": HDF5 + b"of an earlier version",
    ".archsim-0123456789abcdef.part": b"",
    ".archsim-0000000000000001.part": b"\x89PNG\r\n\x1a\n",
    ".archsim-0000000000000002.part": b"archsim: tile 'lstm', 8 of 73 rows",
    ".archsim-0000000000000003.part": b"# component library cmos-16nm; energies",
}
KEPT = {
    ".archsim-0000000000000004.part": b"a user's own words",
    ".archsim-mine.part": HDF5,
    ".archsim-0123456789abcdef.part.bak": HDF5,
    "archsim-17.part": HDF5,
    "trace.h5": HDF5,
}


def test_only_what_can_be_a_draft_is_removed(tmp_path):
    for name, content in {**REMOVED, **KEPT}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".archsim-a1.part").mkdir()
    os.mkfifo(tmp_path / ".archsim-a2.part")
    (tmp_path / ".archsim-a3.part").symlink_to("trace.h5")
    remove_abandoned(tmp_path)
    kept = {*KEPT, ".archsim-a1.part", ".archsim-a2.part", ".archsim-a3.part"}
    assert {path.name for path in tmp_path.iterdir()} == kept


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_locks_drafts_work_and_none_is_removed(tmp_path, monkeypatch, number):
    def no_locks(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    other = tmp_path / ".archsim-17.part"
    other.touch()
    with Draft(tmp_path) as draft:
        assert lock(draft.descriptor) is Lock.UNKNOWN
        draft.publish(tmp_path / "out")
    assert other.exists()
    assert not is_written(tmp_path / "out")


def test_a_folder_that_cannot_be_listed_is_no_error(tmp_path):
    remove_abandoned(tmp_path / "missing")


def test_a_removed_draft_is_made_again(tmp_path, monkeypatch):
    """Another run may lock a new draft before its owner does, and remove it."""
    attempts = []

    def locked_late(descriptor, **options):
        attempts.append(descriptor)
        if len(attempts) == 1:
            for path in tmp_path.glob(".archsim-*"):
                path.unlink()
        return lock(descriptor, **options)

    monkeypatch.setattr(drafts, "lock", locked_late)
    with Draft(tmp_path) as draft:
        assert draft.is_at(draft.path)
    assert len(attempts) == 2
