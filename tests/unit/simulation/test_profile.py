"""Do the parts of a run's time add up, and is none of them less than nothing?"""

from archsim.simulation import profile
from archsim.simulation.profile import Part, Profile


def test_a_compilation_that_began_before_a_part_leaves_it_at_nothing(monkeypatch):
    compiled = iter((0.0, 1000.0))
    monkeypatch.setattr(profile, "compile_seconds", lambda: next(compiled))
    watch = Profile()
    with watch.part(Part.KERNELS):
        pass
    seconds = watch.seconds()
    assert set(seconds) == {str(part) for part in Part}
    assert seconds["kernels"] == 0
    assert all(part >= 0 for part in seconds.values())
    assert sum(seconds.values()) < 1
