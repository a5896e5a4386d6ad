"""What ``make_component_library.py`` derives the component library from: figures, texts, sources.

A source that begins with ``assumed:`` is a guess and says why, one that begins with ``model:`` was
computed by a model; any other names the publication in which the figure was read.
"""

from __future__ import annotations

from dataclasses import dataclass

NODE = 16e-9
CLOCK_HZ = 1e9
SUPPLY = 0.8  # V, the supply at which hwcomponents scales energy
PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: ""}
PACKAGES = ("hwcomponents", "hwcomponents-library", "hwcomponents-adc")

WIRE_F_PER_M = 2e-10  # default of hwcomponents-library's Wire
WIRE_SWING = 0.7  # V, likewise
GATE_PITCH, METAL_PITCH, FIN_PITCH = 90e-9, 64e-9, 48e-9  # m, WikiChip
FIN_GATE_F = 0.07e-15  # assumed gate capacitance of one fin
CLOCK_PIN_F = 0.8e-15  # assumed clock pin of one flip-flop bit
CELL_DEVICE_F = 0.1e-15  # assumed access device or memristor seen from the row
DRIVER_FINS = 250  # fins in one of a row driver's three switches

PITCHES = "WikiChip, '16 nm lithography process' (TSMC 16FF: gate 90 nm, metal 64 nm, fin 48 nm)"
NEURRAM = "Wan et al., Nature 608:504 (2022), NeuRRAM"
TIMELY = "Li et al., ISCA 2020, TIMELY, Table II"
ALADDIN = "Shao et al., ISCA 2014, Aladdin"
ISAAC = "Shafiee et al., ISCA 2016, ISAAC"
DYNAMIC = (
    "Satapathy and Kaur, Circuits Syst. Signal Process. 42:5108 (2023), "
    "doi 10.1007/s00034-023-02375-6, abstract"
)
CALIBRATED = (
    "Ramkaj et al., 'An 11 GHz Dual-Sided Self-Calibrating Dynamic Comparator in 28 nm CMOS', "
    "Electronics (MDPI), 21 December 2018, abstract"
)
STILLMAKER = "equations of Stillmaker and Baas, Integration 58:74 (2017), as in hwcomponents"
NO_LEAKAGE = "assumed: none, because the model gives no leakage"

