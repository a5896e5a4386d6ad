"""Do reports come out as text that fits and as HTML that steers nothing?"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from archsim.report.render import as_html, as_text
from archsim.report.table import Column, Line, Look, Style, number, report, table

EVIL = "<script>alert(1)</script> & \x1b[31m"


def some(name: str = "kws"):
    columns = [Column("name", "name", once=True), Column("energy", "energy (pJ)", right=True)]
    rows = [(name, number(1.5e-12, ".1f", "J", scale=1e12, within=(1e-12, 2e-12))), (name, "-")]
    return report(
        Line("a title", Style.STRONG),
        table(f"of {name}", columns, rows, notes=[f"note of {name}"]),
        table("list", ["a", "b"], [("one", "two")], look=Look.LIST),
    )


def test_text_has_all_of_it():
    text = as_text(some())
    for part in ("a title", "of kws", "energy (pJ)", "1.5 (1.0 .. 2.0)", "note of kws", "one"):
        assert part in text
    assert text.count("kws") == 3  # title, first row, note


@pytest.mark.parametrize("width", [30, 80, 120])
def test_text_fits(width):
    wide = table("t", ["a", "b"], [("word " * 40, "x")])
    assert max(map(len, as_text(report(wide, "word " * 50), width).splitlines())) <= width


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_whole_and_nobodys_name_is_markup():
    html = as_html(some(EVIL))
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.seen.count("table") == 2
    assert "\x1b" not in html
    assert "&lt;script&gt;" in html
    assert "1.5 (1.0 .. 2.0)" in html


def test_numbers_are_on_the_right():
    assert '<td style="text-align:right">1.5 (1.0 .. 2.0)</td>' in as_html(some())
    assert '<td style="text-align:left">kws</td>' in as_html(some())
