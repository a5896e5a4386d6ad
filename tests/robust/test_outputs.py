"""Does every output refuse to overwrite what is not an older one of its kind, and lose nothing?"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import yaml

from archsim.costs.accelergy import FILES, check_folder, write_tables
from archsim.costs.library import load_library
from archsim.errors import ArchsimError, InputError, OutputError
from archsim.outputs import OutputKind, begins_with, check_output, not_written, writing
from archsim.report.experiment import check_picture, save_figure
from archsim.simulation.simulate import _Simulation
from tests.runs import ROOT
from tests.small_run import write_small_run

KIND = OutputKind("a note", begins_with(b"note: "))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a small run, where one stands."""
    write_small_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text="note: new", **options):
    with writing(Path(path), KIND, **options) as draft:
        draft.write_text(text)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("old", [None, "", "note: old"])
def test_what_may_be_replaced_is(tmp_path, old):
    path = tmp_path / "out"
    if old is not None:
        path.write_text(old)
    check_output(path, KIND)
    assert (path.read_text() if path.exists() else None) == old
    write(path)
    assert path.read_text() == "note: new"
    assert list(tmp_path.iterdir()) == [path]


REFUSED = {
    "foreign": "foreign: exists and is not a note, so it is not overwritten: choose another --out",
    "link-to-foreign": "link-to-foreign: exists and is not a note",
    "pipe": "pipe: exists and is not a note",
    "/dev/null": "/dev/null: exists and is not a note",
    "protected": "protected: is write-protected, so it is not overwritten: choose another --out",
    "input": "input: is an input of this command, so it is not overwritten: choose another --out",
    "link-to-input": "link-to-input: is an input",
    "hard-link-to-input": "hard-link-to-input: is an input",
    "loop": "loop: is a link that leads to itself: choose another --out",
    "folder": "folder: is a directory: give --out a file name",
    "": "is a directory: give --out a file name",
    "-": "-: a note cannot go to standard output: choose another --out",
    "missing/out": "missing/out: cannot be written (No such file or directory): make its folder",
    "foreign/out": "foreign/out: cannot be written (Not a directory): make its folder",
    "a" * 300: "cannot be written (File name too long): choose another --out",
}


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_and_stays(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("foreign").write_text("precious")
    Path("link-to-foreign").symlink_to("foreign")
    Path("input").write_text("note: of the user")
    Path("link-to-input").symlink_to("input")
    Path("hard-link-to-input").hardlink_to("input")
    Path("protected").write_text("note: old")
    Path("protected").chmod(0o444)
    Path("loop").symlink_to("loop")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    before = contents(tmp_path)
    for call in (lambda path, **more: check_output(path, KIND, **more), write):
        with pytest.raises(OutputError) as refused:
            call(Path(name), inputs=[Path("input"), Path("gone")])
        assert REFUSED[name] in str(refused.value)
        assert "\n" not in str(refused.value)
    assert contents(tmp_path) == before


def test_a_link_stays_and_what_it_names_is_written(tmp_path):
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link")
    write(tmp_path / "link", "note: again")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "note: again"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "no"), ValueError()])
def test_what_fails_half_way_loses_nothing(tmp_path, error):
    path = tmp_path / "out"
    write(path, "note: old")
    with pytest.raises(BaseException) as failed, writing(path, KIND) as draft:  # noqa: PT011, PT012
        draft.write_text("note: ha")
        raise error
    assert failed.type in {type(error), ArchsimError}
    assert path.read_text() == "note: old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        (errno.ENOSPC, 1, "No space left on device): free space or choose another --out"),
        (errno.EDQUOT, 1, "Disk quota exceeded): free space or choose another --out"),
        (errno.EFBIG, 1, "File too large): free space or choose another --out"),
        (errno.EIO, 1, "Input/output error): check the disk or choose another --out"),
        (errno.EACCES, 2, "Permission denied): choose another --out, where you may write"),
        (errno.EROFS, 2, "Read-only file system): choose another --out, where you may write"),
        (errno.ENOENT, 2, "No such file or directory): make its folder or choose another --out"),
        (errno.EMFILE, 2, "Too many open files): choose another --out"),
    ],
)
def test_errors_are_told_by_their_number(tmp_path, monkeypatch, number, code, says):
    def fail(*_):
        raise OSError(number, "words that mean nothing")

    monkeypatch.setattr("archsim.drafts._create", fail)
    with pytest.raises(ArchsimError) as told:
        check_output(tmp_path / "out", KIND)
    assert str(told.value) == f"{tmp_path / 'out'}: cannot be written ({says}"
    assert told.value.exit_code == code
    assert not_written(Path("x"), OSError(number, ""), KIND).exit_code == code


