"""The shape of an answer: a strict JSON schema, every field required, nothing else allowed.

Names come from lists, so that a model can neither misspell one nor invent one. Groq's strict mode
knows no ranges: they are checked when the answer is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handlers.judge.evidence.pack import Pack
from handlers.judge.prompt.rules.forms import FORMS, MAX_TICKS
from handlers.project.library import PARAMETERS, ActionLibrary
from handlers.project.spec import ProjectSpec

SAYINGS = {form.line: form for form in FORMS if form.kind != "always"}
"""The conditions that there are, as lines say them. Not always: it would silence all below it."""
ANY_PHASE, NO_NAME = "any", "none"


def response_schema(
    pack: Pack, spec: ProjectSpec, library: ActionLibrary, paragraphs: Sequence[int] | None = None
) -> dict[str, Any]:
    """The schema for a pack. Unused fields of a condition are "none" and 0.

    `paragraphs`: numbers of the open ones where free text is asked for; None where it is not.
    """
    names = sorted({item.tag for item in spec.scene.objects if item.tag})
    condition = {
        "is": _enum(SAYINGS),
        "name": _enum([NO_NAME, *names, *library.names]),
        "n": {"type": "number"},
        "for_ticks": _integers(range(1, MAX_TICKS + 1)),
    }
    rule = {
        "phase": _enum([ANY_PHASE, *(phase.name for phase in spec.phases)]),
        "conditions": _list(_object(condition)),
        "action": _enum(library.names),
        "parameters": _list(_object({"name": _enum(PARAMETERS), "value": {"type": "number"}})),
    }
    candidate = {
        "mode_id": _enum(pack.mode_ids or ["none"]),
        "cites": _list({"type": "string"}),
        "rules": _list(_object(rule)),
        "why": {"type": "string"},
        "touches": _list({"type": "integer"}),
        "contradicts": _list({"type": "integer"}),
    }
    if paragraphs is not None:
        number = {"type": "integer", "enum": list(paragraphs) or [0]}
        candidate["sentences"] = _list({"type": "string"})
        candidate["paragraphs"] = _list(_object({"number": number, "text": {"type": "string"}}))
    return _object({"candidates": _list(_object(candidate)), "remark": {"type": "string"}})


def _enum(values: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _integers(values: range) -> dict[str, Any]:
    return {"type": "integer", "enum": list(values)}


def _list(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(item)}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
