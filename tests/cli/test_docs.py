"""Do the commands and the code of README.md and docs/ work as they are printed?

Every command runs as it stands, in a folder whose copy of configs/ has few sequences, timesteps and
trials. What cannot run in a test is listed in NOT_RUN with the reason; a block that is neither run
nor listed fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
import yaml

from archsim.cli import app
from archsim.config.activations import ACTIVATIONS
from archsim.config.device import DeviceFile
from archsim.config.load import load_config
from archsim.config.merge import load_document
from archsim.config.reference import all_keys, keys_below
from archsim.config.validate import validate_document
from archsim.costs.library import load_library
from archsim.devices import base
from archsim.errors import ConfigError, InputError
from archsim.experiments import load_experiment
from archsim.simulation.prepare import check
from archsim.simulation.simulate import run
from tests.extension.offered import offer
from tests.pages import (
    PAGES,
    SHELL,
    Block,
    Command,
    blocks,
    commands,
    headings,
    names_of_commands,
)
from tests.runs import ROOT
from tests.tools import require_package, require_tool
from tests.trained import train_without_torch

BLOCKS = blocks()
COMMANDS = commands()

NOT_RUN = {
    "make run": "makes .venv; the command that it runs is run here",
    "make test": "makes .venv and runs this suite",
    "make test-all": "makes .venv and runs this suite",
    "make interpreted": "makes .venv and runs a part of this suite",
    "archsim --install-completion": "changes the shell's own files",
    "archsim bench": "measures for minutes; tests/test_bench*.py run its sections",
    "archsim bench --only noise --only file": "measures for a minute; see tests/test_bench*.py",
    "archsim bench --growth": "measures for minutes; see tests/test_bench*.py",
    "archsim bench --against verilator": "compiles C++; see tests/unit/bench/test_bench.py",
    "ARCHSIM_PEER_PYTHON=~/peers/bin/python archsim bench --against crosssim": "needs CrossSim",
    "bash tools/install_peers.sh ~/peers ~/cross-sim": "installs gigabytes",
    "pytest tests/unit/spice/test_spice.py --log-cli-level=INFO -k documented": "is tested",
    "pip install --no-deps silero-vad": "takes from the network",
    "pip install onnx onnxruntime torch": "takes from the network",
    "apt-get install pocketsphinx-testdata": "takes from the network",
    "python tools/voice_activity.py --out silero": "see tests/article/test_voice_activity.py",
    "archsim run silero/onnx/chip.yaml": "see tests/article/test_voice_activity.py",
    "python tools/wire_errors.py": "takes minutes; tests/physics/test_wires.py checks its tables",
}
"""Commands that cannot run in a test, and why."""

SLOW = (
    *("fig1c", "fig4", "fig5", "sensitivity", "schedule_options", "kws_nonidealities"),
    "charlm.yaml --set trace.waveforms",
    "timeline charlm",
    "compare kws sar",
    *(f"run kws --set {key}" for key in ("technology", "tile", "streams")),
    *(f"run kws --set adc.{key}" for key in ("comparator", "kind", "early_stop")),
)
"""What commands that take more than a few seconds have in them."""

FEWER = {
    "charlm.yaml": (r"timesteps: \d+", "timesteps: 2"),
    "experiments/fig3_calibration.yaml": (r"trials: \d+", "trials: 5"),
    "experiments/kws_nonidealities.yaml": (r"seeds: \d+", "seeds: 2"),
    "experiments/schedule_options.yaml": (r"sequences=64", "sequences=4"),
    "experiments/sensitivity_kws.yaml": (r"sequences=\d+", "sequences=2"),
    "experiments/sensitivity_charlm.yaml": (r"timesteps=\d+", "timesteps=2"),
}
"""What the copy of configs/ has less of, by file: a pattern and what replaces it."""

FIRST = {"ngspice -b kws.cir": "archsim spice configs/kws.yaml --out kws.cir"}
"""The command that makes a command's input."""

