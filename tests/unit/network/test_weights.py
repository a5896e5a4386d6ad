"""Is a weights file of PyTorch taken as it is, every tensor of it used or explained?"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save, save_file

from archsim.chip.build import chip_library
from archsim.config.load import load_config
from archsim.costs.digital import argmax_unit
from archsim.errors import InputError
from archsim.network.weights import network_weights
from archsim.notes import when_noted
from archsim.simulation.inputs import Inputs
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.small_run import tensors, write_small_run

FINE = (
    *("adc.bits=10", "tile.input_bits=8", "digital.word_bits=24", "digital.fraction_bits=18"),
    *("digital.table_entries=65536", "device.conductance_steps=32767"),
)
"""Overrides with which the chip computes nearly what floating point does."""


@pytest.fixture
def small(tmp_path):
    """A run that works; returns a function that builds it with other weights and overrides."""
    config = write_small_run(tmp_path)

    def build(weights=None, *overrides):
        if isinstance(weights, bytes):
            (tmp_path / "weights.safetensors").write_bytes(weights)
        elif weights is not None:
            save_file(weights, tmp_path / "weights.safetensors")
        return prepare(load_config(config, overrides))

    build.config = config
    return build


@pytest.fixture
def notes():
    told: list[str] = []
    when_noted(told.append)
    yield told
    when_noted(lambda _text: None)


def _reason(build, *arguments):
    with pytest.raises(InputError) as refused:
        build(*arguments)
    text = str(refused.value)
    assert len(text) < 500, text
    assert "\n" not in text
    return text


def _run(build, weights, *overrides):
    """Run with other weights; return the result, and codes and logits of the output layer."""
    build(weights)
    out = build.config.parent / "trace.h5"
    result = run(load_config(build.config, ["trace.level=event", *overrides]), out)
    with h5py.File(out) as file:
        return result, file["outputs/output/code"][:], file["outputs/output/logits"][:]


def _labels(chip, data):
    return Inputs().float_answers(chip, data).answer


def _array(*shape):
    return np.full(shape, 0.25, np.float32)


# ----------------------------------------------------------------- tensors that no layer uses

_SECOND = {
    f"lstm.{name}_l1": _array(*shape)
    for name, shape in (
        ("weight_ih", (16, 4)),
        ("weight_hh", (16, 4)),
        ("bias_ih", (16,)),
        ("bias_hh", (16,)),
    )
}
UNUSED = {
    "bidirectional": (
        {f"{name}_reverse": tensor for name, tensor in tensors().items() if "lstm" in name},
        *(
            "'lstm.bias_hh_l0_reverse'",
            "3 more are not used",
            "direction: backward}",
            "bidirectional",
        ),
    ),
    "stacked": (_SECOND, "'lstm.bias_hh_l1'", "add the layer {kind: lstm", "stacked: 1}"),
    "projection": (
        {"lstm.weight_hr_l0": _array(2, 4)},
        *("'lstm.weight_hr_l0'", "set projection of layer 'lstm' to 2"),
    ),
    "in-lstm": ({"lstm.peephole": _array(4)}, "'lstm.peephole'", "kind lstm has no such tensor"),
    "in-linear": ({"output.scale": _array(3)}, "'output.scale'", "kind linear has no such"),
    "embedding": ({"embedding.weight": _array(9, 6)}, "embedding.weight", '["embedding.*"]'),
    "other-head": (
        {"head.weight": _array(2, 4), "head.bias": _array(2)},
        *("head.bias, head.weight", '["head.*"]'),
    ),
    "whole-numbers": ({"bn.num_batches_tracked": np.ones(1, np.int64)}, '["bn.*"]'),
    "many": ({f"layer{n}.weight": _array(1, 1) for n in range(2000)}, "layer0.weight", " more:"),
}


@pytest.mark.parametrize("case", UNUSED.values(), ids=UNUSED)
def test_a_tensor_that_no_layer_uses_is_refused_and_explained(small, case):
    more, *says = case
    reason = _reason(small, {**tensors(), **more})
    for words in ("weights.safetensors", *says):
        assert words in reason


def test_tensors_are_ignored_where_that_is_asked_for(small):
    plain, data = small()
    more = {"head.weight": _array(2, 4), "lstm.bias_hh_l0_reverse": _array(16)}
    ignore = 'network.ignore=["head.*", "lstm.*_reverse"]'
    chip, _ = small({**tensors(), **more}, ignore)
    np.testing.assert_array_equal(_labels(chip, data), _labels(plain, data))


@pytest.mark.parametrize(
    ("ignore", "says"),
    [("optimizr.*", "no such tensor; it has lstm.bias"), ("output.bias", "uses output.bias")],
)
def test_an_entry_of_ignore_without_effect_is_refused(small, ignore, says):
    assert says in _reason(small, None, f'network.ignore=["{ignore}"]')


def test_normalisation_of_features_belongs_to_the_file(small):
    small({**tensors(), "features.mean": _array(6), "features.scale": _array(6)})


# ----------------------------------------------------------------- without a bias


def _without_bias(*, zeros: bool):
    """Return weights without any bias, or with biases of zero."""
    kept = {name: value for name, value in tensors().items() if zeros or "bias" not in name}
    return {name: value * 0 if "bias" in name else value for name, value in kept.items()}


def test_a_network_without_bias_has_no_row_for_it(small):
    without, code, _ = _run(small, _without_bias(zeros=False))
    zero, code_of_zero, _ = _run(small, _without_bias(zeros=True))
    np.testing.assert_array_equal(code, code_of_zero)
    assert without.summary.accuracy_float == zero.summary.accuracy_float
    assert (without.energy.sum(axis=1) < zero.energy.sum(axis=1)).all()
    chip, _ = small(_without_bias(zeros=False))
    assert [bank.rows for bank in chip.banks] == [10, 4]
    chip, _ = small(_without_bias(zeros=True))
    assert [bank.rows for bank in chip.banks] == [11, 5]


def test_the_chip_without_bias_computes_what_floating_point_does(small):
    weights = _without_bias(zeros=False)
    result, _, logits = _run(small, weights, *FINE)
    _, data = small(weights)
    np.testing.assert_allclose(logits[:, 0], _by_hand(weights, data.inputs), atol=0.02)
    label = _by_hand(weights, data.inputs).argmax(axis=1)
    assert result.summary.accuracy_float == (label == data.target).mean()


def _by_hand(weights, x):
    """Return PyTorch's output in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    h, c = np.zeros((2, len(x), 4))
    for t in range(x.shape[1]):
        total = x[:, t] @ w["lstm.weight_ih_l0"].T + h @ w["lstm.weight_hh_l0"].T
        total = total + w.get("lstm.bias_ih_l0", 0.0) + w.get("lstm.bias_hh_l0", 0.0)
        i, f, g, o = np.split(total, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return h @ w["output.weight"].T + w.get("output.bias", 0.0)


def test_a_digital_layer_without_bias(small):
    weights = _without_bias(zeros=False)
    digital = "network.layers.1.placement=digital"
    small(weights)
    loaded = load_config(small.config, [digital, *FINE])
    chip, data = prepare(loaded)
    out = small.config.parent / "trace.h5"
    run(loaded, out)
    with h5py.File(out) as file:
        logits = file["outputs/output/logits"][:, 0]
    np.testing.assert_allclose(logits, _by_hand(weights, data.inputs), atol=0.02)
    biased, _ = small(tensors(), digital)
    assert [u.duration("multiply_accumulate") for u in chip.layers[1].units] == [1]
    assert chip.layers[1].macs == biased.layers[1].macs == 12


def test_one_of_two_biases_alone_is_refused(small):
    weights = {name: value for name, value in tensors().items() if name != "lstm.bias_hh_l0"}
    reason = _reason(small, weights)
    assert "the tensor 'lstm.bias_ih_l0' but no 'lstm.bias_hh_l0'" in reason


def test_a_netlist_of_a_layer_without_bias_drives_no_row_for_it(small):
    from archsim.spice.excerpt import first_conversion

    chip, data = small(_without_bias(zeros=False))
    frame = chip.encode(data.inputs[:1, :1]).drive[0, 0]
    part = first_conversion(chip, data, rows=10)
    assert part.drive.tolist() == [*frame.tolist(), 0, 0, 0, 0]
    chip, data = small(_without_bias(zeros=True))
    assert first_conversion(chip, data, rows=11).drive.tolist()[6:] == [0, 0, 0, 0, 15]


def test_bias_none_takes_the_row_away_from_random_weights_and_is_no_way_to_lose_a_bias(small):
    none = ("network.layers.0.bias=none", "network.layers.1.bias=none")
    chip, _ = small(None, "network.weights=random", *none)
    assert [bank.rows for bank in chip.banks] == [10, 4]
    assert "layer 'lstm' has bias none" in _reason(small, None, *none)
    assert "layer 'output' has bias none" in _reason(small, None, none[1])
    small(None, none[1], "network.ignore=[output.bias]")


# ----------------------------------------------------------------- a bias that is added digitally


def test_a_digital_bias_is_added_to_what_the_converter_gives(small):
    weights = {**tensors(), "output.bias": np.array([0.3, -0.2, 9.0], np.float32)}
    key, word = "network.layers.1.bias=digital", 2.0**-10
    bits = ("digital.word_bits=16", "digital.fraction_bits=10")
    without = {name: value for name, value in weights.items() if name != "output.bias"}
    _, code, logits = _run(small, without, *bits)
    result, code_of_sum, with_bias = _run(small, weights, key, *bits)
    np.testing.assert_array_equal(code, code_of_sum)
    rounded = np.floor(logits / word + 0.5) + np.floor(np.array([0.3, -0.2, 9.0]) / word + 0.5)
    np.testing.assert_array_equal(with_bias, np.float32(rounded * word))
    np.testing.assert_array_equal(result.answer, with_bias[:, 0].argmax(axis=1))


def test_a_digital_bias_costs_an_addition_a_unit(small):
    lanes, key = "digital.lanes=2", "network.layers.1.bias=digital"
    chip, _ = small(None, key, lanes)
    without = {name: value for name, value in tensors().items() if name != "output.bias"}
    bare, _ = small(without, lanes)
    assert [bank.rows for bank in chip.banks] == [11, 4]
    (unit,) = chip.layers[1].units
    assert unit.name == "output_bias"
    assert unit.duration("add_bias") == 2  # 3 units on 2 lanes
    library, word = chip_library(chip.config.technology), chip.config.digital.word_bits
    expected = 3 * (
        library.energy("adder", "add", word)
        + library.energy("register", "write", word)
        + library.energy("sram_2kib", "read", word / 64)
    )
    assert unit.cost.energy["add_bias"].fixed.sum() == pytest.approx(expected)
    assert chip.schedule.cycles == bare.schedule.cycles + 2
    classifier = next(each for each in chip.units if each.name == "classifier")
    of_words = argmax_unit(3, word, library=library)  # words are compared, not codes
    np.testing.assert_array_equal(
        classifier.cost.energy["argmax"].fixed, of_words.energy["argmax"].fixed
    )


def test_a_digital_bias_beyond_a_word_saturates(small):
    weights = {**tensors(), "output.bias": np.array([1e6, -1e6, 0], np.float32)}
    _, _, logits = _run(small, weights, "network.layers.1.bias=digital")
    chip, _ = small()
    one = 2.0**chip.config.digital.fraction_bits
    limit = 2 ** (chip.config.digital.word_bits - 1)
    assert logits[:, 0, 0].max() <= (limit - 1) / one
    assert logits[:, 0, 1].min() >= -limit / one
    assert logits[:, 0, 0].min() > logits[:, 0, 2].max() > logits[:, 0, 1].max()


@pytest.mark.parametrize(
    ("layer", "more", "says"),
    [(1, ["network.layers.1.function=relu"], "'relu'"), (0, [], "functions of a recurrent layer")],
)
def test_a_digital_bias_needs_the_sum_itself(small, layer, more, says):
    reason = _reason(small, None, f"network.layers.{layer}.bias=digital", *more)
    assert says in reason
    assert "bias digital" in reason


# ----------------------------------------------------------------- names


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "net.rnn."])
def test_a_prefix_is_found_and_noted(small, notes, prefix):
    plain, data = small()
    chip, _ = small({prefix + name: value for name, value in tensors().items()})
    np.testing.assert_array_equal(_labels(chip, data), _labels(plain, data))
    (note,) = notes
    assert note.endswith(f"the layers' tensors are those that begin with '{prefix}'")