PAPERS = {
    "neurram": (NEURRAM, "130 nm"),
    "timely": (TIMELY, "65 nm"),
    "aladdin": (ALADDIN, "40 nm"),
    "isaac": (ISAAC, "32 nm"),
}
NEURRAM_LEAKAGE = (
    "assumed: the library's own static power at 130 nm, scaled by it; its table of the paper's "
    "figures has no leakage, so this is a placeholder above zero"
)
REGISTER_LEAKAGE = (
    "Aladdin, github.com/harvard-acc/ALADDIN common/power_func.h, REG_1ns_leakage_power "
    f"(7.395312e-05 mW a bit, 40 nm), scaled to 16 nm with the {STILLMAKER}; "
    "hwcomponents-library leaves it out"
)
SAMPLER_AREA = (
    "assumed: hwcomponents-library's 45 um^2 at 130 nm, scaled by it; its table beside the model "
    "says 350 um^2 without telling why it differs"
)
INTEGRATOR = (
    "analog integrator of one column, one integration cycle; the model keeps the 1.8 V of the "
    "130 nm circuit (too much) and knows nothing of settling in 1 ns (too little)"
)
SLOW_COMPARATOR = (
    "charging comparator of TIMELY, one comparison; it takes 36.9 ns, so at 1 GHz it can NOT "
    "decide once a clock cycle: for comparison with time-domain designs only"
)
STEEP_SAR = (
    "successive-approximation converter of ISAAC, 5 bits, one conversion; the model halves "
    "energy and area with every bit, which flatters it: see isaac_sar_5b_saberi"
)
NEURRAM_ADC = (
    "variable-precision converter of NeuRRAM, one conversion step; the model keeps the 1.8 V of "
    "the 130 nm circuit"
)
# Component, model, action, description. Aladdin's models are evaluated for one bit.
LIBRARY = (
    ("integrator", "NeurramAnalogIntegrator", "integrate", INTEGRATOR),
    ("sample_and_hold", "NeurramAnalogSample", "sample", "sample-and-hold, one sample"),
    ("timely_comparator", "TimelyChargingComparator", "compare", SLOW_COMPARATOR),
    ("counter", "AladdinCounter", "count", "binary counter, one increment"),
    ("register", "AladdinRegister", "write", "register with a gated clock, one write"),
    ("digital_comparator", "AladdinComparator", "compare", "magnitude comparator, digital"),
    ("adder", "AladdinAdder", "add", "adder, one addition"),
    ("multiplier", "AladdinMultiplier", "multiply", "multiplier of n by m bits, one product"),
    ("shift_add", "IsaacShiftAdd", "shift_add", "shift-and-add unit of 16 bits, one operation"),
    ("isaac_sar_5b", "IsaacADC", "convert", STEEP_SAR),
    ("isaac_sar_8b", "IsaacADC", "convert", "successive-approximation converter of ISAAC, 8 bits"),
    ("isaac_dac", "IsaacDAC", "convert", "1-bit digital-to-analog converter of one row of ISAAC"),
    ("neurram_adc", "NeurramVariablePrecisionADC", "convert", NEURRAM_ADC),
    ("timely_dtc", "TimelyDTC", "read", "8-bit digital-to-time converter of TIMELY"),
    ("timely_tdc", "TimelyTDC", "read", "8-bit time-to-digital converter of TIMELY"),
)
ARGUMENTS = {
    "shift_add": {"width": 16},
    "isaac_sar_5b": {"resolution": 5},
    "isaac_sar_8b": {"resolution": 8},
}

# How components follow the node (archsim.costs.scaling); those not named are digital.
SCALING = dict.fromkeys(
    (
        "integrator",
        "sample_and_hold",
        "timely_comparator",
        "isaac_sar_5b",
        "isaac_sar_8b",
        "isaac_sar_5b_saberi",
        "isaac_dac",
        "neurram_adc",
        "timely_dtc",
        "timely_tdc",
        "crossbar_cell",
        "feedback_capacitor",
    ),
    "analog",
) | {
    "wire": "wire",
    "adc_survey_4b": "survey",
    "adc_survey_5b": "survey",
    "adc_survey_8b": "survey",
}

HEADER = {
    "schema": "archsim-components/1",
    "name": "cmos-16nm",
    "node": "16 nm",
    "supply": "800 mV",
    "description": "components of an analog in-memory LSTM chip at 16 nm and 1 GHz; a number "
    "without a source of its own has its component's; a source that begins with 'assumed' is a "
    "guess and says why, one that begins with 'model' was computed by the model it names, any "
    "other is a figure read in the publication it names, scaled to 16 nm where it says so",
}

COMPARATOR = (
    "clocked dynamic comparator of one column, one decision; its 65 nm layout runs at up to 1 GHz "
    "with 8 mV offset (standard deviation), so it can decide in every cycle of a 1 GHz ramp; the "
    "energy is its worst case, at 1.2 V"
)
COMPARATOR_AREA = (
    "assumed: that of TIMELY's comparator (40 um^2 at 65 nm), because the abstract gives none; "
    "multi-GHz comparators are several times larger"
)
COMPARATOR_CALIBRATED = (
    "clocked comparator with offset calibration, one decision; silicon: 0.99 mV calibrated offset, "
    "0.82 mV noise, 11 GHz; far faster and larger than a column needs: a ceiling"
)
LATCH_LEAKAGE = "assumed: that of one register bit, about as many transistors"

