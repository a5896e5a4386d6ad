"""The only jitted code: a tile's cycles, the layers' sequences, the event loop.

Kernels see integer slots and flat arrays: no strings, dicts or Python objects. They are compiled on
first use and cached on disk; see `archsim.kernels.jit`.
"""
