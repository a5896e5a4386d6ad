"""Do devices take, keep and lose what their models say, and is what is no device refused?"""

from __future__ import annotations

import math
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from archsim.config.device import load_device
from archsim.devices import DeviceModel, Programmed, Site, base, device_model
from archsim.devices.custom import CustomDevice
from archsim.devices.ideal import IdealDevice
from archsim.devices.memristor import Memristor
from archsim.devices.table import TableDevice
from archsim.errors import ConfigError, DesignError, WorkloadError
from archsim.numeric.philox import Purpose
from tests.naive_analog import normals, uniforms
from tests.runs import ROOT

# Philox wraps around on purpose, which NumPy's scalars warn of where nothing is compiled.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

PROGRAMMING, STUCK, DRIFT, PULSE = 1, 2, 3, 4
SITE = Site(seed=11, tile=5, array=3)
PLACE = 5 * 2**32 + 3
US = 1e-6
SOURCES = dict.fromkeys(Memristor.model_fields | TableDevice.model_fields, "assumed: for a test")
SHIPPED = sorted((ROOT / "configs" / "devices").glob("*.yaml"))


def memristor(**keys):
    settings = {"g_min": "2 uS", "g_max": "150 uS", "sources": SOURCES} | keys
    return Memristor(model="memristor", **settings)


def program(section, target, site=SITE):
    return device_model(section).program(np.array(target, dtype=np.float64), site)


def conductance_of(section, target, site=SITE):
    return program(section, target, site).conductance


def targets(rows=7, columns=9, low=2 * US, high=150 * US):
    return np.random.default_rng(1).uniform(low, high, (rows, columns))


def drawn(purpose, shape, trial=0, draw=normals):
    """Return the random numbers of an array at SITE, a counter a row."""
    rows, columns = shape
    return np.array([draw(11, purpose, (row, PLACE, trial), columns) for row in range(rows)])


# -------------------------------------------------------------------------------------- programming


def test_ideal_devices_take_and_keep_their_targets():
    model = device_model(IdealDevice(model="ideal", g_min="0 S", g_max="150 uS"))
    target = targets()
    written = model.program(target, SITE)
    assert (written.conductance == target).all()
    assert written.conductance is not target
    assert (written.pulses, written.energy) == (0, 0.0)
    assert model.read_sigma(target) is None


def test_without_errors_targets_are_met_and_those_beyond_the_range_clipped():
    got = conductance_of(memristor(), [[0.0, 2 * US, 77 * US, 150 * US, 151 * US]])
    assert got.tolist() == [[2 * US, 2 * US, 77 * US, 150 * US, 150 * US]]


@pytest.mark.parametrize("levels", [2, 3, 16, 255])
def test_programming_aims_at_the_nearest_of_evenly_spaced_levels(levels):
    step = 148 * US / (levels - 1)
    target = targets(20, 20, low=0.0, high=160 * US)
    got = conductance_of(memristor(levels=levels), target)
    level = (got - 2 * US) / step
    assert level == pytest.approx(np.rint(level), abs=1e-9)
    assert set(np.rint(level).ravel()) <= set(range(levels))
    clipped = target.clip(2 * US, 150 * US)
    assert np.abs(got - clipped).max() <= step / 2 * (1 + 1e-9)
    ends = conductance_of(memristor(levels=levels), [[2 * US, 150 * US]])
    assert ends[0] == pytest.approx([2 * US, 150 * US], rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("programming", "sigma"),
    [
        ({"sigma": "3 uS"}, lambda _: 3 * US),
        ({"sigma_relative": "10 %"}, lambda aim: 0.1 * aim),
        ({"sigma": "3 uS", "sigma_relative": 0.1}, lambda aim: np.sqrt(9e-12 + 0.01 * aim**2)),
    ],
    ids=["absolute", "relative", "both"],
)
@pytest.mark.parametrize("levels", ["continuous", 4])
def test_errors_are_gaussian_around_the_aim(programming, sigma, levels):
    target = targets(low=40 * US)
    section = memristor(programming=programming, levels=levels)
    aim = conductance_of(memristor(levels=levels), target)
    expected = aim + sigma(aim) * drawn(PROGRAMMING, target.shape)
    assert conductance_of(section, target) == pytest.approx(expected, rel=1e-12, abs=0)


