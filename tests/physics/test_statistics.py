"""Is every noise distributed as its formula says, and does it depend on its place alone?

Seeds are fixed. Bounds are `SIGMAS` standard errors of what is estimated.
"""

import math
from statistics import NormalDist

import h5py
import numba
import numpy as np
import pytest

from archsim.chip.analog import Scale, analog_arrays
from archsim.chip.build import build_chip
from archsim.chip.converters.ramp.build import RampConverter
from archsim.chip.converters.ramp.kernel import thresholds_of_conversion
from archsim.chip.programming import ProgrammedRamp
from archsim.chip.spec import chip_spec
from archsim.config.load import load_config
from archsim.devices import Site, device_model
from archsim.devices.memristor import Memristor
from archsim.kernels.bank import ideal_analog
from archsim.kernels.matrix import bank_at
from archsim.kernels.tile import convert_cycles
from archsim.network.activations import get_activation
from archsim.simulation import simulate
from archsim.transfer.ramp import design_ramp
from archsim.vocabulary import N_ACTIVITY
from tests.banks import made_bank
from tests.runs import ROOT

pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="millions of random numbers take compiled kernels"
)

SIGMAS = 4.5
US = 1e-6
SOURCES = dict.fromkeys(Memristor.model_fields, "assumed: for a test")
KWS_TAOX = ROOT / "configs" / "kws-taox.yaml"


def assert_normal(sample, mean, sigma):
    """Check mean, variance, skewness and tails of independent normal numbers."""
    z = (np.asarray(sample, dtype=np.float64).ravel() - mean) / sigma
    n = z.size
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < SIGMAS * math.sqrt(spread / n), power


def assert_share(hits, tries, share):
    assert abs(hits / tries - share) <= SIGMAS * math.sqrt(share * (1 - share) / tries)


def assert_independent(*samples):
    """Check that samples of equal length are not correlated, and differ."""
    matrix = np.corrcoef([np.ravel(sample) for sample in samples]) - np.eye(len(samples))
    assert np.abs(matrix).max() < SIGMAS / math.sqrt(np.size(samples[0]))


# ------------------------------------------------------------------------------------------ devices


def held(target, site, **keys):
    section = Memristor(model="memristor", g_min="1 uS", g_max="150 uS", sources=SOURCES, **keys)
    return device_model(section).program(target, site).conductance


@pytest.mark.parametrize(
    ("programming", "sigma"),
    [
        ({"sigma": "2.67 uS"}, 2.67),
        ({"sigma_relative": "5 %"}, 4.0),
        ({"sigma": "3 uS", "sigma_relative": "5 %"}, 5.0),
    ],
)
def test_programming_errors(programming, sigma):
    target = np.full((200, 250), 80 * US)
    sites = [Site(1, 2, 3), Site(2, 2, 3), Site(1, 3, 3), Site(1, 2, 4)]
    error = [held(target, site, programming=programming) - target for site in sites]
    for one in error:
        assert_normal(one, 0.0, sigma * US)
    assert_independent(*error)
    assert_independent(error[0][:-1], error[0][1:])
    assert_independent(error[0][:, :-1], error[0][:, 1:])
    assert_independent(error[0][:, :-2], error[0][:, 2:])


def test_shares_of_stuck_devices():
    target = np.full((300, 300), 80 * US)
    faults = {"stuck_off": "2 %", "stuck_on": "0.5 %"}
    got = held(target, Site(1, 2, 3), faults=faults)
    assert_share((got == 1 * US).sum(), got.size, 0.02)
    assert_share((got == 150 * US).sum(), got.size, 0.005)
    other = held(target, Site(1, 2, 4), faults=faults)
    assert_share(((got != target) & (other != target)).sum(), got.size, 0.025**2)


def test_stuck_devices_are_not_those_with_large_errors():
    target = np.full((300, 300), 80 * US)
    error = held(target, Site(1, 2, 3), programming={"sigma": "3 uS"}) - target
    stuck = held(target, Site(1, 2, 3), faults={"stuck_off": "10 %"}) != target
    drift = {"nu_sigma": 0.01, "time": "100 s"}
    exponent = np.log(held(target, Site(1, 2, 3), drift=drift))
    assert_independent(error, stuck, exponent)


