"""Does every command say what a trace lacks, and how to run so that it has it?"""

from __future__ import annotations

import pytest

from archsim.cli import main
from archsim.config.load import load_config
from archsim.simulation.simulate import run
from tests.small_run import write_small_run

LEVELS = ("summary", "event", "cycle")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("levels")
    write_small_run(path)
    for level in LEVELS:
        config = load_config(path / "small.yaml", ["workload.sequences=1", f"trace.level={level}"])
        run(config, path / f"{level}.h5")
    return path


@pytest.fixture
def archsim(monkeypatch, capsys, folder):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")
    monkeypatch.chdir(folder)

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["archsim", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


WAVEFORMS = "run with --set trace.waveforms=true"
CYCLES = "run with --set trace.level=cycle"
CASES = {
    "plot-summary": (("plot", "summary.h5"), f"{CYCLES} --set trace.waveforms=true"),
    "plot-event": (("plot", "event.h5"), f"{CYCLES} --set trace.waveforms=true"),
    "plot-cycle": (("plot", "cycle.h5"), WAVEFORMS),
    "plot-no-tile": (("plot", "cycle.h5", "--tile", ""), "no tile ''; it has lstm, output"),
    "plot-config": (("plot", "small.yaml"), "but a configuration: run it with 'archsim run'"),
    "report-config": (("report", "small.yaml"), "but a configuration: run it with 'archsim run'"),
    "report-nothing": (("report", "off.h5"), "there is no such file: name a trace"),
    "timeline-summary": (("timeline", "summary.h5"), "run with --set trace.level=event"),
    "compare-summary": (("compare", "cycle.h5", "summary.h5"), CYCLES),
    "compare-published": (
        ("compare", "cycle.h5", "--published", "small.yaml"),
        "small.yaml: is no file of published accelerators",
    ),
    "compare-event": (("compare", "cycle.h5", "event.h5"), CYCLES),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_lacking_is_said_in_one_sentence(archsim, case):
    arguments, says = case
    out_file = ("--out", "p.png") if arguments[0] == "plot" else ()
    code, out, err = archsim(*arguments, *out_file)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *(("report", f"{level}.h5") for level in LEVELS),
        ("timeline", "event.h5"),
        ("timeline", "cycle.h5"),
        ("compare", "cycle.h5"),
    ],
    ids=" ".join,
)
def test_what_is_there_is_enough(archsim, arguments):
    code, out, _ = archsim(*arguments)
    assert code == 0
    assert out


def test_a_run_without_a_trace_says_why(archsim, folder):
    code, out, _ = archsim("run", "small.yaml", "--set", "trace.level=off", "--out", "none.h5")
    assert code == 0
    assert "no trace was written: trace.level is off" in out
    assert not (folder / "none.h5").exists()


def test_a_sequence_that_there_is_not_is_told_before_a_run(archsim, monkeypatch):
    monkeypatch.setattr("archsim.simulation.simulate.run", lambda *_, **__: pytest.fail("it ran"))
    code, _, err = archsim("timeline", "small.yaml", "--sequence", "50")
    assert code == 2
    assert "there is no sequence 50; the run has 20, counted from 0" in err
