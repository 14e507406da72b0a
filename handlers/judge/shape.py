"""Does a reply have a JSON schema's shape? The few keywords our own schemas use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def misfit(value: Any, schema: Mapping[str, Any], where: str = "reply") -> str | None:
    """What is wrong and where, in one line; None when it fits. Never shows the value itself."""
    match schema.get("type"):
        case "object":
            if not isinstance(value, dict):
                return f"{where} is no object"
            known = schema["properties"]
            for name in schema["required"]:
                if name not in value:
                    return f"{where}.{name} is missing"
            for name, part in value.items():
                if name not in known:
                    return f"{where} has a key that was not asked for"
                wrong = misfit(part, known[name], f"{where}.{name}")
                if wrong:
                    return wrong
        case "array":
            if not isinstance(value, list):
                return f"{where} is no list"
            for index, part in enumerate(value):
                wrong = misfit(part, schema["items"], f"{where}[{index}]")
                if wrong:
                    return wrong
        case "string":
            if not isinstance(value, str):
                return f"{where} is no text"
        case "integer":
            if type(value) is not int:
                return f"{where} is no whole number"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is none of the values allowed"
    return None