COMMANDS = {
    "run": ("run", "small.yaml", "--out"),
    "spice": ("spice", "small.yaml", "--out"),
}
PRECIOUS = ("small.yaml", "weights.safetensors", "features.npz", "library.yaml", "other.h5")


@pytest.mark.parametrize("name", PRECIOUS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_command_overwrites_its_inputs_or_other_files(archsim, here, command, name):
    (here / "other.h5").write_bytes(b"\x89HDF\r\n\x1a\n and more")
    (here / "link").symlink_to(name)
    before = contents(here)
    for out in (name, "link"):
        code, text, err = archsim(*command, out)
        assert (code, text, err.count("\n")) == (2, "", 1)
        assert "so it is not overwritten: choose another --out" in err
    assert contents(here) == before


@pytest.mark.parametrize("name", ["tile.txt", "notes.cir"])
def test_spice_does_not_let_ngspice_overwrite_a_file(archsim, here, name):
    (here / "notes.txt").write_text("precious")
    before = contents(here)
    code, text, err = archsim("spice", "small.yaml", "--out", name)
    assert (code, text, err.count("\n")) == (2, "", 1)
    said = {
        "tile.txt": "tile.txt: ngspice would overwrite it with its table of the same name: name it "
        "tile.cir",
        "notes.cir": "notes.txt: exists and is not a table that ngspice wrote for archsim",
    }
    assert said[name] in err
    assert contents(here) == before


SIGNATURES = {
    "p.png": b"\x89PNG\r\n\x1a\n",
    "p.pdf": b"%PDF-1.4",
    "p.svg": b"<?xml version='1.0'?><svg>",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_picture_replaces_a_picture_of_its_kind_only(tmp_path, name):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    path = tmp_path / name
    for content in (b"precious", SIGNATURES["p.pdf" if name == "p.png" else "p.png"]):
        path.write_bytes(content)
        with pytest.raises(OutputError, match=r"exists and is not an? .* picture"):
            check_picture(path)
        assert path.read_bytes() == content
    path.write_bytes(SIGNATURES[name])
    save_figure(lambda figure: figure.add_subplot(), path)
    assert len(path.read_bytes()) > 500
    save_figure(lambda figure: figure.add_subplot(), path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_that_cannot_be_drawn_keeps_the_older_one(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    path = tmp_path / "p.png"
    save_figure(lambda figure: figure.add_subplot(), path)
    before = path.read_bytes()

    def full(self, file, **_):
        Path(file).write_bytes(b"\x89PNG")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(ArchsimError, match=r"No space left on device\): free space") as failed:
        save_figure(lambda figure: figure.add_subplot(), path)
    assert failed.value.exit_code == 1
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", FILES)
def test_tables_replace_tables_of_archsim_only(tmp_path, name):
    (tmp_path / name).write_text("ERT:\n  version: 0.4\n")
    with pytest.raises(InputError, match=f"{name}: exists and is not an Accelergy table of arch"):
        check_folder(tmp_path)
    (tmp_path / name).write_text("# component library cmos-16nm; energies in pJ an action\n")
    check_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_tables_are_replaced_together_or_not_at_all(tmp_path, monkeypatch):
    library = load_library(ROOT / "configs/components/cmos-16nm.yaml")
    counts = {"integrator": {"integrate": 3}}
    write_tables(tmp_path, library, counts)
    before = contents(tmp_path)
    dump, calls = yaml.safe_dump, []

    def full(table, **options):
        calls.append(table)
        if len(calls) == len(FILES):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return dump(table, **options)

    monkeypatch.setattr(yaml, "safe_dump", full)
    with pytest.raises(ArchsimError, match=r"the tables cannot be written \(No space left"):
        write_tables(tmp_path, library, {"integrator": {"integrate": 4}})
    assert contents(tmp_path) == before


def test_the_trace_is_there_before_the_first_conversion(archsim, here, monkeypatch):
    blocks, seen = _Simulation.blocks, []

    def look(self, threads):
        seen.extend(path.name for path in (here / "new").iterdir())
        yield from blocks(self, threads)

    monkeypatch.setattr(_Simulation, "blocks", look)
    assert archsim("run", "small.yaml", "--out", "new/t.h5")[0] == 0
    assert seen == ["t.h5"]


def test_features_do_not_replace_another_archive(tmp_path):
    import numpy as np

    from archsim.errors import WorkloadError
    from archsim.workloads.features import load_features
    from tests.small_run import features

    np.savez(tmp_path / "f.npz", **features())
    found = load_features(tmp_path / "f.npz")
    found.save(tmp_path / "f.npz")
    np.savez(tmp_path / "other.npz", precious=1)
    before = (tmp_path / "other.npz").read_bytes()
    with pytest.raises(WorkloadError, match="exists and is not a feature file"):
        found.save(tmp_path / "other.npz")
    assert (tmp_path / "other.npz").read_bytes() == before