FILES = {"docs/your-network.md", "docs/your-function.md"}
"""Pages whose blocks are files: their names are in the first line."""
_NAMED = re.compile(r"# ([\w-]+\.(?:py|yaml|toml))\n")

SHOWN = {"", "text"}
"""Languages of blocks that show what something prints."""


def block(page: str, language: str, has: str = "") -> Block:
    """Return the only block of a page that has a text in it."""
    found = [each for each in BLOCKS if (each.page, each.language) == (page, language)]
    (one,) = (each for each in found if has in each.text)
    return one


@pytest.fixture(scope="session")
def configs(tmp_path_factory) -> Path:
    """A copy of configs/ that takes seconds where the repository's takes minutes."""
    folder = shutil.copytree(ROOT / "configs", tmp_path_factory.mktemp("docs") / "configs")
    for name, (pattern, fewer) in FEWER.items():
        path = folder / name
        text, changes = re.subn(pattern, fewer, path.read_text(encoding="utf-8"))
        assert changes, f"{name} has no '{pattern}'"
        path.write_text(text, encoding="utf-8")
    for path in folder.glob("*.yaml"):
        text = re.sub(r"(?m)^  source: .*$", r"\g<0>\n  sequences: 2", path.read_text("utf-8"))
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def traces(configs) -> Path:
    """Traces that pages take as written: of kws.yaml, of charlm.yaml, of two designs."""
    folder = configs.parent / "traces"
    run(load_config(configs / "kws.yaml", ["trace.waveforms=true"]), folder / "kws.h5")
    run(load_config(configs / "charlm.yaml"), folder / "charlm.h5")
    for name in "ab":
        run(load_config(configs / "kws.yaml", [f"name={name}"]), folder / f"{name}.h5")
    return folder


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """The files that readers of FILES write, and those that these make."""
    folder = tmp_path_factory.mktemp("written")
    for each in BLOCKS:
        named = _NAMED.match(each.text) if each.page in FILES else None
        if named:
            assert not (folder / named[1]).exists(), f"{each.place}: {named[1]} is there already"
            (folder / named[1]).write_text(each.text, encoding="utf-8")
    scripts = ["data.py", "lengths.py", *(["train.py"] if find_spec("torch") else [])]
    for script in scripts:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
        subprocess.run([sys.executable, script], cwd=folder, env=environment, check=True)
    if "train.py" not in scripts:
        train_without_torch(folder)
    return folder


@pytest.fixture
def here(configs, written, tmp_path, monkeypatch) -> Path:
    """A folder as the repository's, to write to; the current one."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("data", "arctan"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "configs").symlink_to(configs)
    library = block("docs/components.md", "yaml", "schema:").text
    (tmp_path / "my-library.yaml").write_text(library, encoding="utf-8")
    own = block("docs/devices.md", "yaml", "activations:").text.partition("network:")[0]
    chip = f"extends: configs/kws-ideal.yaml\n{own}"
    (tmp_path / "my-chip.yaml").write_text(chip, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copy_traces(text: str, here: Path, request: pytest.FixtureRequest) -> None:
    """Copy the traces where a command or block takes one."""
    if "traces/" in text:
        shutil.copytree(request.getfixturevalue("traces"), here / "traces")


def without_time(command: Command) -> tuple[str, ...]:
    """Return a command's words without what measures it."""
    return command.words[2:] if command.words[0] == "/usr/bin/time" else command.words


def marked(command: Command):
    text = str(command)
    slow = [pytest.mark.slow] if any(part in text for part in SLOW) else []
    return pytest.param(command, id=text, marks=slow)


