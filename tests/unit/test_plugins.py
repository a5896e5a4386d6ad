"""Are packages that add kinds to archsim told from others, with the places of their code?"""

from __future__ import annotations

import sys

import pytest

from archsim.plugins import installed, plugin_packages
from tests.extension.offered import FOLDER, offer


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put the package of the tests on the path."""
    installed.cache_clear()
    for folder in offer(tmp_path).split(":"):
        monkeypatch.syspath_prepend(folder)
    yield FOLDER / "archsim_extension"
    installed.cache_clear()


def test_a_package_is_found_by_what_it_offers_and_not_imported(package):
    assert plugin_packages()[package] == "archsim-extension"
    assert "archsim_extension" not in sys.modules


def test_other_packages_are_none():
    installed.cache_clear()
    names = set(plugin_packages().values())
    assert not names & {"numpy", "pytest", "archsim"}
