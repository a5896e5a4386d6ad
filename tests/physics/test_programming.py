"""Do crossbars and ramps hold what they should after programming, and mend what they can?"""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from archsim.chip import mapping
from archsim.chip.mapping import find_weight_of_g_max, program_crossbar
from archsim.chip.programming import mean_inl, needed_bias, program_ramp, transition_errors
from archsim.chip.wires import effective_differential
from archsim.config.hardware import Wires
from archsim.devices import DeviceModel, Programmed, Site, device_model
from archsim.devices.ideal import IdealDevice
from archsim.devices.memristor import Memristor
from archsim.network.activations import get_activation
from archsim.transfer.ramp import design_ramp

# Philox wraps around on purpose, which NumPy's scalars warn of where nothing is compiled.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

G_MAX, STEPS = 150e-6, 32767
STEP = G_MAX / STEPS
SOURCES = dict.fromkeys(Memristor.model_fields, "assumed: for a test")
NO_WIRES = Wires()


def device_of(g_min="0 S", *, count=1, ratio=0.25, **keys):
    """Return a memristor where something is wrong with it, else an ideal device."""
    settings = {
        "g_min": g_min,
        "g_max": "150 uS",
        "conductance_steps": STEPS,
        "slices": {"count": count, "ratio": ratio},
    }
    if keys:
        return Memristor(model="memristor", sources=SOURCES, **settings, **keys)
    return IdealDevice(model="ideal", **settings)


class Recording(DeviceModel):
    """Devices that miss their targets as they are told to, and remember what was asked of them."""

    model = "recording"

    def __init__(self, miss=lambda target: target, sigma=None):
        super().__init__(None)
        self.miss, self.sigma = miss, sigma
        self.target, self.held, self.site = [], [], []

    def program(self, target, site):
        held = self.miss(target)
        self.target.append(target.copy())
        self.held.append(held.copy())
        self.site.append(site)
        return Programmed(held, pulses=target.size, energy=2e-12 * target.size)

    def read_sigma(self, conductance):
        return None if self.sigma is None else np.full(conductance.shape, self.sigma)


