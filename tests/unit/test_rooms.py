"""Do the rooms of archsim import in one direction only, and do files and functions stay small?

The rooms from the top are `ORDER`; what is not a room of its own is the ground floor. Imports
inside functions count too, and so do those for type checkers.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import archsim

ROOT = Path(archsim.__file__).parent
ORDER = (
    ("cli", "__main__", "commands", "options", "console"),
    ("api",),
    ("experiments",),
    ("report",),
    ("bench",),
    ("spice",),
    ("analysis",),
    ("simulation",),
    ("chip",),
    ("transfer",),
    ("workloads", "network", "devices", "costs"),
    ("config",),
    ("trace",),
    ("kernels",),
    ("numeric",),
)
FLOOR = {room: len(ORDER) - number for number, rooms in enumerate(ORDER) for room in rooms}
JITTED = {"kernel", "leaf", "inlined", "by_type", "implements"}
MOST_ARGUMENTS, MOST_LINES, LONGEST_FUNCTION = 8, 400, 60


@cache
def modules() -> dict[str, ast.Module]:
    """Return every module by its name below archsim."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text())
    return found


def imported(tree: ast.AST, *, only_when_imported: bool = False) -> Iterator[str]:
    """Yield the full names that a module imports, everywhere or when it is itself imported."""
    for node in ast.iter_child_nodes(tree):
        if only_when_imported and (
            isinstance(node, ast.FunctionDef)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        ):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inside = f"{node.module}.{alias.name}".removeprefix("archsim.")
                yield f"archsim.{inside}" if inside in modules() else str(node.module)
        else:
            yield from imported(node, only_when_imported=only_when_imported)


def room(name: str) -> str:
    return name.partition(".")[0]


def pairs() -> Iterator[tuple[str, str]]:
    """Yield who imports whom among archsim's modules."""
    for name, tree in modules().items():
        for other in {*imported(tree)}:
            if other == "archsim" or not other.startswith("archsim."):
                continue
            yield name, other.removeprefix("archsim.")


def test_no_room_imports_a_higher_one():
    wrong = [
        f"{name} imports {other}"
        for name, other in sorted(pairs())
        if name  # the package itself offers what a program uses
        if FLOOR.get(room(name), 0) < FLOOR.get(room(other), 0)
    ]
    assert not wrong, "\n".join(wrong)


KINDS = ("chip.layers.", "chip.converters.", "workloads.")


def is_of_a_kind(name: str) -> bool:
    """Return whether a module stands in the folder of a kind."""
    return any(name.startswith(group) and "." in name.removeprefix(group) for group in KINDS)


NEVER = {
    "network or config a kind": lambda a, b: room(a) in {"network", "config"} and is_of_a_kind(b),
    "analysis simulation or chip": lambda a, b: (
        room(a) == "analysis" and room(b) in {"simulation", "chip"}
    ),
    "report simulation": lambda a, b: room(a) == "report" and room(b) == "simulation",
    "costs or devices kernels": lambda a, b: (
        room(a) in {"costs", "devices"} and room(b) == "kernels"
    ),
    "another kind": lambda a, b: (
        is_of_a_kind(a) and is_of_a_kind(b) and a.split(".")[:-1] != b.split(".")[:-1]
    ),
    "a kind, from the outside": lambda a, b: not is_of_a_kind(a) and is_of_a_kind(b),
}


@pytest.mark.parametrize("what", NEVER)
def test_what_never_imports_what(what):
    allowed = {
        # A benchmark's peer and a netlist are of one kind, and say so.
        ("spice.excerpt", "chip.converters.ramp.cost"),
    }
    wrong = [pair for pair in sorted(pairs()) if NEVER[what](*pair) and pair not in allowed]
    assert not wrong, f"{what}: {wrong}"


def test_commands_call_the_face_and_nothing_else():
    beside = {"api", "console", "errors", "exits", "options"}
    wrong = [
        (name, other)
        for name, other in sorted(pairs())
        if name.startswith("commands.") and room(other) not in beside
    ]
    assert not wrong


OF_TRACES = {"trace.trace", "trace.summary"}
"""Modules of the room of traces that whoever reads a trace takes: the others know its file."""
TO_WRITE = {
    "trace.layout": {"simulation.recording.groups", "simulation.recording.layout"},
    "trace.repeated": {"simulation.recording.cycles", "simulation.recording.groups"},
    "trace.writer": {"simulation.recording.recorded", "simulation.simulate"},
}
"""Modules that a file is written with, and who writes: these alone, and they read nothing."""


def test_who_reads_a_trace_knows_nothing_of_its_file():
    wrong = [
        f"{name} imports {other}"
        for name, other in sorted(pairs())
        if room(other) == "trace" and room(name) != "trace"
        if other not in OF_TRACES and name not in TO_WRITE.get(other, set())
    ]
    assert not wrong, "\n".join(wrong)


def test_who_is_said_to_write_traces_does():
    listed = {(name, other) for other, names in TO_WRITE.items() for name in names}
    assert listed <= {*pairs()}


def test_hdf5_and_rich_stay_in_their_rooms():
    for name, tree in modules().items():
        tops = {other.partition(".")[0] for other in imported(tree)}
        h5py_may = room(name) in {"trace", "workloads"} or name.startswith("network.importers")
        assert "h5py" not in tops or h5py_may, name
        assert "rich" not in tops or name in {"report.render", "console"}, name


def test_nothing_is_imported_in_a_circle():
    graph: dict[str, set[str]] = defaultdict(set)
    for name, tree in modules().items():
        for other in imported(tree, only_when_imported=True):
            inside = other.removeprefix("archsim.")
            if other.startswith("archsim.") and inside in modules() and inside != name:
                graph[name].add(inside)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"a circle: {' -> '.join((*path[path.index(name) :], name))}"
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(modules()):
        visit(name, ())


def length_of(function: ast.FunctionDef) -> int:
    """Return the lines of a function from its first to its last, its docstring left out."""
    said = function.body[0] if ast.get_docstring(function) else None
    documented = said.end_lineno - said.lineno + 1 if said else 0
    return function.end_lineno - function.lineno + 1 - documented


def test_files_and_functions_are_small():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= MOST_LINES, f"{path} is too long"
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert length_of(node) <= LONGEST_FUNCTION, f"{name}.{node.name} is too long"


def test_kernels_have_few_arguments():
    seen = 0
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            marks = {ast.unparse(mark).partition("(")[0] for mark in node.decorator_list}
            if marks & JITTED:
                seen += 1
                count = len(node.args.args) + len(node.args.kwonlyargs)
                assert count <= MOST_ARGUMENTS, f"{name}.{node.name} has {count} arguments"
    assert seen > 80
