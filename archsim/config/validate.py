"""From a document to a checked model, or to sentences that say what to change in which line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from archsim.config.fields import OfKinds
from archsim.config.merge import Document
from archsim.config.origin import KeyPath, Origin, SourceStr
from archsim.config.walk import Found, Walk, fields_of
from archsim.errors import ConfigError
from archsim.listing import listed

__all__ = ["InvalidDocumentError", "validate_document"]

MAX_PROBLEMS = 5

Model = TypeVar("Model", bound=BaseModel)

# Pydantic's types of errors that say that a value is of another type, and what was expected.
_EXPECTED = {
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_sub_type"), "text"),
    **dict.fromkeys(
        ("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), "a list"
    ),
    **dict.fromkeys(
        ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"),
        "a mapping (key: value)",
    ),
    "finite_number": "a finite number",
    "none_required": "null",
}
_SENTENCES = {
    "greater_than": "{value} is not above {gt}",
    "greater_than_equal": "{value} is below the minimum {ge}",
    "less_than": "{value} is not below {lt}",
    "less_than_equal": "{value} is above the maximum {le}",
    "multiple_of": "{value} is not a multiple of {multiple_of}",
    "string_too_short": "{value} is too short, it needs at least {min_length} characters",
    "string_too_long": "{value} is too long, it may have at most {max_length} characters",
    "string_pattern_mismatch": "{value} does not have the form {pattern}",
    "too_short": "has {actual_length} entries, but needs at least {min_length}",
    "too_long": "has {actual_length} entries, but may have at most {max_length}",
}


_MISMATCHES = {*_EXPECTED, "literal_error", "enum"}
_MAX_SHOWN = 60
_LONGEST_VOCABULARY = 300  # characters


class InvalidDocumentError(ConfigError):
    """A document does not fit its model.

    Attributes
    ----------
    problems : tuple of str
        One sentence a problem, in file order, at most five; the message is these lines.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def validate_document(document: Document, model: type[Model]) -> Model:
    """Check a document against a pydantic model.

    No value changes type on the way: ``"4"``, ``4.0`` and ``true`` are not whole numbers. But a
    whole number may stand for a float, a list for a tuple, an enumeration's value for its member.
    Validators run twice, first on plain data for these rules and then on data that knows its files,
    so they must not have effects.

    Parameters
    ----------
    document : Document
        From `load_document`.
    model : type of BaseModel
        What the document has to be.

    Returns
    -------
    Model
        The checked instance.

    Raises
    ------
    InvalidDocumentError
        With up to five sentences, each naming the file, the line, the key and what to change.
    """
    context = {str(text): text for text in _texts(document.data)}
    try:
        text = json.dumps(document.data, ensure_ascii=True, allow_nan=False)
        model.model_validate_json(text, strict=True, context=context)
        return model.model_validate(document.data, strict=False)
    except ValidationError as error:
        problems = _problems(document, model, error)
    raise InvalidDocumentError(f"{problem.at}: {problem.text}" for problem in problems)


def _texts(value: Any) -> Iterator[SourceStr]:
    if isinstance(value, SourceStr):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _texts(child)


@dataclass(frozen=True, slots=True)
class _Problem:
    at: Origin
    text: str


def _problems(document: Document, model: type[BaseModel], error: ValidationError) -> list[_Problem]:
    walk = Walk(model, document.data)
    found = [walk.locate(details) for details in error.errors(include_url=False)]
    misspelt = {
        (*each.path[:-1], _near_key(each)) for each in found if _is(each, "extra_forbidden")
    }
    found = [each for each in found if not (_is(each, "missing") and each.path in misspelt)]
    problems = dict.fromkeys(_problem(document, group) for group in _grouped(found, 0))
    return sorted(problems, key=lambda problem: _order(document, problem.at))[:MAX_PROBLEMS]


def _order(document: Document, at: Origin) -> tuple[bool, bool, str, int]:
    return at.file is not None, at.file != document.path, str(at.file), at.line


def _is(found: Found, kind: str) -> bool:
    return bool(found.error["type"] == kind)


def _grouped(found: list[Found], depth: int) -> Iterator[list[Found]]:
    """Yield errors one by one, but those of one value that fits no member of a union together."""
    unions: dict[KeyPath, list[Found]] = {}
    for each in found:
        if len(each.unions) <= depth:
            yield [each]
        else:
            unions.setdefault(each.unions[depth][0], []).append(each)
    for path, group in unions.items():
        members: dict[str, list[Found]] = {}
        for each in group:
            members.setdefault(each.unions[depth][1], []).append(each)
        inside = [errors for errors in members.values() if errors[0].path != path]
        of_type = [each for each in group if each.error["type"] not in _MISMATCHES]
        if inside:
            yield from _grouped(min(inside, key=len), depth + 1)
        elif of_type:
            yield of_type[:1]
        else:
            yield group