def weights(rows=6, columns=5, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def crossbar(
    weight, model, device, *, wires=NO_WIRES, seed=3, tile=7, present=None, weight_of_g_max=None
):
    if present is None:
        present = np.ones(weight.shape, dtype=bool)
    return program_crossbar(
        weight,
        model,
        device=device,
        wires=wires,
        seed=seed,
        tile=tile,
        present=present,
        weight_of_g_max=weight_of_g_max or find_weight_of_g_max(weight, device=device),
    )


# ---------------------------------------------------------------------------------------- crossbars


@pytest.mark.parametrize("g_min", [0.0, 10e-6])
def test_weights_become_differences_with_one_side_at_g_min(g_min):
    weight, device, model = weights(), device_of(f"{g_min} S"), Recording()
    made = crossbar(weight, model, device)
    plus, minus = model.target
    assert np.minimum(plus, minus) == pytest.approx(np.full(weight.shape, g_min), rel=1e-9, abs=0)
    assert max(plus.max(), minus.max()) == pytest.approx(G_MAX, rel=1e-9, abs=0)
    w_max = np.abs(weight).max() * G_MAX / (G_MAX - g_min)
    assert find_weight_of_g_max(weight, device=device) == pytest.approx(w_max, rel=1e-9, abs=0)
    assert plus - minus == pytest.approx(weight * G_MAX / w_max, abs=1e-12)
    assert np.abs(made.difference - weight / w_max * STEPS).max() <= 0.5 + 1e-6
    total = (np.rint((plus + minus) / STEP)).sum(axis=1)
    assert made.row_conductance.tolist() == total.tolist()
    assert made.read_variance.shape == (0, 0)
    assert made.memristors == 2 * weight.size
    assert (made.pulses, made.energy) == (
        2 * weight.size,
        pytest.approx(4e-12 * weight.size, rel=1e-9, abs=0),
    )


def test_the_largest_weight_of_the_layer_sets_the_scale_of_every_tile():
    weight, device = weights(), device_of("0 S")
    whole = crossbar(weight, Recording(), device)
    part = crossbar(
        weight[:2], Recording(), device, weight_of_g_max=find_weight_of_g_max(weight, device=device)
    )
    assert (part.difference == whole.difference[:2]).all()
    half = crossbar(
        weight, Recording(), device, weight_of_g_max=2 * find_weight_of_g_max(weight, device=device)
    )
    assert np.abs(half.difference - whole.difference / 2).max() <= 1


def test_weights_of_zero_are_all_at_g_min():
    model = Recording()
    made = crossbar(np.zeros((2, 3)), model, device_of("5 uS"))
    assert not made.difference.any()
    assert (np.array(model.target) == 5e-6).all()


def test_where_there_are_no_devices_nothing_conducts_or_makes_noise():
    weight, present, device = weights(4, 4), np.eye(4, dtype=bool), device_of("10 uS")
    made = crossbar(weight, Recording(sigma=1e-6), device, present=present)
    assert (made.difference[~present] == 0).all()
    assert (made.difference[present] != 0).all()
    assert made.memristors == 2 * 4
    assert (made.read_variance[~present] == 0).all()
    assert made.read_variance[present] == pytest.approx(
        np.full(4, 2e-12 / STEP**2), rel=1e-9, abs=0
    )
    both = np.abs(np.diag(weight)) * G_MAX / find_weight_of_g_max(weight, device=device) + 2 * 10e-6
    assert made.row_conductance == pytest.approx(both / STEP, abs=1)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_slice_mends_what_the_ones_before_it_missed(count):
    weight, device = weights(80, 80), device_of("30 uS", count=count, programming={"sigma": "4 uS"})
    made = crossbar(weight, device_model(device), device)
    residual = made.difference * STEP - weight * G_MAX / find_weight_of_g_max(weight, device=device)
    # What is left is the error of the last slice's two devices, and rounding to whole steps.
    sigma = math.hypot(math.sqrt(2) * 4e-6 * 0.25 ** (count - 1), STEP / math.sqrt(12))
    n = weight.size
    assert abs(residual.std() / sigma - 1) < 4.5 / math.sqrt(2 * n)
    assert abs(residual.mean()) < 4.5 * sigma / math.sqrt(n)


def test_slices_are_programmed_to_what_is_missing_by_their_significance():
    model = Recording(miss=lambda target: 0.9 * target + 1e-6)
    weight, device = weights(), device_of(count=3, ratio=0.1)
    made = crossbar(weight, model, device)
    missing = weight * G_MAX / find_weight_of_g_max(weight, device=device)
    for place in range(3):
        plus, minus = model.target[2 * place : 2 * place + 2]
        magnified = np.clip(missing / 0.1**place, -G_MAX, G_MAX)
        assert plus - minus == pytest.approx(magnified, abs=1e-15)
        assert np.minimum(plus, minus).max() == 0
        held = model.held[2 * place : 2 * place + 2]
        missing = missing - 0.1**place * (held[0] - held[1])
    reached = weight * G_MAX / find_weight_of_g_max(weight, device=device) - missing
    assert np.abs(made.difference - reached / STEP).max() <= 0.5 + 1e-6
    loaded = np.rint(sum(model.held) / STEP).sum(axis=1)
    assert made.row_conductance.tolist() == loaded.tolist()
    assert made.memristors == 6 * weight.size
    assert made.pulses == 6 * weight.size


def test_a_slice_reaches_no_farther_than_its_range():
    model = Recording(miss=lambda target: 0.5 * target)
    crossbar(weights(), model, device_of("5 uS", count=3, ratio=0.01))
    assert min(target.min() for target in model.target) == pytest.approx(5e-6, rel=1e-9, abs=0)
    assert max(target.max() for target in model.target) == pytest.approx(G_MAX, rel=1e-9, abs=0)


def test_read_noise_of_slices_adds_up_by_their_significance():
    made = crossbar(weights(), Recording(sigma=2e-6), device_of(count=3, ratio=0.1))
    variance = 2 * (2e-6 / STEP) ** 2 * (1 + 0.01 + 0.0001)
    assert made.read_variance == pytest.approx(np.full((6, 5), variance), rel=1e-9, abs=0)


def test_wires_weaken_what_is_held():
    weight, model = weights(40, 30), Recording()
    wires = Wires(row_resistance="2 ohm", column_resistance="5 ohm")
    made = crossbar(weight, model, device_of("1 uS"), wires=wires)
    plus, minus = effective_differential(*model.held, r_row=2.0, r_column=5.0)
    assert (made.difference == np.rint((plus - minus) / STEP)).all()
    assert made.row_conductance.tolist() == np.rint((plus + minus) / STEP).sum(axis=1).tolist()
    perfect = crossbar(weight, Recording(), device_of("1 uS"))
    assert made.row_conductance.sum() < 0.97 * perfect.row_conductance.sum()
    assert (np.abs(made.difference) < np.abs(perfect.difference)).mean() > 0.9


@pytest.mark.parametrize("lines", [(2.0, 0.0), (0.0, 2.0), (0.0, 0.0)])
def test_either_resistance_is_enough_for_wires(lines, monkeypatch):
    calls = []

    def record(plus, minus, *, r_row, r_column):
        calls.append((r_row, r_column))
        return plus, minus

    monkeypatch.setattr(mapping, "effective_differential", record)
    wires = Wires(row_resistance=f"{lines[0]} ohm", column_resistance=f"{lines[1]} ohm")
    crossbar(weights(), Recording(), device_of(), wires=wires)
    assert calls == [lines] * any(lines)


def test_later_slices_mend_the_loss_in_wires():
    weight, wires = weights(40, 30), Wires(row_resistance="1 ohm", column_resistance="1 ohm")
    error = []
    for count in (1, 2):
        device = device_of("1 uS", count=count)
        made = crossbar(weight, Recording(), device, wires=wires)
        wanted = weight / find_weight_of_g_max(weight, device=device) * STEPS
        error.append(np.abs(made.difference - wanted).mean())
    assert error[1] < 0.2 * error[0]


# ------------------------------------------------------------------------------------------ ramps


def design(function="sigmoid", bits=5, **keys):
    name = get_activation(function)
    return design_ramp(name, bits, g_max=G_MAX, input_range=(-6.0, 6.0), **keys)


def programmed(ramp, model, *, device=None, calibrate=True, copies=1, site=None):
    device = device or device_of()
    site = site or Site(seed=3, tile=7, array=0)
    return program_ramp(ramp, model, device=device, site=site, calibrate=calibrate, copies=copies)


def noisy(sigma="3 uS", **keys):
    device = device_of(programming={"sigma": sigma}, **keys)
    return device_model(device), device


def middle_of(ramp):
    return (ramp.theta.size - 1) // 2


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("function", ["sigmoid", "tanh", "identity", "relu", "silu"])
def test_ideal_devices_hold_the_designed_ramp(function, calibrate):
    ramp = design(function)
    got = programmed(ramp, device_model(device_of()), calibrate=calibrate)
    assert (got.ramp.cell == ramp.cell).all()
    assert got.ramp.crossing == pytest.approx(ramp.theta, abs=1e-12)
    assert got.cell_sigma is None
    assert (got.bias_sigma, got.pulses, got.energy) == (0.0, 0, 0.0)
    assert mean_inl(got.ramp) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("function", "bits"),
    # The last has 66 thresholds: of the two in the middle, the lower one is calibrated.
    [*itertools.product(("sigmoid", "tanh", "softplus", "silu"), (1, 2, 5)), ("gelu", 6)],
)
@pytest.mark.parametrize("seed", range(5))
def test_calibration_leaves_the_middle_only_the_last_bias_cells_error(function, bits, seed):
    rng = np.random.default_rng(seed)
    ramp = design(function, bits)
    model = Recording(miss=lambda target: target + rng.normal(0, 3e-6, target.shape))
    got = programmed(ramp, model)
    middle = middle_of(ramp)
    needed = got.ramp.cell[: middle + 1].sum() - ramp.theta[middle] / ramp.x_per_siemens
    assert needed == pytest.approx(needed_bias(got.ramp), rel=1e-9, abs=0)
    # Each bias cell is programmed to its share of what those before it have left over.
    bias_target = [float(target[0, 0]) for target in model.target[1:]]
    reached = got.ramp.bias
    for cell, target in enumerate(bias_target):
        share = (needed - reached[:cell].sum()) / (reached.size - cell)
        assert target == pytest.approx(min(max(share, 0.0), G_MAX), abs=1e-15)
    assert 0 < bias_target[-1] < G_MAX
    last_error = (reached[-1] - bias_target[-1]) * ramp.x_per_siemens
    off = got.ramp.position[middle] - ramp.theta[middle]
    assert off == pytest.approx(-last_error, abs=1e-9)