@pytest.mark.parametrize("command", [marked(c) for c in COMMANDS if str(c) not in NOT_RUN])
def test_a_command_works(command, here, archsim, request):
    copy_traces(str(command), here, request)
    if ".png" in str(command):
        pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    program, *arguments = without_time(command)
    if program == "archsim":
        code, out, err = archsim(*arguments)
        assert code == 0, err
        assert out
    else:
        assert program == "ngspice", f"{command.page}: run '{command}' here or list it in NOT_RUN"
        require_tool(program)
        assert archsim(*FIRST[str(command)].split()[1:])[0] == 0
        done = subprocess.run(command.words, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    for word in arguments:
        if word.endswith((".png", ".h5", ".cir")):
            assert Path(word).stat().st_size


@pytest.mark.parametrize("text", NOT_RUN)
def test_a_command_that_is_not_run_is_on_a_page_and_can_be(text):
    """Its options are known, its files are there, `make` knows its target."""
    (command,) = (each for each in COMMANDS if str(each) == text)
    words = [word for word in command.words if not word.startswith("ARCHSIM_")]
    if words[0] == "archsim" and len(words) > 2:
        group = typer.main.get_command(app)
        with group.make_context("archsim", words[1:]) as context:
            _, found, rest = group.resolve_command(context, words[1:])
            assert found.make_context(words[1], rest, parent=context)
    elif words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)
    for word in words:
        if word.startswith(("tools/", "tests/")):
            assert (ROOT / word).is_file()


def test_a_package_with_a_function_is_found_by_its_entry_point(here):
    """What the page says of `pip install .`, which is done here as pip does it."""
    project = block("docs/your-function.md", "text", "[project]").text
    (here / "pyproject.toml").write_text(project, encoding="utf-8")
    path = offer(here / "site", here)
    shown = block("docs/your-function.md", "text", "archsim adc arctan").commands
    assert len(shown) == 2
    for command in shown:
        few = ["--set", "workload.sequences=2"] if "run" in command.words else []
        done = subprocess.run(
            [sys.executable, "-m", *command.words, *few], cwd=here, check=False,
            capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([path, str(ROOT)])},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "arctan" in done.stdout or "accuracy" in done.stdout


def test_keys_that_pages_name_are_there():
    """What looks like a key, by the section that it begins with, is one."""
    sections = {key.path.partition(".")[0] for each in all_keys() for key in each.keys if each.path}
    named = {
        (name, page.name)
        for page in PAGES
        for name in re.findall(r"`([a-z_]+\.[a-z_.0-9]+)(?:: [^`]*)?`", page.read_text("utf-8"))
        if name.partition(".")[0] in sections and not name.endswith((".py", ".yaml"))
    }
    wrong = []
    for name, page in sorted(dict(named).items()):
        try:
            keys_below(name)
        except InputError as error:
            wrong.append(f"{page}: {error}")
    assert wrong == []
    assert len(named) > 100


def test_commands_that_sentences_name_are_there():
    assert names_of_commands() <= set(typer.main.get_command(app).commands)


@pytest.fixture
def models(monkeypatch):
    """Device models and functions that a block registers are forgotten after the test."""
    for kinds in (base.DEVICES, ACTIVATIONS):
        monkeypatch.setattr(kinds, "_known", dict(kinds.all()))


@pytest.mark.parametrize(
    "code", [b for b in BLOCKS if b.language == "python"], ids=lambda b: b.place
)
def test_python_runs(code, here, models, request, capsys):
    first, _, rest = code.text.partition("\n")
    if first.startswith("# tests/"):  # a file that tests run
        assert rest == (ROOT / first.removeprefix("# ")).read_text(encoding="utf-8")
        return
    copy_traces(code.text, here, request)
    if "import torch" in code.text:
        require_package("torch", "'archsim[torch]'")
    if "xarray" in code.text:
        pytest.importorskip("xarray", reason="needs: pip install 'archsim[xarray]'")
    exec(compile(code.text, code.place, "exec"), {})


# --------------------------------------------------------------------------- YAML, page by page


def is_a_library(text, here):
    assert list(load_library(here / "my-library.yaml").components) == ["adder"]


