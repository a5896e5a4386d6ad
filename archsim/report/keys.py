"""Keys of a configuration: as tables for a terminal, as plain data, and as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from archsim.config.reference import Keys, Reference, functions
from archsim.report.table import Column, Look, Report, report, table

_COLUMNS = (
    Column("key", "key", fold=True),
    Column("default", "default", fold=True),
    Column("allowed", "allowed", fold=True),
    Column("meaning", "what it is", fold=True),
)
_HEAD = """# Every key of a configuration

Here you look up a key: its unit, what holds where it is not given, what is allowed, what it means.
`archsim keys` prints the same, `archsim keys adc` a section, `archsim keys adc.bits` one key and
`archsim keys lstm` those of a kind; kinds of installed packages are among them. This page is
written by `archsim keys --markdown`.

- **Where.** In a file, sections are nested; on the command line a key has dots:
  `--set adc.bits=4`. N is a place in a list, counted from 0: `--set network.layers.0.units=64`.
  `extends` names what a file starts from; a key that is `required` may come from there. `null`
  takes an inherited key away.
- **Units.** What has a unit below is written as a number with one of its dimension: `200 mV`,
  `1 GHz`, `85 degC`; prefixes go from a to T. Where the unit is 1, a number stands alone or is a
  percentage, `2 %`.
- **Nothing has to be remembered.** A key that is not known is refused with the nearest one that
  is; a key that is written and changes nothing is told in a note.
- **Paths** start at the file that they are written in.

[`configs/archsim.schema.json`](../configs/archsim.schema.json) tells an editor the same. Which key
answers which question: [questions](questions.md).
"""
_FUNCTIONS = """## Activation functions

What `function` of a linear layer and `functions` of an LSTM may name, beside those that
`activations` brings and those of [packages](your-function.md). An unbounded function needs a range:
`input_range` of a linear layer, `functions.range` of an LSTM.
"""
_WIDTH = 100


def report_of_reference(found: Reference) -> Report:
    """Return the report of keys that were looked up."""
    return keys_report(found.sections)


def reference_to_json(found: Reference) -> dict[str, Any]:
    """Return keys that were looked up as plain data."""
    return keys_to_json(found.sections)


def keys_report(sections: Sequence[Keys]) -> Report:
    """Return a table of the keys of each section, with lines between."""
    parts = []
    for section in sections:
        rows = [(k.path, _with_unit(k.default, k.unit), k.allowed, k.meaning) for k in section.keys]
        parts.append(table(_title(section), _COLUMNS, rows, look=Look.OPEN, width=_WIDTH))
    return report(*parts)


def keys_to_json(sections: Iterable[Keys]) -> dict[str, Any]:
    """Return keys as plain data."""
    return {
        "keys": [
            {"section": section.path, **asdict(key)} for section in sections for key in section.keys
        ]
    }


def keys_page(sections: Iterable[Keys]) -> str:
    """Return the page of the documentation, in Markdown."""
    parts = [_HEAD]
    for section in sections:
        parts.append(f"## {_heading(section)}\n\n{_sentence(section.what)}\n")
        rows = (
            (f"`{k.path}`", k.unit, k.default, k.allowed, _sentence(k.meaning))
            for k in section.keys
        )
        parts.append(_markdown(("key", "unit", "default", "allowed", "what it is"), rows))
    named = ((f"`{name}`", span, what) for name, (span, what) in functions().items())
    parts += [_FUNCTIONS, _markdown(("function", "range", "what it is"), named)]
    return "\n".join(parts)


def _heading(section: Keys) -> str:
    name = section.path or "top of a file"
    return f"{name}, {section.of}" if section.of else name


def _title(section: Keys) -> str:
    return f"{_heading(section)}: {section.what}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].removesuffix(".") + ("." if text else "")


def _with_unit(default: str, unit: str) -> str:
    """Return what a quantity needs to be told of, where its default does not say it."""
    return f"{default} ({unit})" if unit not in {"", "1"} and unit not in default else default


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    """Return a text as a cell of a table: no bar ends it, no star of it is read as Markdown."""
    parts = text.replace("|", r"\|").split("`")
    parts[::2] = [plain.replace("*", r"\*") for plain in parts[::2]]
    return "`".join(parts)
