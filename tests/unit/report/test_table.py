"""Does a table hold numbers as they are meant, and show them as they are read?"""

from __future__ import annotations

import json
import math

import pytest

from archsim.report.table import Column, Look, Value, number, quantity, report, table


def test_a_quantity_is_read_with_its_prefix_and_meant_in_si():
    found = quantity(3.735e-6, "s")
    assert str(found) == "3.735 us"
    assert found.to_json() == {"value": 3.735e-6, "unit": "s"}


def test_an_interval_and_a_source_go_with_a_number():
    found = number(12.3e12, ".1f", "1/J", scale=1e-12, after=" TOPS/W", within=(9.8e12, 15.1e12))
    assert str(found) == "12.3 TOPS/W (9.8 TOPS/W .. 15.1 TOPS/W)"
    assert found.to_json() == {"value": 12.3e12, "unit": "1/J", "low": 9.8e12, "high": 15.1e12}
    cost = quantity(2e-15, "J", source="somebody, Table 2")
    assert cost.to_json()["source"] == "somebody, Table 2"


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_no_number_is_a_dash_and_null(nothing):
    for found in (quantity(nothing, "J"), number(nothing, ".2%")):
        assert str(found) == "-"
        assert found.to_json()["value"] is None
    assert number(math.inf, ".1f").to_json()["value"] is None


def test_a_table_repeats_for_programs_what_it_shows_once():
    columns = [Column("part", "part", once=True), Column("what", "what"), Column("n", "n")]
    rows = [("a", "x", number(1, "")), ("a", "x", number(2, "")), None, ("b", "x", number(2, ""))]
    found = table("t", columns, rows)
    assert [[line[0] for line in group] for group in found.shown()] == [["a", ""], ["b"]]
    assert [row["part"] for row in found.to_json()["rows"]] == ["a", "a", "b"]
    assert [line[1] for group in found.shown() for line in group] == ["x", "x", "x"]


def test_a_column_that_is_shown_once_begins_again_below_another_part():
    columns = [Column("part", "part", once=True), Column("of", "of", once=True)]
    found = table("t", columns, [("a", "x"), ("b", "x"), ("b", "x")])
    assert list(found.shown()) == [[["a", "x"], ["b", "x"], ["", ""]]]


def test_a_report_is_plain_data_that_strict_json_holds():
    found = report(
        "before",
        table("t", ["name", Column("n", "n", right=True)], [("x", Value("-inf", -math.inf))]),
        table("", ["a", "b"], [("1", "2")], look=Look.LIST, notes=["mind"]),
    )
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["lines"] == ["before"]
    assert [each["title"] for each in data["tables"]] == ["t", ""]
    assert data["tables"][0]["rows"] == [{"name": "x", "n": {"value": None, "unit": "1"}}]
    assert data["tables"][1]["notes"] == ["mind"]


def test_a_row_has_a_cell_for_every_column():
    with pytest.raises(ValueError, match="zip"):
        table("t", ["a", "b"], [("1",)]).to_json()


def test_columns_of_a_table_have_keys_of_their_own():
    with pytest.raises(ValueError, match=r"table 'two': its columns have keys of their own"):
        table("two", ["share", Column("share", "share, later")], [("1", "2")])