def test_a_prefix_is_asked_for_where_several_fit(small, notes):
    both = {p + name: value for p in ("a.", "ema.") for name, value in tensors().items()}
    reason = _reason(small, both)
    assert "several prefixes (a., ema.): set network.prefix" in reason
    assert "no layer uses ema.lstm" in _reason(small, both, "network.prefix=a")
    for prefix in ("a", "a."):
        small(both, f"network.prefix={prefix}", 'network.ignore=["ema.*"]')
    assert not notes
    plain = {**tensors(), **{f"ema.{name}": value for name, value in tensors().items()}}
    assert 'network.ignore: ["ema.*"]' in _reason(small, plain)
    assert "no tensor 'b.lstm.weight_ih_l0'" in _reason(small, both, "network.prefix=b")


def test_layers_may_have_other_names_in_the_file(small):
    plain, data = small()
    names = {"lstm": "encoder.0", "output": "heads.words"}
    renamed = {
        f"{names[name.partition('.')[0]]}.{name.partition('.')[2]}": value
        for name, value in tensors().items()
    }
    keys = [f"network.layers.{n}.tensors={name!r}" for n, name in enumerate(names.values())]
    chip, _ = small(renamed, *keys)
    np.testing.assert_array_equal(_labels(chip, data), _labels(plain, data))
    assert [layer.name for layer in chip.layers] == ["lstm", "output"]