def test_drift_exponents():
    target = np.full((200, 200), 80 * US)
    drift = {"nu": 0.05, "nu_sigma": 0.008, "t0": "20 s", "time": "86400 s"}
    ratio = held(target, Site(1, 2, 3), drift=drift) / target
    assert_normal(-np.log(ratio) / math.log(86400 / 20), 0.05, 0.008)


# ----------------------------------------------------------------------------------------- circuits


def tile(columns, *, rows=1, steps=2, n_in=1, threshold=0, **analog):
    """Return a tile of `columns` equal columns whose cells conduct nothing."""
    noise = {name: analog.pop(name, None) for name in ("ramp_position", "ramp_sigma")}
    return made_bank(
        difference=np.zeros((rows, columns), dtype=np.int32),
        row_conductance=np.zeros(rows, dtype=np.int64),
        row_pointer=np.array([0, rows], dtype=np.int64),
        threshold=np.full((1, steps), threshold, dtype=np.int64),
        step_code=np.arange(steps, dtype=np.int64)[None, :],
        ramp_of_column=np.zeros(columns, dtype=np.int64),
        reset_cycles=1,
        integrate_cycles=2**n_in,
        convert_cycles=steps,
        readout_cycles=1,
        early_stop=0,
        analog=ideal_analog(columns)._replace(**analog),
        **noise,
    )


def converted(arrays, drive, places):
    """Return charges and codes (places, columns) of conversions at (sequence, conversion)."""
    shape = (len(places), arrays.difference.shape[1])
    charge, code = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
    activity = np.empty((arrays.cycles, 1, N_ACTIVITY), dtype=np.int64)
    waveform = np.empty((0, shape[1]), dtype=np.int64)
    row = np.array(drive, dtype=np.int64)
    for index, (sequence, conversion) in enumerate(places):
        convert_cycles(
            arrays, row, (sequence, conversion), charge[index], code[index], activity, waveform
        )
    return charge, code


def test_read_noise_of_a_column():
    rng = np.random.default_rng(5)
    step = rng.uniform(3.0, 7.0, 9)  # quanta^2, so that variances are about 4^2 to 40^2
    variance = rng.integers(4, 256, (6, 9)).astype(np.uint8)
    drive = [7, -3, 0, 1, -7, 5]
    noise = {"read_variance": variance, "variance_step": step}
    arrays = tile(9, rows=6, n_in=3, **noise, seed=1, tile=77)
    square = np.square(drive)[:, None]
    expected = np.sqrt(step * (square * variance).sum(axis=0) + 1 / 12)
    places = [(sequence, conversion) for sequence in range(80) for conversion in range(50)]
    charge, _ = converted(arrays, drive, places)
    noise = charge / expected
    for column in noise.T:
        assert_normal(column, 0.0, 1.0)
    assert_independent(*noise.T)  # columns
    matrix = noise.reshape(80, 50, 9)
    assert_independent(matrix[:, :-1], matrix[:, 1:])  # conversions
    assert_independent(matrix[:-1], matrix[1:])  # sequences
    changed = [arrays.analog._replace(seed=2), arrays.analog._replace(tile=78)]
    others = [converted(arrays._replace(analog=a), drive, places[:1000])[0] for a in changed]
    assert_independent(noise[:1000], *(other / expected for other in others))


def test_without_drive_there_is_no_read_noise():
    noise = {
        "read_variance": np.full((2, 9), 255, dtype=np.uint8),
        "variance_step": np.full(9, 1e6),
    }
    arrays = tile(9, rows=2, **noise, seed=1)
    assert not converted(arrays, [0, 0], [(0, 0)])[0].any()


