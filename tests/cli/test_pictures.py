"""Do pictures show what was computed: every level, both rails, and no bar without a zero?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import archsim
from archsim.analysis.waveform import Conversion, conversion_of
from archsim.config.load import load_config
from archsim.experiments.ramp_trials import transfer
from archsim.report.comparison import draw_comparison
from archsim.report.conversion_picture import draw_conversion
from archsim.report.converter import ramp_report
from archsim.report.render import as_text
from archsim.simulation.simulate import run
from archsim.trace.trace import Trace
from archsim.transfer.ramp import design_from_text
from tests.small_run import write_small_run

plotted = pytest.importorskip("matplotlib.figure", reason="needs: pip install 'archsim[plot]'")


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """Return traces of ideal integrators, and of some that clip at 0 V and 0.8 V."""
    folder = tmp_path_factory.mktemp("pictures")
    write_small_run(folder)
    common = ["workload.sequences=1", "trace.waveforms=true", "tile.full_scale=500 mV"]
    clips = ["tile.integrator.saturation=true", "tile.integrator.headroom=0 V"]
    for name, overrides in (("ideal", []), ("clips", clips)):
        run(load_config(folder / "small.yaml", [*common, *overrides]), folder / f"{name}.h5")
    return folder


def drawn(draw):
    figure = plotted.Figure(layout="constrained")
    draw(figure)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "silu"])
def test_a_transfer_curve_has_every_level(function):
    ramp = design_from_text(function, 4, input_range=(-4, 4) if function == "silu" else None)
    x = np.linspace(-1.05 * ramp.span, 1.05 * ramp.span, 4000)
    found = transfer(ramp, ramp.crossing, x)
    assert set(found) == set(ramp.level)
    np.testing.assert_array_equal(found, ramp.level[ramp.code(x)])


def conversion(v_mac):
    v_mac = np.asarray(v_mac, dtype=np.float64)
    cycles = v_mac.shape[0]
    return Conversion(
        tile="t",
        number=0,
        phase=np.zeros(cycles, dtype=np.uint8),
        phases={"reset": 0},
        v_ramp=np.full((cycles, 1), 0.4),
        ramps=["tanh"],
        v_mac=v_mac,
        latched=np.zeros(cycles, dtype=np.int64),
        energy=np.ones((cycles, 1)),
        components=["array"],
        supply=0.8,
    )


def test_rails_are_drawn_and_columns_beyond_them_are_said(traces):
    ours = conversion([[0.4, 0.4, 0.4, 0.8], [-0.06, 0.81, 0.4, 0.0]])
    assert ours.columns_beyond_rails == 2
    axis = drawn(partial(draw_conversion, conversion=ours)).axes[0]
    flat = {line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == "--"}
    assert flat == {0.0, 0.8}
    assert "2 columns leave the rails: the integrators are ideal" in texts(axis)
    assert "rails, 0 V and 0.8 V" in [text.get_text() for text in axis.get_legend().get_texts()]
    clipped = [conversion_of(Trace(traces / "clips.h5"), number) for number in range(3)]
    assert not any(each.columns_beyond_rails for each in clipped)
    assert not any(
        "leave" in text
        for text in texts(drawn(partial(draw_conversion, conversion=clipped[0])).axes[0])
    )
    assert clipped[0].supply == 0.8


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_bars_stand_on_a_zero(traces):
    """A logarithmic axis has none."""
    found = archsim.compare([traces / "ideal.h5", traces / "clips.h5"])
    figures = [
        drawn(lambda figure: draw_comparison(figure, found)),
        drawn(partial(draw_conversion, conversion=conversion_of(Trace(traces / "ideal.h5"), 0))),
    ]
    logarithmic = 0
    for axis in (axis for figure in figures for axis in figure.axes):
        scales = {axis.get_xscale(), axis.get_yscale()}
        logarithmic += "log" in scales
        assert not ("log" in scales and (axis.containers or axis.patches))
    assert logarithmic == 3


def test_the_ramps_report_says_what_it_is_made_for():
    """An unbounded function is clipped at a range that somebody may not have asked for."""
    printed = as_text(ramp_report(design_from_text("silu", 3)))
    assert "largest ramp cell 150 uS; made for inputs from -8 to 8" in printed
