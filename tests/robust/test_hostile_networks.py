"""Is every malformed or hostile file of a network answered in one sentence, and nothing run?

Each file is made here and read twice: in this process, for what the answer says, and all of them in
one process of its own that may take little memory beyond what it has when it begins. A file that
would run something leaves a mark if it does.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from archsim.errors import NetworkError
from archsim.network.importers.registry import read_network
from tests.runs import ROOT

MARK = "owned"
MEMORY = 400 << 20
"""Bytes that reading may take beyond what a process has after its imports."""
needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnx") is None, reason="needs: pip install 'archsim[onnx]'"
)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs: pip install 'archsim[torch]'"
)


class Code:
    """What leaves a mark when it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


def cell(**changes):
    """Return tensors of an LSTM of 3 inputs and 2 units; None leaves one out."""
    rng = np.random.default_rng(0)
    shapes = {
        "weight_ih_l0": (8, 3),
        "weight_hh_l0": (8, 2),
        "bias_ih_l0": (8,),
        "bias_hh_l0": (8,),
    }
    out = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    out |= changes
    return {f"r.{name}": array for name, array in out.items() if array is not None}


# ------------------------------------------------------------- safetensors


def header(entries, data=b"", length=None):
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(shape, offsets=(0, 8), kind="F32"):
    return {"dtype": kind, "shape": shape, "data_offsets": list(offsets)}


def with_tensor(entry):
    return header({"r.weight_hh_l0": entry}, bytes(64))


def safetensors(**tensors):
    from safetensors.numpy import save

    return save(cell(**tensors))


SAFETENSORS = {
    "cut": (safetensors()[:100], "is not a whole safetensors file"),
    "no data": (safetensors()[:-4], "has a tensor"),
    "a long header": (header({}, length=1 << 62), "is not a whole safetensors file"),
    "no json": (header(b"{nonsense"), "a header that is no JSON"),
    "a list": (b"\2\0\0\0\0\0\0\0[]", "a header that is no JSON object"),
    "deep json": (header(b'{"a":' * 100_000), "a header that is no JSON"),
    "a long number": (header(b'{"a":' + b"9" * 100_000 + b"}"), "is no JSON"),
    "a name twice": (header(b'{"a":1,"a":2}'), "has 'a' twice in its header"),
    "a negative size": (with_tensor(tensor([-2, -1])), "with -2 in it, which is no size"),
    "sizes that are texts": (with_tensor(tensor(["2"])), "which is no size"),
    "sizes that are true": (with_tensor(tensor([True])), "which is no size"),
    "half a size": (with_tensor(tensor([1.5])), "which is no size"),
    "a huge shape": (with_tensor(tensor([1 << 40, 1 << 40])), "more than 1 GiB in float64"),
    "many axes": (with_tensor(tensor([1] * 100)), "has 100 axes"),
    "another shape": (with_tensor(tensor([5])), "has 8 bytes where 20 are needed"),
    "a place outside": (with_tensor(tensor([2], (0, 1 << 50))), "type, shape or place is wrong"),
    "a place before": (with_tensor(tensor([2], (8, 0))), "type, shape or place is wrong"),
    "no place": (with_tensor({"dtype": "F32"}), "type, shape or place is wrong"),
    "no entry": (with_tensor(7), "type, shape or place is wrong"),
    "shared bytes": (
        header({"a": tensor([2]), "b": tensor([2], (4, 12))}, bytes(12)),
        "share bytes",
    ),
    "another type": (with_tensor(tensor([8], kind="F8_E4M3")), "is of type F8_E4M3"),
    "a long name": (header({"x" * 1_000_000: tensor([2])}, bytes(8)), "more than 500 characters"),
    "many tensors": (
        header({f"t{n}": tensor([0], (0, 0)) for n in range(30_000)}),
        "more than 20,000 tensors",
    ),
    "nothing": (header({}), "it has no tensors"),
    "not a number": (safetensors(bias_ih_l0=np.full(8, np.nan, np.float32)), "that is not finite"),
    "a number that signals": (
        safetensors(bias_ih_l0=np.full(8, 0x7FA00000, np.uint32).view(np.float32)),
        "that is not finite",
    ),
    "infinity": (safetensors(weight_hh_l0=np.full((8, 2), np.inf, np.float32)), "is not finite"),
    "no weights": (safetensors(weight_hh_l0=None), "lacks the tensor weight_hh_l0"),
    "a bias too long": (safetensors(bias_ih_l0=np.zeros(9, np.float32)), "bias_ih of shape (9,)"),
    "gates that do not fit": (safetensors(weight_ih_l0=np.zeros((9, 3), np.float32)), "weight_ih"),
    "three axes": (safetensors(weight_hh_l0=np.zeros((8, 2, 1), np.float32)), "which is no matrix"),
    "an empty tensor": (
        safetensors(weight_hh_l0=np.zeros((0, 0), np.float32)),
        "has an empty tensor weight_hh_l0",
    ),
    "a line end in a name": (
        header({"a\nb\x1b[31m": tensor([2])}, bytes(8)),
        "no layer that is known",
    ),
}

