"""Do names of archsim's modules, classes and functions in its texts stand for something?"""

from __future__ import annotations

import ast
import importlib
import re

import pytest

from tests.pages import PAGES
from tests.runs import ROOT

_DOTTED = re.compile(r"`(archsim(?:\.\w+)+)`")
_PLACE = re.compile(r"`(archsim/[\w/]+\.py)`(?:, `(\w+)`)?")
GROUPS = {f"archsim.{group}" for group in ("layers", "converters", "activations", "importers")}
"""Groups of entry points that are no modules."""


def stands_for_something(name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            fields = {**getattr(found, "model_fields", {}), **getattr(found, "__annotations__", {})}
            if part in fields:
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


TEXTS = [*PAGES, *sorted((ROOT / "archsim").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]


def test_dotted_names_stand_for_something():
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in TEXTS
        for name in _DOTTED.findall(path.read_text())
        if name not in GROUPS and not stands_for_something(name)
    }
    assert wrong == set()


def names_in(path):
    tree = ast.parse(path.read_text())
    kinds = ast.FunctionDef | ast.ClassDef
    defined = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
    fields = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    return defined | fields


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_what_is_said_to_be_in_them_exist(page):
    wrong = []
    for file, name in _PLACE.findall(page.read_text()):
        path = ROOT / file
        if not path.exists() or (name and name not in names_in(path)):
            wrong.append((file, name))
    assert wrong == []


def test_a_name_that_is_gone_is_found():
    assert stands_for_something("archsim.devices.DeviceModel")
    assert not stands_for_something("archsim.devices.DeviceMode")
    assert not stands_for_something("archsim.kernels.arrays.Activity")
    assert "program_crossbar" in names_in(ROOT / "archsim/chip/mapping.py")
