"""Does a ramp that stops early end with its last latch, and cost nothing after that?"""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from archsim.simulation.prepare import prepare
from archsim.simulation.simulate import run
from tests.random_run import LSTM, OUTPUT, load_random

EARLY = "adc.early_stop=true"
BITS, TIMESTEPS, SEQUENCES = 5, 4, 5
RAMP = 2**BITS
CHIPS = {
    "one tile": (),
    "columns": ("tile.columns=8",),
    "rows": ("tile.rows=5",),
    "streams": ("streams=2",),
    "buffers": ("tile.double_buffer=true", "streams=2"),
    "linear": ("adc.kind=linear_ramp", "tile.columns=8"),
}


def load_case(*overrides, **keys):
    settings = (f"adc.bits={BITS}", "adc.input_range=[-6, 6]", *overrides)
    return load_random(*settings, **{"timesteps": TIMESTEPS, "sequences": SEQUENCES, **keys})


def read(path):
    """Return every dataset of a trace by name."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset):
            found[name] = node[...]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


@pytest.fixture(scope="module", params=CHIPS)
def case(request, tmp_path_factory):
    """Runs with and without an early stop: chip, results and traces."""
    folder = tmp_path_factory.mktemp("early")
    settings = CHIPS[request.param]
    chip, _ = prepare(load_case(EARLY, *settings))
    early = run(load_case(EARLY, *settings), folder / "early.h5")
    whole = run(load_case(*settings), folder / "whole.h5")
    return chip, early, whole, read(folder / "early.h5"), read(folder / "whole.h5")


def ramp_lengths(trace, bank, *, phase=2):
    """Return the ramp cycles of each conversion that a trace has of a bank, in time."""
    values = trace[f"tiles/{bank.tiles[-1].name}/phase"]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (values == phase).astype(int), [0]])))
    return edges[1::2] - edges[::2]


def wanted_lengths(trace, layer, bank):
    """Return the last latch + 1 of each conversion (sequences, conversions), from the codes."""
    code = trace[f"outputs/{layer.name}/code"][..., bank.column].astype(int)
    return code.max(axis=2) + 1


def test_codes_are_those_of_whole_ramps(case):
    _, early, whole, stopped, by_cycle = case
    assert (early.answer == whole.answer).all()
    for name, values in by_cycle.items():
        if name.startswith("outputs/"):
            assert (stopped[name] == values).all(), name


def test_every_ramp_ends_with_its_last_latch(case):
    chip, _, _, stopped, by_cycle = case
    shorter = 0
    for layer in chip.layers:
        for bank in layer.banks:
            found, wanted = ramp_lengths(stopped, bank), wanted_lengths(stopped, layer, bank)
            # Streams take turns, so compare what there is, and below in order for one stream.
            assert sorted(found) == sorted(wanted.ravel())
            if chip.config.streams == 1:
                assert found.tolist() == wanted.ravel().tolist()
            assert (ramp_lengths(by_cycle, bank) == RAMP).all()
            shorter += int((found < RAMP).sum())
            periphery = f"tiles/{bank.tiles[-1].name}"
            assert (
                stopped[f"{periphery}/latched_columns"].sum()
                == by_cycle[f"{periphery}/latched_columns"].sum()
            )
    assert shorter > 10, "ramps have to stop early somewhere"


def test_events_are_as_long_as_conversions(case):
    chip, _, _, stopped, _ = case
    resource = stopped["events/resource"]
    length = stopped["events/end_cycle"] - stopped["events/start_cycle"]
    names = {}
    for operation in chip.schedule.operations:
        names.setdefault(operation.resource, len(names))
    for layer in chip.layers:
        for matrix in layer.matrices:
            for index, bank in enumerate(matrix.banks):
                wanted = wanted_lengths(stopped, layer, bank).ravel()
                fixed = chip.config.tile.readout_cycles
                converter = matrix.converter_name(index) if matrix.double_buffer else bank.name
                if not matrix.double_buffer:
                    fixed += bank.integrate_end
                mine = length[resource == names[converter]]
                assert sorted(mine) == sorted(wanted + fixed)


def test_a_run_is_shorter_and_never_overlaps(case):
    chip, early, whole, stopped, _ = case
    assert early.summary.total_cycles < whole.summary.total_cycles
    start, end = stopped["events/start_cycle"], stopped["events/end_cycle"]
    for name in np.unique(stopped["events/resource"]):
        mine = stopped["events/resource"] == name
        order = np.argsort(start[mine])
        held = end[mine][order]
        assert (start[mine][order][1:] >= held[:-1]).all()
    assert stopped["units/chip/cycle"].tolist() == list(range(early.summary.total_cycles))
    assert chip.schedule.cycles * early.summary.groups >= early.summary.total_cycles


@pytest.mark.parametrize("timesteps", [1, 5])
def test_cycles_of_one_stream_by_formula(tmp_path, timesteps):
    """Load, then each timestep as long as its slowest bank's ramp, then the argmax of 6 h."""
    loaded = load_case(EARLY, "tile.columns=8", layers=(LSTM,), timesteps=timesteps)
    result = run(loaded, tmp_path / "t.h5")
    chip, _ = prepare(loaded)
    trace = read(tmp_path / "t.h5")
    layer = chip.layers[0]
    lengths = np.array([wanted_lengths(trace, layer, bank) for bank in layer.banks])
    assert lengths.shape == (3, SEQUENCES, timesteps)
    conversion = 1 + 8 + lengths.max(axis=0) + 1
    assert result.summary.total_cycles == SEQUENCES * (1 + 5) + int((conversion + 4).sum())
    assert (lengths.min(axis=0) < lengths.max(axis=0)).any(), "banks have to differ"