# ------------------------------------------------------------- zip archives


def archive(files, **options):
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", **options) as file:
        for name, data in files:
            file.writestr(name, data)
    return stored.getvalue()


def npz(**arrays):
    stored = io.BytesIO()
    np.savez(stored, **arrays)
    return stored.getvalue()


def npy(text):
    head = text.encode() + b"\n"
    return archive([("a.npy", b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head)])


def patched(data, at, change):
    """Return an archive with a part of the first entry of its directory changed."""
    place = data.index(b"PK\1\2") + at
    return data[:place] + change + data[place + len(change) :]


def twice(name):
    with pytest.warns(UserWarning, match="Duplicate name"):
        return archive([(name, b""), (name, b"")])


NPZ = {
    "objects": (npz(a=np.array([Code()], dtype=object)), "'a' is of type object"),
    "texts": (npz(**cell(), a=np.array(["x"])), "tensor 'a' is of type <U1"),
    "numbers": (npz(**cell(weight_hh_l0=np.ones((8, 2), int))), "is of type int64"),
    "complex": (npz(a=np.ones(2, complex)), "is of type complex128"),
    "an array cut": (archive([("a.npy", b"\x93NUMPY\1\0")]), "whose header is damaged"),
    "no array": (archive([("a.npy", b"hello")]), "whose header is damaged"),
    "a huge shape": (
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,)}"),
        "more than 1 GiB",
    ),
    "a negative shape": (
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"),
        "which is no size",
    ),
    "code in a header": (npy(f"__import__('os').system('touch {MARK}')"), "header is damaged"),
    "a deep header": (npy("(" * 9_000), "header is damaged"),
    "a name twice": (lambda: twice("a.npy"), "holds two files called 'a.npy'"),
    "a bomb that says so": (
        patched(npz(a=np.zeros(9)), 24, (1 << 31).to_bytes(4, "little")),
        "unfolds to more than 1 GiB",
    ),
    "a bomb that does not": (
        patched(
            archive([("a.npy", bytes(50_000_000))], compression=zipfile.ZIP_DEFLATED),
            24,
            (128).to_bytes(4, "little"),
        ),
        "cut, damaged or encrypted",
    ),
    "many files": (
        archive([(f"{n}.npy", b"") for n in range(20_001)]),
        "holds more than 20,000 files",
    ),
    "cut": (npz(**cell())[:-30], "is a zip archive that is cut"),
    "a cut beginning": (npz(**cell())[:50], "is a zip archive that is cut"),
    "a large directory": (
        npz(a=np.zeros(2))[:-10] + (1 << 30).to_bytes(4, "little") + bytes(6),
        "holds more than 20,000 files",
    ),
    "encrypted": (patched(npz(a=np.zeros(9)), 8, b"\1\0"), "cut, damaged or encrypted"),
    "a checksum": (patched(npz(a=np.zeros(9)), 16, b"\1\2\3\4"), "cut, damaged or encrypted"),
    "a method": (patched(npz(a=np.zeros(9)), 10, b"\x63\0"), "cut, damaged or encrypted"),
    "other files": (archive([("../../etc/passwd", b"x")]), "is a zip archive, but not one"),
    "nothing in it": (archive([]), "is an empty zip archive"),
}

