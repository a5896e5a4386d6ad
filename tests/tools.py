"""External programs that some tests need."""

from __future__ import annotations

import os
import shutil

import pytest

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
