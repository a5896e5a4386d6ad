"""The command line as tests call it: in this process, or in one of its own.

A call in this process takes milliseconds. A process of its own is for what belongs to one: signals,
a full disk, standard output that is closed, what is imported.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from archsim.cli import main

Ended = tuple[int, str, str]
"""How a command ended: exit code, what it wrote to stdout and to stderr."""


def hear_ctrl_c() -> None:
    """Undo what a background job's processes inherit: they ignore Ctrl-C. For ``preexec_fn``."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run the command line in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["archsim", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def process(
    *arguments: object, script: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line, or a script in its place, in a process of its own.

    Options are those of `subprocess.run`.
    """
    start = ["-m", "archsim"] if script is None else ["-c", script]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, *start, *map(str, arguments)]
    return subprocess.run(command, text=True, check=False, **options)


Archsim = Callable[..., Ended]
"""What the fixture `archsim` gives: it takes the command's arguments."""
