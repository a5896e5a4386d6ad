"""Does an installed archsim, in an empty folder, without a checkout, do what the README says?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder of what the wheel installs; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("archsim-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


@pytest.fixture
def installed(site, tmp_path, monkeypatch):
    """Run the installed command line in an empty folder; return what it prints."""
    monkeypatch.chdir(tmp_path)

    def one(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "archsim", *arguments],
            env={**os.environ, "PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return one


def test_it_is_the_installed_one(installed, site):
    found = json.loads(installed("doctor", "--json"))["findings"]
    places = {item["what"]: item["found"] for item in found}
    assert str(site) in places["archsim"]
    assert places["configurations"] == str(site / "archsim" / "configs")


def test_a_configuration_runs_by_its_name(installed):
    found = json.loads(installed("run", "kws", "--json"))
    assert found["accuracy"] > 0.9
    assert Path("traces/kws.h5").is_file()
    assert json.loads(installed("report", "traces/kws.h5", "--json"))["accuracy"] > 0.9


def test_a_new_project_runs(installed):
    installed("init", "mine")
    os.chdir("mine")
    few = ("--set", "workload.sequences=12")
    assert json.loads(installed("run", "chip.yaml", *few, "--json"))["name"] == "my-chip"
    assert Path("traces/my-chip.h5").is_file()


def test_what_comes_with_it_is_found(installed):
    assert "kws_nonidealities" in installed("list")
    assert "ENOB" in installed("adc", "tanh", "--device", "yang2025-taox", "--trials", "5")
    assert "comparator" in installed("components")
    assert installed("experiment", "fig1c")
    assert json.loads(installed("schema"))
