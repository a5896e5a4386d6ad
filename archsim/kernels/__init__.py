"""The only jitted code: a tile's cycles, the layers' sequences, the event loop.

Kernels see integers and flat arrays: no strings, dicts or Python objects. They are compiled on
first use and kept on disk; see `archsim.numeric.jit` and `archsim.numeric.cache`.
"""

from archsim.numeric.cache.sources import KERNELS as KERNELS
