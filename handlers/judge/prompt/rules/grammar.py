"""A rule as a line of the managed block, and back again; or as a sentence that says the same.

    - when in enter_debris and stuck for 3 ticks: walk_backward distance_m=0.3
    - If you are in phase enter_debris and you are stuck for 3 ticks, do walk_backward with
      distance_m=0.3.                                               (one line in the block)

Code renders both from checked fields, so nothing a log or a model says becomes prose in somebody's
source. Both are read back exactly. A name that is not plain stands in quotes, escaped as in JSON.
The sample project's policy reads the lines in a reading of its own: a project keeps that file and
owes us no import. A test holds both readings to each other.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal

from handlers.judge.prompt.rules.forms import FORMS, Form
from handlers.judge.prompt.rules.rule import Condition, Rule

EXAMPLE = "- when in exit and stuck for 2 ticks: walk_backward distance_m=0.3"

_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_QUOTED = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})+"'
_NAME = f"(?:{_PLAIN}|{_QUOTED})"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_TICKS = r"(?: for (?:[1-9]|1[0-9]|20) ticks)?"
_ACTION = rf"(?:\w+|{_NAME})"


def _pattern(words: str, *, named: bool) -> str:
    """A form's words as a pattern. `named`: with groups for what is filled in."""
    name, number = (f"(?P<name>{_NAME})", f"(?P<n>{_NUMBER})") if named else (_NAME, _NUMBER)
    return re.escape(words).replace(r"\{name\}", name).replace(r"\{n\}", number)


class _Style:
    """One of the two ways to say a rule."""

    def __init__(self, sentences: bool) -> None:
        self.sentences = sentences
        ticks = r"(?: for (?P<ticks>[0-9]+) ticks)?"
        self.forms = [
            (form, re.compile(_pattern(self.words(form), named=True) + ticks)) for form in FORMS
        ]
        one = "|".join(_pattern(self.words(form), named=False) for form in FORMS)
        one = rf"(?:{one}){_TICKS}"
        first, place, then, given = (
            ("- If ", "you are in phase", ", do ", rf"(?: with (?P<given>\w+={_NUMBER}"
             rf"(?: and \w+={_NUMBER})*))?\.")
            if sentences
            else ("- when ", "in", ": ", rf"(?P<given>(?: \w+={_NUMBER})*)")
        )  # fmt: skip
        self.whole = re.compile(
            rf"{first}(?:{place} (?P<phase>{_NAME})(?P<and> and )?)?"
            rf"(?:(?P<one>{one})(?: and (?P<two>{one}))?)?"
            rf"{then}(?P<action>{_ACTION}){given}"
        )

    def words(self, form: Form) -> str:
        return form.sentence if self.sentences else form.line

    def parse(self, line: str) -> Rule | None:
        match = self.whole.fullmatch(line.strip())
        if match is None:
            return None
        said = [match[part] for part in ("one", "two") if match[part]]
        if bool(match["and"]) != bool(match["phase"] and said) or not (match["phase"] or said):
            return None
        try:
            return Rule(
                phase=_unquoted(match["phase"]) if match["phase"] else None,
                conditions=tuple(self._condition(text) for text in said),
                action=_unquoted(match["action"]),
                parameters=_parameters(match["given"] or ""),
            )
        except ValueError:
            return None

    def _condition(self, text: str) -> Condition:
        for form, pattern in self.forms:
            match = pattern.fullmatch(text)
            if match is not None:
                return Condition(
                    form.kind,
                    _unquoted(match["name"]) if form.has_name else None,
                    float(match["n"]) if form.has_number else None,
                    form.side,
                    int(match["ticks"] or 1),
                )
        raise ValueError(text)

    def said(self, condition: Condition) -> str:
        """A condition in words."""
        wanted = (condition.kind, condition.side, condition.name is not None)
        form = next(f for f, _ in self.forms if (f.kind, f.side, f.has_name) == wanted)
        words = self.words(form)
        if condition.number is not None:
            words = words.replace("{n}", number(condition.number))
        if condition.name is not None:  # last: a name may hold braces
            words = words.replace("{name}", quoted(condition.name))
        return words + (f" for {condition.ticks} ticks" if condition.ticks > 1 else "")


_LINES, _SENTENCES = _Style(sentences=False), _Style(sentences=True)


def render(rule: Rule) -> str:
    """The rule as its line."""
    said = [f"in {quoted(rule.phase)}"] if rule.phase is not None else []
    said += [_LINES.said(condition) for condition in rule.conditions]
    given = "".join(f" {name}={number(value)}" for name, value in rule.parameters.items())
    return f"- when {' and '.join(said or ['always'])}: {_action(rule.action)}{given}"


def render_sentence(rule: Rule) -> str:
    """The rule as a sentence, for a brain that reads prose."""
    said = [f"you are in phase {quoted(rule.phase)}"] if rule.phase is not None else []
    said += [_SENTENCES.said(condition) for condition in rule.conditions]
    given = " and ".join(f"{name}={number(value)}" for name, value in rule.parameters.items())
    does = _action(rule.action) + (f" with {given}" if given else "")
    return f"- If {' and '.join(said or ['at any time'])}, do {does}."


def parse(line: str) -> Rule | None:
    """The rule on a line, said in either way; None when it is none."""
    return _LINES.parse(line) or _SENTENCES.parse(line)


def read(line: str) -> Rule:
    """The rule on a line. Raises ValueError when it is none."""
    rule = parse(line)
    if rule is None:
        raise ValueError(f"{line!r} is no rule, such as {EXAMPLE!r}")
    return rule


def parse_all(lines: Iterable[str]) -> list[Rule]:
    """The rules among lines, in order."""
    return [rule for line in lines if (rule := parse(line)) is not None]


# -- names and numbers -----------------------------------------------------------------------------

_IS_PLAIN = re.compile(_PLAIN)
_IS_WORD = re.compile(r"\w+")


def quoted(name: str) -> str:
    """A name as it stands in a rule: as it is, or as JSON quotes it. Nothing can end the line."""
    if _IS_PLAIN.fullmatch(name):
        return name
    return '"' + "".join(_escaped(char) for char in name) + '"'


def _escaped(char: str) -> str:
    """Control and format characters and separators of lines as JSON writes them in ASCII."""
    if char in '"\\' or unicodedata.category(char) in _ODD:
        return json.dumps(char)[1:-1]
    return char


_ODD = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    name: str = json.loads(text)
    return name


def _action(name: str) -> str:
    """Any word stands as it is: rules could say those before names were quoted."""
    return name if _IS_WORD.fullmatch(name) else quoted(name)


def number(value: float) -> str:
    """A number without an exponent, and no more digits than it has."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parameters(given: str) -> Mapping[str, float]:
    pairs = [part.split("=") for part in given.replace(" and ", " ").split()]
    return {name: float(value) for name, value in pairs}
