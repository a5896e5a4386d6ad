"""Does every wrong input get one sentence that names it, exit code 2, and no traceback?"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from io import BytesIO

import h5py
import numpy as np
import pytest
from safetensors.numpy import save, save_file

from tests.command_line import process
from tests.small_run import CONFIG, features, tensors, write_small_run

# Words that mean something to those who wrote the libraries, and nothing to those who run archsim.
JARGON = re.compile(
    r"Traceback|pydantic|Input should|https?://|\[type=|synchronously|errno|H5[A-Z]|truncated file|"
    r"h5py|internal error|Error:|<class|NoneType|object at 0x|RuntimeWarning|\\n",
)
LONGEST = 500


def _assert_refused(result, *says, lines=1):
    code, out, err = result
    assert (code, out) == (2, ""), err
    assert err.startswith("archsim: ")
    assert err.endswith("\n")
    told = err.splitlines()
    assert len(told) == lines, err
    assert not JARGON.search(err), err
    assert max(map(len, told)) < LONGEST
    for words in says:
        assert words in err


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with a run that works, and the trace that it wrote."""
    folder = tmp_path_factory.mktemp("whole")
    config = write_small_run(folder)
    done = process("run", config, "--out", folder / "trace.h5")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(whole, tmp_path, monkeypatch):
    """A fresh copy of that folder, as the current one."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def archsim(here, archsim):
    """Run the command line in that folder."""
    return archsim


@pytest.fixture
def run(archsim):
    return lambda *sets: archsim(
        "run", "small.yaml", "--out", "new.h5", *(part for text in sets for part in ("--set", text))
    )


SETS = {
    # typos in keys, at every level
    "key-top": ("nam=x", "--set nam=x", "unknown key 'nam'", "did you mean 'name'?"),
    "section": ("adcs.bits=4", "unknown key 'adcs'", "did you mean 'adc'?"),
    "key-adc": ("adc.bit=4", "adc: unknown key 'bit'", "did you mean 'bits'?"),
    "key-tile": ("tile.row=4", "tile: unknown key 'row'", "did you mean 'rows'?"),
    "key-layer": ("network.layers.0.unit=4", "network.layers.0", "did you mean 'units'?"),
    "key-trace": ("trace.waveform=true", "trace: unknown key", "did you mean 'waveforms'?"),
    "key-unlike-any": ("digital.zzz=1", "digital: unknown key 'zzz'", "known keys: word_bits"),
    # typos in values
    "enum-level": ("trace.level=cycles", "trace.level: 'cycles'", "did you mean 'cycle'?"),
    "enum-device": ("device.model=idael", "device.model: 'idael'", "did you mean 'ideal'?"),
    "enum-kind": ("network.layers.0.kind=lstn", "network.layers.0.kind: 'lstn'", "'lstm'?"),
    "enum-placement": ("network.layers.1.placement=digitl", "did you mean 'digital'?"),
    "enum-tanh": ("digital.cell_activation=ramps", "did you mean 'ramp'?"),
    "enum-workload": ("workload.kind=kws", "workload.kind: 'kws'", "keyword_spotting"),
    "enum-split": ("workload.split=tests", "workload.split", "did you mean 'test'?"),
    # units
    "unit-none": ("tile.v_read=0.2", "tile.v_read: 0.2 needs a unit", "V"),
    "unit-other": ("technology.clock=1 V", "technology.clock", "is a voltage"),
    "unit-typo": ("technology.clock=1 GHzz", "'GHzz' is not a known unit", "'GHz'"),
    "unit-case": ("technology.clock=1 ghz", "'ghz' is not a known unit", "'GHz'"),
    "unit-length": ("tile.v_read=200 m", "tile.v_read", "is a length"),
    "unit-bare-exponent": ("device.g_max=1e-4", "device.g_max", "needs a unit"),
    "number-missing": ("device.g_max=uS", "device.g_max", "is not a number with a unit"),
    # types
    "type-text": ("adc.bits=four", "adc.bits: expected a whole number, got 'four'"),
    "type-float": ("tile.rows=73.0", "tile.rows: expected a whole number, got 73.0"),
    "type-bool": ("adc.bits=true", "adc.bits: expected a whole number, got true"),
    "type-list": ("adc.bits=[5]", "adc.bits: expected a whole number, got a list"),
    "type-null": ("adc.bits=null", "adc: the key 'bits' is missing"),
    "type-section": ("adc=5", "adc: expected a mapping", "got 5"),
    "type-layers": ("network.layers=null", "network: the key 'layers' is missing"),
    "type-layer": ("network.layers.0=5", "network.layers.0: expected a mapping"),
    "type-path": ("network.weights=5", "network.weights: expected the path"),
    "type-text-wanted": ("description=[1]", "description: expected text, got a list"),
    "section-emptied": ("adc={}", "adc: the key 'bits' is missing"),
    # ranges
    "range-bits-low": ("adc.bits=0", "adc.bits: 0 is below the minimum 1"),
    "range-bits-high": ("adc.bits=11", "adc.bits: 11 is above the maximum 10"),
    "range-huge": ("adc.bits=99999999999999999999999", "adc.bits", "above the maximum 10"),
    "range-seed": ("seed=-1", "seed: -1 is below the minimum 0"),
    "range-clock": ("technology.clock=0 Hz", "technology.clock: '0 Hz' is below the minimum 1 Hz"),
    "range-voltage": ("tile.v_clp=-1 V", "tile.v_clp: '-1 V' is below the minimum 0 V"),
    "range-units": ("network.layers.0.units=0", "network.layers.0.units: 0 is below"),
    "range-sequences": ("workload.sequences=0", "workload.sequences: 0 is below"),
    "range-steps": ("device.conductance_steps=40000", "conductance_steps: 40000 is above"),
    "order-conductance": ("device.g_min=150 uS", "g_min", "has to be below g_max"),
    "order-fraction": ("digital.fraction_bits=16", "fraction_bits (16)", "below word_bits"),
    "power-of-two": ("digital.table_entries=100", "table_entries (100)", "power of two"),
    "order-range": ("network.layers.1.input_range=[8, -8]", "input_range [8, -8] has to rise"),
    "name-form": ("name=../x", "name: '../x'"),
    "name-long": (f"name={'a' * 70}", "name: 'aaa"),
    # traps of YAML
    "yaml-no": ("trace.waveforms=no", "trace.waveforms: expected true or false, got 'no'"),
    "yaml-yes": ("trace.waveforms=yes", "trace.waveforms: expected true or false"),
    "yaml-on": ("technology.clock_gating=on", "clock_gating: expected true or false"),
    "yaml-octal": ("seed=0777", "--set seed=0777: 0777 starts with a zero; write 777"),
    "yaml-sexagesimal": ("seed=1:30", "seed: expected a whole number, got '1:30'"),
    "yaml-exponent": ("adc.bits=1e-12", "adc.bits: expected a whole number, got 1e-12"),
    "yaml-infinity": ("adc.bits=.inf", "--set adc.bits=.inf: .inf is not a finite number"),
    "yaml-tag": ("adc.bits=!!int 5", "--set adc.bits", "tag"),
    "yaml-alias": ("adc.bits=*x", "--set adc.bits=*x", "&x"),
    "yaml-bracket": ("adc.bits={", "--set adc.bits={", "check indentation and brackets"),
    "yaml-quote": ('adc.bits="5', "a quote is opened here and never closed"),
    "yaml-control-character": ("description=\x01", "the character U+0001 is not text"),
    # the form of an override
    "set-no-equals": ("adc.bits", "--set adc.bits", "write --set key.sub=value"),
    "set-no-key": ("=5", "write --set key.sub=value"),
    "set-two-dots": ("adc..bits=5", "--set adc..bits=5: write --set key.sub=value"),
    "set-empty": ("", "--set: write --set key.sub=value"),
    "set-no-value": ("seed=", "--set seed=: there is no value"),
    "set-extends": ("extends=base.yaml", "extends works in files only"),
    "set-in-scalar": ("adc.bits.x=1", "adc.bits is a single value", "'x'"),
    "set-index": ("network.layers.2.units=3", "a list of 2, '2' is not in it"),
    "set-index-negative": ("network.layers.-1.units=3", "a list of 2, '-1' is not in it"),
    "set-deep": ("a." * 60 + "b=1", "more than 50 keys deep"),
    # what does not fit together
    "fit-units": ("network.layers.0.units=5", "'lstm.weight_ih_l0'", "(16, 6)", "(20, 6)"),
    "fit-inputs": ("network.inputs=7", "features.npz", "6 inputs", "network.inputs is 7"),
    "fit-classes": ("network.layers.1.units=4", "features.npz", "3 classes", "4 units"),
    "fit-timesteps": ("network.timesteps=6", "features.npz", "5 timesteps", "network.timesteps"),
    "fit-last-layer": (
        "network.layers=[{kind: lstm, name: lstm, units: 4}]",
        "3 classes",
        "'lstm', has 4 units",
    ),
    "fit-columns": ("tile.columns=3", "small.yaml", "tile.columns", "'lstm' has 4 columns"),
    "fit-buffers": ("adc.banks_per_converter=2", "small.yaml", "set tile.double_buffer"),
    "fit-bias-cells": ("adc.bias_cells=1", "small.yaml", "set adc.bias_cells to"),
    "fit-node": ("technology.node=23 nm", "small.yaml", "technology.node", "a node of 23 nm"),
    "layer-name-twice": ("network.layers.1.name=lstm", "small.yaml:10", "two layers", "'lstm'"),
    "layers-empty": ("network.layers=[]", "network.layers: has 0 entries"),
    "layer-unknown-tensor": ("network.layers.0.name=gates", "no tensor 'gates.weight_ih_l0'"),
    "sequences-too-many": ("workload.sequences=21", "features.npz", "20 sequences", "21"),
    "trace-sequence": ("trace.sequences=[20]", "small.yaml", "trace.sequences", "no sequence 20"),
    "trace-sequence-negative": ("trace.sequences=[-1]", "trace.sequences.0: -1 is below"),
    "trace-sequence-number": ("trace.sequences=0", "trace.sequences: expected 'all' or a list"),
    "trace-tile": ("trace.tiles=[lstmm]", "small.yaml", "trace.tiles", "'lstmm'", "lstm, output"),
    "trace-tile-text": ("trace.tiles=lstm", "trace.tiles: expected 'all' or a list"),
    # files that a configuration names
    "weights-missing": ("network.weights=no.safetensors", "no.safetensors", "network.weights"),
    "weights-folder": ("network.weights=.", "is a directory", "network.weights"),
    "weights-below-file": ("network.weights=small.yaml/x", "small.yaml/x", "Not a directory"),
    "weights-other": ("network.weights=small.yaml", "small.yaml: is not a whole safetensors file"),
    "weights-device": ("network.weights=/dev/null", "/dev/null: is not a regular file"),
    "features-missing": ("workload.source=no.npz", "no.npz"),
    "features-other": ("workload.source=small.yaml", "small.yaml: is cut or not an .npz archive"),
    "features-below-file": ("workload.source=small.yaml/x", "small.yaml/x", "Not a directory"),
    "features-folder": ("workload.source=.", "no tensor 'features.mean'"),
    "features-device": ("workload.source=/dev/null", "/dev/null: is neither a file nor a folder"),
    "library-missing": ("technology.components=no.yaml", "no.yaml", "does not exist"),
    "library-folder": ("technology.components=.", "is a directory"),
    "library-other": ("technology.components=weights.safetensors", "weights.safetensors"),
}


@pytest.mark.parametrize("case", SETS.values(), ids=SETS)
def test_override(run, here, case):
    override, *says = case
    _assert_refused(run(override), *says)
    assert not (here / "new.h5").exists()


TOGETHER = {
    "rows": (
        ("tile.rows=10", "tile.row_sum=digital"),
        *("small.yaml", "tile.row_sum", "'lstm' has 11 rows", "a tile 10"),
        "a nonlinear ramp has to see the whole sum",
    ),
    "sar-function": (
        ("adc.kind=sar", "digital.cell_activation=ramp"),
        *("small.yaml", "adc.kind: sar cannot compute 'tanh'"),
    ),
    "sar-cycles": (
        ("adc={bits: 4, kind: sar, sharing: {cycles: 3}}",),
        *("--set adc=", "adc: sharing.cycles (3)", "4 bits"),
    ),
    "sar-early-stop": (
        ("adc={bits: 4, kind: sar, early_stop: true}",),
        *("--set adc=", "adc: early_stop is for ramps"),
    ),
}


@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER)
def test_overrides_that_do_not_go_together(run, here, case):
    overrides, *says = case
    _assert_refused(run(*overrides), *says)
    assert not (here / "new.h5").exists()


BOMB = "".join(
    f"{name}: &{name} [{', '.join([f'*{last}'] * 10)}]\n"
    for last, name in zip("abcde", "bcdef", strict=True)
)
TEXTS = {
    "empty": ("", "small.yaml: the file is empty"),
    "comment-only": ("# nothing\n", "small.yaml: the file is empty"),
    "a-list": ("- a\n", "small.yaml: the file holds no keys"),
    "a-word": ("hello", "small.yaml: the file holds no keys"),
    "tab": (CONFIG.replace("  inputs", "\tinputs"), "small.yaml:7", "indented with a tab"),
    "key-twice": (CONFIG + "name: b\n", "small.yaml:14: the key 'name' is given twice", "line 1"),
    "key-twice-inside": (
        CONFIG.replace("inputs: 6", "inputs: 6\n  inputs: 7"),
        "small.yaml:8: the key 'inputs' is given twice",
    ),
    "latin-1": (CONFIG.encode() + b"description: caf\xe9\n", "small.yaml:14", "save it as UTF-8"),
    "utf-16": (CONFIG.encode("utf-16"), "small.yaml:1", "save it as UTF-8"),
    "nul": (CONFIG + "\0", "small.yaml:14", "U+0000"),
    "binary": (bytes(range(256)), "small.yaml"),
    "two-documents": (CONFIG + "---\n" + CONFIG, "small.yaml:14: a second document starts"),
    "tag": (CONFIG.replace("4}", "!!python/object:os.system 4}", 1), "small.yaml:5: the tag"),
    "merge-key": (CONFIG + "x: &x {a: 1}\ny: {<<: *x}\n", "small.yaml:15: the merge key '<<'"),
    "bomb": (f"a: &a [{', '.join('x' * 10)}]\n{BOMB}", "small.yaml", "more than 100,000 values"),
    "contains-itself": ("a: &a [*a]\n", "small.yaml:1: *a contains itself"),
    "deep": (f"a: {'[' * 200}{']' * 200}\n", "small.yaml:1: nested more than 50 deep"),
    "huge": ("# " + "x" * (1 << 20), "small.yaml", "larger than 1 MiB"),
    "open-bracket": (CONFIG.replace("16 nm,", "[16 nm,"), "small.yaml:2", "bracket"),
    "open-quote": (CONFIG + 'description: "abc\n', "small.yaml:14", "a quote is opened here"),
    "two-colons": (CONFIG + "description: a: b\n", "small.yaml:14: a ':' where no key can be"),
    "indented": (CONFIG.replace("  timesteps", "   timesteps"), "small.yaml:8"),
    "no-colon": (CONFIG.replace("inputs: 6", "inputs 6"), "small.yaml:8"),
    "at-sign": (CONFIG + "description: @x\n", "small.yaml:14: a value cannot start with this"),
    "number-as-key": (CONFIG + "1: 2\n", "small.yaml:14: a key is text"),
    "octal": (CONFIG + "seed: 0777\n", "small.yaml:14: 0777 starts with a zero"),
    "sexagesimal": (CONFIG + "seed: 1:30\n", "small.yaml:14: seed", "'1:30'"),
    "exponent": (CONFIG.replace("{bits: 4}", "{bits: 1e-12}"), "small.yaml:5: adc.bits", "1e-12"),
    "no": (CONFIG + "trace: {waveforms: no}\n", "small.yaml:14: trace.waveforms", "'no'"),
    "wide-digit": (CONFIG.replace("{bits: 4}", "{bits: \uff14}"), "small.yaml:5: adc.bits"),
    "section-missing": (
        CONFIG.replace("adc: {bits: 4}\n", ""),
        "small.yaml: the key 'adc' is missing",
    ),
    "extends-itself": ("extends: small.yaml\n" + CONFIG, "small.yaml:1: extends goes in a circle"),
    "extends-missing": ("extends: no.yaml\n" + CONFIG, "small.yaml:1: the file no.yaml", "exist"),
    "extends-folder": ("extends: .\n" + CONFIG, "small.yaml:1", "is a directory"),
    "extends-number": ("extends: 5\n" + CONFIG, "small.yaml:1: extends takes a file"),
    "extends-nothing": ("extends:\n" + CONFIG, "small.yaml:1: extends takes a file"),
}


@pytest.mark.parametrize("case", TEXTS.values(), ids=TEXTS)
def test_configuration(archsim, here, case):
    text, *says = case
    data = text if isinstance(text, bytes) else text.encode()
    (here / "small.yaml").write_bytes(data)
    _assert_refused(archsim("run", "small.yaml"), *says)
    assert not (here / "traces").exists()


def test_several_mistakes_get_a_line_each_and_at_most_five(archsim, here):
    text = CONFIG.replace("rows", "row").replace("4}", "x}").replace("input_bits", "input_bit")
    (here / "small.yaml").write_text(text)
    result = archsim("run", "small.yaml")
    _assert_refused(result, "'rows'", "'input_bits'", "adc.bits", "units", lines=4)
    (here / "small.yaml").write_text("".join(f"wrong{n}: 1\n" for n in range(30)))
    _assert_refused(archsim("run", "small.yaml"), lines=5)


def test_files_that_extend_each_other(archsim, here):
    (here / "a.yaml").write_text("extends: b.yaml\n")
    (here / "b.yaml").write_text("extends: a.yaml\n")
    _assert_refused(archsim("run", "a.yaml"), "b.yaml:1", "a.yaml -> b.yaml -> a.yaml")
    (here / "base.yaml").write_text("adc: {bitz: 4}\n")
    (here / "c.yaml").write_text("extends: base.yaml\n" + CONFIG)
    _assert_refused(archsim("run", "c.yaml"), "base.yaml:1: adc: unknown key 'bitz'")


def _changed(name, value):
    return {**tensors(), name: value}


_PLAIN = save(tensors())
WEIGHTS = {
    "empty": (b"", "is not a whole safetensors file"),
    "cut-in-length": (_PLAIN[:5], "is not a whole safetensors file"),
    "cut-in-header": (_PLAIN[:60], "is not a whole safetensors file"),
    "cut-in-data": (_PLAIN[:-10], "is not a whole safetensors file"),
    "longer": (_PLAIN + b"xx", "is not a whole safetensors file"),
    "header-huge": (b"\xff" * 8 + _PLAIN[8:], "is not a whole safetensors file"),
    "text": (b"hello, this is only text", "is not a whole safetensors file"),
    "other-names": (
        {name.replace("lstm.", "rnn."): tensor for name, tensor in tensors().items()},
        "no tensor 'lstm.weight_ih_l0'",
        "it has output.bias, output.weight, rnn.bias_hh_l0",
    ),
    "no-tensors": ({}, "no tensor 'lstm.weight_ih_l0'", "it has none"),
    "transposed": (
        _changed("output.weight", np.zeros((4, 3), np.float32)),
        "'output.weight' has shape (4, 3)",
        "(3, 4)",
    ),
    "whole-numbers": (
        _changed("output.weight", np.ones((3, 4), np.int32)),
        "'output.weight' is of type I32",
    ),
    "booleans": (_changed("output.bias", np.ones(3, bool)), "'output.bias' is of type BOOL"),
    "nan": (_changed("output.bias", np.full(3, np.nan)), "'output.bias'", "not finite"),
    "infinite": (_changed("output.bias", np.full(3, np.inf)), "'output.bias'", "not finite"),
    "too-large": (_changed("output.bias", np.full(3, 1e300)), "'output.bias'", "1e+300"),
    "too-small": (_changed("output.bias", np.full(3, 1e-310)), "'output.bias'", "1e-310"),
}


@pytest.mark.parametrize("case", WEIGHTS.values(), ids=WEIGHTS)
def test_weights(run, here, case):
    content, *says = case
    path = here / "weights.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save_file(content, path)
    _assert_refused(run(), "weights.safetensors", *says)


def test_weights_of_another_floating_point_type_say_how_to_save_them(run, here):
    header, size = b"", 0
    for name, tensor in tensors().items():
        end = size + tensor.size
        shape = str(list(tensor.shape)).encode()
        entry = b'"%s":{"dtype":"F8_E4M3","shape":%s,"data_offsets":[%d,%d]}'
        header += b"," * bool(header) + entry % (name.encode(), shape, size, end)
        size = end
    header = b"{" + header + b"}"
    data = len(header).to_bytes(8, "little") + header + bytes(size)
    (here / "weights.safetensors").write_bytes(data)
    _assert_refused(run(), "weights.safetensors", "is of type F8_E4M3", "tensor.float()")


def _zip_of(**files):
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.npy", text)
    return memory.getvalue()


_SHAPE = (20, 5, 6)
FEATURES = {
    "empty-file": (b"", "is cut or not an .npz archive"),
    "text": (b"hello", "is cut or not an .npz archive"),
    "other-zip": (_zip_of(a="b"), "lacks format, features"),
    "not-arrays": (_zip_of(features="text"), "features.npz"),
    "format-2": ({"format": np.array("archsim-features/2")}, "'archsim-features/2'"),
    **{
        f"without-{name}": ({name: None}, f"lacks {name}")
        for name in ("format", "features", "labels", "classes", "names", "synthetic", "description")
    },
    "float": ({"features": np.ones(_SHAPE, np.float32)}, "features is float32"),
    "int16": ({"features": np.ones(_SHAPE, np.int16)}, "int16"),
    "flat": ({"features": np.ones((20, 30), np.int8)}, "(20, 30)"),
    "no-sequences": (
        {
            "features": np.ones((0, 5, 6), np.int8),
            "labels": np.ones(0, np.int64),
            "names": np.array([], dtype="U1"),
        },
        "(0, 5, 6)",
    ),
    "beyond-1": ({"features": np.full(_SHAPE, -128, np.int8)}, "1.00787"),
    "label-beyond-classes": ({"labels": np.full(20, 3)}, "labels run from 3 to 3"),
    "labels-short": ({"labels": np.zeros(19, np.int64)}, "(19,)"),
    "classes-twice": ({"classes": np.array(["a", "a", "b"])}, "not distinct"),
    "classes-more": ({"classes": np.array(list("abcd"))}, "4 classes", "'output', has 3 units"),
    "classes-pickled": ({"classes": np.array(list("abc"), dtype=object)}, "features.npz"),
    "timesteps": ({"features": np.ones((20, 6, 6), np.int8)}, "6 timesteps", "network.timesteps"),
    "inputs": ({"features": np.ones((20, 5, 7), np.int8)}, "7 inputs", "network.inputs"),
}


@pytest.mark.parametrize("case", FEATURES.values(), ids=FEATURES)
def test_features(run, here, case):
    content, *says = case
    path = here / "features.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez_compressed(path, **features(**content))
    _assert_refused(run(), "features.npz", *says)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_features_cut(run, here, keep):
    path = here / "features.npz"
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    _assert_refused(run(), "features.npz", "is cut or not an .npz archive")


def test_features_damaged(run, here):
    path = here / "features.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    _assert_refused(run(), "features.npz", "make it again")


ENERGY = r"energy: ([\d.]+) [a-z]J"
LIBRARY = {
    "schema-2": ("archsim-components/1", "archsim-components/2", "LINE: schema"),
    "schema-missing": ("schema: archsim-components/1\n", "", "the key 'schema' is missing"),
    "component-missing": (r"\n  integrator:", r"\n  integratorx:", "no component 'integrator'"),
    "action-missing": (" integrate:", " integratex:", "no action 'integrate'"),
    "key": ("    actions:", "    action:", "LINE: ", "'action'", "did you mean 'actions'?"),
    "bare-number": (ENERGY, r"energy: \1", "LINE: ", "energy", "needs a unit"),
    "other-unit": (ENERGY, r"energy: \1 fW", "LINE: ", "energy", "is a power"),
    "negative": (ENERGY, r"energy: -\1 fJ", "LINE: ", "energy", "below the minimum"),
}


@pytest.mark.parametrize("case", LIBRARY.values(), ids=LIBRARY)
def test_component_library(run, here, case):
    old, new, *says = case
    path = here / "library.yaml"
    text = path.read_text()
    found = re.search(old, text)
    path.write_text(re.sub(old, new, text, count=1))
    line = f"library.yaml:{text.count(chr(10), 0, found.start()) + 1}"
    _assert_refused(run(), *(words.replace("LINE", line) for words in says))


LONG = "a" * 300
OUTPUTS = {
    "folder": ("folder", "folder: is a directory: give --out a file name"),
    "current-folder": ("", "is a directory"),
    "below-a-file": ("small.yaml/x.h5", "small.yaml/x.h5: cannot be written"),
    "no-such-place": ("/proc/x.h5", "/proc/x.h5: cannot be written"),
    "null-device": ("/dev/null", "/dev/null: exists and is not a trace"),
    "full-device": ("/dev/full", "/dev/full: exists and is not a trace"),
    "pipe": ("pipe", "pipe: exists and is not a trace"),
    "name-too-long": (f"{LONG}.h5", "File name too long"),
    "folder-name-too-long": (f"{LONG}/x.h5", "File name too long"),
    "the-configuration": ("small.yaml", "small.yaml: exists and is not a trace"),
    "the-weights": ("weights.safetensors", "exists and is not a trace", "choose another --out"),
    "other-hdf5": ("other.h5", "other.h5: exists and is not a trace"),
}


@pytest.mark.parametrize("case", OUTPUTS.values(), ids=OUTPUTS)
def test_output(archsim, here, case):
    out, *says = case
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    with h5py.File(here / "other.h5", "w") as file:
        file["precious"] = 1
    before = {path: path.read_bytes() for path in here.iterdir() if path.is_file()}
    _assert_refused(archsim("run", "small.yaml", "--out", out), *says)
    assert {path: path.read_bytes() for path in here.iterdir() if path.is_file()} == before


REPORTS = {
    "missing": ("no.h5", "no.h5: there is no such file"),
    "folder": (".", "is a directory"),
    "below-a-file": ("small.yaml/x", "small.yaml/x: cannot be read (Not a directory)"),
    "name-too-long": (LONG, "File name too long"),
    "text": ("small.yaml", "small.yaml: is not an HDF5 file"),
    "null-device": ("/dev/null", "/dev/null: is not a regular file"),
    "control-characters": ("a\x1b[31mb\n.h5", r"a\x1b[31mb"),
}


@pytest.mark.parametrize("case", REPORTS.values(), ids=REPORTS)
def test_report(archsim, case):
    path, *says = case
    code, out, err = archsim("report", path)
    _assert_refused((code, out, err.replace("\n.h5", ".h5")), *says)
    assert "\x1b" not in err


@pytest.mark.parametrize("keep", [0.0, 0.0005, 0.01, 0.5, 0.999])
def test_report_of_a_cut_trace(archsim, here, keep):
    path = here / "trace.h5"
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    _assert_refused(archsim("report", "trace.h5"), "trace.h5: is", "run the simulation again")


def _drop(name):
    return lambda file: file.__delitem__(name)


def _set(name, key, value):
    return lambda file: file[name].attrs.__setitem__(key, value)


def _replace(name, value):
    def change(file):
        del file[name]
        file[name] = value

    return change


TRACES = {
    "killed": (_set("/", "status", "running"), "did not finish (20 of 20 sequences)"),
    "other-hdf5": (lambda file: file.attrs.__delitem__("schema"), "is HDF5 but not a trace"),
    "schema-2": (_set("/", "schema", "archsim-trace/2"), "'archsim-trace/2'", "'archsim-trace/1'"),
    "schema-number": (_set("/", "schema", 5), "schema '5'"),
    "no-status": (lambda file: file.attrs.__delitem__("status"), "missing or damaged"),
    "no-clock": (lambda file: file.attrs.__delitem__("clock_hz"), "missing or damaged"),
    "no-summary": (_drop("summary"), "missing or damaged"),
    "no-energy": (_drop("summary/energy_by_component"), "missing or damaged"),
    "no-components": (_drop("summary/component"), "missing or damaged"),
    "summary-no-group": (_replace("summary", 1), "missing or damaged"),
    "energy-short": (_replace("summary/energy_by_component", np.ones(2)), "missing or damaged"),
    "energy-text": (_replace("summary/energy_by_component", "x"), "missing or damaged"),
    "components-numbers": (_replace("summary/component", np.arange(3)), "missing or damaged"),
    "cycles-text": (_set("summary", "total_cycles", "x"), "missing or damaged"),
    "cycles-zero": (_set("summary", "total_cycles", 0), "missing or damaged"),
    "groups-text": (_set("summary", "groups", "x"), "missing or damaged"),
    "groups-zero": (_set("summary", "groups", 0), "missing or damaged"),
    "streams-zero": (_set("summary", "streams", 0), "missing or damaged"),
    "clock-zero": (_set("/", "clock_hz", 0.0), "missing or damaged"),
}


@pytest.mark.parametrize("case", TRACES.values(), ids=TRACES)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_report_of_a_damaged_trace(archsim, here, case, form):
    change, *says = case
    with h5py.File(here / "trace.h5", "r+") as file:
        change(file)
    _assert_refused(archsim("report", "trace.h5", *form), "trace.h5: ", *says)


def test_report_survives_random_damage(archsim, here):
    path = here / "trace.h5"
    data = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(30):
        damaged = bytearray(data)
        at = int(rng.integers(6000))
        damaged[at : at + 8] = rng.bytes(8)
        path.write_bytes(damaged)
        result = archsim("report", "trace.h5", "--json")
        if result[0] != 0:
            _assert_refused(result, "trace.h5")


COMMANDS = {
    "nothing": ((), "Missing command", "archsim --help"),
    "command": (("rum", "small.yaml"), "'rum'", "'run'", "archsim --help"),
    "no-config": (("run",), "'CONFIG'", "archsim run --help"),
    "no-trace": (("report",), "'TRACE'", "archsim report --help"),
    "no-function": (("adc",), "'FUNCTION'", "archsim adc --help"),
    "option": (("run", "small.yaml", "--ouy", "x"), "--ouy", "--out"),
    "short-option": (("run", "small.yaml", "-x"), "-x"),
    "two-configs": (("run", "small.yaml", "b.yaml"), "b.yaml"),
    "out-without-file": (("run", "small.yaml", "--out"), "--out"),
    "set-without-text": (("run", "small.yaml", "--set"), "--set"),
    "json-with-value": (("run", "small.yaml", "--json=1"), "--json"),
    "option-before-command": (("--json", "run", "small.yaml"), "--json"),
    "argument-of-bench": (("bench", "x"), "x"),
    "config-missing": (("run", "no.yaml"), "no.yaml: the file does not exist"),
    "config-folder": (("run", "."), "is a directory"),
    "config-empty-name": (("run", ""), "is a directory"),
    "config-name-too-long": (("run", LONG), "aaa...: there is no such file"),
    "config-device": (("run", "/dev/null"), "/dev/null: the file is not a regular file"),
    "config-is-weights": (("run", "weights.safetensors"), "weights.safetensors"),
    "config-control": (("run", "\x1b[31m.yaml"), r"\x1b[31m.yaml"),
    "validate-rows": (("validate", "small.yaml", "--set", "tile.columns=3"), "tile.columns"),
    "validate-tiles": (("validate", "small.yaml", "--set", "trace.tiles=[x]"), "trace.tiles"),
    "validate-weights": (
        ("validate", "small.yaml", "--set", "network.layers.0.units=5"),
        "'lstm.weight_ih_l0'",
    ),
    "adc-function": (("adc", "sigmod"), "'sigmod'", "did you mean 'sigmoid'?"),
    "adc-no-name": (("adc", ""), "unknown activation function ''"),
    "adc-bits-0": (("adc", "tanh", "--bits", "0"), "'--bits'", "1"),
    "adc-bits-11": (("adc", "tanh", "--bits", "11"), "'--bits'", "10"),
    "adc-bits-text": (("adc", "tanh", "--bits", "abc"), "'--bits'"),
    "adc-bits-half": (("adc", "tanh", "--bits", "4.5"), "'--bits'"),
    "adc-bits-none": (("adc", "tanh", "--bits"), "--bits"),
    "adc-g-max-bare": (("adc", "tanh", "--g-max", "150"), "--g-max: '150' needs a unit"),
    "adc-g-max-unit": (("adc", "tanh", "--g-max", "150 uA"), "--g-max", "is a current"),
    "adc-g-max-zero": (("adc", "tanh", "--g-max", "0 S"), "--g-max", "between 1 fS and 10 S"),
    "adc-g-max-text": (("adc", "tanh", "--g-max", "x"), "--g-max: 'x' is not a number"),
    "adc-plot": (("adc", "tanh", "--plot", "x.png"), "--plot", "--device"),
    "adc-device-missing": (("adc", "tanh", "--device", "no.yaml"), "no.yaml", "does not exist"),
    "plot-missing": (("plot", "no.h5", "--out", "x.png"), "no.h5: there is no such file"),
    "threads-0": (("run", "small.yaml", "--threads", "0"), "'--threads'", "1"),
    "adc-range-one": (("adc", "identity", "--range", "1"), "--range"),
    "adc-range-falls": (("adc", "identity", "--range", "1", "0"), "[1, 0] has to rise"),
    "adc-range-text": (("adc", "identity", "--range", "a", "b"), "--range"),
    "adc-range-nan": (("adc", "identity", "--range", "nan", "1"), "[nan, 1] has to rise"),
    "adc-range-infinite": (
        ("adc", "identity", "--range", "-inf", "inf"),
        "--range: input_range [-inf, inf]",
    ),
}


@pytest.mark.parametrize("case", COMMANDS.values(), ids=COMMANDS)
def test_command_line(archsim, case):
    arguments, *says = case
    _assert_refused(archsim(*arguments), *says)


PROCESSES = {
    "config": (("run", "no.yaml"), "no.yaml"),
    "override": (("run", "small.yaml", "--set", "adc.bits=11", "--json"), "adc.bits"),
    "output": (("run", "small.yaml", "--out", "small.yaml"), "--out"),
    "validate": (("validate", "small.yaml", "--set", "tile.columns=3"), "tile.columns"),
    "report": (("report", "small.yaml", "--json"), "small.yaml"),
    "command": (("rum",), "rum"),
}


@pytest.mark.parametrize("case", PROCESSES.values(), ids=PROCESSES)
def test_process(here, case):
    arguments, *says = case
    done = process(*arguments)
    _assert_refused((done.returncode, done.stdout, done.stderr), *says)


def _second_layer(name, **more):
    keys = "".join(f", {key}: {value}" for key, value in more.items())
    return f"network.layers.1={{kind: linear, name: {name}, units: 3{keys}}}"


ONCE = "{kind: linear, name: output, units: 3}"
LSTM, MORE = "{kind: lstm, name: lstm, units: 4}", "{kind: linear, name: more, units: 3}"
NO_CHIP = {
    "layer-called-classifier": ("classifier", _second_layer("classifier")),
    "layer-called-input-buffer": ("input_buffer", _second_layer("input_buffer")),
    "layer-called-update": ("lstm_update", _second_layer("lstm_update")),
    "layer-called-cell": ("lstm_cell", _second_layer("lstm_cell"), "digital.cell_activation=ramp"),
    "unit-called-chip": ("chip", _second_layer("chip", placement="digital")),
    "last-timestep-only": (
        "output",
        f"network.layers=[{LSTM}, {ONCE}, {MORE[:-1]}, inputs: [lstm, output]}}]",
    ),
    "voltage-tiny": ("output", "tile.full_scale=1e-320 V"),
    "voltage-huge": ("output", "tile.v_read=1e300 V"),
    "range-huge": ("output", "network.layers.1.input_range=[-1e300, 1e300]"),
}


@pytest.mark.parametrize("case", NO_CHIP.values(), ids=NO_CHIP)
def test_configurations_that_fit_no_chip(run, here, case):
    output, *sets = case
    more = {"more.weight": np.ones((3, 3), np.float32), "more.bias": np.ones(3, np.float32)}
    save_file({**tensors(output=output), **more}, here / "weights.safetensors")
    _assert_refused(run(*sets))
