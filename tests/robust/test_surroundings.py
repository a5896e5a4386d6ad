"""Does archsim work wherever it is started, whatever the terminal, the encoding and the names?"""

from __future__ import annotations

import io
import json
import os
import tomllib
from pathlib import Path

import pytest

from archsim import console
from archsim.cli import main
from archsim.report.table import report
from archsim.shipped import shipped
from tests.runs import ROOT
from tests.small_run import CONFIG, write_small_run


@pytest.fixture
def archsim(monkeypatch, capfd):
    """Run the command line in this process; return exit code, stdout and stderr."""

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["archsim", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


# ---------------------------------------------------------------------------------- files that ship


def test_shipped_files_are_found_from_any_folder(archsim, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, out, err = archsim("components", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["name"] == "cmos-16nm"
    from archsim.bench import growth, sections

    assert all(path.is_absolute() and path.is_file() for path in sections.NETWORKS)
    assert growth.BASE == shipped("random-lstm.yaml") == ROOT / "configs" / "random-lstm.yaml"


def test_the_wheel_takes_them_along():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"configs": "archsim/configs"}


def test_an_installed_package_has_them_inside(monkeypatch, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mine.yaml").touch()
    monkeypatch.setattr("archsim.shipped._FOLDERS", (tmp_path / "configs", ROOT / "configs"))
    assert shipped("mine.yaml") == tmp_path / "configs" / "mine.yaml"
    assert shipped("kws.yaml") == ROOT / "configs" / "kws.yaml"
    assert shipped("none.yaml") == ROOT / "configs" / "none.yaml"


def test_a_shipped_file_that_is_not_here_is_pointed_to(archsim, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    absent = "the file does not exist;"
    said = f"{absent} the one that comes with archsim is {ROOT}/configs/kws.yaml\n"
    assert archsim("validate", "configs/kws.yaml") == (2, "", f"archsim: configs/kws.yaml: {said}")
    said = f"archsim: configs/none.yaml: {absent} check the path\n"
    assert archsim("validate", "configs/none.yaml") == (2, "", said)


# ----------------------------------------------------------------------------------- standard input


@pytest.fixture
def folder(monkeypatch, tmp_path):
    write_small_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def feed(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_configuration_from_standard_input_starts_at_the_working_folder(
    archsim, monkeypatch, folder
):
    hash_of = archsim("validate", "small.yaml")[1].partition("(")[2]
    feed(monkeypatch, CONFIG)
    assert archsim("validate", "-") == (0, f"-: valid ({hash_of}", "")
    feed(monkeypatch, "extends: small.yaml\nname: other\n")
    assert archsim("validate", "-")[0] == 0
    feed(monkeypatch, CONFIG)
    code, out, _ = archsim("run", "-", "--out", "x.h5", "--set", "trace.level=summary", "--json")
    assert (code, json.loads(out)["trace"]) == (0, "x.h5")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "standard input: the file is empty; write at least one 'key: value' line"),
        (f"foo: 1\n{CONFIG}", "standard input:1: unknown key 'foo'"),
        (
            CONFIG.replace("units: 3", "units: 3, function: cube"),
            "standard input: network.layers: 'output': function: unknown",
        ),
    ],
)
def test_what_is_wrong_with_it_is_said_of_standard_input(archsim, monkeypatch, folder, text, says):
    feed(monkeypatch, text)
    code, out, err = archsim("validate", "-")
    assert (code, out) == (2, "")
    assert f"archsim: {says}" in err or f"\n{says}" in err


def test_process_substitution_starts_at_the_working_folder(archsim, folder):
    reader, writer = os.pipe()
    os.write(writer, CONFIG.encode())
    os.close(writer)
    try:
        assert archsim("validate", f"/dev/fd/{reader}")[0] == 0
    finally:
        os.close(reader)


# ------------------------------------------------------------------------------ names and encodings


def test_names_that_are_no_utf8_are_shown_with_escapes(archsim, folder):
    odd = Path(os.fsdecode(b"caf\xe9"))
    odd.mkdir()
    write_small_run(odd)
    code, out, err = archsim("validate", odd / "small.yaml")
    assert (code, err) == (0, "")
    assert out.startswith("caf\\udce9/small.yaml: valid")
    trace = odd / "x.h5"
    code, out, _ = archsim("run", "small.yaml", "--out", trace, "--json")
    assert (code, json.loads(out)["trace"]) == (0, str(trace))
    assert "trace: caf\\udce9/x.h5" in archsim("report", trace)[1]
    assert json.loads(archsim("report", trace, "--json")[1])["trace"] == str(trace)
    code, _, err = archsim("report", odd / "none.h5")
    assert (code, err.split(":")[1]) == (2, " caf\\udce9/none.h5")


def test_data_files_in_a_folder_whose_name_is_no_utf8_go_into_the_trace(
    archsim, monkeypatch, folder
):
    odd = Path(os.fsdecode(b"caf\xe9"))
    odd.mkdir()
    write_small_run(odd)
    monkeypatch.chdir(odd)
    options = ("--set", "network.weights=weights.safetensors", "--out", "x.h5", "--json")
    code, out, err = archsim("run", "../small.yaml", *options)
    assert (code, json.loads(out or "{}").get("trace")) == (0, "x.h5"), err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
def test_every_report_can_be_shown_in_any_encoding(monkeypatch, folder, encoding):
    monkeypatch.setattr("sys.argv", ["archsim", "run", "small.yaml", "--out", "\u00e9 \u4e2d.h5"])
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding=encoding))
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    text = shown.getvalue().decode(encoding)
    assert text.splitlines()[-1] in {"trace: \\xe9 \\u4e2d.h5", "trace: \u00e9 \\u4e2d.h5"}
    assert "\\u25" not in text  # no escapes in place of a table's lines


# ------------------------------------------------------------------------------- terminals, folders


class Terminal(io.StringIO):
    """A terminal that does not tell how wide it is."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("told", "width"), [("0", 80), ("1", 80), ("abc", 80), ("", 80), ("40", 40), ("200", 200)]
)
def test_a_terminal_gets_tables_that_can_be_read(monkeypatch, told, width):
    monkeypatch.setenv("COLUMNS", told)
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    console.show_report(report("word " * 100))
    lines = terminal.getvalue().splitlines()
    assert width - 5 <= max(map(len, lines)) <= width


def test_a_file_gets_wide_tables_whatever_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "0")
    console.show_report(report("word " * 100))
    assert max(map(len, capsys.readouterr().out.splitlines())) > 100


def test_a_removed_working_folder_is_said_or_does_not_matter(archsim, monkeypatch, folder):
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = "archsim: the working folder does not exist any more; change to another one (cd)"
    for arguments in (("validate", "../small.yaml"), ("run", "small.yaml")):
        code, out, err = archsim(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith(said)
    assert archsim("validate", folder / "small.yaml")[0] == 0
    out = folder / "x.h5"
    code, _, err = archsim("run", folder / "small.yaml", "--out", out)
    assert code == 0, err
    assert archsim("report", out)[0] == 0