def is_an_entry_of_a_library(text, here):
    path = here / "my-library.yaml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    if sys.version_info >= (3, 12) and find_spec("hwcomponents"):
        assert list(load_library(path).components) == ["adder", "adder_8b"]
    else:
        with pytest.raises(ConfigError, match=r"adder_8b.*hwcomponents"):
            load_library(path)


def is_in_the_action_counts_energies(text, here):
    exec(block("docs/components.md", "python").text, {})
    (shown,) = yaml.safe_load(text)
    table = yaml.safe_load((here / "accelergy" / "ERT.yaml").read_text(encoding="utf-8"))
    (found,) = (entry for entry in table["ERT"]["tables"] if entry["name"] == shown["name"])
    (action,), (there,) = shown["actions"], found["actions"]
    assert there.pop("energy") == pytest.approx(action.pop("energy"), rel=1e-9, abs=0)
    assert there == action


def is_a_device_of_ones_own(text, here):
    exec(block("docs/devices.md", "python").text, {})
    (here / "device.yaml").write_text(text, encoding="utf-8")
    assert validate_document(load_document("device.yaml"), DeviceFile).device.name == "halves"
    (here / "chip.yaml").write_text("extends: [configs/kws.yaml, device.yaml]\n", encoding="utf-8")
    check(load_config("chip.yaml"))


def is_a_device_with_sources(text, here):
    (here / "device.yaml").write_text(text, encoding="utf-8")
    device = validate_document(load_document("device.yaml"), DeviceFile).device
    assert device.temperature.value == pytest.approx(358.15)
    assert device.drift.time == 86400
    (here / "chip.yaml").write_text("extends: [configs/kws.yaml, device.yaml]\n", encoding="utf-8")
    check(load_config("chip.yaml"))


def is_a_layer_with_functions(text, here):
    own = block("docs/devices.md", "yaml", "activations:").text.partition("network:")[0]
    layers = f"network:\n  layers:\n{text}    - {{kind: linear, name: output, units: 12}}\n"
    (here / "mine.yaml").write_text(f"extends: configs/kws.yaml\n{own}{layers}", encoding="utf-8")
    loaded = load_config("mine.yaml")
    assert loaded.config.network.layers[0].functions.i == "hard_sigmoid"
    check(loaded)


def is_part_of_a_configuration(text, here):
    (here / "mine.yaml").write_text("extends: configs/kws.yaml\n" + text, encoding="utf-8")
    (layer,) = load_config("mine.yaml").config.network.layers
    assert layer.function == "hard_sigmoid"


def is_an_experiment(text, here):
    (here / "mine.yaml").write_text(text, encoding="utf-8")
    section = load_experiment("mine.yaml")
    assert [case.name for case in section.cases] == ["as it is", "comparator offset"]


def is_a_network_of_two_branches(text, here):
    Path("branches.yaml").write_text(
        "extends: kws\n" + text.replace("layers:", "weights: random\n  layers:")
    )
    network = load_config("branches.yaml").config.network
    assert network.sources == (("input_buffer",), ("input_buffer",), ("fine", "coarse"))


def is_a_run_of_melodies(text, here):
    config = load_config(_NAMED.match(text)[1])
    check(config)
    summary = run(config, here / "t.h5").summary
    assert summary.accuracy_float > 0.4  # of four classes
    assert summary.accuracy > summary.accuracy_float - 0.05


def has_functions_of_its_own(text, here):
    config = load_config(_NAMED.match(text)[1], ["workload.sequences=48"])
    names = {table.name for table in config.config.activations}
    used = {name for layer in config.network.layers for name in layer.functions_in_use()}
    assert names <= used
    assert run(config, here / "t.h5").summary.accuracy > 0.85


def is_a_network_without_weights(text, here):
    network = text.replace("layers:", "timesteps: 3\n  layers:")
    Path("mine.yaml").write_text(f"extends: random-lstm\n{network}")
    check(load_config("mine.yaml"))