SRAM_SOURCE = "model: CACTI through hwcomponents-cacti 1.0.40, extrapolated to 16 nm"
SRAM_WRITE = "assumed: as much as a read, because only the read was evaluated"
TABLE_SOURCE = (
    "assumed: a quarter of sram_2kib in all but latency, because the table has its 256 words at a "
    "quarter of their width; a read-only table would cost less"
)
NO_REPEATERS = (
    "assumed: none of its own; repeaters and buffers are few against the blocks they join"
)

CELL = (
    "one memristor with its access transistor (1T1R), 256 nm along the row by 180 nm; its read "
    "energy is physics, V^2*G*T, and no action"
)
CELL_SOURCE = (
    "assumed: two gate pitches by four metal pitches, room for four fins and isolation; "
    f"{PITCHES}; published cells: 0.0486 um^2 (Intel 22FFL RRAM, fuse.wikichip.org/news/2801), "
    "0.07632 um^2 (FIND RRAM, 16 nm FinFET, IEDM 2015 paper 10.5, www.eenewseurope.com)"
)
CELL_LEAKAGE = "assumed: none, because an idle row and its column both rest at V_CLP"
CELL_CAPACITANCE = (
    "of row wire (256 nm at 0.2 fF/um) and 100 aF for what hangs on it: a 50 nm square of 5 nm "
    "HfO2 has about 90 aF, the drain of a four-fin transistor about as much"
)
CAPACITOR = (
    "metal capacitor of an integrator, no action; its area is its capacitance over the density"
)
CAPACITOR_SOURCE = (
    "assumed: nothing fixed; area follows from the density, and metal capacitors hardly leak"
)
CAPACITOR_DENSITY = (
    "assumed: round value for a metal-oxide-metal capacitor over several layers; "
    "hwcomponents-library's Capacitor takes 2.3 fF/um^2 at 22 nm, without naming a publication"
)
DRIVER = (
    "driver of one row with three switches, to V_CLP and to V_CLP +- V_read; an edge books the "
    "driver's own gates, the row wire's C*V^2 is NOT included (it is computed from crossbar_cell); "
    "sized for about 256 cells a row"
)
DRIVER_SOURCE = (
    f"assumed: switches of 20 ohm, {DRIVER_FINS} fins of 5 kohm each, against about 50 ohm of 256 "
    f"cells at 75 uS; 0.07 fF of gate a fin at {SUPPLY} V; half as much again for what drives "
    "them; ISAAC's 1-bit DAC (isaac_dac) books 0.068 um^2 and 110 fJ a row"
)
DRIVER_AREA = (
    f"assumed: the same fins, each of one gate by one fin pitch ({PITCHES}), half as much again "
    "for what drives them"
)
DRIVER_LEAKAGE = (
    "assumed: two switches off at 0.1 nA a fin and 0.4 V, one more switch's worth of drivers at "
    "0.8 V"
)
SURVEY_ADC = (
    "1 GS/s, one conversion; the model books 80 % of the energy here and 20 % as leakage on top, "
    "so a busy converter costs both"
)
SURVEY_SOURCE = "model: Andrulis et al., arXiv 2404.06553 (2024), fit to Murmann's ADC survey"
SABERI = (
    "converter of ISAAC at 5 bits, scaled from 8 by a model of capacitive DACs, not by halving "
    "with every bit; the fairer baseline, nearly five times isaac_sar_5b in energy"
)
SABERI_SOURCE = (
    f"model: {ISAAC}, scaled to 5 bits after Saberi et al. 2011 (0.99 pJ, 476.91 um^2 at 32 nm, a "
    f"comment in hwcomponents-library's isaac.py), scaled to 16 nm with the {STILLMAKER}"
)


@dataclass(frozen=True)
class Figures:
    """What one model says: energy in J, area in m2, leakage in W, latency in s."""

    energy: float
    area: float
    leakage: float
    latency: float = 0.0


SRAM = Figures(5.529e-13, 1.307e-9, 3.472e-7, 3.21e-10)  # CACTI, 2 KiB, one 64-bit word
