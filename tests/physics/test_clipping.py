"""Is every value that a run clips counted, and is what matters of it said?"""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.chip.layers.clipped import tied_at_an_end
from archsim.cli import main
from archsim.clipping import Clipping, Place, worth_telling
from archsim.config.load import load_config
from archsim.report.render import as_text
from archsim.report.run import run_report
from archsim.simulation.simulate import run
from archsim.trace.reader import read_summary
from tests.ranges import FINE, LINEARS, PROJECTED, linear_tensors, projected_tensors
from tests.runs import ROOT, run_to
from tests.small_run import CLASSES, SEQUENCES, TIMESTEPS, UNITS, features, tensors, write_small_run


def summary_of(folder, weights, *overrides, threads=1):
    config = write_small_run(folder)
    save_file(weights, folder / "weights.safetensors")
    return run(load_config(config, overrides), folder / "run.h5", threads=threads).summary


def clipped(summary, layer, place):
    (found,) = [item for item in summary.clipped if (item.layer, item.place) == (layer, place)]
    return found


def told(summary):
    return {(item.layer, str(item.place)) for item in worth_telling(summary.clipped)}


def changed(**changes):
    return tensors() | {name.replace("__", "."): value for name, value in changes.items()}


# ------------------------------------------------------------------------------------ pulse widths


def test_h_beyond_its_pulse_widths_is_counted_and_the_remedy_works(tmp_path):
    narrow = (*PROJECTED, *FINE, "network.layers.0.output_range=1")
    summary = summary_of(tmp_path, projected_tensors(), *narrow)
    found = clipped(summary, "lstm", Place.OUTPUT_RANGE)
    with h5py.File(tmp_path / "run.h5") as file:
        h = np.abs(file["outputs/lstm/h"][...])
    assert found.count == found.lost == (h > 1 + 1 / 126).sum() > 0  # more than half a step
    assert found.of == h.size
    assert found.largest == h.max()
    assert f"layer 'lstm': {found.share:.1%} of its outputs exceed 1" in found.sentence()
    assert f"(the largest is {h.max():.3g}): set the layer's output_range to" in found.sentence()
    automatic = summary_of(tmp_path, projected_tensors(), *PROJECTED, *FINE)
    assert told(automatic) == set()


def test_outputs_of_a_linear_layer_beyond_its_pulse_widths_are_counted(tmp_path):
    layers = LINEARS.replace("timesteps: all", "timesteps: all, output_range: 1.5")
    summary = summary_of(tmp_path, linear_tensors(), layers, "adc.bits=8")
    found = clipped(summary, "hidden", Place.OUTPUT_RANGE)
    with h5py.File(tmp_path / "run.h5") as file:
        hidden = np.abs(file["outputs/hidden/logits"][...])
    assert found.count == (hidden > 1.5 + 0.75 / 15).sum() > 0
    assert ("hidden", "output_range") in told(summary)


def test_pulse_widths_that_nobody_takes_are_not_counted(tmp_path):
    digital = LINEARS.replace("units: 3", "units: 3, placement: digital")
    for layers in (LINEARS, digital):
        summary = summary_of(tmp_path, linear_tensors(), layers.replace("input_range: auto", ""))
        places = {item.name for item in summary.clipped}
        assert "output.output_range" not in places
        assert ("hidden.output_range" in places) == (layers is LINEARS)


# ------------------------------------------------------------------------------------------- ramps


def test_sums_beyond_a_projections_ramp_are_counted(tmp_path):
    projection = "network.layers.0.projection=3"
    summary = summary_of(tmp_path, projected_tensors(), projection, *FINE)
    found = clipped(summary, "lstm", Place.PROJECTION_RANGE)
    with h5py.File(tmp_path / "run.h5") as file:
        at_end = np.abs(file["outputs/lstm/h"][...]) >= 1
    assert 0.9 * at_end.sum() < found.count <= at_end.sum()  # ends stand for sums near them too
    assert 2 < found.largest < 6
    assert "projection_range to [-" in found.remedy()
    assert ("lstm", "projection_range") in told(summary)
    assert ("lstm", "projection_range") not in told(
        summary_of(tmp_path, projected_tensors(), *PROJECTED, *FINE)
    )


