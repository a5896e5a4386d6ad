"""Does what comes with archsim work by its name from any folder, and does a new project run?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from archsim import shipped
from archsim.cli import _GROUPS
from archsim.config.load import load_config
from archsim.starter import FILES
from tests.command_line import call


@pytest.fixture
def command_line(capsys):
    """Run a command and keep what it wrote."""

    def one(*arguments):
        one.code, one.out, one.err = call(capsys, *arguments)
        return one.code

    return one


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", shipped.CONFIGURATIONS.files())
def test_every_configuration_is_valid_by_its_name(name, command_line):
    assert command_line("validate", name) == 0
    assert command_line.out.startswith(f"{name}: valid (hash ")


def test_a_file_of_ones_own_goes_before_a_name():
    Path("kws").write_text("extends: kws-ideal\nname: mine\n")
    assert load_config("kws").config.name == "mine"


def test_a_folder_is_told_as_one_unless_a_name_is_meant(command_line):
    Path("kws").mkdir()
    assert command_line("validate", "kws") == 0
    Path("chips").mkdir()
    assert command_line("validate", "chips") == 2
    assert "is a directory" in command_line.err


def test_a_base_by_name_is_told_with_its_line(command_line):
    Path("mine.yaml").write_text("name: mine\nextends:\n  - kws\n  - yang2025-taoxx\n")
    assert command_line("validate", "mine.yaml") == 2
    err = command_line.err
    assert err.startswith("archsim: mine.yaml:2: extends: yang2025-taoxx: there is no such file")
    assert "did you mean 'yang2025-taox'?" in err


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (("run", "kwz"), "no configuration of archsim's has that name (did you mean 'kws'?)"),
        (
            ("experiment", "fig1d"),
            "no experiment of archsim's has that name (did you mean 'fig1c'?",
        ),
        (("adc", "tanh", "--device", "pcmm"), "no device of archsim's has that name"),
        (("components", "--library", "cmos-15nm"), "(did you mean 'cmos-16nm'?)"),
        (("adc", "tanh", "--config", "nothing"), "there are charlm, conventional"),
    ],
)
def test_an_unknown_name_says_what_there_is(arguments, known, command_line):
    assert command_line(*arguments) == 2
    err = command_line.err
    assert known in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("adc", "tanh", "--device", "yang2025-taox", "--trials", "2"),
        ("adc", "tanh", "--config", "kws"),
        ("components", "--library", "isaac-32nm"),
        ("components",),
        ("experiment", "fig3_vread"),
    ],
)
def test_names_work_where_files_do(arguments, command_line):
    assert command_line(*arguments) == 0
    assert command_line.out


def test_the_list_names_everything_that_there_is(command_line):
    assert command_line("list", "--json") == 0
    found = json.loads(command_line.out)
    names = {entry["name"] for entry in found["files"]["run"]}
    assert {"kws", "charlm", "isaac", "nladc-5b"} <= names
    for entries in found["files"].values():
        for entry in entries:
            assert Path(entry["path"]).is_file()
            assert 10 < len(entry["what"]) < 300
            assert "yaml-language-server" not in entry["what"]
    assert "lstm" in found["kinds"]["network.layers kind"]
    assert "sigmoid" in found["kinds"]["functions"]
    assert command_line("list") == 0
    shown = command_line.out
    assert "fig4_efficiency" in shown
    assert "nonlinear_ramp" in shown


def test_a_new_project_is_whole_and_right(command_line):
    assert command_line("init", "my-chip") == 0
    out = command_line.out
    assert out.endswith("next: cd my-chip && archsim run chip.yaml\n")
    assert {path.name for path in Path("my-chip").iterdir()} == {*FILES}
    assert command_line("validate", "my-chip/chip.yaml") == 0
    loaded = load_config("my-chip/chip.yaml")
    assert loaded.notes == ()
    assert loaded.config.network.weights == Path("my-chip").resolve() / "weights.safetensors"
    own, kws = loaded.config.model_dump(), load_config("kws").config.model_dump()
    for both in (own, kws):
        for key in ("name", "description"):
            del both[key]
        del both["network"]["weights"]
        del both["workload"]["source"]
    assert own == kws
    readme = Path("my-chip/README.md").read_text()
    for name in FILES:
        assert f"`{name}`" in readme or name == "README.md"


def test_a_new_project_overwrites_nothing(command_line):
    Path("here").mkdir()
    Path("here/run.py").write_text("mine")
    assert command_line("init", "here") == 2
    assert "it has a run.py, which is not overwritten" in command_line.err
    assert [path.name for path in Path("here").iterdir()] == ["run.py"]
    Path("a-file").write_text("")
    assert command_line("init", "a-file") == 2
    assert "a-file: the project cannot be written" in command_line.err
    assert command_line("init", ".") == 0
    assert command_line("init", ".") == 2


@pytest.mark.slow
def test_the_script_of_a_new_project_runs(command_line):
    assert command_line("init", "my-chip") == 0
    done = subprocess.run(
        [sys.executable, "run.py"], cwd="my-chip", check=True, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert all("% right" in line for line in lines)
    assert len(list(Path("my-chip/traces").glob("*.h5"))) == 4


def test_the_doctor_says_what_to_install(command_line, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert command_line("doctor", "--json") == 0
    found = json.loads(command_line.out)["findings"]
    about = {item["what"]: item for item in found}
    assert about["numba"]["found"]
    assert "apt-get install ngspice" in about["ngspice"]["remedy"]
    assert about["kernels"]["found"].startswith(("vector code", "plain loops"))
    assert not any(item["fault"] for item in found)


def test_the_doctor_finds_a_cache_that_cannot_be_kept(command_line, monkeypatch):
    monkeypatch.setenv("ARCHSIM_CACHE_DIR", "/proc/nowhere")
    assert command_line("doctor") == 1
    out = " ".join(command_line.out.split())
    assert "every start compiles" in out
    assert "ARCHSIM_CACHE_DIR" in out


def test_every_command_is_in_a_group_and_has_an_example(command_line):
    assert command_line("--help") == 0
    shown = command_line.out
    for group, functions in _GROUPS.items():
        assert f"\n{group}:\n" in shown
        for function in functions:
            name = function.__name__.rstrip("_")
            assert f"\n  {name} " in shown
            assert command_line(name, "--help") == 0
            assert f"Example: archsim {name}" in command_line.out