def test_a_conductance_stops_at_zero_but_not_at_the_ends_of_the_range():
    target = np.full((20, 30), 5 * US)
    error = 40 * US * drawn(PROGRAMMING, target.shape)
    got = conductance_of(memristor(programming={"sigma": "40 uS"}), target)
    assert got == pytest.approx(np.maximum(5 * US + error, 0.0), rel=1e-12, abs=0)
    assert (got == 0).sum() > 200
    high = conductance_of(memristor(programming={"sigma": "40 uS"}), np.full((20, 30), 150 * US))
    assert (high > 150 * US).sum() > 200


# --------------------------------------------------------------------------------- write and verify


def naive_write_verify(aim, draws, *, gain, sigma, tolerance, most):
    """Pulse one device until it is within the tolerance; return conductance and pulses."""
    conductance = 2 * US
    for pulse in range(most):
        if abs(conductance - aim) <= tolerance:
            return conductance, pulse
        conductance += gain * (aim - conductance) + sigma * draws[pulse]
        conductance = min(max(conductance, 0.0), 150 * US)
    return conductance, most


@pytest.mark.parametrize(
    ("gain", "sigma", "tolerance", "most"),
    [(0.5, 4.0, 2.0, 50), (0.9, 1.0, 0.5, 50), (0.3, 30.0, 3.0, 12), (1.0, 0.0, 1.0, 5)],
)
def test_write_verify_is_its_twin(gain, sigma, tolerance, most):
    target = targets()
    settings = {
        "pulse_gain": gain,
        "pulse_sigma": f"{sigma} uS",
        "tolerance": f"{tolerance} uS",
        "max_pulses": most,
        "pulse_energy": "3 pJ",
    }
    section = memristor(programming={"method": "write_verify", "write_verify": settings})
    written = program(section, target)
    draws = np.array([drawn(PULSE, target.shape, trial) for trial in range(most)])
    pulses = 0
    for at in np.ndindex(*target.shape):
        held, took = naive_write_verify(
            target[at],
            draws[:, *at],
            gain=gain,
            sigma=sigma * US,
            tolerance=tolerance * US,
            most=most,
        )
        assert written.conductance[at] == pytest.approx(held, rel=1e-12, abs=0)
        assert took == most or abs(held - target[at]) <= tolerance * US
        pulses += took
    assert written.pulses == pulses > 0
    assert written.energy == pytest.approx(pulses * 3e-12, rel=1e-9, abs=0)


def test_pulses_without_spread_halve_the_distance():
    settings = {"pulse_gain": 0.5, "pulse_sigma": "0 S", "tolerance": "1 uS", "max_pulses": 50}
    section = memristor(programming={"method": "write_verify", "write_verify": settings})
    away = np.array([0.0, 0.9, 1.1, 7.9, 8.1, 100.0])
    written = program(section, [(2 + away) * US])
    # 0 and 0.9 uS are near enough; 1.1 takes one pulse, 7.9 three, 8.1 four, 100 seven.
    left = away / 2.0 ** np.array([0, 0, 1, 3, 4, 7])
    assert written.conductance[0] == pytest.approx((2 + away - left) * US, rel=1e-9, abs=0)
    assert written.pulses == 1 + 3 + 4 + 7
    given_up = {**settings, "max_pulses": 3}
    section = memristor(programming={"method": "write_verify", "write_verify": given_up})
    written = program(section, [(2 + away) * US])
    assert written.pulses == 1 + 3 + 3 + 3
    assert written.conductance[0, 5] == pytest.approx((2 + 87.5) * US, rel=1e-9, abs=0)


# ----------------------------------------------------------------------- faults, drift, temperature


def test_stuck_devices_hold_the_ends_of_the_range_and_others_what_they_should():
    target = targets(20, 20, low=10 * US, high=140 * US)
    got = conductance_of(memristor(faults={"stuck_off": "20 %", "stuck_on": "10 %"}), target)
    draw = drawn(STUCK, target.shape, draw=uniforms)
    off, on = draw <= 0.2, (draw > 0.2) & (draw <= 0.3)
    assert off.sum() > 40
    assert on.sum() > 20
    assert (got == np.where(off, 2 * US, np.where(on, 150 * US, target))).all()


