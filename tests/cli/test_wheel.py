"""Does an installed archsim, in an empty folder, without a checkout, do what the README says?

The wheel goes into a new environment, to which pip brings its dependencies from the index that it
is configured for. Nothing of the repository is on the path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import NOTEBOOK, cells
from tests.runs import ROOT
from tests.tools import REQUIRE

pytestmark = pytest.mark.slow

WITHOUT = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP")
"""What the surroundings may say of other installations."""


def surroundings() -> dict[str, str]:
    """Return the environment of a program that knows nothing of this one."""
    return {key: value for key, value in os.environ.items() if key not in WITHOUT}


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The Python of a new environment that has the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT]
    require(subprocess.run(build, capture_output=True, text=True, check=False))
    (wheel,) = folder.glob("archsim-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    made = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [made, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", wheel]
    require(
        subprocess.run(
            install, capture_output=True, text=True, check=False, cwd=folder, env=surroundings()
        )
    )
    return made


def require(done: subprocess.CompletedProcess[str]) -> None:
    """Skip the tests where pip has no index to take packages from; fail where it has to have."""
    if done.returncode == 0:
        return
    offline = "No matching distribution found" in done.stderr or "connection" in done.stderr.lower()
    if offline and not os.environ.get(REQUIRE):
        pytest.skip("pip finds no index, from which a new environment would take its packages")
    pytest.fail(f"pip: {done.stderr}", pytrace=False)


@pytest.fixture
def run(python, tmp_path):
    """Run the new environment's Python in an empty folder; return what it prints."""

    def one(*arguments: str, folder: Path = tmp_path) -> str:
        done = subprocess.run(
            [python, *arguments], cwd=folder, capture_output=True, text=True, check=False,
            env={**surroundings(), "MPLBACKEND": "Agg"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return one


@pytest.fixture
def installed(run, python):
    """Run the installed command line in an empty folder; return what it prints."""

    def one(*arguments: str, **options: Path) -> str:
        return run("-m", "archsim", *arguments, **options)

    return one


def test_it_is_the_installed_one(installed, python):
    found = json.loads(installed("doctor", "--json"))["findings"]
    places = {item["what"]: item["found"] for item in found}
    site = python.parent.parent
    assert str(site) in places["archsim"]
    assert Path(places["configurations"]).is_relative_to(site)


def test_nothing_of_the_repository_is_on_its_path(run, python):
    path = run("-c", "import sys, archsim; print(archsim.__file__, *sys.path, sep='\\n')").split()
    assert not [each for each in path if Path(each).resolve().is_relative_to(ROOT)]
    assert Path(path[0]).is_relative_to(python.parent.parent)


def test_its_command_is_there(python, tmp_path):
    command = python.with_name("archsim")
    done = subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path,
        env=surroundings(),
    )  # fmt: skip
    assert done.stdout.startswith("archsim ")


def test_a_configuration_runs_by_its_name(installed, tmp_path):
    found = json.loads(installed("run", "kws", "--json"))
    assert found["accuracy"] > 0.9
    assert (tmp_path / "traces" / "kws.h5").is_file()
    assert json.loads(installed("report", "traces/kws.h5", "--json"))["accuracy"] > 0.9


def test_a_new_project_runs(installed, run, tmp_path):
    installed("init", "mine")
    mine = tmp_path / "mine"
    few = ("--set", "workload.sequences=12")
    found = json.loads(installed("run", "chip.yaml", *few, "--json", folder=mine))
    assert found["name"] == "my-chip"
    assert (mine / "traces" / "my-chip.h5").is_file()
    assert "5 bits" in run("run.py", folder=mine)


def test_what_comes_with_it_is_found(installed):
    assert "kws_nonidealities" in installed("list")
    assert "ENOB" in installed("adc", "tanh", "--device", "yang2025-taox", "--trials", "5")
    assert "comparator" in installed("components")
    assert installed("experiment", "fig1c")
    assert json.loads(installed("schema"))
    assert "offset_sigma" in installed("keys", "adc.comparator")


def test_the_notebook_runs(run, tmp_path):
    (tmp_path / "notebook.py").write_text("\n\n".join(cells(NOTEBOOK)), encoding="utf-8")
    printed = run("notebook.py")
    assert "the largest is the answer: True" in printed
    assert "operations of" in printed
