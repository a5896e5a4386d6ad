"""Is a folder that archsim did not make ever used or deleted, and are its own old ones dropped?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archsim.numeric.cache.folder import (
    CACHE_FOLDER_VARIABLE,
    LOCK,
    TAG,
    TAG_TEXT,
    NotKeptError,
    claimed,
    drop_old,
    folder_for,
)
from archsim.numeric.cache.lock import locked
from archsim.numeric.cache.sources import Sources
from archsim.numeric.cache.store import Store

DIGEST = "0123456789abcdef" * 4
NAME = "kernels-0123456789abcdef"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return the current folder, which is empty; home is elsewhere and no variable is set."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv(CACHE_FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path / "here"


# ---------------------------------------------------------------------------------- where it is


@pytest.mark.parametrize(
    ("variables", "parent"),
    [
        ((None, None), "home/.cache/archsim"),
        (("", ""), "home/.cache/archsim"),
        ((None, "{}/xdg"), "xdg/archsim"),
        (("", "{}/xdg"), "xdg/archsim"),
        ((None, "relative"), "home/.cache/archsim"),
        ((None, "."), "home/.cache/archsim"),
        (("{}/mine", "{}/xdg"), "mine"),
        (("mine", None), "here/mine"),
    ],
)
def test_empty_variables_count_as_not_set(here, tmp_path, monkeypatch, variables, parent):
    for variable, value in zip((CACHE_FOLDER_VARIABLE, "XDG_CACHE_HOME"), variables, strict=True):
        if value is not None:
            monkeypatch.setenv(variable, value.format(tmp_path))
    assert folder_for(DIGEST) == tmp_path / parent / NAME


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_folder_is_not_known(here, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    with pytest.raises(NotKeptError, match="home folder is not known"):
        folder_for(DIGEST)
    assert not list(here.iterdir())


def test_an_unknown_home_is_told_and_nothing_else(here, monkeypatch):
    def unknown():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", unknown)
    told = []
    store = Store(Sources(Path(__file__)), [], tell=told.append)
    assert store.folder is None
    assert store.load("x") is None
    store.save("x", b"data")
    assert len(told) == 1
    assert f"home folder is not known): set {CACHE_FOLDER_VARIABLE}" in told[0]


# ------------------------------------------------------------------------------- what is removed


def make_cache(parent: Path, number: int, *, used: float | None = None) -> Path:
    """Make a cache with one kernel, and say when it was used last."""
    folder = parent / f"kernels-{number:016x}"
    with claimed(folder):
        (folder / "m.f-0.kernel").write_bytes(b"code")
    os.utime(folder / TAG, (number if used is None else used,) * 2)
    return folder


def test_old_caches_are_dropped_and_those_used_last_are_kept(tmp_path):
    caches = [make_cache(tmp_path, n, used=-n) for n in range(8)]
    (caches[6] / "m.f-0.kernel.17-0123abcd.part").touch()  # of a process that was killed
    drop_old(caches[7])
    assert {*tmp_path.iterdir()} == {*caches[:4], caches[7]}


def test_a_cache_in_use_and_one_half_removed(tmp_path):
    caches = [make_cache(tmp_path, n) for n in range(6)]
    (caches[0] / "m.f-0.kernel").unlink()
    (caches[0] / LOCK).unlink()
    with locked(caches[1] / LOCK, shared=True):
        drop_old(tmp_path / NAME)
    assert {*tmp_path.iterdir()} == {*caches[1:]}


def _own_file(folder):
    (folder / "data.txt").write_text("precious")


def _own_draft(folder):
    (folder / "novel.part").write_text("precious")


def _own_folder(folder):
    (folder / "results-0.kernel").mkdir()


def _link(folder):
    (folder / "results-0.kernel").symlink_to(folder.parent)


def _no_mark(folder):
    (folder / TAG).unlink()


def _mark_of_another_program(folder):
    (folder / TAG).write_text(TAG_TEXT.splitlines()[0] + "\n# of another program\n")


def _mark_that_is_a_link(folder):
    (folder / TAG).rename(folder.parent / "mark")
    (folder / TAG).symlink_to(folder.parent / "mark")


@pytest.mark.parametrize(
    "change", [_own_file, _own_draft, _own_folder, _link, _no_mark, _mark_of_another_program,
               _mark_that_is_a_link],
)  # fmt: skip
def test_a_folder_with_anything_else_in_it_survives(tmp_path, change):
    theirs = make_cache(tmp_path, 0, used=0)
    change(theirs)
    before = {*theirs.iterdir()}
    for n in range(1, 7):
        make_cache(tmp_path, n)
    drop_old(tmp_path / NAME)
    assert {*theirs.iterdir()} == before
    assert not (tmp_path / f"kernels-{1:016x}").exists()


def test_links_to_caches_and_folders_of_other_names_survive(tmp_path):
    target = make_cache(tmp_path / "elsewhere", 0)
    link = tmp_path / f"kernels-{99:016x}"
    link.symlink_to(target)
    named = [tmp_path / name for name in ("kernels-1", "kernels-results", "kernels-" + "A" * 16)]
    for path in named:
        make_cache(tmp_path, 0).rename(path)
    for n in range(1, 7):
        make_cache(tmp_path, n)
    drop_old(tmp_path / NAME)
    assert link.is_symlink()
    assert all((path / "m.f-0.kernel").exists() for path in (target, *named))


def test_an_empty_variable_deletes_nothing_here(here, monkeypatch):
    for n in range(7):
        folder = here / f"kernels-{n:016x}"
        folder.mkdir()
        (folder / "data.txt").write_text(f"precious results {n}")
    before = sorted(here.rglob("*"))
    monkeypatch.setenv(CACHE_FOLDER_VARIABLE, "")
    told = []
    store = Store(Sources(Path(__file__)), [], tell=told.append)
    store.save("x", b"data")
    assert sorted(here.rglob("*")) == before
    assert store.load("x") == b"data"
    assert told == []
    monkeypatch.setenv(CACHE_FOLDER_VARIABLE, str(here))  # nor where they lie beside the caches
    Store(Sources(Path(__file__)), [], tell=told.append)
    assert [path for path in before if not path.exists()] == []


@pytest.mark.parametrize("name", ["data.txt", "novel.part", "results.kernel"])
def test_a_folder_of_the_users_is_not_used_as_a_cache(here, monkeypatch, name):
    monkeypatch.setenv(CACHE_FOLDER_VARIABLE, str(here))
    sources, told = Sources(Path(__file__)), []
    theirs = folder_for(sources.digest())
    theirs.mkdir()
    (theirs / name).write_text("precious")
    store = Store(sources, [], tell=told.append)
    store.save("x", b"data")
    assert [path.name for path in theirs.iterdir()] == [name]
    assert "is not a folder that archsim made" in told[0]
