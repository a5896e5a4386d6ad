"""Does every command that reads a trace end well, whatever a trace holds?

Each part of a small trace is changed in several ways: missing, of another type or shape, larger
than the file, not finite, in another file, not text. A command then does its work or says in one
sentence why not, in bounded time and memory, and no name reaches the terminal as it is.
"""

from __future__ import annotations

import json
import resource
import shutil
import time

import h5py
import numpy as np
import pytest

from archsim.cli import main
from archsim.config.load import load_config
from archsim.report.experiment import save_figure
from archsim.simulation.simulate import run
from archsim.trace import checked
from archsim.trace.checked import DamageError
from tests.small_run import write_small_run

ESCAPES = "\x1b]0;owned\x07\x1b[31m[/bad]$\\x$\u202e"
MANY = 1_000_000_000
MEMORY = 300_000  # kB that reading may take on top
SECONDS = 20.0  # a change takes a few hundredths; it is the hours that must not come back
READ_BY = {
    "report": {"summary": None},
    "timeline": {"events": None},
    "plot": {"tiles/lstm": None},
    "compare": {
        "tiles/lstm": ("cycle", "phase", "sequence"),
        "units/lstm_update": ("cycle", "component", "sequence"),
    },
}
"""Parts by the command that is the first to read them; None stands for all of a group."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a small whole trace with waveforms."""
    folder = tmp_path_factory.mktemp("whole")
    write_small_run(folder)
    loaded = load_config(folder / "small.yaml", ["workload.sequences=2", "trace.waveforms=true"])
    run(loaded, folder / "t.h5")
    return folder / "t.h5"


@pytest.fixture
def archsim(monkeypatch, capsys):
    """Run the command line in this process; pictures are not drawn."""
    monkeypatch.setattr("archsim.report.experiment.save_figure", lambda *_: None)
    monkeypatch.setattr("archsim.report.experiment.check_picture", lambda *_: None)

    def call(command, trace):
        more = ("--out", str(trace.with_suffix(".png"))) if command == "plot" else ()
        monkeypatch.setattr("sys.argv", ["archsim", command, str(trace), *more])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return call


def some(parts, change):
    """Return every third part, other ones for the next change: all pairs would take a minute."""
    kinds = [*DATASET_CHANGES, *ATTRIBUTE_VALUES]
    return parts[kinds.index(change) % 3 :: 3]


def datasets_of(trace):
    """Return what commands read: group, name and command."""
    with h5py.File(trace) as file:
        return [
            (group, name, command)
            for command, groups in READ_BY.items()
            for group, names in groups.items()
            for name in names or file[group]
        ]


def attributes_of(trace):
    """Return the attributes that commands read: group and name."""
    with h5py.File(trace) as file:
        return [(group, name) for group in ("/", "summary") for name in file[group].attrs]


def again(file, group, name, **kind):
    """Make a dataset again, of another kind."""
    del file[group][name]
    return file[group].create_dataset(name, **kind)


def lay_out(file, group, name, layout):
    """Make a dataset again, of a huge shape that takes next to nothing in the file."""
    dtype = file[group][name].dtype
    ndim = file[group][name].ndim
    shape = (MANY, *file[group][name].shape[1:])
    if layout == "chunked":
        again(file, group, name, shape=shape, dtype=dtype, chunks=(1 << 20, *shape[1:]))
    elif layout == "compressed":
        again(file, group, name, shape=shape, dtype=dtype, chunks=True, compression="gzip")
    elif layout == "virtual":
        source = h5py.VirtualSource("other.h5", "x", shape=shape)
        virtual = h5py.VirtualLayout(shape=shape, dtype=dtype)
        virtual[:] = source
        del file[group][name]
        file[group].create_virtual_dataset(name, virtual)
    else:
        again(file, group, name, shape=shape if ndim else (MANY,), dtype=dtype)


def not_finite(file, group, name, value):
    found = file[group][name]
    with np.errstate(invalid="ignore", over="ignore"):
        found[...] = np.full(found.shape, value).astype(found.dtype)


def link(file, group, name, target):
    del file[group][name]
    file[group][name] = target


def recast(file, group, name, dtype):
    shape = file[group][name].shape
    del file[group][name]
    file[group][name] = np.zeros(shape, dtype=dtype)