@pytest.mark.parametrize(("key", "held"), [("stuck_off", 2 * US), ("stuck_on", 150 * US)])
def test_a_whole_array_can_be_stuck(key, held):
    assert (conductance_of(memristor(faults={key: 1.0}), targets()) == held).all()


@pytest.mark.parametrize("time", ["0 s", "19 s", "20 s"])
def test_nothing_drifts_before_t0(time):
    drift = {"nu": 0.1, "nu_sigma": 0.02, "t0": "20 s", "time": time}
    assert (conductance_of(memristor(drift=drift), targets()) == targets()).all()


@pytest.mark.parametrize("nu", [0.05, -0.05])
def test_conductances_drift_by_a_power_of_time(nu):
    drift = {"nu": nu, "t0": "20 s", "time": "86400 s"}
    got = conductance_of(memristor(drift=drift), targets())
    assert got == pytest.approx(targets() * (86400 / 20) ** -nu, rel=1e-12, abs=0)
    assert (got < targets()).all() == (nu > 0)


def test_every_device_has_its_own_exponent():
    drift = {"nu": 0.05, "nu_sigma": 0.01, "t0": "1 s", "time": "1000 s"}
    nu = 0.05 + 0.01 * drawn(DRIFT, targets().shape)
    got = conductance_of(memristor(drift=drift), targets())
    assert got == pytest.approx(targets() * 1000.0**-nu, rel=1e-12, abs=0)


def test_stuck_devices_drift_too():
    drift = {"nu": 0.1, "time": "100 s"}
    got = conductance_of(memristor(drift=drift, faults={"stuck_on": 1.0}), targets())
    assert got == pytest.approx(np.full(got.shape, 150 * US * 100**-0.1), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("coefficient", "kelvin", "factor"),
    [("0.002 1/K", "350 K", 1.1), ("-0.002 1/K", "350 K", 0.9), ("-0.02 1/K", "350 K", 0.0)],
)
def test_conductances_follow_the_temperature(coefficient, kelvin, factor):
    temperature = {"coefficient": coefficient, "reference": "300 K", "value": kelvin}
    got = conductance_of(memristor(temperature=temperature), targets())
    assert got == pytest.approx(targets() * factor, rel=1e-12, abs=0)


def test_a_coefficient_that_makes_conductances_negative_is_refused():
    temperature = {"coefficient": "-0.1 1/K", "reference": "300 K", "value": "350 K"}
    with pytest.raises(
        DesignError, match=r"device\.temperature: at 350 K the coefficient of -0\.1"
    ):
        conductance_of(memristor(temperature=temperature), targets())


def test_read_noise_has_an_absolute_and_a_relative_part():
    conductance = targets()
    assert device_model(memristor()).read_sigma(conductance) is None
    noise = {"sigma": "3 uS", "sigma_relative": "4 %"}
    sigma = device_model(memristor(read_noise=noise)).read_sigma(conductance)
    assert sigma == pytest.approx(np.sqrt(9e-12 + (0.04 * conductance) ** 2), rel=1e-12, abs=0)
    line = device_model(memristor(read_noise={"sigma_relative": 0.5})).read_sigma(conductance[0])
    assert line == pytest.approx(conductance[0] / 2, rel=1e-9, abs=0)


# ------------------------------------------------------------------------------------------- tables


HEADER = "target_s,mean_s,sigma_s\n"
TABLE = "# measured\ntarget_s,mean_s,sigma_s\n0,1e-6,5e-6\n10e-6,9e-6,2e-6\n40e-6,42e-6,1e-6\n"


def table_device(tmp_path, text=TABLE, **keys):
    path = tmp_path / "device.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return TableDevice(
        model="table", g_min="0 S", g_max="40 uS", table=str(path), sources=SOURCES, **keys
    )


