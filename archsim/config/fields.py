"""Fields of a configuration that a kind fills: looked up when a document is validated.

What a field may hold is not written into the schema that pydantic makes of it, so that a kind is
imported only when a document asks for it, and one that registers later is known too.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from archsim.config.base import Section
from archsim.config.kinds import Kinds


class OfKinds(ABC):
    """Marks a field that depends on the kinds of a group.

    Parameters
    ----------
    kinds : Kinds
        The group.
    """

    def __init__(self, kinds: Kinds[Any]) -> None:
        self.kinds = kinds

    @abstractmethod
    def schema_at(self, value: Any) -> Mapping[str, Any]:
        """Return pydantic's schema of what a document holds at the field; empty if not known."""

    @abstractmethod
    def sections(self) -> list[type[Section]]:
        """Return the sections that the field may hold, of all kinds that load."""

    def choices(self) -> list[str]:
        """Return the names that a document may give, for messages."""
        return [*self.kinds.names()]

    def why_not(self, name: object) -> str:
        """Return why a kind that somebody offers cannot be had; empty where it can."""
        return self.kinds.why_not(name)

    @staticmethod
    def of(schema: Mapping[str, Any]) -> OfKinds | None:
        """Return what marks the field that a schema of pydantic is of."""
        function = schema.get("function")
        called = function.get("function") if isinstance(function, dict) else None
        mark = getattr(called, "__self__", None)
        return mark if isinstance(mark, OfKinds) else None


class OneOf(OfKinds):
    """Marks a field that holds the section of one kind of a group, told by one of its keys.

    Parameters
    ----------
    kinds : Kinds
        The group.
    key : str
        The key.
    """

    def __init__(self, kinds: Kinds[Any], key: str = "kind") -> None:
        super().__init__(kinds)
        self.key = key

    def section_of(self, kind: Any) -> type[Section] | None:
        """Return the section of a kind, which is the kind itself unless a subclass knows better."""
        section: type[Section] = kind
        return section

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return a schema that asks the group."""
        del handler
        self._base = source
        return core_schema.with_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return a union of the sections of all kinds that load."""
        del schema
        choices = {name: cls.__pydantic_core_schema__ for name, cls in self._all().items()}
        return handler(core_schema.tagged_union_schema(choices, discriminator=self.key))

    def _validated(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, self._base):
            return value
        if not isinstance(value, dict):
            raise PydanticKnownError("dict_type")
        if self.key not in value:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": f"'{self.key}'"})
        section = self._named(value[self.key])
        if section is None:
            known, tag = ", ".join(self.choices()), str(value[self.key])
            told = {"discriminator": f"'{self.key}'", "tag": tag, "expected_tags": known}
            raise PydanticKnownError("union_tag_invalid", told)
        return validated(section, value, info)

    def _named(self, tag: object) -> type[Section] | None:
        return self.section_of(self.kinds.get(str(tag))) if self.kinds.has(tag) else None

    def _all(self) -> dict[str, type[Section]]:
        sections = {name: self.section_of(cls) for name, cls in self.kinds.all().items()}
        return {name: section for name, section in sections.items() if section is not None}

    def schema_at(self, value: Any) -> Mapping[str, Any]:
        """Return the schema of the section of the kind that is asked for."""
        section = self._named(value.get(self.key)) if isinstance(value, dict) else None
        return section.__pydantic_core_schema__ if section is not None else {}

    def sections(self) -> list[type[Section]]:
        """Return the sections that the field may hold."""
        return [*self._all().values()]

    def choices(self) -> list[str]:
        """Return the names that a document may give, as far as is known without an import."""
        imported = self.kinds.registered()
        return [name for name in super().choices() if name not in imported or self._named(name)]


class NameOf(OfKinds):
    """Marks a field that holds the name of one kind of a group."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return a schema that asks the group."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self._validated)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the names of all kinds that load."""
        del schema
        return handler(core_schema.literal_schema([*self.kinds.all()]))

    def _validated(self, value: Any) -> str:
        if not self.kinds.has(value):
            known = ", ".join(self.kinds.names())
            raise PydanticKnownError("literal_error", {"expected": known})
        return str(value)

    def schema_at(self, value: Any) -> Mapping[str, Any]:
        """Return nothing: a name has no keys."""
        del value
        return {}

    def sections(self) -> list[type[Section]]:
        """Return nothing: a name is no section."""
        return []


def validated(model: type[Section], value: dict[str, Any], info: ValidationInfo) -> Section:
    """Check a mapping against a section, as the document is checked that it stands in.

    A document is checked as JSON first, in which no value changes type (see
    `archsim.config.validate`), and then as it is.
    """
    if info.mode == "json":
        text = json.dumps(value)
        return model.model_validate_json(text, strict=True, context=info.context)
    return model.model_validate(value, context=info.context)
