"""Does machine code on disk ever outlive its source? What if it is damaged, or cannot be kept?"""

from __future__ import annotations

import ast
import errno
import hashlib
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import archsim
from archsim.numeric.cache import folder as cache_folder
from archsim.numeric.cache import lock, store
from archsim.numeric.cache.folder import CACHE_FOLDER_VARIABLE, LOCK, TAG
from archsim.numeric.cache.lock import LockError, locked
from archsim.numeric.cache.numba_cache import switches
from archsim.numeric.cache.sources import KERNELS, Sources
from tests.runs import ROOT
from tests.tiny_package import TinyPackage, loaded

COMPILED = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return the folder in which caches of the test are made."""
    monkeypatch.setenv(CACHE_FOLDER_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # its times are too coarse for edits
    return tmp_path / "cache"


@pytest.fixture
def package(tmp_path, cache):
    return TinyPackage(tmp_path / "code")


# ---------------------------------------------------------------------------------- stale code


@COMPILED
def test_the_second_process_loads_what_the_first_compiled(package):
    for expected in (False, True):
        caller = package.start()
        assert caller.answer(5) == 16
        assert loaded(caller.answer) == expected
    assert package.told == []


@COMPILED
@pytest.mark.parametrize(
    ("before", "after", "answer"),
    [("value * FACTOR", "value - FACTOR", 3), ("FACTOR = 3", "FACTOR = 7", 36)],
    ids=["implementation", "constant"],
)
def test_an_edit_in_another_file_changes_the_answer(package, before, after, answer):
    assert package.start().answer(5) == 16
    package.edit("parts.py", before, after)
    caller = package.start()
    assert caller.answer(5) == answer
    assert not loaded(caller.answer)
    package.edit("parts.py", after, before)
    caller = package.start()
    assert caller.answer(5) == 16
    assert loaded(caller.answer), "the older code is still there"


@COMPILED
def test_fields_of_one_type_that_change_places_are_read_rightly(package):
    caller = package.start()
    assert caller.first_of(caller.Pair(first=1, second=2)) == 1
    package.edit("parts.py", "first: int\n    second: int", "second: int\n    first: int")
    caller = package.start()
    assert caller.first_of(caller.Pair(first=1, second=2)) == 1


@COMPILED
def test_a_file_that_changes_after_its_import_is_not_taken_for_what_was_imported(package, cache):
    caller = package.start()
    package.edit("parts.py", "FACTOR = 3", "FACTOR = 7")
    assert caller.answer(5) == 16  # what was imported
    assert len(package.told) == 1
    assert "changed since this program was started" in package.told[0]
    assert not list(cache.rglob("*.kernel"))
    assert package.start().answer(5) == 36


@COMPILED
def test_a_kernel_of_a_package_that_is_not_covered_is_compiled_in_memory(package, cache, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("def twice(value):\n    return 2 * value\n")
    names: dict = {}
    exec(compile(other.read_text(), str(other), "exec"), names)
    caller = package.start()
    kernel = sys.modules[caller.__package__].kernel(names["twice"])
    assert kernel(4) == 8
    assert not list(cache.rglob("*.kernel"))
    assert str(other) in package.told[0]


@COMPILED
def test_other_switches_have_a_folder_of_their_own(package, cache):
    for switch in ("a", "b"):
        caller = package.start(switch)
        assert caller.answer(5) == 16
        assert not loaded(caller.answer)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("name", ["OPT", "BOUNDSCHECK", "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX"])
def test_settings_of_numba_that_change_code_are_switches(monkeypatch, name):
    before = switches()
    monkeypatch.setattr(numba.config, name, "another")
    assert switches() != before


def test_settings_that_leave_code_alone_are_no_switches(monkeypatch):
    before = switches()
    for name in ("CACHE_DIR", "CACHE_LOCATOR_CLASSES", "NUMBA_NUM_THREADS"):
        monkeypatch.setattr(numba.config, name, "another")
    assert switches() == before
    assert any(numba.__version__ in word for word in before)


def test_the_digest_tells_names_and_contents_apart(tmp_path):
    def digest(**files):
        root = tmp_path / str(len(list(tmp_path.iterdir()))) / "package"
        root.mkdir(parents=True)
        for name, text in files.items():
            (root / f"{name}.py").write_text(text)
        return Sources(root).digest("switch")

    assert digest(a="1", b="2") == digest(a="1", b="2"), "wherever it is installed"
    different = [digest(a="1", b="2"), digest(a="2", b="1"), digest(a="12", b=""), digest(a="12")]
    assert len({*different}) == len(different)


def test_another_package_gives_another_digest(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text(name)
    sources = Sources(tmp_path / "one")
    sources.cover(tmp_path / "two")
    assert sources.has(str(tmp_path / "two/code.py"))
    assert sources.digest() != Sources(tmp_path / "one").digest()
    before = sources.digest(), sources.version
    sources.cover(tmp_path / "two")
    assert (sources.digest(), sources.version) == before
    sources.cover(tmp_path / "three")
    assert sources.digest() != before[0]
    assert sources.version == before[1] + 1


def test_jitted_files_take_constants_and_types_from_files_that_the_digest_covers():
    """Whatever else they import comes with a version that is a part of the digest."""
    rooms = Path(archsim.__file__).parent
    jit = {"kernel", "leaf", "inlined", "njit", "jit", "vectorize", "overload", "intrinsic"}
    allowed = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
    found = 0
    for path in rooms.rglob("*.py"):
        names = _imports(ast.parse(path.read_text()))
        if not KERNELS.has(str(path)):
            taken = {
                name.rpartition(".")[2] for name in names if name.startswith("archsim.numeric")
            }
            assert not taken & jit, f"{path} makes kernels, but the digest does not cover it"
            continue
        found += 1
        for name in names:
            top = name.partition(".")[0]
            mine = name.startswith(("archsim.kernels", "archsim.numeric", "archsim.vocabulary"))
            mine |= bool(re.match(r"archsim\.chip\.\w+\.\w+\.kernel", name))
            assert top in allowed or mine, f"{path} imports {name}"
    assert found > 20


def _imports(tree: ast.AST) -> set[str]:
    """Return what a file imports, by full names."""
    out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            out |= {f"{node.module}.{alias.name}" for alias in node.names}
    return out


# ------------------------------------------------------------------------------- nowhere to keep


@COMPILED
def test_numba_is_offered_no_other_folder(package, tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "InTreeCacheLocator")
    for expected in (False, True):
        caller = package.start()
        assert caller.answer(5) == 16
        assert loaded(caller.answer) == expected
    assert not (tmp_path / "numba").exists()
    assert not list(package.folder.rglob("*.nb?"))


@COMPILED
def test_a_file_in_the_place_of_the_folder_leaves_the_answer_right(package, cache):
    cache.write_text("precious")
    for _ in range(2):
        caller = package.start()
        assert (caller.answer(5), caller.first_of(caller.Pair(8, 9))) == (16, 8)
        assert not loaded(caller.answer)
    package.edit("parts.py", "FACTOR = 3", "FACTOR = 7")
    assert package.start().answer(5) == 36
    assert cache.read_text() == "precious"
    assert not list(package.folder.rglob("*.nb?"))
    assert len(package.told) == 3, "one sentence a process"
    assert "Not a directory" in package.told[0]
    assert f"set {CACHE_FOLDER_VARIABLE}" in package.told[0]


def _fail(code: int):
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@COMPILED
@pytest.mark.parametrize(
    ("where", "what", "code"),
    [
        (cache_folder.Path, "mkdir", errno.EROFS),
        (cache_folder.Path, "mkdir", errno.EACCES),
        (store, "write_whole", errno.ENOSPC),
        (cache_folder, "write_whole", errno.ENOSPC),
        (lock.fcntl, "flock", errno.ENOLCK),
    ],
    ids=["read-only", "not allowed", "no space", "no space for the mark", "no lock"],
)
def test_what_cannot_be_kept_is_compiled_in_memory(package, monkeypatch, where, what, code):
    monkeypatch.setattr(where, what, _fail(code))
    caller = package.start()
    assert (caller.answer(5), caller.first_of(caller.Pair(8, 9))) == (16, 8)
    assert len(package.told) == 1
    assert os.strerror(code) in package.told[0]
    monkeypatch.undo()


@COMPILED
def test_a_system_without_locks_keeps_nothing(package, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    assert package.start().answer(5) == 16
    assert "no locks" in package.told[0]


@COMPILED
def test_a_cache_that_can_only_be_read_is_used(package, monkeypatch):
    assert package.start().answer(5) == 16
    opened = os.open

    def read_only(path, flags, *rest, **more):
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", read_only)
    caller = package.start()
    assert caller.answer(5) == 16
    assert loaded(caller.answer)
    assert package.told == []
    assert caller.first_of(caller.Pair(8, 9)) == 8  # is not there and cannot be kept
    assert len(package.told) == 1


def test_a_real_kernel_says_once_that_it_is_not_kept(tmp_path):
    """The package's own decorators, in a process of their own."""
    beside = Path(archsim.__file__).parent / "numeric/__pycache__"
    before = {*beside.glob("*.nb?")}
    code = (
        "from archsim.numeric.fixed import pulse_width, saturate;"
        "print(saturate(5, 3), pulse_width(7, 8, 15))"
    )
    (tmp_path / "file").touch()
    environment = {
        **os.environ, CACHE_FOLDER_VARIABLE: str(tmp_path / "file"), "NUMBA_DISABLE_JIT": "0",
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True,
        env=environment,
    )  # fmt: skip
    assert done.stdout == "3 13\n"
    assert done.stderr.startswith("archsim: compiled kernels are not kept for the next run")
    assert done.stderr.count("\n") == 1
    assert {*beside.glob("*.nb?")} == before
    assert not (tmp_path / "numba").exists()