def test_noise_of_ramp_and_bias_cells():
    steps, bias = 6, 60.0
    sigma = np.array([[30.0, 10.0, 0.0, 40.0, 20.0, 50.0, bias], [25.0] * 7])
    position = np.arange(2 * steps).reshape(2, steps) * 100.0
    arrays = tile(1, steps=steps, ramp_position=position, ramp_sigma=sigma, seed=1, tile=3)
    still = arrays.readout._replace(threshold=np.zeros((1, 2, steps), dtype=np.int64))
    arrays = arrays._replace(readout=still)
    moved = np.array(
        [
            thresholds_of_conversion(arrays.readout, arrays, (s, c))
            for s in range(100)
            for c in range(60)
        ]
    )
    moved = moved - position - 0.5  # rounding up adds half a quantum on the average
    variance = sigma[:, -1:] ** 2 + np.cumsum(sigma[:, :-1] ** 2, axis=1)
    for ramp in range(2):
        for step in range(steps):
            spread = math.sqrt(variance[ramp, step] + 1 / 12)
            assert_normal(moved[:, ramp, step], 0.0, spread)
        shared = np.cov(moved[:, ramp].T)  # all steps move with those before them
        wanted = np.minimum.outer(variance[ramp], variance[ramp])
        bound = SIGMAS * np.sqrt((np.outer(variance[ramp], variance[ramp]) + wanted**2) / 6000)
        assert (np.abs(shared - wanted) < bound + 1).all()
    assert_independent(moved[:, 0, -1], moved[:, 1, -1])  # ramps
    matrix = moved[:, 0, -1].reshape(100, 60)
    assert_independent(matrix[:, :-1], matrix[:, 1:])  # conversions
    assert_independent(matrix[:-1], matrix[1:])  # sequences


@pytest.mark.parametrize("distance", [-60, -25, 0, 10, 40])
def test_decisions_near_the_threshold_follow_the_normal_distribution(distance):
    columns, sigma = 2000, 25.0
    steps = 3
    arrays = tile(columns, steps=steps, threshold=distance, decision_sigma=sigma, seed=1, tile=4)
    places = [(sequence, conversion) for sequence in range(4) for conversion in range(5)]
    _, code = converted(arrays, [0], places)
    share = NormalDist().cdf(distance / sigma)
    n = code.size
    # The ramp stands still, so that every step is another try, independent of those before it.
    assert_share((code == 0).sum(), n, share)
    assert_share((code == 1).sum(), n, share * (1 - share))
    if 0.1 < share < 0.9:
        assert_independent(*(code == 0)[:6])  # conversions
        assert_independent((code == 0)[:15], (code == 0)[5:])  # sequences
        assert_independent((code == 0)[:, :-1], (code == 0)[:, 1:])  # columns


def test_a_tripped_comparator_stays_tripped_and_an_equal_ramp_trips_half_of_them():
    arrays = tile(3000, threshold=0, decision_sigma=1e-3, seed=1)
    _, code = converted(arrays, [0], [(0, 0)])
    assert_share((code == 0).sum(), code.size, 0.5)
    assert set(np.unique(code)) == {0, 1}


# ------------------------------------------------------------------------------------------ offsets


NO_VARIANCE = np.zeros((0, 0))


def drawn_offsets(*overrides, number=9, columns=20_000, shared_by=1, read_variance=NO_VARIANCE):
    config = load_config(KWS_TAOX, overrides).config
    scale = Scale(quanta_per_unit=1000.0, volts_per_quantum=1e-5)
    return analog_arrays(
        scale,
        spec=chip_spec(config),
        columns=columns,
        columns_per_converter=shared_by,
        read_variance=read_variance,
        number=number,
    )


OFFSETS = ("tile.integrator.offset_sigma=3 mV", "adc.comparator.offset_sigma=2 mV")


def test_offsets_of_integrators_and_comparators():
    first = drawn_offsets(*OFFSETS)
    assert_normal(first.offset, 0.0, math.hypot(300, math.sqrt(1 / 12)))
    assert_normal(first.comparator_offset, 0.0, math.hypot(200, math.sqrt(1 / 12)))
    other, seeded = drawn_offsets(*OFFSETS, number=10), drawn_offsets(*OFFSETS, "seed=1")
    assert_independent(
        first.offset, first.comparator_offset, other.offset, other.comparator_offset, seeded.offset
    )
    assert_independent(first.offset[:-1], first.offset[1:])
    assert (drawn_offsets(*OFFSETS, columns=50).offset == first.offset[:50]).all()


