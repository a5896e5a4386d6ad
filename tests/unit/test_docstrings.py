"""Does everything that a program takes from archsim say its parameters and errors, by an example?

The examples run as they are printed, in a folder with a trace of a few sequences; where one shows
what it prints, that has to be printed.
"""

from __future__ import annotations

import doctest
import inspect
import math
import re
import shutil
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim.config.activations import ACTIVATIONS
from archsim.devices.base import DEVICES

FACE = {name: getattr(archsim, name) for name in archsim.__all__ if name != "__version__"}
_SECTION = r"\n{}\n-+\n"


def methods_of(cls):
    """Return the public methods that a class defines by their names, properties left out."""
    found = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    plain = {name: getattr(value, "__func__", value) for name, value in found.items()}
    return {name: value for name, value in plain.items() if inspect.isfunction(value)}


def properties_of(cls):
    kinds = property | cached_property
    return {n: v for n, v in vars(cls).items() if not n.startswith("_") and isinstance(v, kinds)}


FUNCTIONS = {
    **{name: item for name, item in FACE.items() if inspect.isfunction(item)},
    **{f"{name}.{method}": function
       for name, item in FACE.items() if inspect.isclass(item)
       for method, function in methods_of(item).items()},
}  # fmt: skip
CLASSES = {name: item for name, item in FACE.items() if inspect.isclass(item)}


def has(docstring, section):
    return re.search(_SECTION.format(section), docstring) is not None


def examples_of(item):
    return doctest.DocTestParser().get_examples(inspect.getdoc(item) or "")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_its_parameters_its_result_and_its_errors(name):
    function = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    assert text, "it has no docstring"
    parameters = [each for each in inspect.signature(function).parameters if each != "self"]
    section = text.partition("\nParameters\n")[2]
    missing = [each for each in parameters if not re.search(rf"\b{each}\b", section)]
    assert not missing, "these parameters are not described"
    returns = inspect.signature(function).return_annotation not in {"None", None, "NoReturn"}
    first = text.partition("\n")[0]
    says_what = has(text, "Returns") or re.match(r"(Return|Yield|Build|Open) ", first)
    assert says_what or not returns, "it does not say what it returns"
    raises = re.search(r"^\s+raise \w", inspect.getsource(function), re.MULTILINE)
    assert has(text, "Raises") or not raises, "it does not say what it raises"


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_its_attributes(name):
    cls = CLASSES[name]
    text = inspect.getdoc(cls) or ""
    fields = [field for field in getattr(cls, "__dataclass_fields__", {}) if field[0] != "_"]
    described = text.partition("\nAttributes\n")[2] + text.partition("\nParameters\n")[2]
    assert [each for each in fields if not re.search(rf"\b{each}\b", described)] == []
    undocumented = [each for each, value in properties_of(cls).items() if not inspect.getdoc(value)]
    assert undocumented == []


@pytest.mark.parametrize("name", FACE)
def test_it_has_an_example_that_uses_what_it_offers(name):
    item = FACE[name]
    examples = examples_of(item)
    assert examples, "it has no example"
    if inspect.isclass(item):
        code = "".join(each.source for each in examples)
        for method, function in methods_of(item).items():
            used = re.search(rf"(\.|def ){method}\(", code) or examples_of(function)
            assert used, f"no example has {method}"


class Compare(doctest.OutputChecker):
    """Compares what an example prints where it shows something."""

    def check_output(self, want, got, optionflags):
        return not want or super().check_output(want, got, optionflags)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("examples") / "kws.h5"
    archsim.run("kws", set={"workload.sequences": 12, "trace.waveforms": True}, out=path)
    return path


@pytest.fixture
def folder(trace, tmp_path):
    """A folder of its own for each example, with what one run left."""
    (tmp_path / "traces").mkdir()
    shutil.copy(trace, tmp_path / "traces")
    return tmp_path


@pytest.mark.parametrize("name", list({**FACE, **FUNCTIONS}))
def test_its_examples_run(name, folder, monkeypatch):
    item = {**FACE, **FUNCTIONS}[name]
    examples = examples_of(item)
    monkeypatch.chdir(folder)
    for kinds in (ACTIVATIONS, DEVICES):
        monkeypatch.setattr(kinds, "_known", dict(kinds.all()))
    known = {"archsim": archsim, "np": np, "math": math, "Path": Path}
    test = doctest.DocTest(examples, known, name, None, 0, inspect.getdoc(item) or "")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    said = []
    doctest.DocTestRunner(Compare(), optionflags=flags).run(test, out=said.append)
    assert said == [], "".join(said)


def test_an_example_that_is_wrong_is_found():
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    said = []
    doctest.DocTestRunner(Compare()).run(wrong, out=said.append)
    assert "Expected:\n    3" in "".join(said)
