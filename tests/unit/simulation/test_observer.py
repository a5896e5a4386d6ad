"""Is whatever watches a run told of all of it, in order, and does what it raises end the run?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import archsim
from tests.runs import KWS

SMALL = {"workload.sequences": 40}


class Recorder:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answers: list[np.ndarray] = []
        self.energy = 0.0

    def begin(self, plan: archsim.Plan, /) -> None:
        self.told.append(f"begin {len(plan.data)}")
        self.shape = plan.answer.shape

    def block(self, block: archsim.Block, /) -> None:
        self.told.append(f"{block.first} {block.done} of {block.of}")
        self.answers.append(block.answer.copy())
        self.energy += float(block.energy.sum())
        layers = block.outputs
        assert {array.shape[0] for each in layers.values() for array in each.values()} == {
            block.done - block.first
        }

    def end(self, summary: archsim.Summary, /) -> None:
        self.told.append(f"end {summary.sequences}")


@pytest.mark.parametrize("level", ["off", "cycle"])
def test_an_observer_sees_the_whole_run(tmp_path, level):
    seen = Recorder()
    out = tmp_path / "t.h5"
    run = archsim.run(KWS, set={**SMALL, "trace.level": level}, out=out, observers=[seen])
    assert seen.told == ["begin 40", "0 32 of 40", "32 40 of 40", "end 40"]
    assert seen.shape == (40,)
    np.testing.assert_array_equal(np.concatenate(seen.answers), run.answer)
    assert seen.energy == pytest.approx(run.energy.sum(), rel=1e-12)
    assert out.exists() == (level == "cycle")


def test_what_an_observer_raises_ends_the_run_and_leaves_the_trace_unfinished(tmp_path):
    class Enough(Recorder):
        def block(self, block: archsim.Block, /) -> None:
            super().block(block)
            raise RuntimeError("enough")

    seen, out = Enough(), tmp_path / "t.h5"
    with pytest.raises(RuntimeError, match="enough"):
        archsim.run(KWS, set=SMALL, out=out, observers=[seen])
    assert seen.told == ["begin 40", "0 32 of 40"]
    with pytest.raises(archsim.ArchsimError, match=r"did not finish \(32 of 40 sequences\)"):
        archsim.open_trace(out)


def test_progress_is_told_after_the_trace_has_the_block(tmp_path):
    """A user who stops at 'n of m' finds n sequences in the file."""
    out: Path = tmp_path / "t.h5"

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archsim.run(KWS, set=SMALL, out=out, progress=stop)
    with pytest.raises(archsim.ArchsimError, match="32 of 40"):
        archsim.open_trace(out)