@pytest.mark.parametrize("columns", [12, 14, 3])
def test_columns_share_the_offset_of_their_converter_but_not_of_their_integrator(columns):
    every = drawn_offsets(*OFFSETS, columns=columns)
    shared = drawn_offsets(*OFFSETS, columns=columns, shared_by=4)
    converter = np.arange(columns) // 4
    assert (shared.comparator_offset == every.comparator_offset[converter]).all()
    assert len(set(shared.comparator_offset.tolist())) == converter[-1] + 1
    assert (shared.offset == every.offset).all()
    assert len(set(shared.offset.tolist())) == columns


def test_imperfections_are_turned_into_quanta():
    off = drawn_offsets(columns=4)
    ideal = ideal_analog(4)._replace(seed=off.seed, tile=9)
    for name in ideal._fields:
        assert np.array_equal(getattr(off, name), getattr(ideal, name)), name
    on = drawn_offsets(
        "adc.comparator.noise_sigma=1 mV",
        "tile.integrator={leak: 0.001, saturation: true, headroom: 100 mV}",
        "tile.v_clp=350 mV",
        columns=4,
    )
    assert on.decision_sigma == pytest.approx(100.0, rel=1e-9, abs=0)
    assert on.leak == 0.001
    # 0.1 V and 0.8 - 0.1 V from a start of 0.35 V, 10 uV a quantum.
    assert (on.rail_low, on.rail_high) == (-25_000, 35_000)


def programmed_ramp(function, bits, *, cell_sigma, bias_sigma):
    ramp = design_ramp(get_activation(function), bits, g_max=150 * US, input_range=(-4.0, 4.0))
    sigma = None if cell_sigma is None else np.linspace(1.0, 2.0, ramp.steps) * cell_sigma
    return ProgrammedRamp(ramp, sigma, bias_sigma, pulses=0, energy=0.0)


def test_ramp_noise_is_turned_into_quanta():
    ramps = [
        programmed_ramp("sigmoid", 3, cell_sigma=2 * US, bias_sigma=5 * US),
        programmed_ramp("silu", 4, cell_sigma=1 * US, bias_sigma=3 * US),
        programmed_ramp("tanh", 3, cell_sigma=None, bias_sigma=0.0),
    ]
    scale = Scale(quanta_per_unit=1000.0, volts_per_quantum=1e-5, reference_ratio=0.5)
    config = load_config(KWS_TAOX).config
    readout = RampConverter(chip_spec(config), 5).arrays(ramps, np.zeros(1, dtype=np.int64), scale)
    most = ramps[1].ramp.steps
    assert most > 8
    assert readout.sigma.shape == (1, 3, most + 1)
    for ramp, position, sigma in zip(ramps, readout.position[0], readout.sigma[0], strict=True):
        steps = ramp.ramp.steps
        assert position[:steps] == pytest.approx(ramp.ramp.position * 500.0, rel=1e-9, abs=0)
        assert (position[steps:] == position[steps - 1]).all()
        quanta = ramp.ramp.x_per_siemens * 500.0
        cells = np.zeros(steps) if ramp.cell_sigma is None else ramp.cell_sigma
        assert sigma[:steps] == pytest.approx(cells * quanta, rel=1e-9, abs=0)
        assert not sigma[steps:-1].any()
        assert sigma[-1] == pytest.approx(ramp.bias_sigma * quanta, rel=1e-9, abs=0)


def test_a_chips_noise_is_that_of_its_devices():
    noise = ("device.read_noise.sigma=2 uS", "device.sources.read_noise='assumed: for a test'")
    chip = build_chip(load_config(KWS_TAOX, noise).config)
    step = 150 * US / 4095
    for made in chip.banks:
        arrays = made.arrays
        wanted = np.where(arrays.analog.read_variance > 0, 2 * (2 * US / step) ** 2, 0.0)
        found = arrays.analog.read_variance * arrays.analog.variance_step
        assert found == pytest.approx(wanted, rel=1e-9, abs=0)
        assert (arrays.analog.read_variance > 0).any()
        assert (np.ceil(arrays.readout.position - 1e-6) == arrays.readout.threshold).all()
        for ramp, sigma in zip(made.ramps, arrays.readout.sigma[0], strict=True):
            quanta = 2 * US * ramp.x_per_siemens * made.scale.ramp
            assert sigma[:-1] == pytest.approx(np.full(ramp.steps, quanta), rel=1e-9, abs=0)
            assert sigma[-1] == pytest.approx(quanta * math.sqrt(ramp.bias.size), rel=1e-9, abs=0)


