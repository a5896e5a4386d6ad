"""Do conductances reach the share of the weights that they are to, and is the rest told?"""

from __future__ import annotations

import numpy as np
import pytest

import archsim
from archsim.chip.mapping import find_weight_of_g_max, weight_range
from archsim.clipping import Place


def test_a_percentile_of_the_weights_is_what_conductances_reach():
    weight = np.array([[0.0, -1.0, 2.0], [3.0, -4.0, 10.0]])
    assert weight_range(weight, 100) == 10
    assert weight_range(weight, 75) == 4  # of 1, 2, 3, 4, 10
    assert weight_range(np.zeros((2, 2)), 75) == 0
    device = archsim.load("kws", set={"device.g_min": "50 uS"}).device
    reached = find_weight_of_g_max(weight, device=device, percentile=75)
    assert reached == pytest.approx(4 * 150 / (150 - 50))


@pytest.mark.parametrize("percentile", [97, 80])
def test_weights_beyond_are_clipped_and_counted_once(percentile):
    few = {"workload.sequences": 40, "trace.level": "off"}
    run = archsim.run("kws", set={**few, "tile.weight_percentile": percentile})
    found = {item.layer: item for item in run.summary.clipped if item.place is Place.WEIGHTS}
    chip = archsim.build_chip("kws", set={"tile.weight_percentile": percentile})
    assert list(found) == [matrix.name for matrix in chip.matrices]
    for matrix in chip.matrices:
        clipped, size = found[matrix.name], np.abs(matrix.weight)
        limit = np.percentile(size[size > 0], percentile)
        assert clipped.limit == pytest.approx(limit)
        assert (clipped.count, clipped.of) == ((size > limit).sum(), (size > 0).sum())
        assert clipped.share == pytest.approx(1 - percentile / 100, abs=2 / clipped.of)
        (bank,) = matrix.banks
        held = bank.arrays.difference / 4095
        wanted = np.clip(matrix.weight, -limit, limit)[:, bank.column] / limit
        np.testing.assert_allclose(held, wanted, atol=0.51 / 4095)
    assert any("raise tile.weight_percentile" in text for text in run.warnings)


def test_all_weights_are_reached_where_nothing_is_said():
    run = archsim.run("kws", set={"workload.sequences": 2, "trace.level": "off"})
    assert not [item for item in run.summary.clipped if item.place is Place.WEIGHTS]


def test_calibrate_takes_the_share_with_which_the_chip_is_nearest_to_float():
    """Gains where few large weights leave the others next to nothing; none where all matter."""
    coarse = {
        "device": {
            "model": "memristor",
            "g_min": "0 S",
            "g_max": "150 uS",
            "levels": 8,
            "sources": dict.fromkeys(("g_min", "g_max", "levels"), "assumed: for a test"),
        },
        "trace.level": "off",
    }
    chip = archsim.load("vowels", set=coarse)
    found = archsim.calibrate(chip, split="train", method="mse")
    weights = [place for place in found.places if place.what == "weights"]
    assert [place.layer for place in weights] == ["lstm", "output"]
    chosen = found.values.get("tile.weight_percentile", 100.0)
    ranged, data = found.apply(chip), archsim.load(chip, set={"workload.split": "train"})
    some = data.workload.load(data.network, 0).as_sequences().part(slice(64))
    task = {"kind": "agreement"}
    apart = {
        percent: archsim.run(
            ranged, data=some, set={"task": task, "tile.weight_percentile": percent}
        ).summary.metrics["mean_square_difference"].value
        for percent in (chosen, 100.0, 90.0)
    }  # fmt: skip
    assert min(apart, key=apart.__getitem__) == chosen
    assert found.after["mean_square_difference"].value == pytest.approx(apart[chosen])
    given = archsim.calibrate(chip, split="train", method="percentile", percentile=95.0)
    assert given.values["tile.weight_percentile"] == 95.0
    told = [place for place in given.places if place.what == "weights"]
    assert all(place.clipped_after == pytest.approx(0.05, abs=0.01) for place in told)
    assert all(place.after < place.before == place.largest for place in told)
