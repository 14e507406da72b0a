"""What is wrong with an env.json, said in its author's terms: `place: what is wrong; a way out`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from handlers.project.jsontext import Place, did_you_mean, has, kind_of, place_in

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from handlers.project.spec import ProjectSpec

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
            yield from _unknown(getattr(part, key), item, raw, (*loc, key))
        else:
            place = place_in(raw, loc)
            hint = did_you_mean(key, fields)
            yield f"{place}{': ' if place else ''}unknown key {key!r} is ignored{hint}"


# -- references ------------------------------------------------------------------------------------


def reference_problems(spec: ProjectSpec, raw: Any) -> Iterator[str]:
    """Names given twice and names that refer to nothing, in file order."""
    zones = [zone.name for zone in spec.scene.zones]
    tags = sorted({item.tag for item in spec.scene.objects})
    signals = list(spec.signals)
    yield from _given_twice(raw, ("scene", "zones"), zones, "zone")
    yield from _given_twice(raw, ("phases",), spec.phase_names, "phase")

    def refer(loc: Place, word: str | None, known: Sequence[str], what: str) -> Iterator[str]:
        if word is not None and word not in known:
            hint = did_you_mean(word, known)
            yield f"{place_in(raw, loc)}: no {what} {word!r} ({what}s: {_listed(known)}){hint}"

    for index, key, condition in spec.conditions():
        at: Place = ("phases", index, key)
        yield from refer((*at, "enter_zone"), condition.enter_zone, zones, "zone")
        yield from refer((*at, "exit_zone"), condition.exit_zone, zones, "zone")
        for name in ("near_object", "see_object"):
            target = getattr(condition, name)
            yield from refer((*at, name, "tag"), target and target.tag, tags, "tag")
        if isinstance(condition.signal_emitted, str):
            yield from refer((*at, "signal_emitted"), condition.signal_emitted, signals, "signal")
    for index, phase in enumerate(spec.phases):
        at = ("phases", index, "reward")
        toward_zone, toward_tag = phase.reward.distance_to_zone, phase.reward.distance_to_tag
        if toward_zone:
            yield from refer((*at, "distance_to_zone", "zone"), toward_zone.zone, zones, "zone")
        if toward_tag:
            yield from refer((*at, "distance_to_tag", "tag"), toward_tag.tag, tags, "tag")
    needed = spec.control_panel.requires_visible_tag
    yield from refer(("control_panel", "requires_visible_tag"), needed, tags, "tag")


def _listed(names: Sequence[str]) -> str:
    """`a, b, c`, never more than a line can hold."""
    shown = " ".join(", ".join(names[:12]).split())
    return f"{shown}, and {len(names) - 12} more" if len(names) > 12 else shown or "none"


def _given_twice(raw: Any, loc: Place, names: Sequence[str], what: str) -> Iterator[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{place_in(raw, (*loc, index))}: the {what} name is already taken"


def reference_warnings(spec: ProjectSpec, raw: Any) -> list[str]:
    """Phases that can never succeed as written."""
    found = []
    for index, phase in enumerate(spec.phases):
        place = place_in(raw, ("phases", index))
        if not phase.success_when:
            found.append(f"{place}: no success_when, so the phase can only run out of ticks")
        elif phase.success_when.signal_emitted and not spec.signals:
            found.append(f"{place}: waits for a signal, but control_panel.actions has none")
    return found
