"""Do layers without weights, and embeddings, compute what plain whole numbers and float64 do?"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from archsim.chip.layers.function.arithmetic import by_table, softmax
from archsim.clipping import Place
from archsim.config.load import load_config
from archsim.errors import ConfigError, DesignError, WorkloadError
from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.chip_layers import (
    FINE,
    chip_of,
    random_inputs,
    recorder,
    recurrent_tensors,
    run_floats,
    run_layers,
)
from tests.runs import ROOT, contents

pytestmark = pytest.mark.interpreted

ONE = 2048
RNN = "{kind: rnn, name: a, units: 6}"
OTHER = "{kind: rnn, name: b, units: 6, inputs: [input_buffer]}"
HEAD = "{kind: linear, name: out, units: 3, timesteps: all, input_range: [-4, 4]}"


def word(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def words_of(signal):
    return signal.fixed.astype(int).tolist()


def taken_and_given(chip, number, x):
    """Return the words that a layer takes in, and what it computes."""
    given = run_layers(chip, x)
    before = list(given.values())[number - 1]
    values = before["logits"] if "logits" in before else before["h"]
    return np.rint(values * ONE).astype(int), next(iter(list(given.values())[number].values()))


# ----------------------------------------------------------------- functions


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_a_table_holds_the_middle_of_each_interval(function, tmp_path):
    layers = [HEAD, f"{{kind: function, name: f, function: {function}, table_range: 4}}"]
    chip = chip_of(tmp_path, layers, None, "digital.table_entries=64")
    taken, given = taken_and_given(chip, 1, random_inputs(6, 7, 5))
    width = Fraction(8, 64)
    for mine, found in zip(taken.ravel().tolist(), given.ravel().tolist(), strict=True):
        entry = min(max(math.floor((Fraction(mine, ONE) + 4) / width), 0), 63)
        middle = float((entry + Fraction(1, 2)) * width - 4)
        value = math.tanh(middle) if function == "tanh" else 1 / (1 + math.exp(-middle))
        assert found * ONE == math.floor(value * ONE + 0.5)
    assert len({*given.ravel().tolist()}) > 5


def test_entries_beyond_either_end_are_those_at_the_ends():
    table = np.array([10, 20, 30, 40])
    words = np.array([-100, -9, -8, -4, -1, 0, 3, 4, 7, 8, 100])
    assert by_table(words, table, 2).tolist() == [10, 10, 10, 20, 20, 30, 30, 40, 40, 40, 40]


def test_relu_keeps_what_is_positive(tmp_path):
    chip = chip_of(tmp_path, [HEAD, "{kind: function, name: f, function: relu}"])
    taken, given = taken_and_given(chip, 1, random_inputs(6, 7, 5))
    assert (given * ONE).tolist() == [
        [[max(value, 0) for value in row] for row in rows] for rows in taken.tolist()
    ]
    assert (taken < 0).any()


def test_softmax_is_a_sum_and_divisions_rounded_half_up(tmp_path):
    layers = [HEAD, "{kind: function, name: f, function: softmax, table_range: 4}"]
    chip = chip_of(tmp_path, layers, None, "digital.table_entries=64")
    taken, given = taken_and_given(chip, 1, random_inputs(6, 7, 5))
    width = Fraction(4, 64)

    def share(distance: int) -> int:
        entry = min(math.floor(Fraction(distance, ONE) / width), 63)
        return math.floor(math.exp(-float((entry + Fraction(1, 2)) * width)) * ONE + 0.5)

    for mine, found in zip(taken.reshape(-1, 3).tolist(), given.reshape(-1, 3), strict=True):
        shares = [share(max(mine) - value) for value in mine]
        expected = [word(Fraction(each * ONE, sum(shares))) for each in shares]
        assert (found * ONE).tolist() == expected
        assert abs(sum(expected) - ONE) <= 2
        assert int(found.argmax()) == mine.index(max(mine))


def test_a_softmax_of_halves_rounds_up():
    found = softmax(np.array([[0, 0, 0]]), np.array([8, 1]), 3, 16)
    assert found.tolist() == [[5, 5, 5]]  # 5.33
    assert softmax(np.array([[0] * 32]), np.array([8, 1]), 3, 16).tolist() == [[1] * 32]  # 0.5


@pytest.mark.parametrize("function", ["relu", "sigmoid", "tanh", "softmax"])
def test_a_function_comes_near_the_float_one(function, tmp_path):
    x = random_inputs(6, 7, 5)
    layers = [HEAD, f"{{kind: function, name: f, function: {function}}}"]
    chip = chip_of(tmp_path, layers, None, *FINE)
    found, expected = run_layers(chip, x)["f"]["logits"], run_floats(chip, x)
    assert np.abs(found - expected).max() < 4e-3
    assert np.abs(expected).max() > 0.4


def test_a_function_drives_the_next_layers_tiles(tmp_path):
    last = HEAD.replace("out", "last")
    x = random_inputs(6, 7, 5)
    chip = chip_of(tmp_path, [HEAD, "{kind: function, name: f, function: relu}", last], None, *FINE)
    assert chip.layers[1].output_range == 4
    found, expected = run_layers(chip, x)["last"]["logits"], run_floats(chip, x)
    assert np.abs(found - expected).max() < 0.01


def test_inputs_beyond_a_table_are_counted(tmp_path):
    text = "{kind: function, name: f, function: tanh, table_range: 1}"
    chip = chip_of(tmp_path, [HEAD, text])
    taken, _ = taken_and_given(chip, 1, random_inputs(6, 7, 5))
    head, layer = chip.layers
    signal = head.run(chip.encode(random_inputs(6, 7, 5)), recorder(6)).signal
    (found,) = (
        item for item in layer.run(signal, recorder(6)).clipped if item.place is Place.TABLE_RANGE
    )
    assert found.count == (np.abs(taken) > ONE).sum() > 0
    assert "table_range" in found.remedy()


# ----------------------------------------------------------------- sums and neighbours


def test_a_sum_is_that_of_words_and_saturates(tmp_path):
    layers = [RNN, OTHER, "{kind: add, name: sum, inputs: [a, b]}"]
    chip = chip_of(tmp_path, layers, None, "digital.word_bits=12", "digital.fraction_bits=11")
    given = run_layers(chip, random_inputs(6, 7, 5))
    terms = [np.rint(given[name]["h"] * ONE).astype(int) for name in "ab"]
    expected = np.clip(terms[0] + terms[1], -2048, 2047)
    np.testing.assert_array_equal(given["sum"]["logits"] * ONE, expected)
    assert (expected == 2047).any()


def test_a_sum_around_a_layer_takes_the_inputs_in(tmp_path):
    layers = [
        "{kind: rnn, name: a, units: 5}",
        "{kind: add, name: sum, inputs: [input_buffer, a]}",
        HEAD,
    ]
    chip, x = chip_of(tmp_path, layers, None, *FINE), random_inputs(6, 7, 5)
    assert chip.layers[1].output_range == 2
    found, expected = run_layers(chip, x)["out"]["logits"], run_floats(chip, x)
    assert np.abs(found - expected).max() < 0.01


def test_layers_side_by_side_are_what_their_reader_could_name_itself(tmp_path):
    last = HEAD.replace("all", "all, inputs: [%s]")
    x, found = random_inputs(6, 7, 5), []
    a = "{kind: linear, name: a, units: 4, timesteps: all, input_range: [-3, 3]}"
    for layers in (
        [a, OTHER, last % "a, b"],
        [a, OTHER, "{kind: concatenate, name: both, inputs: [a, b]}", last % "both"],
    ):
        chip = chip_of(tmp_path, layers)
        found.append((run_layers(chip, x)["out"], chip.schedule.cycles, run_floats(chip, x)))
    for name, array in found[0][0].items():
        np.testing.assert_array_equal(found[1][0][name], array)
    assert found[0][1] == found[1][1]
    np.testing.assert_array_equal(found[0][2], found[1][2])


def test_final_states_are_seen_through_what_hands_them_on(tmp_path):
    back = OTHER.replace("rnn", "rnn, direction: backward")
    last = HEAD.replace("timesteps: all", "timesteps: final, inputs: [%s]")
    x = random_inputs(4, 7, 5)
    relu = "{kind: function, name: f, function: relu, inputs: [both]}"
    both = "{kind: concatenate, name: both, inputs: [a, b]}"
    one, other = (
        run_floats(chip_of(tmp_path, layers), x)
        for layers in ([RNN, back, last % "a, b"], [RNN, back, both, last % "both"])
    )
    np.testing.assert_array_equal(one, other)
    chip = chip_of(tmp_path, [RNN, back, both, relu, last % "f"])
    assert chip.layers[3].output_backward.tolist() == [False] * 6 + [True] * 6
    mixed = [RNN, back, "{kind: add, name: sum, inputs: [a, b]}", last % "sum"]
    with pytest.raises(DesignError, match="'sum' adds up layers of both directions"):
        chip_of(tmp_path, mixed)


# ----------------------------------------------------------------- behind one that works once


def test_layers_behind_one_that_works_once_work_once(tmp_path):
    layers = [
        RNN,
        "{kind: linear, name: hidden, units: 6, input_range: [-3, 3]}",
        "{kind: function, name: f, function: relu}",
        "{kind: linear, name: out, units: 3, input_range: [-3, 3]}",
    ]
    chip, x = chip_of(tmp_path, layers, None, *FINE), random_inputs(4, 7, 5)
    length = np.array([7, 3, 1, 5])
    given = run_layers(chip, x, length)
    for name in ("hidden", "f", "out"):
        assert given[name]["logits"].shape[1] == 1
    expected = run_floats(chip, x, length)
    assert np.abs(given["out"]["logits"] - expected).max() < 0.01
    assert chip.operations == 2 * (7 * 6 * 11 + 36 + 18)
    operations = [item for item in chip.schedule.operations if item.layer in {"f", "out"}]
    assert {item.timestep for item in operations} == {6}
    assert len(operations) == 3  # with that which finds the class


# ----------------------------------------------------------------- time and energy


@pytest.mark.parametrize(
    ("layers", "cycles"),
    [
        (["{kind: function, name: f, function: relu}"], 2),
        (["{kind: function, name: f, function: tanh}"], 2),
        # 5 comparisons; 2 passes of difference and table; 6 sums; 2 passes of 12 bits and a half
        (["{kind: function, name: f, function: softmax}"], 5 + 2 * 2 + 6 + 2 * 13),
        ([OTHER, "{kind: add, name: f, inputs: [a, b]}"], 2),
        (
            [OTHER, OTHER.replace("name: b", "name: c"), "{kind: add, name: f, inputs: [a, b, c]}"],
            4,
        ),
    ],
)
def test_cycles_of_a_vector_of_six_on_four_lanes(layers, cycles, tmp_path):
    chip = chip_of(tmp_path, [RNN, *layers], None, "digital.lanes=4")
    (unit,) = (unit for unit in chip.units if unit.name == "f")
    (kind,) = unit.cost.energy
    assert unit.duration(kind) == cycles
    assert set(chip.inventory["f"].area) <= {"registers", "adders", "lookup_table", "argmax"}


# ----------------------------------------------------------------- embeddings

TABLE = np.random.default_rng(3).normal(0, 1, (40, 6)).astype(np.float32)
EMBEDDING = "{kind: embedding, name: table, entries: 40, units: 6}"


def embedded(tmp_path, *settings, layers=(HEAD,), more=()):
    weights = {"table.weight": TABLE, "out.weight": np.ones((3, 6), dtype=np.float32)}
    weights["out.bias"] = np.zeros(3, dtype=np.float32)
    return chip_of(tmp_path, [EMBEDDING, *layers], {**weights, **dict(more)}, *settings, inputs=1)


def test_an_embedding_looks_words_up(tmp_path):
    chip = embedded(tmp_path)
    x = np.random.default_rng(1).integers(0, 40, (4, 7, 1)).astype(np.float32)
    x[0, :2, 0] = 0, 39
    found = run_layers(chip, x)["table"]["logits"]
    for place, timestep in np.ndindex(4, 7):
        mine = TABLE[int(x[place, timestep, 0])].astype(float)
        assert (found[place, timestep] * ONE).tolist() == np.floor(mine * ONE + 0.5).tolist()
    assert chip.layers[0].output_range == pytest.approx(np.abs(TABLE).max(), abs=1 / ONE)


def test_an_embedding_before_a_recurrent_layer_comes_near_the_float_network(tmp_path):
    layers = ("{kind: rnn, name: a, units: 6}", HEAD)
    chip = embedded(tmp_path, *FINE, layers=layers, more=recurrent_tensors("a", 1, 6, 6))
    x = np.random.default_rng(1).integers(0, 40, (4, 7, 1)).astype(np.float32)
    found, expected = run_layers(chip, x)["out"]["logits"], run_floats(chip, x)
    assert np.abs(found - expected).max() < 0.03
    assert np.abs(expected).max() > 0.5


def test_an_embedding_reads_a_vector_from_memory(tmp_path):
    chip = embedded(tmp_path)
    (unit,) = (unit for unit in chip.units if unit.name == "table")
    assert unit.duration("look_up") == 2  # 96 bits, 64 a cycle
    load = next(unit for unit in chip.units if unit.name == "input_buffer")
    assert load.duration("load") == 1
    energy = unit.cost.energy["look_up"].fixed.sum()
    assert energy == pytest.approx(load.cost.energy["load"].fixed.sum() * 96 / 6)  # 6 bits of index


def test_weights_that_words_do_not_hold_are_counted_once(tmp_path):
    chip = embedded(tmp_path, "digital.word_bits=12", "digital.fraction_bits=11")
    x, layer = np.zeros((4, 7, 1), dtype=np.float32), chip.layers[0]

    def counted(first):
        more = recorder(4)
        more.first = first
        found = layer.run(chip.encode(x), more).clipped
        return next(item for item in found if item.place is Place.WEIGHT_WORDS)

    assert counted(0).count == (np.abs(TABLE) > 1).sum() > 0
    assert (counted(4).count, counted(4).of) == (0, 0)


def test_a_run_of_symbols_from_a_file(tmp_path):
    x = np.random.default_rng(1).integers(0, 40, (4, 7))
    x[0, 0] = 39
    np.savez(tmp_path / "data.npz", inputs=x, target=np.array([0, 1, 2, 0]))
    layers = f"network.layers=[{EMBEDDING}, {RNN}, {HEAD.replace('all', 'last')}]"
    sets = [
        *("tile.rows=64", "tile.columns=64", "tile.input_bits=4", "adc.bits=4", layers),
        *("network.inputs=1", "network.timesteps=7", "trace.level=event"),
        f"workload={{kind: file, source: {tmp_path / 'data.npz'}}}",
    ]
    loaded = load_config(ROOT / "configs/random-lstm.yaml", sets)
    result = run(loaded, tmp_path / "t.h5")
    assert contents(tmp_path / "t.h5")["outputs/table/logits"].shape == (4, 7, 6)
    assert not any(item.lost for item in result.summary.clipped if item.place is Place.INPUTS)
    np.savez(tmp_path / "data.npz", inputs=x + 1, target=np.array([0, 1, 2, 0]))
    with pytest.raises(WorkloadError, match=r"run from 2 to 40, but a layer .* 0 to 39"):
        prepare(load_config(ROOT / "configs/random-lstm.yaml", sets))
    random = [*sets[:-1], "workload={kind: synthetic, sequences: 3}"]
    _, data = prepare(load_config(ROOT / "configs/random-lstm.yaml", random))
    assert len({*data.inputs.ravel().tolist()}) > 5


# ----------------------------------------------------------------- what is refused

REFUSED = [
    ([RNN, "{kind: add, name: s, inputs: [a]}"], "'s' adds nothing up"),
    (
        [RNN, "{kind: add, name: s, inputs: [a, input_buffer]}"],
        "6 of 'a' and 5 of 'input_buffer': make them equally many",
    ),
    ([RNN, "{kind: concatenate, name: s, inputs: [a]}"], "nothing to put side by side"),
    (
        [RNN, "{kind: concatenate, name: s, inputs: [a, input_buffer]}"],
        "has input_buffer among its inputs, but has no registers",
    ),
    ([RNN, "{kind: function, name: f, function: tanh, table_range: 3}"], "a power of two"),
    ([EMBEDDING], "looks up one index a timestep"),
    ([RNN, EMBEDDING], "'a' takes the inputs as numbers, but they are indices"),
    (
        [
            HEAD.replace("3", "6").replace("all", "last"),
            OTHER,
            "{kind: add, name: s, inputs: [out, b]}",
        ],
        "'out', which works once a sequence, and 'b'",
    ),
]


@pytest.mark.parametrize(("layers", "says"), REFUSED)
def test_what_a_network_cannot_be_is_told(layers, says, tmp_path):
    with pytest.raises(ConfigError, match=says):
        chip_of(tmp_path, layers)


def test_what_a_chip_cannot_be_is_told(tmp_path):
    text = "{kind: function, name: f, function: softmax%s}"
    with pytest.raises(DesignError, match="softmax is for the last layer, and 'out' takes"):
        chip_of(tmp_path, [RNN, text % "", HEAD])
    coarse = ("digital.table_entries=2", "digital.fraction_bits=4")
    with pytest.raises(DesignError, match="the first of 2 entries over 64 is 0 as a word"):
        chip_of(tmp_path, [RNN, text % ", table_range: 64"], None, *coarse)