def not_utf8(file, group, name):
    shape = file[group][name].shape
    del file[group][name]
    file[group][name] = np.full(shape, b"\xff\xfe\x1b[31m", dtype="S8")


def hostile_names(file, group, name):
    length = file[group][name].shape[0]
    del file[group][name]
    texts = [f"{ESCAPES}{number}" for number in range(length)]
    file[group].create_dataset(name, data=np.array(texts, dtype=object))


def one_long_name(file, group, name):
    """A name that is as long as the file, and that every entry refers to."""
    length = file[group][name].shape[0]
    del file[group][name]
    file[group].create_dataset(name, data=np.array(["x" * 60000] * length, dtype=object))


def enumeration(file, group, name):
    shape = file[group][name].shape
    codes = {f"{ESCAPES}{code}": code for code in range(500)}
    del file[group][name]
    dtype = h5py.enum_dtype(codes, basetype="u2")
    file[group].create_dataset(name, data=np.zeros(shape, "u2"), dtype=dtype)


DATASET_CHANGES = {
    "missing": lambda f, g, n: f[g].__delitem__(n),
    "group": lambda f, g, n: (f[g].__delitem__(n), f[g].create_group(n)),
    "scalar": lambda f, g, n: again(f, g, n, data=1),
    "empty": lambda f, g, n: again(f, g, n, data=h5py.Empty("f8")),
    "none": lambda f, g, n: again(f, g, n, shape=(0,), dtype="f8"),
    "short": lambda f, g, n: again(f, g, n, data=np.ones(1)),
    "two-axes": lambda f, g, n: again(f, g, n, data=np.ones((3, 3), dtype="i8")),
    "whole": lambda f, g, n: recast(f, g, n, "i8"),
    "real": lambda f, g, n: recast(f, g, n, "f8"),
    "complex": lambda f, g, n: recast(f, g, n, "c16"),
    "compound": lambda f, g, n: recast(f, g, n, [("a", "f8"), ("b", "i4")]),
    "not-utf-8": not_utf8,
    "hostile-names": hostile_names,
    "long-name": one_long_name,
    "enumeration": enumeration,
    "contiguous": lambda f, g, n: lay_out(f, g, n, "contiguous"),
    "chunked": lambda f, g, n: lay_out(f, g, n, "chunked"),
    "compressed": lambda f, g, n: lay_out(f, g, n, "compressed"),
    "virtual": lambda f, g, n: lay_out(f, g, n, "virtual"),
    "external": lambda f, g, n: again(
        f, g, n, shape=(8,), dtype="f8", external=[("/etc/passwd", 0, 64)]
    ),
    "external-link": lambda f, g, n: link(f, g, n, h5py.ExternalLink("other.h5", "/x")),
    "soft-link": lambda f, g, n: link(f, g, n, h5py.SoftLink(f"/{g}/{n}")),
}
VALUES = {"nan": np.nan, "infinite": np.inf, "negative": -5.0, "largest": 1e300}
ATTRIBUTE_VALUES = {
    "missing": None,
    "text": "x",
    "escapes": ESCAPES,
    "bytes": np.bytes_(b"\xff\xfe\x1b"),
    "nan": np.nan,
    "infinite": np.inf,
    "negative": -1.0,
    "zero": 0,
    "fraction": 0.5,
    "largest": np.uint64(2**64 - 1),
    "array": np.ones(4),
    "empty": h5py.Empty("f8"),
    "long": "x" * 60000,
}


@pytest.fixture
def said_of(archsim, whole, tmp_path):
    """Change a copy of the trace and run a command on it; return its exit code and message."""

    def call(command, change):
        trace = tmp_path / "t.h5"
        shutil.copy(whole, trace)
        with h5py.File(trace, "r+") as file:
            change(file)
        code, out, err = archsim(command, trace)
        assert code in {0, 2}, err
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err
        if code:
            assert not out
            assert err.startswith("archsim: ")
            assert err.count("\n") == 1
        return code, err

    return call