RELATIVE = ("device.read_noise.sigma_relative=5 %", "device.sources.read_noise='assumed: a test'")


@pytest.mark.parametrize("overrides", [(), ("tile.columns=40",), ("tile.rows=30",)], ids=str)
def test_layers_have_the_variances_of_their_banks(overrides):
    """Every bank, and every layer's arrays, which may hold several banks."""
    chip = build_chip(load_config(KWS_TAOX, [*RELATIVE, *overrides]).config)
    plain = build_chip(load_config(KWS_TAOX, overrides).config)
    for matrix, quiet in zip(chip.matrices, plain.matrices, strict=True):
        banks = zip(matrix.banks, quiet.banks, strict=True)
        for index, (bank, same) in enumerate(banks):
            assert (bank.arrays.difference == same.arrays.difference).all()
            mine = bank.arrays.analog
            variance = mine.read_variance * mine.variance_step
            assert variance.max() > 5 * np.median(variance) > 0
            of_layer = bank_at(matrix.arrays.arrays, matrix.arrays.cycle_by_cycle, index).analog
            assert (of_layer.read_variance * of_layer.variance_step == variance).all()


def test_variances_of_a_byte_add_up_to_those_of_the_cells():
    variance = np.random.default_rng(6).random((300, 8)) ** 4 * np.logspace(-2, 5, 8)
    variance[:, 3] = 0.0
    variance[100:, 5] = 0.0
    analog = drawn_offsets(columns=8, read_variance=variance)
    step = np.where(variance.max(axis=0) > 0, variance.max(axis=0) / 255, 1.0)
    assert analog.variance_step == pytest.approx(step, rel=1e-12, abs=0)
    found = analog.read_variance * analog.variance_step
    assert (np.abs(found - variance) <= step * (1 + 1e-9)).all()
    assert (np.abs(np.cumsum(found - variance, axis=0)) <= 1.5 * step).all()


# --------------------------------------------------------------------------------------- whole runs


NOISY = (
    "workload.sequences=6",
    "trace.sequences=all",
    "device.read_noise.sigma=2 uS",
    "device.sources.read_noise='assumed: for a test'",
    "adc.comparator.noise_sigma=2 mV",
)


def run_noisy(path, *overrides, **keys):
    """Return all numbers of a run's trace by name, and the run's own."""
    result = simulate.run(load_config(KWS_TAOX, [*NOISY, *overrides]), path, **keys)
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return {**found, "label": result.answer, "energy": result.energy}


def differing(one, other):
    assert one.keys() == other.keys()
    return {
        name
        for name, value in one.items()
        if not np.array_equal(value, other[name], equal_nan=value.dtype.kind == "f")
    }


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    return run_noisy(tmp_path_factory.mktemp("noisy") / "run.h5")


@pytest.mark.parametrize("block", [1, 4, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_neither_blocks_nor_threads_change_a_noisy_run(
    noisy, tmp_path, monkeypatch, block, threads
):
    monkeypatch.setattr(simulate, "BLOCK", block)
    again = run_noisy(tmp_path / "run.h5", threads=threads)
    assert {"outputs/lstm/code", "tiles/lstm/energy", "summary/energy_by_sequence"} <= again.keys()
    assert differing(noisy, again) == set()


def test_another_seed_and_no_noise_give_other_codes(noisy, tmp_path):
    code = noisy["outputs/lstm/code"]
    seeded = run_noisy(tmp_path / "seed.h5", "seed=1")
    assert (seeded["outputs/lstm/code"] != code).mean() > 0.1
    silent = ("device.read_noise.sigma=0 S", "adc.comparator.noise_sigma=0 V")
    quiet = run_noisy(tmp_path / "quiet.h5", *silent)["outputs/lstm/code"]
    assert (quiet != code).mean() > 0.05
    assert np.abs(quiet.astype(int) - code.astype(int)).mean() < 4


def test_noise_belongs_to_a_sequences_number_however_many_there_are(noisy, tmp_path):
    fewer = run_noisy(tmp_path / "two.h5", "workload.sequences=2")["outputs/lstm/code"]
    assert (fewer == noisy["outputs/lstm/code"][:2]).all()