def test_the_calibrated_step_is_the_middle_of_the_function():
    for function, bits in itertools.product(("sigmoid", "tanh"), (1, 2, 5, 8)):
        ramp = design(function, bits)
        assert ramp.theta[middle_of(ramp)] == pytest.approx(0.0, abs=1e-12)
        moved = dataclasses.replace(ramp, cell=ramp.cell * 1.1)
        off = moved.position[middle_of(ramp)] / ramp.x_per_siemens
        assert needed_bias(moved) == pytest.approx(ramp.bias.sum() + off, rel=1e-9, abs=0)


def test_calibration_brings_the_middle_home_and_helps_the_rest():
    ramp, (model, device) = design("tanh"), noisy()
    off = {False: [], True: []}
    inl = {False: [], True: []}
    for seed, calibrate in itertools.product(range(40), (False, True)):
        site = Site(seed, 7, 0)
        got = programmed(ramp, model, device=device, calibrate=calibrate, site=site).ramp
        off[calibrate].append(got.position[middle_of(ramp)])
        inl[calibrate].append(mean_inl(got))
    per_cell = 3e-6 * ramp.x_per_siemens
    assert np.std(off[True]) == pytest.approx(per_cell, rel=0.45, abs=0)  # one cell
    assert np.std(off[False]) > 3 * per_cell  # sixteen ramp cells and five bias cells
    assert np.mean(inl[True]) < 0.8 * np.mean(inl[False])


