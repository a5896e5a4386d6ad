"""From where pydantic found an error to the place in the document and its schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from archsim.config.fields import OfKinds
from archsim.config.origin import KeyPath

_Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One of pydantic's errors, and where in the document and the schema it is.

    Attributes
    ----------
    error : dict
        Pydantic's details.
    path : KeyPath
        The place in the document.
    schema, parent : dict
        Pydantic's schema of that place, and of the one above; empty where it is not known.
    unions : tuple
        For each untagged union on the way, its path and the member that was tried.
    """

    error: Any
    path: KeyPath
    schema: _Schema
    parent: _Schema
    unions: tuple[tuple[KeyPath, str], ...]


class Walk:
    """Follows the location of an error through the schema, past what is not in the document."""

    def __init__(self, model: type[BaseModel], data: Any) -> None:
        self._definitions: dict[str, _Schema] = {}
        self._root: Any = model.__pydantic_core_schema__
        self._data = data

    def locate(self, error: Any) -> Found:
        """Return where `error` is."""
        schema, parent = self._root, {}
        path: KeyPath = ()
        unions: list[tuple[KeyPath, str]] = []
        for part in error["loc"]:
            schema = self._of_its_kind(self._unwrapped(schema), path)
            kind = schema.get("type")
            if kind == "union":
                unions.append((path, str(part)))
                schema = self._member(schema, str(part))
            elif kind == "tagged-union":
                tags = {str(getattr(tag, "value", tag)): tag for tag in schema["choices"]}
                schema = schema["choices"].get(tags.get(str(part)), {})
            elif part != "[key]":
                path = (*path, part)
                schema, parent = _child(schema, part), schema
        return Found(error, path, self._unwrapped(schema), parent, tuple(unions))

    def _of_its_kind(self, schema: _Schema, path: KeyPath) -> _Schema:
        """Return the schema of what a document has where the field depends on a kind."""
        mark = OfKinds.of(schema)
        if mark is None:
            return schema
        value = self._data
        for part in path:
            value = value[part]
        return self._unwrapped(mark.schema_at(value))

    def _unwrapped(self, schema: Any, stop: str = "") -> _Schema:
        """Return the schema inside defaults, validators, references and the like."""
        while isinstance(schema, dict) and schema.get("type") != stop:
            if schema.get("type") == "definitions":
                self._definitions |= {each["ref"]: each for each in schema["definitions"]}
            if schema.get("type") == "definition-ref":
                inner = self._definitions.get(schema["schema_ref"])
            elif schema.get("type") == "chain":
                inner = schema["steps"][0]
            else:
                inner = (
                    schema.get("schema") or schema.get("python_schema") or schema.get("lax_schema")
                )
            if inner is None:
                return schema
            schema = inner
        return schema if isinstance(schema, dict) else {}

    def _member(self, union: _Schema, label: str) -> _Schema:
        for choice in union["choices"]:
            schema, name = choice if isinstance(choice, tuple) else (choice, "")
            model = self._unwrapped(schema, "model").get("cls")
            kind = self._unwrapped(schema).get("type")
            if label in {name, getattr(model, "__name__", None)} or label.partition("[")[0] == kind:
                return dict(schema)
        return {}


def _child(schema: _Schema, part: str | int) -> Any:
    match schema.get("type"):
        case "model-fields" | "typed-dict":
            return fields_of(schema).get(str(part), {}).get("schema", {})
        case "dict":
            return schema.get("values_schema", {})
        case "tuple":
            items, variadic = schema["items_schema"], schema.get("variadic_item_index")
            at = min(int(part), variadic if variadic is not None else len(items) - 1)
            return items[at] if items else {}
        case _:
            return schema.get("items_schema", {})


def fields_of(schema: _Schema) -> dict[str, _Schema]:
    """Return the fields of a model's schema by the name that a document gives them."""
    named = {}
    for name, field in schema.get("fields", {}).items():
        alias = field.get("validation_alias")
        named[alias if isinstance(alias, str) else name] = field
    return named
