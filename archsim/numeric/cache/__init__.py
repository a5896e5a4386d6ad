"""Machine code of kernels on disk: never older than its source, never in anybody else's folder.

Numba's own cache looks only at the file of the function that is compiled, so a kernel that calls a
kernel of another file would keep a stale copy of it; and where it cannot write its folder it keeps
machine code beside the source. Here

- `sources` says which files machine code follows from, and whether they changed since they were
  imported;
- `folder` names one folder for one state of them, makes and marks it, and removes old ones;
- `store` loads and saves in it, under a lock, and says so where nothing can be kept;
- `numba_cache` is what Numba asks. Only this one imports Numba.
"""