def test_what_did_not_happen_costs_nothing(case):
    """Reads of ramp cells, integrations and counts are of the cycles that took place."""
    chip, early, whole, stopped, by_cycle = case
    for layer in chip.layers:
        for bank in layer.banks:
            tile, periphery = bank.tiles[-1], f"tiles/{bank.tiles[-1].name}"
            wanted = wanted_lengths(stopped, layer, bank).ravel()
            ramp = slice(bank.integrate_end, bank.integrate_end + RAMP)
            names = tile.energy.components
            for name in ("ramp_cells", "ramp_integrators", "code_counter"):
                column = names.index(name)
                each = tile.energy.fixed[ramp, column]
                before = tile.energy.fixed[: ramp.start, column].sum()
                joules = sum(before + each[:length].sum() for length in wanted)
                found = stopped[f"{periphery}/energy"][:, column].sum()
                assert found == pytest.approx(joules, rel=1e-9, abs=0), name
                assert (
                    found < by_cycle[f"{periphery}/energy"][:, column].sum()
                    or (wanted == RAMP).all()
                )
            # What data decides is the same: every column compares until it latches, then stops.
            for name in ("comparators", "latches", "array", "row_drivers"):
                column = names.index(name)
                found, other = (
                    trace[f"{periphery}/energy"][:, column].sum() for trace in (stopped, by_cycle)
                )
                assert found == pytest.approx(other, rel=1e-9, abs=0), name
    leak = early.components.index("leakage")
    shares = [run_.energy[:, leak].sum() / run_.summary.total_cycles for run_ in (early, whole)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-9, abs=0)
    assert early.energy.sum() < whole.energy.sum()


def test_energy_of_the_trace_is_the_runs(case):
    _, early, _, stopped, _ = case
    parts = [name for name in stopped if name.endswith("/energy")]
    total = sum(float(stopped[name].sum()) for name in parts)
    assert total == pytest.approx(early.energy.sum(), rel=1e-9, abs=0)
    assert all((stopped[name] >= 0).all() for name in parts)
    lengths = {stopped[name].shape[0] for name in parts if name.startswith("tiles")}
    assert min(lengths) > 0


@pytest.mark.parametrize("chip", ["columns", "buffers"])
def test_threads_and_blocks_change_nothing(tmp_path, monkeypatch, chip):
    settings = (EARLY, *CHIPS[chip], "trace.waveforms=true")
    first = None
    for block, threads in ((16, 1), (16, 2), (4, 1), (2, 2)):
        monkeypatch.setattr("archsim.simulation.simulate.BLOCK", block)
        path = tmp_path / f"{block}_{threads}.h5"
        result = run(load_case(*settings, sequences=18), path, threads=threads)
        found = {**read(path), "label": result.answer, "energy": result.energy}
        first = first or found
        assert found.keys() == first.keys()
        for name, values in found.items():
            same = np.array_equal(values, first[name], equal_nan=values.dtype.kind == "f")
            assert same, name


def test_an_output_layer_stops_early_too(tmp_path):
    loaded = load_case(EARLY, layers=(LSTM, OUTPUT))
    run(loaded, tmp_path / "t.h5")
    chip, _ = prepare(loaded)
    trace = read(tmp_path / "t.h5")
    layer = chip.layers[1]
    found = ramp_lengths(trace, layer.banks[0])
    assert found.tolist() == wanted_lengths(trace, layer, layer.banks[0]).ravel().tolist()
    assert found.max() < RAMP
