"""What is wrong with an env.json, said in its author's terms: `place: what is wrong; a way out`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from handlers.project.jsontext import Place, did_you_mean, has, kind_of, place_in

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


KINDS = ("box", "marker", "sphere", "slope")

_WANTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "string_type": "text",
    "model_type": "an object { ... }",
    "model_attributes_type": "an object { ... }",
    "dict_type": "an object { ... }",
    "mapping_type": "an object { ... }",
    "tuple_type": "a list [ ... ]",
}

# -- validation errors -----------------------------------------------------------------------------


def _in_file(raw: Any, loc: Place) -> Place:
    """A pydantic location without the parts that name a member of a union, not a key."""
    kept: list[str | int] = []
    node = raw
    for at, part in enumerate(loc):
        last = at == len(loc) - 1
        if not has(node, part) and not (last and isinstance(node, dict) and part not in KINDS):
            continue
        kept.append(part)
        node = node[part] if has(node, part) else None
    return tuple(kept)


def describe(error: ValidationError, raw: Any, terms: Mapping[str, Iterable[str]]) -> str:
    """The first problem of a failed validation as `place: what is wrong`.

    `terms` are the words allowed under a key where an unknown one is refused, not ignored.
    """
    first = error.errors(include_url=False)[0]
    loc, kind = first["loc"], first["type"]
    if kind == "extra_forbidden":
        return _unknown_term(loc, raw, terms)
    if kind == "union_tag_not_found" or (
        kind == "union_tag_invalid" and has(first["input"], "type") and not first["input"]["type"]
    ):
        return f"{place_in(raw, (*loc, 'type'))}: is missing (types: {', '.join(KINDS)})"
    place = place_in(raw, _in_file(raw, loc)) or "the file"
    return f"{place}: {_reason(first)}"


def _reason(details: ErrorDetails) -> str:
    kind, value = details["type"], details["input"]
    context = details.get("ctx", {})
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {kind_of(value)}"
    match kind:
        case "missing":
            return "is missing"
        case "value_error":
            return str(context["error"])
        case "too_short":
            return f"must have at least {context['min_length']} entry"
        case "too_long":
            return f"must have at most {context['max_length']} entries"
        case "string_too_short":
            return "must not be empty"
        case "union_tag_invalid":
            tag = str(context["tag"])
            return f"unknown type {tag!r} (types: {', '.join(KINDS)}){did_you_mean(tag, KINDS)}"
    return details["msg"].replace("Input should be", "must be") + f", not {kind_of(value)}"


def _unknown_term(loc: Place, raw: Any, terms: Mapping[str, Iterable[str]]) -> str:
    """A misspelt predicate or reward term: ignoring it would change the mission."""
    *owner, word = loc
    what = "reward term" if owner[-1] == "reward" else "predicate"
    hint = did_you_mean(str(word), terms[str(owner[-1])])
    return f"{place_in(raw, owner)}: unknown {what} {word!r}{hint}"


# -- unknown keys ----------------------------------------------------------------------------------


def unknown_keys(model: BaseModel, raw: Any) -> list[str]:
    """One line for each key of the file that the model does not know."""
    return list(_unknown(model, raw, raw, ()))


def _unknown(part: Any, node: Any, raw: Any, loc: Place) -> Iterator[str]:
    if isinstance(part, tuple) and isinstance(node, list):
        for index, (inner, item) in enumerate(zip(part, node, strict=False)):
            yield from _unknown(inner, item, raw, (*loc, index))
    if not isinstance(part, BaseModel) or not isinstance(node, dict):
        return
    fields = type(part).model_fields
    for key, item in node.items():
        if key in fields:
            if isinstance(item, dict | list):  # nothing else has keys
                yield from _unknown(getattr(part, key), item, raw, (*loc, key))
        else:
            place = place_in(raw, loc)
            hint = did_you_mean(key, fields)
            yield f"{place}{': ' if place else ''}unknown key {key!r} is ignored{hint}"
