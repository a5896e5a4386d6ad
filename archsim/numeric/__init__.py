"""What compiled code is made of: the compiler and its cache, random numbers, fixed point, loops."""

# Before any file with kernels: what changes from now on is not what was imported.
from archsim.numeric.cache.sources import KERNELS as KERNELS
