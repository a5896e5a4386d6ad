"""Verilator: a Verilog model of the same tile, compiled to C++ and run clock by clock.

The model is what a designer would write for the same tile: integer charges, one clock, a counter
and four phases, a comparator and a latch a column. It has no energy and no record of its cycles.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from archsim.bench.peers.base import TIMED, Contest, Peer, Shape, register
from archsim.bench.peers.tile import TileRun, tile_run
from archsim.bench.peers.verilog import HARNESS, verilog
from archsim.errors import ArchsimError

_TOOLS = ("verilator", "g++", "make")
OPTIMISE = "-O3 -march=native"
"""Of the C++ compiler. Verilator's makefile puts -Os behind -CFLAGS, so this is set in there."""
_COMPILE = (
    *("--cc", "--exe", "--build", "--top-module", "tile", "--Mdir", "obj", "-o", "sim"),
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert"),
)
_SECONDS = 300


class Form(StrEnum):
    """What Verilator makes of the loops over a row's columns."""

    LOOPS = "loops"
    """It leaves loops of more than 64 turns, as it does unless told."""
    UNROLLED = "unrolled"
    """It unrolls them, and the compiler makes vectors of them: the fastest that we found."""


_UNROLL = {
    Form.LOOPS: (),
    Form.UNROLLED: ("--unroll-count", "256", "--unroll-stmts", "400000"),
}


@register
class Verilator(Peer):
    """The tile in Verilog."""

    name = "verilator"
    install = "apt-get install verilator g++ make"
    note = (
        "the same tile in Verilog, compiled with -O3 for this machine, compilation not counted; it "
        "has codes only, archsim also the activity of every cycle; one sequence, one core each"
    )
    cycle_by_cycle = True
    target = 40.0
    shapes = tuple(Shape(72, 128, conversions=2000, form=form) for form in Form)

    def version(self) -> str | None:
        """Return what ``verilator --version`` says."""
        if any(shutil.which(tool) is None for tool in _TOOLS):
            return None
        return _run(["verilator", "--version"], Path.cwd()).splitlines()[0]

    @contextmanager
    def contest(self, shape: Shape) -> Iterator[Contest]:
        """Compile the tile, run the same drives through both, and compare every code."""
        run = tile_run(shape)
        with TemporaryDirectory() as name:
            folder = Path(name)
            build(run, folder, Form(shape.form))
            run.drive[0].astype(np.int8).tofile(folder / "drive.bin")
            simulate(folder, at_least=0)
            found = np.fromfile(folder / "code.bin", dtype=np.uint8).reshape(run.code[0].shape)
            checked = compare_codes("verilator", found, run.code[0])
            yield Contest(run.seconds, lambda: simulate(folder), run.cycles, checked)


def compare_codes(name: str, found: NDArray[np.uint8], ours: NDArray[np.uint16]) -> str:
    """Say how many codes are equal.

    Raises
    ------
    ArchsimError
        If not all of them are.
    """
    equal = int((found == ours).sum())
    if equal < ours.size:
        msg = f"bench: {name} finds {ours.size - equal:,} of {ours.size:,} codes different"
        raise ArchsimError(msg)
    return f"{equal:,} codes equal"


def build(run: TileRun, folder: Path, form: Form) -> None:
    """Write a tile in Verilog with its harness into a folder, and compile both."""
    for name, text in {**verilog(run), "main.cpp": HARNESS}.items():
        (folder / name).write_text(text, encoding="ascii")
    optimise = f"OPT_FAST='{OPTIMISE}' OPT_GLOBAL='{OPTIMISE}'"
    files = ("tile.sv", "main.cpp")
    _run(["verilator", *_COMPILE, *_UNROLL[form], "-MAKEFLAGS", optimise, *files], folder)


def simulate(folder: Path, *, at_least: float = TIMED) -> float:
    """Run all conversions of ``drive.bin``; return the time of one, s."""
    return float(_run(["obj/sim", "drive.bin", "code.bin", str(at_least)], folder))


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        msg = f"bench: {command[0]} took longer than {_SECONDS} s"
        raise ArchsimError(msg) from error
    if done.returncode:
        said = " ".join((done.stderr + done.stdout).split())[-1000:]
        msg = f"bench: {command[0]} failed with exit code {done.returncode}: {said}"
        raise ArchsimError(msg)
    return done.stdout
