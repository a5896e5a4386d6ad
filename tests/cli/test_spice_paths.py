"""Does the command that `archsim spice` prints work in a shell, and is its table where it says?"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from archsim.spice.netlist import command_of, table_path
from tests.small_run import write_small_run
from tests.tools import require_tool

NAMES = (
    "net.cir",
    "Mixed Case/Net.cir",
    "é/x.cir",
    "$HOME.cir",
    "$HOME/n.cir",
    "it's.cir",
    'a;b|c>d&e"f/x.cir',
    "-n.cir",
    "~x/n.cir",
    "a{b}`c`.cir",
    "../over there.cir",
    "no suffix",
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder in the folder of a small run."""
    write_small_run(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_command_writes_the_table_where_it_says(archsim, here, name):
    require_tool("ngspice")
    Path(name).parent.mkdir(exist_ok=True)
    code, out, _ = archsim("spice", "../small.yaml", "--rows", 1, "--columns", 1, "--out", name)
    assert code == 0
    said = re.search(r"; run it with '(.*)', which writes (.*)\n", out)
    before = files()
    subprocess.run(["sh", "-c", said[1]], capture_output=True, check=True)
    assert files() - before == {Path(said[2]).resolve()}
    assert Path(said[2]).read_text().split()[:2] == ["time", "v(ramp_0)"]


def files():
    return {path.resolve() for path in Path("..").rglob("*") if path.is_file()}


def test_a_netlist_on_standard_input_writes_the_table_where_one_stands(archsim, here):
    require_tool("ngspice")
    out = "../n.cir"
    assert archsim("spice", "../small.yaml", "--rows", 1, "--columns", 1, "--out", out)[0] == 0
    with Path(out).open() as text:
        subprocess.run(["ngspice", "-b"], stdin=text, capture_output=True, check=True)
    assert [path.name for path in here.iterdir()] == ["n.txt"]


@pytest.mark.parametrize("folder", ["a{b", "a}b", "a`b"])
def test_a_folder_that_ngspice_cannot_write_into_is_refused(archsim, here, folder):
    Path(folder).mkdir()
    code, out, err = archsim("spice", "../small.yaml", "--out", f"{folder}/n.cir")
    assert (code, out) == (2, "")
    assert f"ngspice cannot write into a folder with {folder[1]} in its name: choose anoth" in err
    assert not list((here / folder).iterdir())


def test_a_netlist_and_its_table_may_be_written_again(archsim, here):
    require_tool("ngspice")
    for _ in range(2):
        archsim("spice", "../small.yaml", "--rows", 1, "--columns", 1, "--out", "n.cir")
        subprocess.run(["ngspice", "-b", "n.cir"], capture_output=True, check=True)
    assert {path.name for path in here.iterdir()} == {"n.cir", "n.txt"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a b.cir", ["ngspice", "-b", "a b.cir"]),
        ("-n.cir", ["ngspice", "-b", "./-n.cir"]),
        ("~/n.cir", ["ngspice", "-b", "./~/n.cir"]),
        ("/a b/it's.cir", ["ngspice", "-b", "/a b/it's.cir"]),
    ],
)
def test_names_are_quoted(name, words):
    assert shlex.split(command_of(Path(name))) == words
    assert table_path(Path(name)).parent == Path(name).parent