# ---------------------------------------------------------------------------------- damaged files


def _sealed(data: bytes) -> bytes:
    return store._HEAD + hashlib.sha256(data).digest() + data


@COMPILED
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda whole: whole[:20],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: whole[:200] + bytes([whole[200] ^ 64]) + whole[201:],
        lambda whole: bytes(len(whole)),
        lambda _: _sealed(b"no pickle"),
        lambda _: _sealed(pickle.dumps(("another key", ()))),
    ],
    ids=["empty", "head", "half", "last bit", "some bit", "zeros", "no pickle", "other key"],
)
def test_a_damaged_file_is_compiled_anew(package, cache, damage):
    assert package.start().answer(5) == 16
    files = list(cache.rglob("*.kernel"))
    assert len(files) == 2
    for path in files:
        path.write_bytes(damage(path.read_bytes()))
    for expected in (False, True):
        caller = package.start()
        assert caller.answer(5) == 16
        assert loaded(caller.answer) == expected
    assert package.told == []


@COMPILED
def test_a_folder_that_is_removed_while_it_is_used_is_made_again(package, cache):
    caller = package.start()
    (folder,) = cache.iterdir()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert caller.answer(5) == 16
    assert (folder / TAG).exists()
    assert len(list(folder.glob("*.kernel"))) == 2
    assert package.told == []