def test_sums_beyond_a_linear_layers_ramp_are_counted(tmp_path):
    layers = LINEARS.replace("timesteps: all", "timesteps: all, input_range: [-2, 2]")
    weights, fine = linear_tensors(), ("adc.bits=8", "tile.input_bits=7")
    found = clipped(summary_of(tmp_path, weights, layers, *fine), "hidden", Place.INPUT_RANGE)
    x = features()["features"] / 127.0
    sums = np.abs(x @ weights["hidden.weight"].T.astype(float) + weights["hidden.bias"])
    assert found.of == sums.size
    assert found.count == pytest.approx((sums > 2 + 2 / 255).sum(), abs=3)
    assert found.largest == pytest.approx(sums.max(), abs=0.02)


def test_row_blocks_that_convert_by_themselves_are_counted_one_by_one(tmp_path):
    layers = LINEARS.replace("timesteps: all", "timesteps: all, input_range: [-2, 2]")
    blocks = ("tile.rows=4", "tile.row_sum=digital", "adc.kind=linear_ramp", "adc.bits=8")
    weights = linear_tensors()
    summary = summary_of(tmp_path, weights, layers, *blocks, "tile.input_bits=7")
    found = clipped(summary, "hidden", Place.INPUT_RANGE)
    x = np.concatenate([features()["features"] / 127.0, np.ones((SEQUENCES, TIMESTEPS, 1))], axis=2)
    rows = np.concatenate([weights["hidden.weight"].T, weights["hidden.bias"][None]]).astype(float)
    parts = (slice(0, 3), slice(3, None))  # as equal as can be
    sums = np.abs(np.concatenate([(x[..., part] @ rows[part]).ravel() for part in parts]))
    assert found.of == sums.size
    assert found.count == pytest.approx((sums > 2 + 2 / 255).sum(), abs=3)


def test_a_flat_end_of_a_function_is_no_clipping(tmp_path):
    for function in ("tanh", "relu"):
        layers = LINEARS.replace("timesteps: all", f"timesteps: all, function: {function}")
        weights = linear_tensors()
        weights["hidden.bias"] -= 6  # sums of -11 to -1
        found = clipped(summary_of(tmp_path, weights, layers), "hidden", Place.INPUT_RANGE)
        assert found.count == 0


def test_only_outputs_that_tie_at_the_end_are_lost(tmp_path):
    bias = np.zeros(CLASSES, dtype=np.float32)
    bias[0] = 30
    alone = clipped(summary_of(tmp_path, changed(output__bias=bias)), "output", Place.INPUT_RANGE)
    assert (alone.count, alone.lost) == (SEQUENCES, 0)
    bias[1] = 20
    both = clipped(summary_of(tmp_path, changed(output__bias=bias)), "output", Place.INPUT_RANGE)
    assert (both.count, both.lost) == (2 * SEQUENCES, 2 * SEQUENCES)
    bias[:] = -30, -20, 0
    low = clipped(summary_of(tmp_path, changed(output__bias=bias)), "output", Place.INPUT_RANGE)
    assert (low.count, low.lost) == (2 * SEQUENCES, 0)


def test_ties_are_of_one_vector():
    code = np.array([[3, 3, 1], [3, 2, 1], [3, 3, 3]])
    assert tied_at_an_end(code, 3).sum(axis=1).tolist() == [2, 0, 3]


@pytest.mark.parametrize(("end", "expected"), [("4", False), ("0.5", True)])
def test_gates_beyond_an_ordinary_converter_are_counted(tmp_path, end, expected):
    conventional = ("adc.kind=linear_ramp", "adc.bits=5", f"adc.input_range=[-{end}, {end}]")
    summary = summary_of(tmp_path, tensors(), *conventional)
    assert (("lstm", "converter_range") in told(summary)) == expected


# ---------------------------------------------------------------------------------------- circuits


def codes(path):
    with h5py.File(path) as file:
        return [file[f"outputs/{name}/code"][...] for name in ("hidden", "output")]


def test_codes_that_rails_change_are_counted(tmp_path):
    layers = LINEARS.replace("input_range: auto", "input_range: [-2, 2]")
    small = ("adc.bits=5", "tile.full_scale=200 mV")
    summary_of(tmp_path, linear_tensors(), layers, *small)
    ideal, _ = codes(tmp_path / "run.h5")
    rails = ("tile.integrator.saturation=true", "tile.integrator.headroom=250 mV")
    summary = summary_of(tmp_path, linear_tensors(), layers, *small, *rails)
    found = clipped(summary, "hidden", Place.RAILS)
    assert found.count == (codes(tmp_path / "run.h5")[0] != ideal).sum() > 0
    assert found.of == ideal.size
    assert found.limit == pytest.approx(0.15, abs=1e-4)
    wide = ("tile.integrator.saturation=true", "tile.integrator.headroom=10 mV")
    mended = summary_of(tmp_path, linear_tensors(), layers, "tile.full_scale=100 mV", *wide)
    assert clipped(mended, "hidden", Place.RAILS).count == 0


