"""Settings of the whole suite, and the command line as a fixture."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import settings

from tests.command_line import Archsim, call

# Kernels are compiled in the first example that calls them, which no deadline allows for; the same
# examples on every run keep a result reproducible.
settings.register_profile("archsim", deadline=None, derandomize=True)
settings.load_profile("archsim")


@pytest.fixture
def archsim(capsys: pytest.CaptureFixture[str]) -> Archsim:
    """Run the command line in this process; return exit code, stdout, stderr."""
    return partial(call, capsys)