@pytest.fixture(autouse=True)
def bounded():
    """Fail where a test takes much memory or time."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("change", DATASET_CHANGES)
def test_changed_datasets(said_of, whole, change):
    refused = 0
    for group, name, command in some(datasets_of(whole), change):
        code, _ = said_of(
            command, lambda file, at=(group, name): DATASET_CHANGES[change](file, *at)
        )
        refused += code == 2
    assert refused


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_changed_numbers(said_of, whole, value):
    for group, name, command in datasets_of(whole):
        with h5py.File(whole) as file:
            numeric = file[group][name].dtype.kind in "fiu"
        if numeric:
            said_of(command, lambda file, at=(group, name): not_finite(file, *at, value))


def set_to(file, group, name, value):
    del file[group].attrs[name]
    if value is not None:
        file[group].attrs[name] = value


@pytest.mark.parametrize("change", ATTRIBUTE_VALUES)
def test_changed_attributes(said_of, whole, change):
    value = ATTRIBUTE_VALUES[change]
    for group, name in some(attributes_of(whole), change):
        said_of("report", lambda file, at=(group, name): set_to(file, *at, value))
    code, _ = said_of("compare", lambda file: set_to(file, "/", "config", value))
    assert code == 2


CONFIGS = {
    "no-yaml": "{",
    "tabs": "\t- x",
    "list": "[1, 2]",
    "deep": "[" * 5000,
    "other-version": "technology: {process: 16}",
    "node-text": "technology: {node: wide}\ntrace: {level: cycle, tiles: all}",
    "node-infinite": "technology: {node: .inf}\ntrace: {level: cycle, tiles: all}",
    "aliases": "a: &a [1]\n" + "".join(f"x{n}: &x{n} [*a, *a, *a]\n" for n in range(50)),
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_configurations_that_cannot_be_read_are_told(said_of, text):
    _, err = said_of("compare", lambda file: set_to(file, "/", "config", text))
    assert "configuration" in err
    assert "run the simulation again" in err


def test_infinite_clock_and_energy_are_told_with_the_part(said_of):
    def clock(file):
        file.attrs["clock_hz"] = np.inf

    def energy(file):
        file["summary/energy_by_component"][0] = np.nan

    for change, says in ((clock, "clock_hz is inf"), (energy, "summary/energy_by_component holds")):
        _, err = said_of("report", change)
        assert says in err


def test_names_are_shown_with_escapes(archsim, whole, tmp_path):
    trace = tmp_path / "t.h5"
    shutil.copy(whole, trace)
    with h5py.File(trace, "r+") as file:
        hostile_names(file, "summary", "component")
        file["summary"].attrs["name"] = ESCAPES
    code, out, _ = archsim("report", trace)
    assert code == 0
    assert r"\x1b]0;owned\x07\x1b[31m[/bad]$\x$\u202e" in out


def test_names_in_a_picture_are_no_formulas(tmp_path):
    pytest.importorskip("matplotlib", reason="drawing needs: pip install 'archsim[plot]'")

    def draw(figure):
        axis = figure.subplots()
        axis.plot([1, 1000], [1, 2], label=ESCAPES)
        axis.set_xscale("log")
        axis.set_yticks([1, 2], [ESCAPES, "$\\frac{"])
        axis.set_title("$\\nosuch$")
        axis.legend()

    save_figure(draw, tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size


def test_a_large_text_is_not_read_for_every_name_that_refers_to_it(tmp_path):
    """All names of a list may be one large text in the file."""
    with h5py.File(tmp_path / "t.h5", "w") as file:
        names = file.create_dataset("names", shape=(3,), dtype=h5py.string_dtype())
        names[...] = ["x" * 5000] * 3
        with pytest.raises(DamageError, match="more than 1000 characters"):
            checked.names(file, "names")


def test_json_has_no_number_that_is_none(archsim, whole, tmp_path, monkeypatch, capsys):
    """A chip whose parts are all free has no energy efficiency."""
    trace = tmp_path / "t.h5"
    shutil.copy(whole, trace)
    with h5py.File(trace, "r+") as file:
        for name in ("energy_by_component", "area_by_component"):
            file["summary"][name][...] = 0.0
    code, out, _ = archsim("report", trace)
    assert code == 0
    assert "energy efficiency" in out
    monkeypatch.setattr("sys.argv", ["archsim", "report", str(trace), "--json"])
    with pytest.raises(SystemExit):
        main()
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["tops_per_w"] is None
