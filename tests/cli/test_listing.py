"""Are lists in messages cut to what a reader takes in?"""

from __future__ import annotations

from archsim.listing import listed, shortened
from archsim.notes import note, when_noted


def test_a_short_list_stays_whole():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", 2, 0.5]) == "a, 2, 0.5"


def test_of_a_long_list_the_others_are_counted():
    text = listed(f"layer{n}.weight" for n in range(2000))
    assert text.startswith("layer0.weight, layer1.weight, ")
    named = text.removesuffix(" more").rpartition(" and ")
    assert int(named[2].replace(",", "")) == 2000 - len(named[0].split(", "))
    assert len(text) < 150


def test_a_long_name_is_cut():
    assert listed(["x" * 73_000]) == shortened("x" * 73_000) == "x" * 67 + "..."
    assert listed(["x" * 73_000, "y"]) == "x" * 67 + "..., y"


def test_a_note_is_told_once():
    told: list[str] = []
    when_noted(told.append)
    note("one")
    note("one")
    note("two")
    when_noted(lambda _text: None)
    assert told == ["one", "two"]