def test_means_and_sigmas_are_interpolated_between_targets(tmp_path):
    target = np.tile([0, 5, 10, 20, 40, 50], (20, 1)) * US
    mean = np.array([1, 5, 9, 20, 42, 42]) * US
    sigma = np.array([5, 3.5, 2, 5 / 3, 1, 1]) * US
    written = program(table_device(tmp_path), target)
    expected = np.maximum(mean + sigma * drawn(PROGRAMMING, target.shape), 0.0)
    assert written.conductance == pytest.approx(expected, rel=1e-12, abs=0)
    assert (written.conductance[:, 0] == 0).any()
    assert (written.pulses, written.energy) == (0, 0.0)


@pytest.mark.parametrize(
    "text",
    [
        TABLE.replace("\n", "\r\n"),
        "\ufeff" + TABLE,
        TABLE + "\n \n,,\n",
        TABLE.replace("measured\n", "measured\n\n"),
        TABLE.replace(",", ";").replace("1e-6", "0,000001"),
        TABLE.replace(",", "\t").replace("1e-6", "0,000001"),
        TABLE.replace(",", ", "),
        '"target_s","mean_s","sigma_s"\n"0","1e-6","5e-6"\n10e-6,9e-6,2e-6\n40e-6,42e-6,1e-6\n',
        "sigma_S,target_S,mean_S\n5e-6,0,1e-6\n2e-6,10e-6,9e-6\n1e-6,40e-6,42e-6\n",
        "target_us,mean_us,sigma_us\n0,1,5\n10,9,2\n40,42,1\n",
        "target_us,n,mean_us,sigma_us,lot\n0,50,1,5,a\n10,50,9,2,\n40,,42,1\n",
        "target_\u00b5S,mean_nS,sigma_uS\n0,1000,5\n10,9e3,2\n40,42e3,1\n",
        TABLE.replace("40e-6", "39.7e-6"),
    ],
)
def test_tables_as_people_have_them_are_read(tmp_path, text):
    table = device_model(table_device(tmp_path, text))._table
    assert table.target[:2].tolist() == [0.0, 10e-6]
    assert table.target[2] == pytest.approx(40e-6, rel=0.01, abs=0)
    assert table.mean.tolist() == [1e-6, 9e-6, 42e-6]
    assert table.sigma.tolist() == [5e-6, 2e-6, 1e-6]


def test_devices_from_tables_have_faults_drift_and_noise(tmp_path):
    keys = {"drift": {"nu": 0.1, "time": "10 s"}, "faults": {"stuck_on": 1.0}}
    section = table_device(tmp_path, **keys, read_noise={"sigma": "1 uS"})
    assert conductance_of(section, [[0.0]])[0, 0] == pytest.approx(
        40 * US * 10**-0.1, rel=1e-9, abs=0
    )
    assert device_model(section).read_sigma(np.ones((1, 1))).tolist() == [[US]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has to name the columns target_s, mean_s, sigma_s"),
        ("target_s,mean_s,sigma_s\n", "device.csv:1: no row of numbers"),
        ("target_s,mean_s,sigma_s\n0,0,0\n", "device.csv:1: one row of numbers"),
        ("target_ohm,mean_ohm,sigma_ohm\n0,0,0\n", "has to name the columns"),
        ("target_ms,mean_ms,sigma_ms\n0,0,0\n", "has to name the columns"),
        ("target_s,mean_s,sigma_s,target_us\n0,0,0,5\n", "target_s and target_us are the same"),
        ("target_s,mean_s,sigma_s,n\n0,0,0,5,6\n", "more numbers than the 4 columns"),
        ("target_s,mean_s\n0,0\n", "has to name the columns"),
        ("0,0,0\n1e-6,1e-6,0\n", "has to name the columns"),
        ("target_s,mean_s,sigma_s\n0,zero,0\n", "three numbers, in siemens"),
        ("target_s,mean_s,sigma_s\n0,0\n", "three numbers, in siemens"),
        ("target_s,mean_s,sigma_s\n1 uS,1 uS,0\n", "three numbers, in siemens"),
        ("target_s,mean_s,sigma_s\n2e-6,0,0\n1e-6,0,0\n", "target_s has to rise"),
        ("target_s,mean_s,sigma_s\n1e-6,0,0\n1e-6,0,0\n", "target_s has to rise"),
        ("target_s,mean_s,sigma_s\n0,-1e-6,0\n", "not below 0"),
        ("target_s,mean_s,sigma_s\n0,0,-1e-6\n", "not below 0"),
        ("target_s,mean_s,sigma_s\n0,nan,0\n", "finite"),
        ("target_s,mean_s,sigma_s\n0,0,inf\n", "finite"),
        ("# a\n\ntarget_s,mean_s,sigma_s\n0,0,0\n1e-6,,0\n", "device.csv:5: .*mean_s is blank"),
        ("target_s,mean_s,sigma_s\n0,0,0\n0,00004,0,00004,1e-6\n", "put semicolons between"),
        (f"{HEADER}0,0,0\n40,40,1\n", "target_s reaches 40 S where device.g_max is 40 uS"),
        (f"{HEADER}0,0,0\n40e-6,40,1e-6\n", "mean_s reaches 40 S"),
        (f"{HEADER}0,0,0\n40e-6,40e-6,1\n", "sigma_s reaches 1 S"),
        (f"{HEADER}25e3,25e3,0\n1e6,1e6,1e3\n", "1/R of a resistance"),
        (f"{HEADER}0,0,0\n40e-6,40e-9,0\n", "mean_s stays below 400 nS"),
        (f"{HEADER}5e-6,0,0\n40e-6,40e-6,0\n", "from 5 uS to 40 uS and do not cover"),
        (f"{HEADER}0,0,0\n39e-6,39e-6,0\n", "range, 0 S to 40 uS: measure the rest"),
        ("target_us,mean_us,sigma_us\n0,0,0\n40e-6,40e-6,0\n", "cannot be in microsiemens"),
        (TABLE.encode("utf-16"), "it is UTF-16 text"),
        (TABLE.replace("measured", "\u00b5").encode("latin-1"), "it is not UTF-8 text"),
        (b"\xff\xfe\x00\x01", "cannot be read as CSV"),
    ],
    ids=str,
)
def test_a_wrong_table_gives_one_sentence(tmp_path, text, says):
    with pytest.raises(WorkloadError, match=says) as error:
        device_model(table_device(tmp_path, text))
    message = str(error.value)
    assert message.startswith(str(tmp_path / "device.csv"))
    assert "\n" not in message


