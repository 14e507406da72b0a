"""Rules and observations of every kind, for hypothesis: what the judge may write, what is seen."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from handlers.judge.prompt.rules.forms import FORMS, MAX_TICKS, Form
from handlers.judge.prompt.rules.rule import Condition, Rule

NAMES = (
    "exit", "enter_debris", "find.v-2", "for", "and", "in", "near", "always", "3", "_", "the",
    "target", "the target", "two words", "a/b", "tür", "-x", 'say "no"', "back\\slash", "a: sit",
    "stuck and blocked", "line\nbreak", "\u2028", "\u202eRLO", "seeing", "more",
    "\U000e0001", "{n}",
)  # fmt: skip
TAGS = ("victim", "a.b-c", "two words", "Tür/links")
ACTIONS = ("sit", "walk_forward", "signal-found", "vorwärts", "two words", "a.", "do")
AMOUNTS = (0.0, 0.001, 0.3, 1.0, 12.345, 0.1 + 0.2, 1e-7, 123456.789)
UNKNOWN = (None, True, "0.1", [], float("nan"), float("inf"), -(10**400))


def _condition(form: Form) -> st.SearchStrategy[Condition]:
    names = st.sampled_from((*ACTIONS,) if form.kind == "tried" else (*TAGS, *NAMES))
    return st.builds(
        Condition,
        st.just(form.kind),
        names if form.has_name else st.none(),
        st.sampled_from((0.3, 0.6, 1.0, 2.0, 3.0, 20.0, 45.5)) if form.has_number else st.none(),
        st.just(form.side),
        st.sampled_from((1, 1, 1, 2, 3, MAX_TICKS)),
    )


CONDITIONS = st.one_of(*(_condition(form) for form in FORMS))
RULES = st.builds(
    Rule,
    st.one_of(st.none(), st.sampled_from(NAMES)),
    st.lists(CONDITIONS, min_size=0, max_size=2).map(tuple),
    st.sampled_from((*ACTIONS, *NAMES)),
    st.dictionaries(st.sampled_from(("distance_m", "speed")), st.sampled_from(AMOUNTS), max_size=2),
)


def _number(*values: float) -> st.SearchStrategy[Any]:
    """Now and then unknown."""
    return st.sampled_from((*values * 6, *UNKNOWN))


def _part(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    whole = st.fixed_dictionaries({}, optional=values)
    return st.one_of(whole, whole, whole, whole, st.sampled_from(UNKNOWN))


def _tags(*values: float) -> st.SearchStrategy[Any]:
    return _part({tag: _number(*values) for tag in TAGS})


_ANGLES = (-170.0, -46.0, -45.0, -21.0, -20.0, 0.0, 0.5, 20.0, 20.1, 46.0)

OBSERVATIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"phase": st.sampled_from((*NAMES[:4], "two words", None))},
    optional={
        "action": st.sampled_from((*ACTIONS, None)),
        "obs": _part({
            "nearest_m": _number(-1, 0, 0.34, 0.35, 2.0),
            "roll_deg": _number(*_ANGLES),
            "pitch_deg": _number(*_ANGLES),
        }),
        "motion": _part({"label": st.sampled_from(("stuck", "stuck", "moving", 1))}),
        "visible_tags": _tags(0.2, 0.3, 0.59, 0.6, 1.0, 2.5),
        "tag_bearings": _tags(*_ANGLES),
        "clear_m": _part({side: _number(-1, 0, 0.49, 0.5) for side in ("left", "right", "ahead")}),
        "target": _part({
            "distance_m": _number(0, 0.3, 0.31, 1.0, 2.5), "bearing_deg": _number(*_ANGLES),
        }),
        "phase_tick": _number(0, 1, 2, 3, 20, 46),
    },
)  # fmt: skip
"""An observation, any part of which may be missing, or be something else."""
