"""Do kernels find the code of a kind by the type of its arrays, and never code that is not its own?

The caches of compiled code are tried in processes of their own, with a package whose files change.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

from archsim.numeric.cache.folder import CACHE_FOLDER_VARIABLE
from archsim.numeric.dispatch import KindError, by_type, implements, kinds_of
from archsim.numeric.jit import start
from tests.runs import ROOT

COMPILED = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


class One(NamedTuple):
    first: Any
    second: int


class Other(NamedTuple):
    first: Any


class Unknown(NamedTuple):
    first: Any


@by_type
def weigh(arrays, factor):
    """Return something of the arrays."""


@by_type(default=True)
def name_of(arrays):
    return 7


@implements(weigh, One)
def weigh_one(arrays, factor):
    return arrays.first[0] * factor + arrays.second


@implements(weigh, Other)
def weigh_other(arrays, factor):
    return arrays.first.sum() - factor


@implements(name_of, Other)
def name_other(arrays):
    return arrays.first.size


ARRAY = np.array([5, 6])


def test_the_interpreter_chooses_by_the_class():
    assert weigh(One(ARRAY, 3), 2) == 13
    assert weigh(Other(ARRAY), 2) == 9
    assert name_of(One(ARRAY, 3)) == 7
    assert name_of(Other(ARRAY)) == 2


@COMPILED
def test_compiled_code_is_that_of_the_class():
    start()

    @numba.njit
    def caller(arrays, factor):
        return weigh(arrays, factor) * 100 + name_of(arrays)

    assert caller(One(ARRAY, 3), 2) == 1307
    assert caller(Other(ARRAY), 2) == 902


def test_a_class_that_nothing_is_given_for_is_named():
    with pytest.raises(KindError, match=r"weigh is not given for .*Unknown"):
        weigh(Unknown(ARRAY), 2)
    assert kinds_of(weigh).has_code_for(One)
    assert not kinds_of(weigh).has_code_for(Unknown)


def test_other_parameters_are_refused():
    with pytest.raises(KindError, match=r"weigh has the parameters \('arrays', 'factor'\)"):
        implements(weigh, Unknown)(lambda arrays, weight: arrays)  # noqa: ARG005


def test_code_is_given_once():
    with pytest.raises(KindError, match="weigh of One is given already"):
        implements(weigh, One)(lambda arrays, factor: factor)  # noqa: ARG005
    assert implements(weigh, One)(weigh_one) is weigh_one  # a module that is loaded again


# ------------------------------------------------------------------------- caches on disk

BASE = """
from archsim.numeric.dispatch import by_type
from archsim.numeric.jit import kernel

@by_type
def weigh(arrays, factor): ...

@kernel
def total(arrays, count):
    out = 0
    for factor in range(count):
        out += weigh(arrays, factor)
    return out
"""
KIND = """
from typing import NamedTuple
from {package}.base import weigh
from archsim.numeric.dispatch import implements

FACTOR = {factor}

class {name}(NamedTuple):
    {fields}

@implements(weigh, {name})
def _weigh(arrays, factor):
    return {code}
"""
RUN = """
import sys
from pathlib import Path
from archsim.numeric.cache.sources import KERNELS
sys.path.insert(0, {folder!r})
for package in {packages!r}:
    KERNELS.cover(Path({folder!r}) / package)
import numpy as np
from base_package import base
for package, name in {kinds!r}:
    module = __import__(f"{{package}}.kind", fromlist=["kind"])
    arrays = getattr(module, name)
    print(base.total(arrays(10, 20), 4))
stats = base.total.stats
print("hits", sum(stats.cache_hits.values()), "misses", sum(stats.cache_misses.values()))
"""


def write_package(folder: Path, package: str, name: str, **changes: Any) -> None:
    settings = {
        "name": name,
        "package": "base_package",
        "factor": 3,
        "fields": "first: int\n    second: int",
        "code": "arrays.first * factor + arrays.second * FACTOR",
        **changes,
    }
    (folder / package).mkdir(exist_ok=True)
    (folder / package / "__init__.py").write_text("")
    (folder / package / "kind.py").write_text(KIND.format(**settings))


@pytest.fixture
def packages(tmp_path):
    """A package of the function that kinds give code for, and one kind in a package of its own."""
    (tmp_path / "base_package").mkdir()
    (tmp_path / "base_package/__init__.py").write_text("")
    (tmp_path / "base_package/base.py").write_text(BASE)
    write_package(tmp_path, "kind_package", "Kind")
    return tmp_path


def numbers(folder: Path, *kinds: tuple[str, str]) -> list[str]:
    """Return what the kernel gives for the kinds in a process, and whether it was compiled."""
    kinds = kinds or (("kind_package", "Kind"),)
    covered = ["base_package", *dict.fromkeys(package for package, _ in kinds)]
    code = RUN.format(folder=str(folder), packages=covered, kinds=list(kinds))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
        env={**os.environ, CACHE_FOLDER_VARIABLE: str(folder / "cache"), "NUMBA_DISABLE_JIT": "0"},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


BY_HAND = "300"  # 10 * (0 + 1 + 2 + 3) + 4 * 20 * 3


@COMPILED
def test_a_second_process_loads_what_the_first_compiled(packages):
    assert numbers(packages) == [BY_HAND, "hits 0 misses 1"]
    assert numbers(packages) == [BY_HAND, "hits 1 misses 0"]


@COMPILED
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"code": "arrays.first * factor - arrays.second"}, "-20"),
        ({"fields": "second: int\n    first: int"}, "240"),
        ({"factor": 5}, "460"),
    ],
    ids=["an implementation is edited", "fields change places", "a constant changes"],
)
def test_code_of_before_is_not_loaded(packages, changes, expected):
    assert numbers(packages)[0] == BY_HAND
    write_package(packages, "kind_package", "Kind", **changes)
    assert numbers(packages) == [expected, "hits 0 misses 1"]
    write_package(packages, "kind_package", "Kind")
    assert numbers(packages)[0] == BY_HAND


@COMPILED
def test_a_kind_that_is_taken_away_leaves_the_others_running(packages):
    write_package(packages, "plug_in", "Plug", code="arrays.first")
    both = ("kind_package", "Kind"), ("plug_in", "Plug")
    assert numbers(packages, *both)[:2] == [BY_HAND, "40"]
    (packages / "plug_in/kind.py").unlink()
    assert numbers(packages)[0] == BY_HAND
    assert numbers(packages)[0] == BY_HAND


@COMPILED
@pytest.mark.slow
def test_cold_processes_with_four_kinds_in_one_folder_get_their_own_code(packages):
    expected = {}
    for number in range(4):
        write_package(packages, f"package_{number}", "Kind", factor=number)
        expected[number] = str(60 + 80 * number)

    def run(number: int) -> None:
        assert numbers(packages, (f"package_{number % 4}", "Kind"))[0] == expected[number % 4]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(16)))