# ------------------------------------------------------------- Keras

DENSE = {"class_name": "Dense", "module": "keras.layers", "config": {"name": "d", "units": 2}}
INPUT = {
    "class_name": "InputLayer",
    "module": "keras.layers",
    "config": {"name": "in", "batch_shape": [None, 4, 3]},
}
LSTM = {"class_name": "LSTM", "module": "keras.layers", "config": {"name": "r", "units": 2}}
KERNELS = [np.ones((3, 8), np.float32), np.ones((2, 8), np.float32), np.ones(8, np.float32)]


def weights(change=None, arrays=KERNELS):
    """Return the weights of a Keras file with an LSTM, after a change of its variables."""
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        group = file.create_group("layers/lstm/cell/vars")
        file.create_group("layers/lstm/vars").attrs["name"] = "r"
        for number, array in enumerate(arrays):
            group[str(number)] = array
        if change is not None:
            change(group)
    return stored.getvalue()


def keras(layers=(INPUT, LSTM), data=None, config=None):
    given = {"class_name": "Sequential", "module": "keras", "config": {"layers": list(layers)}}
    text = json.dumps(given) if config is None else config
    return archive(
        [("config.json", text), ("model.weights.h5", weights() if data is None else data)]
    )


def replaced(make):
    def change(group):
        del group["0"]
        make(group)

    return weights(change)