def _problem(document: Document, group: list[Found]) -> _Problem:
    found = group[0]
    path, sentence = found.path, _sentence(found)
    if len(group) > 1:
        wanted = dict.fromkeys(_wanted(each) for each in group)
        sentence = f"expected {' or '.join(wanted)}, got {_shown(found.error['input'])}"
    elif _is(found, "missing"):
        taken, path = document.origins.get(path), path[:-1]
        sentence = f"the key '{found.path[-1]}' is missing"
        return _Problem(taken or document.origin(path), _prefixed(path, sentence))
    elif _is(found, "extra_forbidden"):
        at, key, path = document.origin(path), path[-1], path[:-1]
        return _Problem(at, _prefixed(path, sentence + _other_kind(document, path, key, at)))
    elif _is(found, "union_tag_invalid"):
        path = (*path, found.error["ctx"]["discriminator"].strip("'"))
    elif isinstance(found.error["input"], dict):
        return _Problem(_mentioned(document, path, sentence), _prefixed(path, sentence))
    return _Problem(document.origin(path), _prefixed(path, sentence))


def _other_kind(document: Document, path: KeyPath, key: str | int, at: Origin) -> str:
    """Say who has given a section its kind, where that is not the file that a key stands in."""
    for choice in ("kind", "model"):
        chosen = document.origins.get((*path, choice))
        if chosen is not None and at.file not in (None, chosen.file):
            value: Any = document.data
            for part in (*path, choice):
                value = value[part]
            place = ".".join(map(str, path))
            drop = f"write {key}: null there" if chosen.file else f"add --set {place}.{key}=null"
            return f"; {place}.{choice} is {_quoted(value)} by {chosen}: {drop} to take it away"
    return ""


def _mentioned(document: Document, path: KeyPath, sentence: str) -> Origin:
    """Return where the key is that a sentence about a mapping names; overrides come first."""
    keys = [(*path, word) for word in re.findall(r"\w+", sentence)]
    origins = [document.origins[key] for key in keys if key in document.origins]
    origins.sort(key=lambda origin: origin.file is not None)
    return origins[0] if origins else document.origin(path)


def _prefixed(path: KeyPath, sentence: str) -> str:
    return f"{'.'.join(map(str, path))}: {sentence}" if path else sentence


def _sentence(found: Found) -> str:
    kind, value = found.error["type"], found.error["input"]
    context = found.error.get("ctx", {})
    if kind in _SPECIAL:
        return _SPECIAL[kind](found)
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {_shown(value)}"
    if kind in _SENTENCES:
        limits = {name: str(limit).removesuffix(".0") for name, limit in context.items()}
        return _SENTENCES[kind].format(value=_quoted(value), **limits)
    message = str(context["error"]) if "error" in context else found.error["msg"]
    message = message.replace("Input should be", "expected", 1)
    return " ".join(message.split())


def _unknown_tag(found: Found) -> str:
    return _not_a_kind(found, found.error["ctx"]["tag"])


def _not_a_kind(found: Found, value: object) -> str:
    """Say that a value is not one of the choices, or why it cannot be had."""
    mark = OfKinds.of(found.schema)
    if mark is None:
        return _not_one_of(value, _choices(found))
    said = mark.why_not(value) or _not_one_of(value, mark.choices())
    return "; ".join([said, *mark.kinds.broken])


def _missing_tag(found: Found) -> str:
    tags = _vocabulary(_choices(found))
    return f"the key {found.error['ctx']['discriminator']} is missing; it is one of {tags}"


def _vocabulary(words: Iterable[object]) -> str:
    return listed(words, characters=_LONGEST_VOCABULARY)


def _unknown_choice(found: Found) -> str:
    return _not_a_kind(found, found.error["input"])


def _wanted(found: Found) -> str:
    if found.error["type"] in _EXPECTED:
        return _EXPECTED[found.error["type"]]
    choices = [str(choice) for choice in _choices(found)]
    return f"'{choices[0]}'" if len(choices) == 1 else f"one of {_vocabulary(choices)}"


def _choices(found: Found) -> list[Any]:
    mark, schema = OfKinds.of(found.schema), found.schema
    if mark is not None:
        return [*mark.choices()]
    choices = schema.get("expected") or schema.get("members") or schema.get("choices") or []
    return [choice.value if isinstance(choice, Enum) else choice for choice in choices]


def _not_one_of(value: object, choices: list[Any]) -> str:
    names = [str(choice) for choice in choices]
    texts = [str(choice) for choice in choices if isinstance(choice, str)]
    near = get_close_matches(value, texts, n=1) if isinstance(value, str) else []
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    allowed = f"one of {_vocabulary(names)}" if len(names) > 1 else "".join(names)
    return f"{_quoted(value)} is not {allowed}{hint}"


def _known_keys(found: Found) -> list[str]:
    return list(fields_of(found.parent))


def _near_key(found: Found) -> str:
    near = get_close_matches(str(found.path[-1]), _known_keys(found), n=1)
    return near[0] if near else ""


def _unknown_key(found: Found) -> str:
    near, known = _near_key(found), _known_keys(found)
    hint = f"did you mean '{near}'?" if near else f"known keys: {_vocabulary(known)}"
    return f"unknown key {_quoted(found.path[-1])} ({hint})"


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return repr(str(value) if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]}...")
    return _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"{_quoted(value)} (text)"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{value!s:.{_MAX_SHOWN}}"


_SPECIAL: dict[str, Callable[[Found], str]] = {
    "extra_forbidden": _unknown_key,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _missing_tag,
    "literal_error": _unknown_choice,
    "enum": _unknown_choice,
}