FOREIGN = {
    "lstm-cell": ({"lstm.weight_ih": _array(16, 6)}, "add _l0 to their names"),
    "keras": ({"lstm.kernel": _array(6, 16), "lstm.recurrent_kernel": _array(4, 16)}, "Keras"),
    "onnx": ({"lstm.W": _array(1, 16, 6), "lstm.R": _array(1, 16, 4)}, "i, o, f, c"),
    "weight-norm": ({"lstm.weight_ih_l0_g": _array(16, 1)}, "parametrization"),
}


@pytest.mark.parametrize("case", FOREIGN.values(), ids=FOREIGN)
def test_names_of_other_tools_are_explained(small, case):
    weights, says = case
    reason = _reason(small, weights)
    assert "no tensor 'lstm.weight_ih_l0'" in reason
    assert says in reason


SHAPES = {
    "keras": ("lstm.weight_ih_l0", (6, 16), "as Keras does"),
    "onnx": ("lstm.weight_hh_l0", (1, 16, 4), "as ONNX does"),
    "gru": ("lstm.weight_ih_l0", (12, 6), "that of a GRU"),
    "rnn": ("lstm.weight_ih_l0", (4, 6), "that of a plain recurrent layer"),
    "units": ("lstm.weight_ih_l0", (20, 6), "of 5 units with 6 inputs"),
    "feedback": ("lstm.weight_hh_l0", (20, 5), "of 5 units"),
    "linear": ("output.weight", (3, 5), "of 3 units with 5 inputs"),
    "transposed": ("output.weight", (4, 3), "save its transpose"),
}


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
def test_a_wrong_shape_says_what_the_tensor_is(small, case):
    name, shape, says = case
    reason = _reason(small, {**tensors(), name: _array(*shape)})
    assert f"'{name}' has shape {shape}" in reason
    assert says in reason


