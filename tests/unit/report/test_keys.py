"""Is the page of all keys what the sections say, and does `archsim keys` answer by name?"""

from __future__ import annotations

import json
import re

from archsim.config.reference import all_keys, functions
from archsim.report.keys import keys_page
from tests.runs import ROOT

PAGE = ROOT / "docs" / "configuration.md"
_BAR = re.compile(r"(?<!\\)\|")


def test_the_page_is_what_is_generated():
    assert PAGE.read_text(encoding="utf-8") == keys_page(all_keys()), "run 'make schema'"


def test_the_page_has_a_row_for_every_key_and_function():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    named = [line for line in rows if line.startswith("| `")]
    assert len(named) == sum(len(section.keys) for section in all_keys()) + len(functions())
    assert {len(_BAR.findall(line)) for line in rows} == {6, 4}  # no cell has a bar of its own


def test_a_key_is_shown_with_all_that_is_known_of_it(archsim):
    code, out, _ = archsim("keys", "adc.comparator.noise_sigma")
    assert code == 0
    text = " ".join(out.split())
    assert "adc.comparator.noise_sigma 0 V 0 V .. 100 V standard deviation of the noise" in text
    code, out, _ = archsim("keys", "node")
    assert "required (m)" in " ".join(out.split())


def test_all_keys_are_printed_without_a_name(archsim):
    code, out, _ = archsim("keys", "--json")
    assert code == 0
    found = json.loads(out)["keys"]
    assert len(found) == sum(len(section.keys) for section in all_keys())
    (bits,) = (each for each in found if each["path"] == "adc.bits")
    assert (bits["section"], bits["default"], bits["unit"]) == ("adc", "required", "")
    code, out, _ = archsim("keys")
    assert all(section.path in out for section in all_keys())


def test_the_page_is_printed_to_be_written(archsim):
    assert archsim("keys", "--markdown")[:2] == (0, PAGE.read_text(encoding="utf-8"))
    code, _, err = archsim("keys", "adc", "--markdown")
    assert (code, err.count("\n")) == (2, 1)
    assert "--markdown" in err


def test_a_key_that_is_not_there_is_told_with_the_nearest(archsim):
    code, out, err = archsim("keys", "adc.bitz")
    assert (code, out) == (2, "")
    assert err.startswith(
        "archsim: there is no key, section or kind 'adc.bitz' (did you mean adc.bits"
    )