def huge(group):
    group.create_dataset("0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), fillvalue=1.0)


def unstored(group):
    group.create_dataset("0", (3000, 3000), "f4", chunks=(100, 100), fillvalue=1.0)


def virtual(group):
    layout = h5py.VirtualLayout((3, 8), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (3, 8))
    group.create_virtual_dataset("0", layout)


def link(to):
    def make(group):
        group["0"] = to

    return replaced(make)


KERAS = {
    "a lambda": (
        keras([INPUT, {**DENSE, "class_name": "Lambda", "config": {"name": "l", "function": "x"}}]),
        "brings code of its own",
    ),
    "a class of one's own": (keras([{**DENSE, "registered_name": "a>b"}]), "is somebody's own"),
    "a module": (
        keras([INPUT, {**DENSE, "module": "os", "class_name": "system"}]),
        "somebody's own",
    ),
    "no json": (keras(config="nonsense"), "that is no JSON"),
    "deep json": (keras(config="[" * 200_000), "that is no JSON"),
    "a list": (keras(config="[]"), "is no JSON object"),
    "a large description": (keras(config=" " * (1 << 24) + "{}"), "more than 16,777,216"),
    "no layers": (keras([]), "a description without layers"),
    "many layers": (keras([INPUT] * 2000), "has more than 1,000 layers"),
    "layers that are numbers": (keras([1, 2]), "has a layer without class or name"),
    "no weights": (archive([("config.json", "{}")]), "has no model.weights.h5"),
    "weights that are cut": (keras(data=weights()[:-500]), "weights that are cut or damaged"),
    "weights that are none": (keras(data=b"hello"), "weights that are cut or damaged"),
    "a huge array": (keras(data=replaced(huge)), "more than 1 GiB in float64"),
    "an array that is not there": (keras(data=replaced(unstored)), "and stores 0"),
    "an array in another file": (keras(data=replaced(virtual)), "that stand in another file"),
    "a link to another file": (
        keras(data=link(h5py.ExternalLink("/etc/hostname", "x"))),
        "behind a link '0', which is not followed",
    ),
    "a link to itself": (keras(data=link(h5py.SoftLink("0"))), "behind a link '0'"),
    "a group": (keras(data=replaced(lambda group: group.create_group("0"))), "that are no array"),
    "whole numbers": (keras(data=weights(arrays=[np.ones((3, 8), int)] * 3)), "of type int64"),
    "too few": (keras(data=weights(arrays=KERNELS[:2])), "has 2 arrays of weights where 3"),
    "no matrix": (keras(data=weights(arrays=[KERNELS[2]] * 3)), "where a matrix is needed"),
    "another shape": (
        keras(data=weights(arrays=[KERNELS[0], np.ones((3, 8)), KERNELS[2]])),
        "weight",
    ),
    "not a number": (
        keras(data=weights(arrays=[*KERNELS[:2], np.full(8, np.nan, np.float32)])),
        "that is not finite",
    ),
    "an input of another shape": (
        keras([{**INPUT, "config": {"name": "in", "batch_shape": [None, 4, 3, 3]}}, LSTM]),
        "has an input that is no sequence of vectors",
    ),
}

# ------------------------------------------------------------- PyTorch, and what is no network

TORCH = {
    "a pickle": (pickle.dumps(Code()), "is a Python pickle, which may run anything"),
    "an old pickle": (pickle.dumps(Code(), protocol=2), "is a Python pickle"),
    "a program": (
        archive([("m/data.pkl", b"\x80\2."), ("m/code/a.py", b"")]),
        "is a TorchScript program",
    ),
    "two pickles": (
        archive([("m/data.pkl", b""), ("m/x.pkl", b"")]),
        "is not what torch.save writes",
    ),
    "packed tensors": (
        archive([("m/data.pkl", b"x"), ("m/data/0", bytes(999))], compression=zipfile.ZIP_DEFLATED),
        "has compressed tensors",
    ),
}
OTHERS = {
    "text": (b"hello, this is no network at all\n", "is no file of a network that is known"),
    "noise": (np.random.default_rng(0).bytes(5000), "is no file of a network that is known"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file, as Keras 2 wrote"),
    "gzip": (b"\x1f\x8b" + bytes(99), "is compressed with gzip"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "nothing": (b"", "is empty"),
}
SORTS = {
    "safetensors": SAFETENSORS,
    "npz": NPZ,
    "keras": KERAS,
    "pt": TORCH,
    "bin": OTHERS,
}
FILES = {
    f"{number:03}.{sort}": (what, *case)
    for number, (sort, what, case) in enumerate(
        (sort, what, case) for sort, cases in SORTS.items() for what, case in cases.items()
    )
}


def put(folder, name, data):
    path = Path(folder) / name
    path.write_bytes(data() if callable(data) else data)
    return path


def answer(path):
    with pytest.raises(NetworkError) as refused:
        read_network(path)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert len(text) < 700
    return text


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.rglob(MARK))


@pytest.mark.parametrize("name", FILES, ids=[f"{n[4:]}-{FILES[n][0]}" for n in FILES])
def test_a_file_is_refused_with_what_is_wrong(name, tmp_path):
    _, data, says = FILES[name]
    text = answer(put(tmp_path, name, data))
    assert says in text
    assert "\n" not in text


def test_more_than_thirty_files_are_tried():
    assert len(FILES) > 30


def test_the_command_says_it_in_one_line(archsim, tmp_path):
    for number, name in enumerate(FILES):
        if number % 9 == 0 or "line end" in FILES[name][0]:
            path = put(tmp_path, name, FILES[name][1])
            code, out, err = archsim("import", path, "--out", tmp_path / "net")
            assert (code, out) == (2, "")
            assert "Traceback" not in err
            assert "\x1b" not in err
            assert len(err.splitlines()) == 1
    assert not (tmp_path / "net").exists()


def test_what_is_no_file(tmp_path):
    assert "is a directory: give the file in it" in answer(tmp_path)
    assert "No such file" in answer(tmp_path / "none.pt")
    os.mkfifo(tmp_path / "pipe.npz")
    assert "is not a regular file" in answer(tmp_path / "pipe.npz")
    (tmp_path / "loop.onnx").symlink_to(tmp_path / "loop.onnx")
    assert "cannot be read" in answer(tmp_path / "loop.onnx")
    with (tmp_path / "large.safetensors").open("wb") as file:
        file.truncate(5 << 30)
    assert "is larger than 1 GiB" in answer(tmp_path / "large.safetensors")


def test_a_state_dict_that_runs_something_is_not_loaded(tmp_path):
    path = put(
        tmp_path, "m.pt", archive([("m/data.pkl", pickle.dumps(Code(), 2)), ("m/version", b"3")])
    )
    text = answer(path)
    if importlib.util.find_spec("torch") is None:
        assert "needs the package torch: install it with pip install 'archsim[torch]'" in text
    else:
        assert "torch.save(model.state_dict(), path)" in text


@needs_torch
def test_a_tensor_that_is_larger_than_its_file_is_not_unfolded(tmp_path):
    import torch

    torch.save({"r.weight_hh_l0": torch.zeros(1).expand(1 << 40)}, tmp_path / "m.pt")
    assert "more than 1 GiB in float64" in answer(tmp_path / "m.pt")
    torch.save({"r.weight_hh_l0": torch.eye(2).to_sparse()}, tmp_path / "s.pt")
    assert "sparse" in answer(tmp_path / "s.pt") or "damaged" in answer(tmp_path / "s.pt")


# ------------------------------------------------------------- ONNX


def onnx_files(folder):
    """Write hostile ONNX files; return what each is to be answered."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(exist_ok=True)
    (folder.parent / "secret").write_bytes(bytes(9999))
    (folder / "here.data").write_bytes(bytes(9999))
    (folder / "link.data").symlink_to("here.data")
    (folder / "inner").mkdir(exist_ok=True)
    says = {}
    tensors = {
        "W": np.ones((1, 8, 3), np.float32),
        "R": np.ones((1, 8, 2), np.float32),
    }
    lstm = helper.make_node("LSTM", ["x", "W", "R"], ["y"], "cell")

    def write(name, text, *, nodes=(lstm,), change=None, more=()):
        graph = helper.make_graph(
            list(nodes),
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, (4, 1, 3))],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(array, key) for key, array in (*tensors.items(), *more)],
        )
        model = helper.make_model(graph)
        if change is not None:
            change(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        says[f"{name}.onnx"] = text

    def external(location, **keys):
        def change(model):
            proto = model.graph.initializer[0]
            proto.ClearField("raw_data")
            proto.data_location = TensorProto.EXTERNAL
            for key, value in {"location": location, **keys}.items():
                entry = proto.external_data.add()
                entry.key, entry.value = key, str(value)

        return change

    def dims(*sizes):
        def change(model):
            del model.graph.initializer[0].dims[:]
            model.graph.initializer[0].dims.extend(sizes)

        return change

    outside = "which is not in the model's folder"
    write("above", outside, change=external("../secret"))
    write("absolute", outside, change=external("/etc/passwd"))
    write("backslash", outside, change=external("..\\secret"))
    write("roundabout", outside, change=external("inner/../../secret"))
    write("no-place", outside, change=external(""))
    write("linked", "which is a link", change=external("link.data"))
    write("missing", "cannot be read", change=external("none.data"))
    write("folder", "no regular file", change=external("inner"))
    write("offset", "lies outside", change=external("here.data", offset=1 << 40))
    write("negative-offset", "lies outside", change=external("here.data", offset=-4))
    write("length", "lies outside", change=external("here.data", length=1 << 40))
    write("no-number", "a place that is no number", change=external("here.data", offset="x"))
    write("short", "has 9,999 bytes where 96", change=external("here.data"))
    write("huge", "more than 1 GiB", change=dims(1 << 30, 1 << 30))
    write("negative", "with -1 in it", change=dims(1, 8, -1))
    write("other-dims", "bytes where", change=dims(1, 8, 5))

    def kind(number):
        def change(model):
            model.graph.initializer[0].data_type = number

        return change

    write("text-tensor", "is of type 8 of ONNX", change=kind(8))
    write("no-type", "is of type 0 of ONNX", change=kind(0))

    def twice(model):
        model.graph.initializer[1].name = "W"

    write("name-twice", "two tensors called 'W'", change=twice)
    bad = np.full((1, 8, 2), np.nan, np.float32)
    node = helper.make_node
    write(
        "nan",
        "that is not finite",
        more=[("N", bad)],
        nodes=[node("LSTM", ["x", "W", "N"], ["y"], "c")],
    )
    body = helper.make_graph([], "inner", [], [])
    write(
        "loop",
        "(Loop) has a graph of its own ('body')",
        nodes=[node("Loop", ["", "", "x"], ["y"], "l", body=body)],
    )
    write("if", "(If) has a graph of its own", nodes=[
        node("If", ["x"], ["y"], "i", then_branch=body, else_branch=body)
    ])  # fmt: skip
    write("circle", "a circle, or a part", nodes=[
        node("Relu", ["b"], ["a"], "one"), node("Relu", ["a"], ["b"], "two")
    ])  # fmt: skip
    write("given-twice", "which is there already", nodes=[lstm, lstm])
    write("domain", "an operation of 'evil'", nodes=[node("Run", ["x"], ["y"], "r", domain="evil")])
    write("unknown", "(Unheard) is not simulated", nodes=[node("Unheard", ["x"], ["y"], "u")])
    write("gate", "has the function 'thresholdedrelu'", nodes=[
        node("LSTM", ["x", "W", "R"], ["y"], "c", activations=["ThresholdedRelu"] * 3)
    ])  # fmt: skip
    doubled = [node("Concat", ["W", "W"], ["d0"], "d0", axis=0)]
    doubled += [
        node("Concat", [f"d{n}", f"d{n}"], [f"d{n + 1}"], f"d{n + 1}", axis=0) for n in range(60)
    ]
    write("doubling", "far more numbers than its file holds", nodes=[*doubled, lstm])
    shape = np.array([1 << 20, 1 << 20, 3])
    spread = [
        node("Expand", ["S", "shape"], ["e"], "e"),
        node("Expand", ["T", "shape"], ["f"], "f"),
    ]
    write(
        "spreading", "more than 1 GiB in float64", nodes=[*spread, lstm],
        more=[("shape", shape), ("S", np.ones(3)), ("T", np.arange(3.0))],
    )  # fmt: skip
    outer = [node("Add", ["A", "B"], ["e"], "e"), lstm]
    column, row = np.ones((30_000, 1)), np.ones((1, 30_000))
    write("outer-sum", "far more numbers", nodes=outer, more=[("A", column), ("B", row)])

    def no_inputs(model):
        del model.graph.input[:]

    write("no-input", "nothing above it gives", change=no_inputs)

    def many_axes(model):
        shape = model.graph.input[0].type.tensor_type.shape
        for _ in range(9):
            shape.dim.add()

    write("many-axes", "of 12 axes", change=many_axes)

    def no_output(model):
        model.graph.output[0].name = "z"

    write("no-output", "an output 'z' that is no layer's", change=no_output)
    whole = (folder / "above.onnx").read_bytes()
    for name, data in {
        "cut": whole[:80],
        "noise": b"\x08\x08" + os.urandom(99),
        "one": b"\x08",
    }.items():
        (folder / f"{name}.onnx").write_bytes(data)
        says[f"{name}.onnx"] = "is no ONNX file"
    return says


@needs_onnx
def test_hostile_onnx_files_are_refused(tmp_path):
    for name, says in onnx_files(tmp_path / "models").items():
        text = answer(tmp_path / "models" / name)
        assert says in text, name
        assert "\n" not in text


# ------------------------------------------------------------- in little memory

SCRIPT = """
import json, resource, sys
from pathlib import Path
from archsim.errors import NetworkError
from archsim.network.importers.registry import READERS, read_network
READERS.all()
for module in ("onnx", "safetensors"):
    try:
        __import__(module)
    except ImportError:
        pass
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (most, most))
said = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.suffix in (".data", "") or path.suffix == ".pt":
        continue
    try:
        read_network(path)
        said[path.name] = "read"
    except NetworkError as error:
        said[path.name] = ""
    except BaseException as error:
        said[path.name] = repr(error)
print(json.dumps(said))
"""


def test_all_of_them_in_little_memory(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for name, (_, data, _) in FILES.items():
        put(folder, name, data)
    if importlib.util.find_spec("onnx") is not None:
        onnx_files(folder)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), str(MEMORY)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert len(said) > 80
    assert {name: text for name, text in said.items() if text} == {}
