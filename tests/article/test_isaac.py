"""Does a bit-serial design compute, count and cost what ISAAC does (Shafiee et al., ISCA 2016)?

The kernel is held against a twin in plain Python; a tile that is fully at work against the totals
of the article's Table I, 330 mW and 0.372 mm^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from archsim.chip.build import build_chip
from archsim.chip.converters.bit_serial.cost import CROSSBARS
from archsim.config.load import load_config
from archsim.costs.library import load_library
from archsim.costs.scaling import scale_library
from archsim.errors import ArchsimError
from archsim.kernels.bank import ideal_analog
from archsim.kernels.tile import convert_cycles
from archsim.simulation.simulate import run
from archsim.vocabulary import N_ACTIVITY, Activity
from tests.banks import made_bank
from tests.runs import ROOT

ISAAC = ROOT / "configs" / "architectures" / "isaac.yaml"
COMPONENTS = ROOT / "configs" / "components"
STAGE = 129  # 128 columns of cells and the unit column
MM2 = 1e-6


def load(*overrides, sequences=1):
    return load_config(ISAAC, [f"workload.sequences={sequences}", *overrides])


@dataclass
class Crossbar:
    """A crossbar of ISAAC: cells, one converter, an accumulator a column; nothing but integers."""

    weight: list[list[int]]
    threshold: list[int]
    serial: SimpleNamespace
    stage: int
    reset_cycles: int
    readout_cycles: int

    def __post_init__(self):
        serial = self.serial
        self.slices = serial.weight_bits // serial.cell_bits
        self.top = 2**serial.cell_bits - 1
        self.columns = [
            [(row[j] + 2 ** (serial.weight_bits - 1)) // 2 ** (serial.cell_bits * s) & self.top
             for row in self.weight]
            for j in range(len(self.weight[0])) for s in range(self.slices)
        ]  # fmt: skip
        self.flipped = [
            bool(serial.flips) and sum(cells) > len(cells) * self.top / 2 for cells in self.columns
        ]
        for cells, flip in zip(self.columns, self.flipped, strict=True):
            cells[:] = [self.top - cell if flip else cell for cell in cells]
        self.columns.insert(0, [1] * len(self.weight))

    def digitise(self, total):
        return min(total, 2**self.serial.adc_bits - 1)

    def bits(self, drive, plane):
        """The bits of a plane: of two's complement, the lowest first."""
        return [(value % 2**self.serial.planes) >> plane & 1 for value in drive]

    def convert(self, drive, row_conductance):
        """Return accumulators, codes and the counts of every cycle."""
        serial, width = self.serial, len(self.weight[0])
        sums, codes, cycles = [0] * width, [None] * width, []
        digital = []
        cycles += [[0] * N_ACTIVITY] * self.reset_cycles
        level = [0] * len(drive)
        for plane in range(serial.planes + 1):
            reading = plane < serial.planes
            bits = self.bits(drive, plane) if reading else [0] * len(drive)
            edges = sum(a != b for a, b in zip(bits, level, strict=True))
            level = bits
            samples = [] if plane == 0 else digital
            for at in range(self.stage):
                counts = dict.fromkeys(Activity, 0)
                counts[Activity.ACTIVE_ROWS] = sum(bits)
                counts[Activity.CONDUCTANCE] = sum(
                    g for g, bit in zip(row_conductance, bits, strict=True) if bit
                )
                counts[Activity.ROW_EDGES] = edges if at == 0 else 0
                if at < len(samples):
                    counts[Activity.UNDECIDED] = 1
                    if at:
                        column, part = divmod(at - 1, self.slices)
                        value = self.part(samples, at, part) * 2 ** (plane - 1)
                        sums[column] += -value if not reading else value
                        if not reading and part == self.slices - 1:
                            codes[column] = self.code(sums[column])
                            counts[Activity.LATCHED] = 1
                cycles.append([counts[activity] for activity in Activity])
            digital = [
                self.digitise(sum(c for c, bit in zip(cells, bits, strict=True) if bit))
                for cells in self.columns
            ]
        cycles += [[0] * N_ACTIVITY] * self.readout_cycles
        return sums, codes, cycles

    def part(self, samples, at, part):
        value, unit = samples[at], samples[0]
        if self.flipped[at - 1]:
            value = self.top * unit - value
        value *= 2 ** (self.serial.cell_bits * part)
        return value - 2 ** (self.serial.weight_bits - 1) * unit if part == 0 else value

    def code(self, total):
        above = [q for q, threshold in enumerate(self.threshold) if threshold > total]
        return above[0] if above else len(self.threshold) - 1


