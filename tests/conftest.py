"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# Kernels are compiled in the first example that calls them, which no deadline allows for; the same
# examples on every run keep a result reproducible.
settings.register_profile("archsim", deadline=None, derandomize=True)
settings.load_profile("archsim")