# ----------------------------------------------------------------- types and files


def _bfloat16(weights):
    header, data = {}, b""
    for name, tensor in weights.items():
        half = (tensor.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        span = [len(data), len(data) + len(half)]
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": span}
        data += half
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_bfloat16_is_widened_exactly(small):
    numbers = np.array([1.0, -2.5, 2.0**-126, 2.0**-133, 0.0, 3.0e38], np.float32)
    numbers = (numbers.view(np.uint32) & 0xFFFF0000).view(np.float32)
    small(_bfloat16({**tensors(), "x": numbers}), "network.ignore=[x]")
    network = load_config(small.config).config.network
    read = network_weights(network, seed=0).tensors
    np.testing.assert_array_equal(read["x"], numbers.astype(np.float64))
    assert read["lstm.weight_ih_l0"].shape == (16, 6)
    np.testing.assert_allclose(read["output.bias"], tensors()["output.bias"], rtol=2**-7)


@pytest.mark.parametrize("dtype", ["f2", "f8"])
def test_other_floating_point_types_are_taken(small, dtype):
    weights = {name: value.astype(dtype) for name, value in tensors().items()}
    small(weights)
    read = network_weights(load_config(small.config).config.network, seed=0).tensors
    for name, value in weights.items():
        np.testing.assert_array_equal(read[name], value.astype(np.float64))


_CUT = save(tensors())[:-10]
FILES = {
    "torch-zip": (b"PK\x03\x04" + bytes(50), "is a zip archive, as torch.save"),
    "torch-pickle": (b"\x80\x02}q\x00" + bytes(50), "is a Python pickle, as torch.save"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file, as Keras writes"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    "gzip": (b"\x1f\x8b\x08" + bytes(50), "is compressed with gzip"),
    "cut": (_CUT, "is not a whole safetensors file"),
    "cut-and-like-a-pickle": (b"\x80" + _CUT[1:], "is not a whole safetensors file"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES)
def test_another_file_in_place_of_a_safetensors_file_is_recognised(small, case):
    data, says = case
    assert says in _reason(small, data)


def test_a_file_that_may_not_be_read_is_no_broken_one(small, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    reason = _reason(small)
    assert "weights.safetensors: cannot be read (Permission denied)" in reason


# ----------------------------------------------------------------- weights of zero


def test_weights_of_zero_have_a_range_by_themselves(small):
    zero = {name: value * 0 for name, value in tensors().items()}
    result, _, logits = _run(small, zero, "network.layers.1.input_range=auto")
    assert np.abs(logits).max() <= 2 / 2**4  # the level next to 0
    assert set(result.answer) == {0}
    assert result.summary.accuracy == result.summary.accuracy_float