def random_case(seed, **changes):
    """Return a random bank, the same as a twin, and inputs."""
    rng = np.random.default_rng(seed)
    cell_bits = int(rng.choice([1, 2, 4]))
    settings = {
        "weight_bits": cell_bits * int(rng.integers(1, 5)) if cell_bits > 1 else 6,
        "cell_bits": cell_bits,
        "adc_bits": int(rng.integers(1, 8)),
        "planes": int(rng.integers(2, 9)),
        "flips": int(rng.integers(2)),
        **changes,
    }
    serial = SimpleNamespace(**settings)
    rows, columns = (int(n) for n in rng.integers(1, [24, 6]))
    samples = columns * (serial.weight_bits // serial.cell_bits) + 1
    stage = samples + int(rng.integers(3))
    half = 2 ** (serial.weight_bits - 1)
    # Columns lean to one side, so that some are flipped and some sums clip.
    centre = rng.integers(-half, half, columns)
    around = rng.integers(-half // 2 - 1, half // 2 + 1, (rows, columns))
    weight = np.clip(centre + around, -half, half - 1)
    most = 2 ** (serial.planes - 1)
    drive = rng.integers(-most + 1, most, rows)
    spread = half * most * rows**0.5
    threshold = np.sort(rng.integers(-spread, spread + 1, 2 ** int(rng.integers(1, 6))))
    conductance = rng.integers(0, 1000, rows)
    reset, readout = (int(n) for n in rng.integers(1, 4, 2))
    bank = made_bank(
        difference=weight.astype(np.int32),
        row_conductance=conductance,
        row_pointer=np.array([0, rows]),
        threshold=threshold[None, :],
        step_code=np.arange(threshold.size)[None, :],
        ramp_of_column=np.zeros(columns, dtype=np.int64),
        reset_cycles=reset,
        integrate_cycles=serial.planes * stage,
        convert_cycles=stage,
        readout_cycles=readout,
        kind="serial",
        early_stop=0,
        analog=ideal_analog(columns),
        serial=settings,
    )
    twin = Crossbar(weight.tolist(), threshold.tolist(), serial, stage, reset, readout)
    return bank, twin, drive


def convert(bank, drive):
    columns = bank.difference.shape[1]
    charge, code = np.empty(columns, dtype=np.int64), np.empty(columns, dtype=np.int64)
    activity = np.empty((bank.cycles, 1, N_ACTIVITY), dtype=np.int64)
    nothing = np.empty((0, columns), dtype=np.int64)
    cycles_taken = convert_cycles(bank, drive, (0, 0), charge, code, activity, nothing)
    assert cycles_taken == bank.convert_cycles
    return charge, code, activity[:, 0]


@pytest.mark.parametrize("seed", range(60))
def test_the_kernel_equals_its_twin(seed):
    bank, twin, drive = random_case(seed)
    charge, code, activity = convert(bank, drive)
    sums, codes, cycles = twin.convert(drive.tolist(), bank.row_conductance.tolist())
    assert charge.tolist() == sums
    assert code.tolist() == codes
    assert activity.tolist() == cycles


def test_the_random_cases_clip_and_flip():
    cases = [random_case(seed) for seed in range(60)]
    clipped = sum((convert(b, drive)[0] != drive @ b.difference).any() for b, _, drive in cases)
    flipped = sum(any(twin.flipped) and not all(twin.flipped) for _, twin, _ in cases)
    assert min(clipped, flipped) >= 10


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("flips", [0, 1])
def test_without_clipping_the_sum_is_exact(seed, flips):
    bank, _, drive = random_case(seed, adc_bits=12, flips=flips)
    assert (convert(bank, drive)[0] == drive @ bank.difference).all()


@pytest.mark.parametrize(
    ("flips", "adc_bits", "exact"), [(1, 8, True), (0, 8, False), (0, 9, True)]
)
def test_flipped_columns_save_the_converter_a_bit(flips, adc_bits, exact):
    """128 rows of cells up to 3, all on: sums up to 384, which take 9 bits."""
    sizes = {"weight_bits": 16, "cell_bits": 2, "planes": 16}
    bank, _, _ = random_case(0, adc_bits=adc_bits, flips=flips, **sizes)
    weight = np.full((128, bank.difference.shape[1]), 32767, dtype=np.int32)
    bank = bank._replace(
        difference=weight,
        row_conductance=np.ones(128, dtype=np.int64),
        row_pointer=np.array([0, 128]),
        convert_cycles=STAGE,
        integrate_cycles=16 * STAGE,
    )
    drive = np.full(128, 32767)
    assert (convert(bank, drive)[0] == drive @ weight).all() == exact


def test_weights_and_inputs_are_whole_numbers_of_16_bits():
    bank = build_chip(load().config).banks[0]
    assert np.abs(bank.arrays.difference).max() <= 32767
    largest = max(np.abs(b.arrays.difference).max() for b in build_chip(load().config).banks[:8])
    assert largest == 32767
    assert bank.arrays.readout.planes == 16


def test_cycles_by_formula():
    """16 planes and the last one's conversion; 2 sigmoid units; loads hide behind timesteps."""
    chip = build_chip(load().config)
    conversion = 1 + (16 + 1) * STAGE + 1
    assert {bank.arrays.cycles for bank in chip.banks} == {conversion}
    load_cycles, activations, update, argmax = 40 * 16 // 64, 128 // 2, 4, 11
    timestep = conversion + activations + update
    assert chip.schedule.cycles == load_cycles + 49 * timestep + conversion + argmax


@pytest.mark.parametrize(("read_cycles", "stage"), [(200, 200), (129, 129), (1, 129)])
def test_a_read_lasts_as_long_as_its_conversions(read_cycles, stage):
    chip = build_chip(load(f"adc.bit_serial.read_cycles={read_cycles}").config)
    assert chip.banks[0].arrays.cycles == 1 + 17 * stage + 1


def test_what_a_conversion_counts(tmp_path):
    """Samples a plane are the columns of cells and the unit column; every column latches once."""
    run(load("trace.level=cycle"), tmp_path / "t.h5")
    with h5py.File(tmp_path / "t.h5") as file:
        tile = file["tiles/lstm_c0"]
        conversions = 49
        assert tile["undecided_columns"][...].sum() == conversions * 16 * STAGE
        assert tile["latched_columns"][...].sum() == conversions * 16
        phases = h5py.check_enum_dtype(tile["phase"].dtype)
        phase = tile["phase"][...]
        assert (phase == phases["integrate"]).sum() == conversions * 16 * STAGE
        assert (phase == phases["convert"]).sum() == conversions * STAGE
        assert tile["active_rows"][...][phase != phases["integrate"]].sum() == 0


def test_the_trace_adds_up_to_the_summary(tmp_path):
    summary = run(load("trace.level=cycle"), tmp_path / "t.h5").summary
    spent = {}
    with h5py.File(tmp_path / "t.h5") as file:
        for group in (*file["tiles"].values(), *file["units"].values()):
            energy = group["energy"][...].sum(axis=0)
            for name, part in zip(group["component"].asstr()[...], energy, strict=True):
                spent[name] = spent.get(name, 0.0) + part
    assert spent == pytest.approx(summary.energy_by_component, rel=1e-9)


def test_energy_of_the_converters_by_formula(tmp_path):
    """9 crossbars; a conversion costs 1.5625 pJ, and each sample of a plane is one."""
    summary = run(load("trace.level=off"), None).summary
    samples = 49 * 16 * 8 * STAGE + 16 * (12 * 8 + 1)
    assert summary.energy_by_component["converters"] == pytest.approx(samples * 1.5625e-12)
    array = (49 * 16 * 73 * 128 * 8 + 16 * 33 * 12 * 8) / 128**2 * 30e-12
    assert summary.energy_by_component["array"] == pytest.approx(array)


LAYER = "{kind: linear, name: layer, units: 1536, timesteps: all, input_range: auto}"
FULL_TILE = (
    "workload={kind: synthetic, sequences: 1}",
    f"network={{inputs: 127, timesteps: 4, weights: random, layers: [{LAYER}]}}",
    "trace.level=cycle",
)  # 128 rows with the bias, 96 crossbars of 16 columns: 12 units of 8


def test_a_tile_at_work_takes_the_power_and_area_of_table_i(tmp_path):
    """From one conversion's first cycle to the next one's, when neither pauses.

    Counted are the crossbars with their shares of the tile: registers, converters, eDRAM, bus,
    router. Apart are the units around them, which Table I does not have (input buffer, classifier,
    clock tree and leakage of these), and the table's 0.92 mW and 0.00084 mm^2 of sigmoid and
    max-pooling units, which the simulation computes, and charges, elsewhere.
    """
    loaded = load_config(ISAAC, FULL_TILE)
    run(loaded, tmp_path / "t.h5")
    chip = build_chip(loaded.config)
    assert len(chip.tiles) == CROSSBARS == 12 * 8
    power = power_of_tiles(tmp_path / "t.h5", loaded.config.technology.clock)
    area = math.fsum(sum(tile.inventory.area.values()) for tile in chip.tiles)
    print(f"\na tile at work: {power * 1e3:.1f} mW, {area / MM2:.4f} mm2")  # noqa: T201
    assert power == pytest.approx(330e-3, rel=0.05)
    assert area == pytest.approx(0.372 * MM2, rel=0.05)
    adc = sum(tile.inventory.area["converters"] for tile in chip.tiles)
    assert adc / area == pytest.approx(0.31, abs=0.01)  # the article's share


def power_of_tiles(path, clock):
    """Return the power of all tiles from the start of the second conversion to the third's, W."""
    with h5py.File(path) as file:
        events = file["events"]
        kinds = h5py.check_enum_dtype(events["kind"].dtype)
        reads = np.sort(events["start_cycle"][...][events["kind"][...] == kinds["integrate"]])
        begin, end = np.unique(reads)[1:3]
        assert end - begin == 1 + 16 * STAGE, "conversions follow each other without a pause"
        energy = 0.0
        for tile in file["tiles"].values():
            cycle = tile["cycle"][...]
            energy += tile["energy"][...][(begin <= cycle) & (cycle < end)].sum()
    return energy / ((end - begin) / clock)


def test_keywords_are_told_apart_as_well_as_by_the_float_network():
    summary = run(load("trace.level=off", sequences=60), None).summary
    print(f"\naccuracy {summary.accuracy:.3f}, float {summary.accuracy_float:.3f}")  # noqa: T201
    assert abs(summary.accuracy - summary.accuracy_float) <= 0.02
    assert summary.accuracy >= 0.9


def test_a_converter_that_clips_costs_accuracy():
    """At 4 bits sums of 73 rows clip."""
    coarse = ("adc.bit_serial.adc_bits=4", "adc.bit_serial.component=isaac_adc_8b")
    summary = run(load("trace.level=off", *coarse, sequences=60), None).summary
    assert summary.accuracy < summary.accuracy_float - 0.1


def test_row_blocks_are_added_digitally():
    """Cut to 40 rows the network still works, with adders of codes."""
    cut = load("trace.level=off", "tile.rows=40", "adc.input_range=[-4, 4]", sequences=20)
    summary = run(cut, None).summary
    assert "sum_adders" in summary.energy_by_component
    assert summary.accuracy >= 0.85


def test_the_rules_for_32_nm_leave_isaacs_own_components_alone():
    own = load_library(COMPONENTS / "isaac-32nm.yaml")
    digital = load_library(COMPONENTS / "cmos-16nm.yaml")
    system = load_library(COMPONENTS / "isaac-system-32nm.yaml")
    scaled = scale_library(system, 32e-9, supply=0.8)
    for name, component in own.components.items():
        assert scaled.component(name) == component
    for name, component in scale_library(digital, 32e-9, supply=0.8).components.items():
        assert scaled.component(name) == component


MEMRISTOR = (
    "device={model: memristor, g_min: 0 S, g_max: 150 uS, "
    "sources: {g_min: 'assumed: test', g_max: 'assumed: test'}}"
)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        (MEMRISTOR, "device.model"),
        ("device.slices.count=2", "device.slices"),
        ("tile.row_sum=analog", "tile.row_sum"),
        ("tile.wires.row_resistance=1 ohm", "tile.wires"),
        ("tile.integrator.leak=0.01", "tile.integrator"),
        ("adc.comparator.noise_sigma=1 mV", "adc.comparator"),
        ("adc.fixed_reference=200 mV", "adc.fixed_reference"),
        ("adc.banks_per_converter=2", "adc.banks_per_converter"),
        ("trace.waveforms=true", "trace.waveforms"),
        ("digital.cell_activation=ramp", "bit_serial cannot compute 'tanh'"),
        ("network.layers.1.function=relu", "bit_serial cannot compute 'relu'"),
        ("adc.early_stop=true", "early_stop is for ramps"),
        ("adc.bit_serial.cell_bits=3", "have to divide weight_bits"),
        ("adc.bit_serial.adc_bits=7", "isaac_adc_7b"),
        ("adc.kind=linear_ramp", "tile.input_bits (15)"),
    ],
)
def test_what_does_not_go_together_is_refused(override, key):
    with pytest.raises(ArchsimError) as error:
        build_chip(load(override).config)
    message = str(error.value)
    assert key in message
    assert "\n" not in message.strip()
