"""The JSON Schema of configuration files."""

from __future__ import annotations

from typing import Any

from archsim.config.run import RunConfig


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema that editors check configuration files with.

    Any key may stand in a file that is extended, so none is required of a single file here;
    ``archsim validate`` checks that the whole is complete.
    """
    schema = RunConfig.model_json_schema()
    _name(schema, "adc", "Converter")
    _drop_required(schema)
    schema["title"] = "archsim configuration"
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {
        "description": "file or files that this one starts from, relative to it",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    return schema


def _name(schema: dict[str, Any], key: str, name: str) -> None:
    """Put a section that pydantic writes where it is used among the others, under its name."""
    sections, used = schema["$defs"], schema["properties"]
    sections[name], used[key] = used[key], {"$ref": f"#/$defs/{name}"}
    schema["$defs"] = dict(sorted(sections.items()))


def _drop_required(node: Any) -> None:
    """Remove ``required`` everywhere except in entries of lists, which are always whole."""
    if not isinstance(node, dict):
        return
    if "discriminator" not in node and "kind" not in node.get("properties", {}):
        node.pop("required", None)
    for value in node.values():
        if isinstance(value, dict):
            _drop_required(value)
