"""What a plain scalar of YAML means: the core schema of YAML 1.2, section 10.3.2, and no more."""

from __future__ import annotations

import math
import re

from archsim.config.origin import Origin, SourceStr

_MAX_DIGITS = 1000
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}


def scalar(text: str, at: Origin, *, plain: bool) -> bool | int | float | str | None:
    """Return what a scalar means; one that is not plain, such as a quoted one, is text.

    Raises
    ------
    ConfigError
        If it has no use in a configuration; says what to write.
    """
    if found := FORBIDDEN.search(text):
        raise at.error(f"the character U+{ord(found[0]):04X} is not text; remove its escape")
    if not plain:
        return SourceStr(text, at)
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise at.error(f"{text} is not a finite number; write one, or quote it if it is text")
    if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
        return _number(text, at)
    return SourceStr(text, at)


def _leading_zero(text: str) -> str:
    digits = text.lstrip("+-")
    sign = text[: len(text) - len(digits)]
    plain = digits.lstrip("0") or "0"
    octal = "" if sign or set(digits) & {"8", "9"} else f" or 0o{plain}"
    return f"{text} starts with a zero; write {sign}{plain}{octal}, or quote it if it is text"


def _number(text: str, at: Origin) -> int | float:
    if len(text) > _MAX_DIGITS:
        raise at.error(f"a number of {len(text):,} characters; round it")
    if _LEADING_ZERO.fullmatch(text):
        raise at.error(_leading_zero(text[:40]))
    if _INT.fullmatch(text):
        return int(text, 0)
    value = float(text)
    if math.isinf(value):
        raise at.error(f"{text[:40]} is too large a number; write a smaller one")
    return value
