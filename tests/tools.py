"""External programs that some tests need, and the scripts of tools/."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.runs import ROOT

REQUIRE = "ARCHSIM_REQUIRE_TOOLS"


def require_tool(name: str, package: str | None = None) -> None:
    """Skip the test where a program is missing, or fail it where tools are required.

    Parameters
    ----------
    name : str
        The program.
    package : str, optional
        Debian package that has it; the program's name by default.
    """
    if shutil.which(name):
        return
    reason = f"{name} is missing: apt-get install {package or name}"
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason} ({REQUIRE} is set)", pytrace=False)
    pytest.skip(reason)


def require_recordings() -> Path:
    """Return the folder of recorded speech that Debian has; skip or fail the test without it."""
    folder = Path("/usr/share/pocketsphinx/test/data")
    if not folder.is_dir():
        reason = "recorded speech is missing: apt-get install pocketsphinx-testdata"
        if os.environ.get(REQUIRE):
            pytest.fail(f"{reason} ({REQUIRE} is set)", pytrace=False)
        pytest.skip(reason)
    return folder


def require_package(name: str, install: str) -> Any:
    """Return a Python package; skip the test where it is missing, or fail it where it has to be.

    PyTorch, and what goes with it, has to be there where tools are required and Python is 3.11:
    there `make test-all` installs it.

    Parameters
    ----------
    name : str
        What is imported.
    install : str
        What pip is told, for the message.
    """
    if find_spec(name.partition(".")[0]) is None:
        reason = f"{name} is missing: pip install {install}"
        if os.environ.get(REQUIRE) and sys.version_info[:2] == (3, 11):
            pytest.fail(f"{reason} ({REQUIRE} is set)", pytrace=False)
        pytest.skip(reason, allow_module_level=True)
    return importlib.import_module(name)


def tool(name: str) -> Any:
    """Return a script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