# ------------------------------------------------------------------------------- many processes


def test_locks_keep_others_out_unless_they_are_shared(tmp_path):
    path = tmp_path / LOCK
    with locked(path), pytest.raises(LockError, match="another process"), locked(path, wait=0.02):
        pass
    with locked(path, shared=True), locked(path, shared=True, wait=0.0):
        pass
    with locked(path, wait=0.0):
        pass


COLD = """
import os, sys
from pathlib import Path
import numba
from tests.tiny_package import TinyPackage

sys.dont_write_bytecode = True
numba.njit(lambda value: value + 1)(1)  # what every process would set up first
packages = []
for kind in range(4):
    packages.append(TinyPackage(Path(sys.argv[1]) / str(kind)))
    packages[-1].edit("parts.py", "FACTOR = 3", f"FACTOR = {kind + 3}")
hold, go = os.pipe()
children = []
for number in range(16):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(hold, 1)  # until all are there
        package = packages[number % 4]
        good = package.start().answer(5) == 5 * (number % 4 + 3) + 1 and not package.told
        os._exit(0 if good else 1)
    children.append(child)
os.close(go)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_sixteen_cold_processes_of_four_kinds_agree(tmp_path, cache):
    """Four packages of one name, kernels and types alike, in one folder of caches."""
    done = subprocess.run(
        [sys.executable, "-c", COLD, str(tmp_path)], capture_output=True, text=True, cwd=ROOT,
        check=True, env={**os.environ, "NUMBA_DISABLE_JIT": "0"},
    )  # fmt: skip
    assert done.stdout == f"{[0] * 16}\n", done.stderr
    assert len(list(cache.iterdir())) == 4
    assert len(list(cache.rglob("*.kernel"))) == 8
    assert not list(cache.rglob("*.part"))