def is_a_bidirectional_stack(text, here):
    is_a_network_without_weights(text, here)
    network = load_config("mine.yaml").config.network
    assert [layer.backward for layer in network.layers] == [False, True, False, True, False]
    assert network.sources[-1] == ("up1", "down1")


YAML = {
    ("docs/layers.md", "name: down1"): is_a_bidirectional_stack,
    ("docs/layers.md", "kind: embedding"): is_a_network_without_weights,
    ("docs/components.md", "schema: archsim-components/1"): is_a_library,
    ("docs/components.md", "from_hwcomponents:"): is_an_entry_of_a_library,
    ("docs/components.md", "# in ERT.yaml"): is_in_the_action_counts_energies,
    ("docs/devices.md", "model: custom"): is_a_device_of_ones_own,
    ("docs/devices.md", "sources:"): is_a_device_with_sources,
    ("docs/devices.md", "activations:"): is_part_of_a_configuration,
    ("docs/devices.md", "functions: {i:"): is_a_layer_with_functions,
    ("docs/experiments.md", "kind: monte_carlo"): is_an_experiment,
    ("docs/your-function.md", "# hard.yaml"): has_functions_of_its_own,
    ("docs/your-function.md", "# squashed.yaml"): has_functions_of_its_own,
    ("docs/your-network.md", "# melodies.yaml"): is_a_run_of_melodies,
    ("docs/your-network.md", "# lengths.yaml"): is_a_run_of_melodies,
    ("docs/scheduling.md", "inputs: [fine, coarse]"): is_a_network_of_two_branches,
}
"""What each block of YAML is, by page and a text that it has."""


@pytest.mark.parametrize(("page", "has"), YAML)
def test_yaml_is_what_the_page_says(page, has, here, models):
    YAML[page, has](block(page, "yaml", has).text, here)


def test_every_block_is_run_or_listed():
    for each in BLOCKS:
        if each.language == "yaml":
            known = [key for key in YAML if key[0] == each.page and key[1] in each.text]
            assert len(known) == 1, f"{each.place}: say in YAML what this block is"
        else:
            assert each.language in {SHELL, "python", *SHOWN}, (
                f"{each.place}: '{each.language}' is run nowhere; use sh, python, yaml or text"
            )


# ----------------------------------------------------------------------------- errors, and links


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_readmes_errors_are_what_is_said(here, archsim):
    first, second = block("README.md", "", "archsim: --set").text.splitlines()
    assert archsim("validate", "configs/kws.yaml", "--set", "adc.bits=23")[::2] == (2, f"{first}\n")
    text = "extends: configs/kws.yaml\n" + "# more\n" * 6 + "tile:\n  colums: 5\n"
    (here / "my-chip.yaml").write_text(text, encoding="utf-8")
    assert archsim("validate", "my-chip.yaml")[::2] == (2, f"{second}\n")


@pytest.mark.parametrize(
    "shown",
    [each for each in BLOCKS if each.text.startswith("$ archsim ")],
    ids=lambda each: each.place,
)
def test_a_command_that_is_shown_with_its_error_gives_it(shown, here, archsim):
    command, _, says = shown.text.partition("\n")
    code, _, err = archsim(*command.split()[2:])
    assert (code, one_line(err)) == (2, one_line(says))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_and_paths_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target, _, heading in (t.partition("#") for t in re.findall(r"\]\(([^)\s]+)\)", text)):
        if "://" in target:
            continue
        there = page.parent / target if target else page
        assert there.exists(), target
        if heading:
            assert heading in headings(there), f"{there.name} has no heading #{heading}"
    for path in re.findall(r"`((?:archsim|tests|tools|configs|docs)/[\w./-]+)`", text):
        assert list(ROOT.glob(re.sub(r"[A-Z]{2,}", "*", path.rstrip("/")))), path


def test_the_readme_leads_to_every_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.ipynb")]
    missing = [page.name for page in pages if f"](docs/{page.name})" not in text]
    assert missing == []