def test_gates_that_run_into_rails_are_counted(tmp_path):
    rails = ("tile.integrator.saturation=true", "tile.integrator.headroom=350 mV")
    found = clipped(summary_of(tmp_path, tensors(), *rails), "lstm", Place.RAILS)
    assert found.of == SEQUENCES * TIMESTEPS * 4 * UNITS
    assert 0 < found.count < found.of


@pytest.mark.parametrize(("bits", "clips"), [(3, True), (6, False)])
def test_codes_that_bit_serial_converters_change_are_counted(tmp_path, bits, clips):
    library = ROOT / "configs/components/isaac-system-32nm.yaml"
    serial = [
        f"technology={{node: 32 nm, clock: 1 GHz, supply: 800 mV, components: {library}}}",
        *("adc.kind=bit_serial", "tile.row_sum=digital", "adc.bit_serial.read_cycles=8"),
        *("adc.bit_serial.component=isaac_adc_8b", "adc.bit_serial.adc_bits=9"),
    ]
    summary_of(tmp_path, linear_tensors(), LINEARS, *serial)
    exact, _ = codes(tmp_path / "run.h5")
    serial[-1] = f"adc.bit_serial.adc_bits={bits}"
    summary = summary_of(tmp_path, linear_tensors(), LINEARS, *serial)
    found = clipped(summary, "hidden", Place.CROSSBAR_SUMS)
    assert found.count == (codes(tmp_path / "run.h5")[0] != exact).sum()
    assert (found.count > 0) == clips


# ------------------------------------------------------------------------------------------- words


def growing():
    """Return weights whose cell states grow by nearly 1 a timestep."""
    bias = np.full(4 * UNITS, 20, dtype=np.float32)
    zero = {name: value * 0 for name, value in tensors().items() if name.startswith("lstm")}
    return tensors() | zero | {"lstm.bias_ih_l0": bias}


def test_cell_states_at_the_end_of_a_word_are_counted(tmp_path):
    words = ("digital.word_bits=12", "digital.fraction_bits=10", "digital.cell_range=1")
    summary = summary_of(tmp_path, growing(), *words)
    found = clipped(summary, "lstm", Place.STATE_WORDS)
    beyond = TIMESTEPS - 1  # c is 1, 2, ... and a word ends just below 2
    assert (found.count, found.of) == (SEQUENCES * UNITS * beyond, SEQUENCES * UNITS * TIMESTEPS)
    assert ("lstm", "state_words") in told(summary)


@pytest.mark.parametrize("method", ["table", "ramp"])
@pytest.mark.parametrize(("end", "beyond"), [(1, TIMESTEPS - 1), (4, 0), (16, 0)])
def test_cell_states_count_where_tanh_is_not_flat_yet(tmp_path, method, end, beyond):
    keys = (f"digital.cell_activation={method}", f"digital.cell_range={end}")
    found = clipped(summary_of(tmp_path, growing(), *keys), "lstm", Place.CELL_RANGE)
    assert found.count == SEQUENCES * UNITS * beyond
    if beyond:
        assert found.remedy() == "raise digital.cell_range to 8"


def test_words_of_digital_layers_are_counted(tmp_path):
    weights = changed(output__weight=np.full((CLASSES, UNITS), 100, dtype=np.float32))
    summary = summary_of(tmp_path, weights, "network.layers.1.placement=digital")
    found = clipped(summary, "output", Place.WEIGHT_WORDS)
    assert (found.count, found.of, found.largest) == (CLASSES * UNITS, CLASSES * (UNITS + 1), 100)
    assert clipped(summary, "output", Place.OUTPUT_WORDS).of == SEQUENCES * CLASSES
    bias = np.full(CLASSES, 15.99, dtype=np.float32)
    weights = changed(output__weight=np.full((CLASSES, UNITS), 15, dtype=np.float32))
    sums = summary_of(
        tmp_path, weights | {"output.bias": bias}, "network.layers.1.placement=digital"
    )
    with h5py.File(tmp_path / "run.h5") as file:
        at_end = (np.abs(file["outputs/output/logits"][...]) > 15.999).sum()
    assert clipped(sums, "output", Place.OUTPUT_WORDS).count == at_end > 0


