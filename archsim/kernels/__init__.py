"""The only jitted code: a tile's cycles, the layers' sequences, the event loop.

Kernels see integer slots and flat arrays: no strings, dicts or Python objects. They are compiled on
first use and kept on disk; see `archsim.kernels.jit` and `archsim.kernels.cache`.
"""

# Before any other file of this package: what changes from now on is not what was imported.
from archsim.kernels.cache.sources import KERNELS as KERNELS

ROUNDING_GUARD = 1e-6
"""Quanta by which a threshold may lie above a whole number and still count as that number.

Thresholds at exactly 0 (the middle of sigmoid and tanh) come out of sums of floats as 1e-11 or
-1e-11; without the guard, ties would fall either way.
"""