def test_without_calibration_every_bias_cell_aims_at_its_share():
    ramp, model = design(), Recording(miss=lambda target: target * 1.2)
    got = programmed(ramp, model, calibrate=False)
    assert [float(target[0, 0]) for target in model.target[1:]] == pytest.approx(
        list(ramp.bias), rel=1e-9, abs=0
    )
    assert got.ramp.bias == pytest.approx(ramp.bias * 1.2, rel=1e-9, abs=0)


@pytest.mark.parametrize(("miss", "end"), [(3.0, G_MAX), (0.1, 10e-6)], ids=["high", "low"])
def test_bias_cells_are_never_sent_out_of_their_range(miss, end):
    device = device_of("10 uS")
    model = Recording(miss=lambda target: target * (miss if target.size > 1 else 1.0))
    got = programmed(design("softplus"), model, device=device)
    assert got.ramp.bias == pytest.approx(np.full(got.ramp.bias.size, end), rel=1e-9, abs=0)
    assert needed_bias(got.ramp) > G_MAX * got.ramp.bias.size or end < G_MAX


def test_noise_of_a_ramp_is_that_of_its_cells_and_of_all_bias_cells():
    got = programmed(design(), Recording(sigma=2e-6))
    assert got.cell_sigma == pytest.approx(np.full(32, 2e-6), rel=1e-9, abs=0)
    assert got.bias_sigma == pytest.approx(2e-6 * math.sqrt(got.ramp.bias.size), rel=1e-9, abs=0)


# ----------------------------------------------------------------------------------------- copies