@pytest.mark.parametrize("fraction_bits", [12, 14])
def test_levels_that_words_do_not_hold_are_counted(tmp_path, fraction_bits):
    words = f"digital.fraction_bits={fraction_bits}"
    weights = projected_tensors()
    found = clipped(
        summary_of(tmp_path, weights, *PROJECTED, *FINE, words), "lstm", Place.OUTPUT_WORDS
    )
    with h5py.File(tmp_path / "run.h5") as file:
        at_end = (np.abs(file["outputs/lstm/h"][...]) > 2 ** (15 - fraction_bits) - 0.001).sum()
    assert (found.count, found.count > 0) == (at_end, fraction_bits == 14)
    layers = LINEARS.replace("units: 3", "units: 3, placement: digital")
    layers = layers.replace(", input_range: auto", "")
    summary = summary_of(tmp_path, linear_tensors(), layers, "adc.bits=8", words)
    with h5py.File(tmp_path / "run.h5") as file:
        hidden = np.abs(file["outputs/hidden/logits"][...])
    outside = (hidden > 2 ** (15 - fraction_bits)).sum()
    assert clipped(summary, "hidden", Place.OUTPUT_WORDS).count == outside


# ----------------------------------------------------------------------------- what is said of it


def test_the_shipped_run_clips_nothing_that_is_worth_telling(tmp_path):
    summary = run_to(tmp_path / "kws.h5", sequences=64).summary
    assert told(summary) == set()
    assert all(item.of > 0 for item in summary.clipped)


def test_counts_do_not_depend_on_threads(tmp_path):
    narrow = (*PROJECTED, "network.layers.0.output_range=1", "streams=2")
    one = summary_of(tmp_path, projected_tensors(), *narrow)
    many = summary_of(tmp_path, projected_tensors(), *narrow, threads=3)
    assert [item.to_json() for item in one.clipped] == [item.to_json() for item in many.clipped]


def test_a_trace_says_what_was_clipped_and_one_that_does_not_still_opens(tmp_path):
    narrow = (*PROJECTED, *FINE, "network.layers.0.output_range=1")
    summary = summary_of(tmp_path, projected_tensors(), *narrow)
    read = read_summary(tmp_path / "run.h5")
    assert read.to_json()["clipped"] == summary.to_json()["clipped"] != []
    assert [item.name for item in read.clipped] == [item.name for item in summary.clipped]
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        for name in [name for name in file["summary"] if name.startswith("clipped")]:
            del file["summary"][name]
    assert read_summary(tmp_path / "run.h5").clipped == ()


def test_the_report_has_a_table_where_something_was_clipped(tmp_path):
    def printed(summary):
        return as_text(run_report(summary), width=200)

    narrow = (*PROJECTED, *FINE, "network.layers.0.output_range=1")
    text = printed(summary_of(tmp_path, projected_tensors(), *narrow))
    assert "outputs exceed 1, which a full pulse width stands for" in text
    assert "set the layer's output_range to" in text
    assert "clipped" not in printed(summary_of(tmp_path, projected_tensors(), *PROJECTED, *FINE))


def test_the_command_line_warns_and_prints_the_counts(tmp_path, monkeypatch, capsys):
    config = write_small_run(tmp_path)
    save_file(projected_tensors(), tmp_path / "weights.safetensors")
    narrow = [f"--set={key}" for key in (*PROJECTED, *FINE, "network.layers.0.output_range=1")]
    out = f"--out={tmp_path / 'run.h5'}"
    monkeypatch.setattr("sys.argv", ["archsim", "run", str(config), "--json", out, *narrow])
    with pytest.raises(SystemExit) as stopped:
        main()
    printed = capsys.readouterr()
    assert not stopped.value.code
    assert "archsim: warning: layer 'lstm':" in printed.err
    assert "set the layer's output_range to" in printed.err
    (found,) = json.loads(printed.out)["clipped"]
    assert (found["layer"], found["place"], found["limit"]) == ("lstm", "output_range", 1.0)


def test_a_sentence_says_what_it_knows():
    item = Clipping("lstm", Place.STATE_WORDS, 16.0, count=5, of=100, lost=5)
    assert item.sentence() == (
        "layer 'lstm': 5.0% of its cell states stand at the end of a word, 16: lower "
        "digital.fraction_bits by one or more, or raise digital.word_bits"
    )
    assert (
        Clipping("a", Place.OUTPUT_RANGE, 1.0, largest=3.318).remedy().endswith(" to 3.4 or more")
    )
    assert Clipping("a", Place.OUTPUT_RANGE, 1.0, largest=30.0).remedy().endswith(" to 30 or more")
