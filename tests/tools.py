"""External programs that some tests need, and the scripts of tools/."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
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


def tool(name: str) -> Any:
    """Return a script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
