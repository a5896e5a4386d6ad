"""Are the undocumented parts of Numba and pydantic that archsim relies on still there?

A version that fails here is kept out by the bounds in pyproject.toml until archsim is adapted.
"""

from __future__ import annotations

import inspect
import tomllib
from importlib.metadata import version
from typing import Any

import numba
import numpy as np
import pytest
from pydantic import BaseModel

from tests.runs import ROOT

COMPILED = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


def relied_on(what: str, where: str) -> str:
    """Return the sentence that a failure says."""
    return (
        f"Numba {numba.__version__} does not have {what} as archsim/numeric/{where} relies on: "
        "adapt that file, or keep this version out in pyproject.toml"
    )


def _increment(value):
    return value + 1


def test_the_bounds_are_those_that_were_tried():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert "numba>=0.61,<0.70" in wanted
    assert "pydantic>=2.9,<3" in wanted
    major, minor = version("numba").split(".")[:2]
    assert (0, 61) <= (int(major), int(minor)) < (0, 70), "this version of Numba was not tried"


def test_options_without_reference_counts_and_with_forced_inlining():
    from numba.core.registry import cpu_target

    options = cpu_target.options
    for name in ("_nrt", "forceinline", "nogil", "inline"):
        assert hasattr(options, name), relied_on(f"the option {name}", "jit.py")


def _last_of_a_part(array):
    return array[1:][-1]


@COMPILED
def test_options_have_their_effect():
    plain: Any = numba.njit(_last_of_a_part)
    made: Any = numba.njit(_nrt=False, forceinline=True, nogil=True)(_last_of_a_part)
    array = np.arange(3)
    assert made(array) == plain(array) == 2
    counted, bare = (str(each.inspect_llvm(each.signatures[0])) for each in (plain, made))
    assert "NRT_decref" in counted
    assert "NRT_decref" not in bare, relied_on("_nrt=False", "jit.py")
    assert "alwaysinline" in bare, relied_on("forceinline=True", "jit.py")


@COMPILED
def test_events_of_the_compiler():
    from numba.core import event

    seen = []

    class Listener(event.Listener):
        def on_start(self, event):
            seen.append(event.kind)

        def on_end(self, event):
            seen.append(event.kind)

    kinds = ("numba:compiler_lock", "numba:compile")
    listener = Listener()
    for kind in kinds:
        event.register(kind, listener)
    try:
        numba.njit(lambda value: value - 1)(1)
    finally:
        for kind in kinds:
            event.unregister(kind, listener)
    for kind in kinds:
        assert seen.count(kind) >= 2, relied_on(f"the event {kind}", "jit.py")
    assert seen[0] == "numba:compiler_lock", relied_on("a lock around compiling", "jit.py")


def test_the_interface_of_a_cache():
    from numba.core import caching

    from archsim.numeric.cache.numba_cache import KernelCache

    asked = getattr(getattr(caching, "_Cache", None), "__abstractmethods__", None)
    assert asked is not None, relied_on("numba.core.caching._Cache", "cache/numba_cache.py")
    missing = [name for name in asked if name not in vars(KernelCache)]
    assert not missing, relied_on(f"a cache without {missing}", "cache/numba_cache.py")
    for name, parameters in (("load_overload", 3), ("save_overload", 3), ("flush", 1)):
        found = len(inspect.signature(getattr(caching._Cache, name)).parameters)
        assert found == parameters, relied_on(f"{name}()", "cache/numba_cache.py")


@COMPILED
def test_a_dispatcher_asks_the_cache_that_it_is_given():
    from numba.core import caching

    asked = []

    class Recorder(caching.NullCache):
        def load_overload(self, sig, target_context):
            asked.append(("load", sig, target_context.codegen().magic_tuple()))

        def save_overload(self, sig, data):
            asked.append(("save", sig, data.codegen.magic_tuple()))
            assert not data.lifted
            assert data.library.has_dynamic_globals is False

    made: Any = numba.njit(_increment)
    assert hasattr(made, "_cache"), relied_on("Dispatcher._cache", "jit.py")
    made._cache = Recorder()
    made(1)
    assert [what for what, *_ in asked] == ["load", "save"], relied_on(
        "Dispatcher._cache", "jit.py"
    )
    assert asked[0][1:] == asked[1][1:], relied_on("one key a signature", "cache/numba_cache.py")
    hits = made.stats.cache_misses
    assert sum(hits.values()) == 1


@COMPILED
def test_compiled_code_can_be_taken_apart_and_put_together():
    from numba.core import compiler, serialize

    made: Any = numba.njit(_increment)
    made(1)
    (found,) = made.overloads.values()
    for name in ("_reduce", "_rebuild"):
        assert hasattr(compiler.CompileResult, name), relied_on(name, "cache/numba_cache.py")
    parts = found._reduce()
    assert serialize.dumps(parts)
    again = compiler.CompileResult._rebuild(found.target_context, *parts)
    assert again.entry_point(4) == 5, relied_on("_rebuild", "cache/numba_cache.py")


def test_settings_that_are_switches_of_the_cache():
    for name in ("OPT", "BOUNDSCHECK", "CPU_NAME", "CPU_FEATURES", "DISABLE_JIT", "USING_SVML"):
        assert hasattr(numba.config, name), relied_on(f"config.{name}", "cache/numba_cache.py")


def test_what_writes_vector_code():
    """Where one of these is missing kernels get plain loops; see `archsim.numeric.inner.choice`."""
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.core.registry import cpu_target
    from numba.extending import intrinsic, overload

    assert callable(intrinsic)
    for name in ("jit_options", "strict"):
        assert name in inspect.signature(overload).parameters, relied_on(name, "dispatch.py")
    for name in ("alloca_once_value", "create_struct_proxy", "for_range"):
        assert hasattr(cgutils, name), relied_on(f"cgutils.{name}", "inner/llvm.py")
    for name, parameter in (("gep", "source_etype"), ("load", "typ")):
        known = inspect.signature(getattr(ir.IRBuilder, name)).parameters
        assert parameter in known, f"llvmlite's {name} does not take a type as inner/llvm.py gives"
    context = cpu_target.target_context
    for name in ("codegen", "get_dummy_value", "get_value_type"):
        assert hasattr(context, name), relied_on(f"target_context.{name}", "inner/llvm.py")
    processor, features = context.codegen().magic_tuple()[1:]
    assert processor, relied_on("magic_tuple()", "inner/llvm.py")
    assert not features or features[0] in "+-", relied_on("magic_tuple()", "inner/llvm.py")
    assert types.intp.bitwidth == 64, "vector code is written for 64-bit machines"


def test_pydantic_shows_its_schema():
    class Model(BaseModel):
        number: int

    schema: Any = getattr(Model, "__pydantic_core_schema__", None)
    assert schema is not None, "config/validate.py walks through a model's core schema"
    assert schema["type"] == "model"
    assert schema["schema"]["fields"]["number"]["schema"]["type"] == "int"
