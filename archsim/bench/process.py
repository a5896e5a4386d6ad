"""Commands of archsim in processes of their own, timed from start to end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from archsim.errors import ArchsimError
from archsim.numeric.cache.folder import CACHE_FOLDER_VARIABLE
from archsim.simulation.profile import Part

_PART = re.compile(r"^(\w[\w ]*?) +(\d+\.\d+) s +\d+\.\d%$", re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """A command that has ended.

    Attributes
    ----------
    seconds : float
        From before the interpreter started until it was gone, s.
    parts : dict of str to float
        Where a run says with ``--profile`` that its time went, s; empty without.
    """

    seconds: float
    parts: dict[str, float]

    def part(self, part: Part) -> float:
        """Return the time of one part, s.

        Raises
        ------
        ArchsimError
            If the command did not tell it.
        """
        if part not in self.parts:
            msg = f"bench: 'archsim run --profile' does not say how long '{part}' took"
            raise ArchsimError(msg)
        return self.parts[part]


def archsim(*arguments: str | Path, cache: Path | None = None) -> Finished:
    """Run a command of archsim with this interpreter.

    Parameters
    ----------
    *arguments : str or Path
        What follows ``archsim``.
    cache : Path, optional
        Folder of compiled kernels, this process's by default.

    Raises
    ------
    ArchsimError
        If it fails.
    """
    words = [str(argument) for argument in arguments]
    environment = {**os.environ, **({CACHE_FOLDER_VARIABLE: str(cache)} if cache else {})}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "archsim", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        msg = f"bench: 'archsim {' '.join(words)}' failed: {lines[-1] if lines else 'no reason'}"
        raise ArchsimError(msg)
    return Finished(seconds, {part: float(text) for part, text in _PART.findall(done.stderr)})