def test_a_missing_table_gives_one_sentence(tmp_path):
    section = table_device(tmp_path)
    Path(section.table).unlink()
    with pytest.raises(WorkloadError, match=r"device\.csv: cannot be read as CSV") as error:
        device_model(section)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------ custom models


class Halving(DeviceModel):
    """Devices that take half of what they should."""

    model = "halving"

    def program(self, target, site):
        del site
        return Programmed(target * self.section.parameters["share"], pulses=1, energy=0.0)


@pytest.fixture
def registry(monkeypatch):
    known = dict(base.DEVICES.all())
    monkeypatch.setattr(base.DEVICES, "_known", known)
    return known


def custom(name="halving"):
    return CustomDevice(
        model="custom", name=name, g_min="0 S", g_max="1 uS", parameters={"share": 0.5}
    )


def test_a_model_of_ones_own_is_found_under_its_name(registry):
    assert base.register(Halving) is Halving
    written = program(custom(), [[1e-6]])
    assert written.conductance.tolist() == [[5e-7]]
    assert written.pulses == 1
    assert device_model(custom()).read_sigma(np.ones(1)) is None


def test_a_model_of_an_installed_package_is_loaded_by_its_name(registry, monkeypatch):
    entry = EntryPoint("halving", f"{__name__}:Halving", base.DEVICES.group)
    monkeypatch.setattr(base.DEVICES, "_entries", lambda: (entry,))
    assert "halving" not in registry
    assert program(custom(), [[1e-6]]).conductance.tolist() == [[5e-7]]
    assert base.DEVICES.group == "archsim.devices"


def test_an_unknown_model_is_refused_with_the_known_ones():
    known = "no model 'halving' is registered; known are .*ideal, memristor, .*table"
    with pytest.raises(DesignError, match=known):  # other tests may have registered models, too
        device_model(custom())


def test_custom_is_not_the_name_of_a_model():
    with pytest.raises(DesignError, match="'custom' stands for a model of one's own"):
        device_model(custom(name="custom"))


