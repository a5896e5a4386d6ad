"""Is a conventional design right: its functions, its accuracy, its processors' cost?"""

import numpy as np
import pytest

from archsim.chip.build import build_chip
from archsim.config.hardware import Processors
from archsim.network.activations import get_activation
from archsim.network.nonlinear import processed
from archsim.simulation.simulate import run
from tests.runs import load

X = np.linspace(-10, 10, 2001)
LINEAR = ("adc.kind=linear_ramp",)


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
@pytest.mark.parametrize(
    ("processors", "error"),
    [
        (Processors(method="table"), 0.0),
        (Processors(method="piecewise_linear", segments=16), 0.11),
        (Processors(method="piecewise_linear", segments=256), 1e-3),
        (Processors(method="cordic", iterations=8), 0.0625),
        (Processors(method="cordic", iterations=20), 1e-4),
    ],
    ids=str,
)
def test_processors_approximate_the_function(function, processors, error):
    activation = get_activation(function)
    found = processed(activation, X, processors)
    assert np.abs(found - activation.value(X)).max() <= error


def test_more_iterations_and_segments_are_closer():
    tanh = get_activation("tanh")

    def worst(**settings):
        return np.abs(processed(tanh, X, Processors(**settings)) - tanh.value(X)).max()

    cordic = [worst(method="cordic", iterations=n) for n in (6, 10, 14, 18)]
    segments = [worst(method="piecewise_linear", segments=n) for n in (8, 16, 32, 64)]
    assert cordic == sorted(cordic, reverse=True)
    assert segments == sorted(segments, reverse=True)


def test_a_linear_ramp_digitises_and_the_processors_compute():
    """One ramp, even thresholds; a gate's value is the function of the code's level, in Q.11."""
    chip = build_chip(load(*LINEAR).config)
    tile = chip.banks[0]
    assert [ramp.function for ramp in tile.ramps] == ["identity"]
    assert np.ptp(np.diff(tile.ramps[0].theta)) < 1e-12
    level = np.linspace(-4, 4, 32)
    expected = np.floor(get_activation("sigmoid").value(level) * 2048 + 0.5)
    assert (chip.layers[0]._cell.level[0] == expected).all()


def test_both_designs_classify_alike():
    """At 8 bits both are close to the float network, so to each other."""
    ours = run(load("trace.level=off", "adc.bits=8", sequences=200)).summary
    theirs = run(load("trace.level=off", "adc.bits=8", *LINEAR, sequences=200)).summary
    assert abs(ours.accuracy - theirs.accuracy) <= 0.02
    assert theirs.cycles > ours.cycles
    assert "nonlinear_processors" in theirs.energy_by_component
    assert "nonlinear_processors" not in ours.energy_by_component


def test_processors_cost_what_their_parts_cost():
    """Energy does not depend on how many there are; area and time do."""
    few, many = (
        run(load("trace.level=off", *LINEAR, f"digital.processors.count={k}", sequences=1)).summary
        for k in (8, 32)
    )
    name = "nonlinear_processors"
    assert few.energy_by_component[name] == pytest.approx(
        many.energy_by_component[name], rel=1e-9, abs=0
    )
    assert few.area_by_component[name] == pytest.approx(
        many.area_by_component[name] / 4, rel=1e-9, abs=0
    )
    assert few.cycles - many.cycles == 49 * 2 * (128 // 8 - 128 // 32)


def test_random_networks_have_no_accuracy():
    from archsim.config.load import load_config
    from tests.runs import ROOT

    small = ["tile.rows=129", "network.inputs=64", "network.layers.0.units=64", "trace.level=off"]
    result = run(load_config(ROOT / "configs/random-lstm.yaml", small))
    assert result.summary.accuracy is None
    assert result.summary.to_json()["accuracy"] is None
    again = run(load_config(ROOT / "configs/random-lstm.yaml", small))
    assert (result.energy == again.energy).all()
