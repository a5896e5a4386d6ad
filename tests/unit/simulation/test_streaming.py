"""Is a stream in chunks the run over the whole, to the bit, and is what cannot be refused?"""

from __future__ import annotations

import numpy as np
import pytest

import archsim
from archsim.errors import ConfigError, WorkloadError

ALL = {"network.layers.1.timesteps": "all", "trace.sequences": [0]}
RNG = np.random.default_rng(4)


@pytest.mark.parametrize(
    "more",
    [{}, {"adc.comparator.noise_sigma": "5 mV"}, {"tile.rows": 40}],
    ids=["ideal", "noise", "row blocks"],
)
def test_chunks_give_the_bits_of_the_whole(more, tmp_path):
    x = RNG.uniform(-1, 1, (1, 49, 40))
    changes = {**ALL, **more, "task.kind": "agreement"}
    run = archsim.run("kws", data=archsim.Sequences.of(x), set=changes, out=tmp_path / "t.h5")
    whole = run.outputs["output"]["logits"][0]
    stream = archsim.stream("kws", set=changes)
    for _ in range(2):
        parts = [stream.feed(x[0, span]) for span in (slice(0, 5), slice(5, 6), slice(6, 49))]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
        assert stream.timesteps == 49
        stream.reset()


def test_a_last_layer_that_works_once_gives_one_output_a_chunk():
    x = RNG.uniform(-1, 1, (3, 20, 40))
    every = archsim.stream("kws", sequences=3, set=ALL)
    once = archsim.stream("kws", sequences=3)
    for chunk in np.split(x, 4, axis=1):
        np.testing.assert_array_equal(once.feed(chunk), every.feed(chunk)[:, -1:])


def test_side_by_side_is_one_after_the_other():
    x = RNG.uniform(-1, 1, (2, 6, 40))
    both = archsim.stream("kws", sequences=2, set=ALL).feed(x)
    assert both.shape == (2, 6, 12)
    for one, out in zip(x, both, strict=True):
        np.testing.assert_array_equal(archsim.stream("kws", set=ALL).feed(one), out)


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        (np.zeros((5, 39)), r"\(5, 39\) where \(1, timesteps, 40\)"),
        (np.zeros((2, 5, 40)), r"\(2, 5, 40\) where"),
        (np.zeros((0, 40)), r"\(0, 40\) where"),
        (np.zeros(40), r"\(40,\) where"),
        (np.full((1, 40), np.nan), "not finite"),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused_and_changes_nothing(chunk, says):
    stream = archsim.stream("kws", set=ALL)
    with pytest.raises(WorkloadError, match=says):
        stream.feed(chunk)
    assert stream.timesteps == 0


def test_what_has_no_stream_is_refused():
    with pytest.raises(ConfigError, match=r"network\.layers\.0: 'lstm' begins at the last"):
        archsim.stream("kws", set={"network.layers.0.direction": "backward"})
    with pytest.raises(WorkloadError, match="not at least 1"):
        archsim.stream("kws", sequences=0)