# -------------------------------------------------------------------------------- sources and files


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("programming", {"sigma": "1 uS"}),
        ("read_noise", {"sigma": "1 uS"}),
        ("faults", {"stuck_on": 0.1}),
        ("drift", {"nu": 0.1}),
        ("temperature", {"coefficient": "0.1 1/K"}),
        ("levels", 16),
        ("g_min", "1 uS"),
        ("g_max", "100 uS"),
    ],
)
def test_values_of_a_device_need_a_source(key, value):
    without = {name: text for name, text in SOURCES.items() if name != key}
    with pytest.raises(ValidationError, match=f"say where the value of '{key}' is from"):
        memristor(**{key: value, "sources": without})


def test_all_missing_sources_are_asked_for_at_once_with_a_line_that_works_when_pasted():
    keys = {"g_min": "1 uS", "g_max": "150 uS", "drift": {"nu": 0.1}, "slices": {"count": 2}}
    with pytest.raises(ValidationError, match="'drift', 'g_max', 'g_min' are from") as error:
        Memristor(model="memristor", conductance_steps=100, description="mine", **keys)
    line = str(error.value).partition("as in sources: ")[2].partition(" [type=")[0]
    Memristor(model="memristor", **keys, sources=yaml.safe_load(line))


def test_long_times_and_degrees_are_read_as_people_write_them():
    device = memristor(
        drift={"nu": 0.1, "t0": "1 min", "time": "10 years"},
        temperature={"reference": "25 degC", "value": "85 degC"},
    )
    assert (device.drift.t0, device.drift.time) == (60.0, 315_576_000.0)
    assert (device.temperature.reference, device.temperature.value) == (298.15, 358.15)
    with pytest.raises(ValidationError, match="'-300 degC' is not above 0 K"):
        memristor(temperature={"value": "-300 degC"})


def test_a_source_is_more_than_a_word():
    with pytest.raises(ValidationError, match="sources"):
        memristor(sources={**SOURCES, "g_min": "guess"})


def test_a_device_file_without_sources_is_refused_with_file_and_key(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "device:\n  model: memristor\n  g_min: 0 S\n  g_max: 1 uS\n"
        "  sources: {g_min: 'assumed: a test', g_max: 'assumed: a test'}\n"
        "  drift: {nu: 0.1}\n"
    )
    with pytest.raises(ConfigError, match=r"mine\.yaml.*'drift'"):
        load_device(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_devices_load_and_say_where_their_numbers_are_from(path):
    device = load_device(path)
    model = device_model(device)
    written = model.program(np.linspace(device.g_min, device.g_max, 12).reshape(3, 4), SITE)
    assert np.isfinite(written.conductance).all()
    if device.model == "ideal":
        return
    numbers = device.model_fields_set - {"model", "description", "sources", "table"}
    assert numbers
    assert numbers <= device.sources.keys()
    assert device.sources.keys() <= numbers
    if device.model == "table":
        first = device.table.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# ")
        assert len(first) > 40


def test_there_are_shipped_devices():
    assert {path.stem for path in SHIPPED} >= {"ideal", "yang2025-taox", "pcm", "rram"}


def test_g_min_has_to_be_below_g_max():
    with pytest.raises(ValidationError, match="has to be below g_max"):
        memristor(g_min="150 uS")


# ----------------------------------------------------------------------------------- random numbers


def test_random_numbers_belong_to_a_place():
    def numbers(site, purpose=Purpose.PROGRAMMING, trial=0):
        return site.normal(purpose, (3, 4), trial)

    first = numbers(SITE)
    assert (first == numbers(Site(11, 5, 3))).all()
    assert first == pytest.approx(drawn(PROGRAMMING, (3, 4)), rel=1e-12, abs=0)
    assert len({tuple(row) for row in first}) == 3
    others = [
        *(numbers(site) for site in (Site(12, 5, 3), Site(11, 6, 3), Site(11, 5, 4))),
        *(numbers(SITE, purpose) for purpose in Purpose if purpose != Purpose.PROGRAMMING),
        numbers(SITE, trial=1),
    ]
    assert not any((first == other).any() for other in others)
    assert math.isclose(first[0, 0], SITE.normal(Purpose.PROGRAMMING, (1, 1))[0, 0])
    assert (SITE.uniform(Purpose.STUCK, (50, 50)) > 0).all()