def test_the_best_of_more_copies_is_never_worse():
    ramp, (model, device) = design("tanh", 4), noisy()
    better = 0
    for seed in range(10):
        site = Site(seed, 7, 0)
        inl = [
            mean_inl(programmed(ramp, model, device=device, copies=copies, site=site).ramp)
            for copies in (1, 2, 4, 8)
        ]
        assert inl == sorted(inl, reverse=True)
        better += inl[-1] < inl[0]
    assert better >= 7


def test_the_best_copy_is_used_and_all_of_them_are_paid_for():
    quality = iter([1.3, 1.02, 1.2])
    model = Recording()
    model.miss = lambda target: target * next(quality) if target.size > 1 else target
    ramp = design(bits=3)
    got = programmed(ramp, model, copies=3)
    assert got.ramp.cell == pytest.approx(ramp.cell * 1.02, rel=1e-9, abs=0)
    memristors = 3 * (ramp.cell.size + ramp.bias.size)
    assert got.pulses == memristors
    assert got.energy == pytest.approx(2e-12 * memristors, rel=1e-9, abs=0)


def test_inl_is_in_local_steps_and_leaves_turning_points_out():
    ramp = design("identity", 4)
    shift = 0.3 * (ramp.theta[1] - ramp.theta[0]) / ramp.x_per_siemens
    moved = dataclasses.replace(ramp, bias=ramp.bias - shift / ramp.bias.size)
    assert transition_errors(moved) == pytest.approx(np.full(15, 0.3), rel=1e-9, abs=0)
    assert mean_inl(moved) == pytest.approx(0.3, rel=1e-9, abs=0)
    turning = design("silu", 4)
    assert transition_errors(turning).size == turning.theta.size - 1
    assert transition_errors(turning) == pytest.approx(np.zeros(turning.theta.size - 1), abs=1e-9)


# ----------------------------------------------------------------------------------- random numbers


def test_crossbars_depend_on_seed_and_tile_and_on_nothing_else():
    model, device = noisy(count=2)
    weight = weights()

    def difference(seed, tile):
        return crossbar(weight, model, device, seed=seed, tile=tile).difference

    first, second = difference(3, 7), difference(3, 8)
    assert (difference(3, 8) == second).all()
    assert (difference(3, 7) == first).all()
    for other in (second, difference(4, 7)):
        assert (first != other).mean() > 0.9


def test_ramps_depend_on_seed_tile_and_array_and_on_nothing_else():
    model, device = noisy()
    ramp = design()

    def made(*place):
        got = programmed(ramp, model, device=device, site=Site(*place)).ramp
        return np.concatenate([got.cell, got.bias])

    first, second = made(3, 7, 0), made(3, 7, 1)
    assert (made(3, 7, 1) == second).all()
    assert (made(3, 7, 0) == first).all()
    for other in (second, made(3, 8, 0), made(4, 7, 0)):
        assert not (first == other).any()


def test_no_two_arrays_of_a_tile_share_random_numbers():
    model = Recording()
    crossbar(weights(), model, device_of(count=8, ratio=0.5))
    for array in range(3):
        site = Site(seed=3, tile=7, array=array)
        programmed(design(bits=2), model, copies=64, site=site)
    assert len(set(model.site)) == len(model.site) > 1000
    assert {(site.seed, site.tile) for site in model.site} == {(3, 7)}
    assert max(site.array for site in model.site) < 2**32


def test_drift_comes_after_calibration():
    """Ramp and bias cells drift alike, so that the calibrated middle of tanh stays at 0."""
    device = Memristor.model_validate(
        {
            "model": "memristor",
            "g_min": "0 S",
            "g_max": "150 uS",
            "drift": {"nu": 0.05, "time": "100000 s"},
            "sources": dict.fromkeys(("g_min", "g_max", "drift"), "assumed: for this test"),
        }
    )
    design = design_ramp(get_activation("tanh"), 5, g_max=150e-6)
    programmed = program_ramp(
        design, device_model(device), device=device, site=Site(0, 0, 0), calibrate=True
    )
    assert programmed.ramp.cell.sum() == pytest.approx(
        design.cell.sum() * 1e5**-0.05, rel=1e-9, abs=0
    )
    assert programmed.ramp.position[15] == pytest.approx(0, abs=1e-9)
