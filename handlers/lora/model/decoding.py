"""A goal -> its plan, or a refusal.

Two gates follow what a goal is taken for (answers/). A goal that resembles nothing taught, or
says what not to do, is refused; a plan that was seldom right at such a score, has an action that no
example has, or leaves out or changes a number that was said, is marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.goals.reading import read_goal
from handlers.lora.model.answers.answer import Answer, look
from handlers.lora.model.answers.doubts import (
    COUNTED,
    all_used,
    doubts_of,
    forbidding,
    unread_tempo,
    unused_count,
)
from handlers.lora.model.answers.ends import ends_as_taught
from handlers.lora.model.answers.evidence import Evidence
from handlers.lora.model.answers.matching import Match, Matcher
from handlers.lora.model.answers.spelling import spelled
from handlers.lora.model.answers.verbs import FOREIGN_VERBS
from handlers.lora.model.encoder import expect_sample, find_encoder
from handlers.lora.model.encoders.base import Encoder, refuse_images, torch
from handlers.lora.model.files import Facts, load_known, read_head
from handlers.lora.model.interface import Decoded
from handlers.lora.model.learning.confidence import confidence
from handlers.lora.model.learning.gate import Gate
from handlers.lora.model.lexicon import Entry
from handlers.lora.model.lora import base_sha256, load, targets_of
from handlers.lora.model.text import VOCABULARY, Text, read
from handlers.project.code import ImportedCode
from handlers.project.formats.examples import Step
from handlers.project.library import PARAMETERS, ActionLibrary
from store.errors import CadenzaError, InputError

SURE = 0.5
"""A plan that is less probably right is doubtful."""
LIKELY, LENIENCE = 0.9, 0.1
"""A plan that is so probably right may be so much less familiar, and is doubtful then. Of 360 near
goals none more was answered for it, of 7 right answers that had been refused 3."""
MAX_STEPS = 64


class ActionDecoder:
    """A trained adapter, ready to decode. Implements handlers.lora.model.interface.Decoder."""

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        gate: Gate,
        entries: Sequence[Entry],
        vectors: Any,
        library: ActionLibrary,
    ) -> None:
        """`vectors` [N, width] of `entries`, as `encoder` gives them. Raises InputError when the
        library has none of their actions.
        """
        kept = [i for i, e in enumerate(entries) if all(a.name in library for a in e.plan)]
        known = [entries[index] for index in kept]
        if not known:
            raise InputError("the adapter knows none of this robot's actions")
        self._encoder, self._facts, self._gate, self._library = encoder, facts, gate, library
        self._matcher = Matcher(encoder, known, vectors[kept], facts.repeats, library.names)
        self._probe = torch().tensor(gate.probe).double() if gate.probe else None
        self._words = VOCABULARY.union(*(entry.text.words for entry in known))
        self._evidence = Evidence(known)
        self._taught = {a.name for entry in entries if entry.goal for a in entry.plan}
        self._all_seen = all(entry.image for entry in entries if entry.goal)

    @property
    def looks(self) -> bool:
        """Whether some of what it was taught goes with a picture."""
        return self._facts.images

    def decode(self, goal: str, image: Path | None = None) -> Decoded:
        """The plan of a goal: SI units, within the library's ranges, at most MAX_STEPS steps.

        Raises InputError for an empty goal, and for an image that is missing or not asked for.
        """
        text = read(goal, self._spell)
        self._expect_fitting(text, image)
        got = look(self._matcher, self._probe, text, image).answer(self._gate.familiar)
        reading = read_goal(goal)
        is_known = all(match.exact for match in got.path)
        forbidden = forbidding(
            reading,
            [match.entry.text for match in got.path if not match.read],
            done=self._in_turn(got),
            ended=[match.text for match in got.path if ends_as_taught(self._matcher, match)],
        )
        against = self._evidence.refusing(text, got)
        sure = self._confidence(got)
        is_strange = got.familiarity < self._gate.familiar
        is_likely = sure >= LIKELY and got.familiarity >= self._gate.familiar - LENIENCE
        refused = (is_strange and not is_likely) or bool(forbidden or against)
        doubts = [str(doubt) for doubt in forbidden or doubts_of(reading, is_known)]
        doubts += against
        actions: tuple[Step, ...] = ()
        is_all = got.whole
        if refused:
            sure *= min(1.0, max(got.familiarity, 0.0) / max(self._gate.familiar, 1e-6))
        else:
            actions, as_asked = self._plan(got.path)
            is_all = is_all and as_asked
            doubts += self._untaught(got.path) + self._evidence.doubts(got)
            if is_strange:
                doubts.append("less like what was taught than other wordings of it are")
            if got.readings > 1:
                doubts.append(f"what comes first? the goal may be cut in {got.readings} ways")
            doubts += [f"{text.written!r}: like nothing that was taught" for text in got.strange]
            for match in got.path:
                doubts += unread_tempo(match.text, match.entry.text, match.steps)
                if not match.is_sure:
                    doubts += unused_count(match.text, match.steps)
        return Decoded(
            goal=goal,
            actions=actions,
            refused=refused,
            doubtful=not refused and (sure < SURE or not is_all or bool(doubts)),
            nearest=got.nearest,
            confidence=sure,
            familiarity=got.familiarity,
            doubts=tuple(doubts),
        )

    def _expect_fitting(self, text: Text, image: Path | None) -> None:
        """Raises InputError for a goal without words, or with an image too few or too many."""
        if not text.words:
            raise InputError("the goal is empty")
        if image is None and self._all_seen:
            raise InputError(
                "this adapter was trained with images alone, and none is given",
                hint="a goal without an image is answered from examples without one: add some",
            )
        if image is not None and not self._facts.images:
            refuse_images(self._encoder.name, [image])
            raise InputError("this adapter was trained without images, and one is given")

    def _spell(self, word: str) -> str:
        known = word if word in FOREIGN_VERBS else ""
        return known or spelled(word, self._words, self._encoder.dictionary)

    def _in_turn(self, got: Answer) -> list[Text]:
        """The pieces of a goal of several that are familiar each by itself."""
        pairs = zip(got.path, got.familiar, strict=True)
        familiar = [match.text for match, of in pairs if of >= self._gate.familiar]
        return familiar if len(got.path) > 1 else []

    def _confidence(self, got: Answer) -> float:
        """How often guesses of such scores were right, all of them together; without any, 1."""
        guessed = math.prod(confidence(score, self._gate.curve) for score in got.scores)
        return guessed / got.readings

    def _untaught(self, path: Sequence[Match]) -> list[str]:
        """A doubt for each action that no example has and that the goal does not name itself."""
        guessed = [match for match in path if not match.is_sure]
        names = {action.name for match in guessed for action in match.entry.plan}
        return [
            f"{name}: no example has it, and the goal does not name it"
            for name in sorted(names - self._taught)
        ]

    def _plan(self, path: Sequence[Match]) -> tuple[tuple[Step, ...], bool]:
        """The steps of the pieces, and whether they are all that was asked, in its very numbers."""
        made = [self._allowed(values) for match in path for values in match.steps]
        steps = tuple(step for step, _ in made[:MAX_STEPS])
        as_asked = (
            len(made) <= MAX_STEPS
            and all(is_unchanged for _, is_unchanged in made)
            and all_used([match.text for match in path], steps)
        )
        return steps, as_asked

    def _allowed(self, values: dict[str, Any]) -> tuple[Step, bool]:
        """A step within the library: parameters the action takes, in their ranges.

        False: a number had to be changed to be allowed.
        """
        name = values["action"]
        given: dict[str, float] = {}
        is_unchanged = True
        for key in self._library.spec(name).parameters:
            if key in values:
                limit = PARAMETERS[key]
                asked = float(values[key])
                number = min(max(asked, limit.low), limit.high)
                same = math.isclose(number, asked, rel_tol=1e-3, abs_tol=1e-3)
                is_unchanged = is_unchanged and same and (number > 0 or key not in COUNTED)
                given[key] = round(number) if limit.whole else round(number, 6)
        return Step(name, given), is_unchanged


def load_decoder(
    folder: Path,
    library: ActionLibrary,
    project_encoder: ImportedCode | Path | None = None,
    *,
    device: str = "auto",
    trained: bool = True,
) -> ActionDecoder:
    """An adapter from its folder. `project_encoder`: the project's lora_encoder.py, if trusted;
    `trained` False: the same decoder as if its LoRA weights were zero, with a gate of its own.

    Raises InputError when it is damaged or was made for another encoder, MissingExtraError without
    torch and peft.
    """
    facts, entries = read_head(folder)
    torch().set_num_threads(facts.threads)
    encoder = _encoder(folder, facts, project_encoder, device)
    vectors, state = load_known(folder, trained)
    expect_sample(encoder, facts.sample)
    encoder.restore(state)
    if not trained:
        return ActionDecoder(encoder, facts, facts.untrained, entries, vectors, library)
    try:
        load(encoder, folder)
    except CadenzaError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever PEFT raises for a damaged file
        raise InputError(
            f"{folder}: PEFT cannot load it: {type(error).__name__}", hint="train it again"
        ) from None
    return ActionDecoder(encoder, facts, facts.gate, entries, vectors, library)


def _encoder(
    folder: Path, facts: Facts, project_encoder: ImportedCode | Path | None, device: str
) -> Encoder:
    """The encoder that an adapter was made for."""
    if facts.encoder == "project" and project_encoder is None:
        raise InputError(
            f"{folder}: was trained with the project's lora_encoder.py, which is not there",
            hint="put it back (cadenzactl trust PROJECT), or train again without it",
        )
    code = project_encoder if facts.encoder == "project" else None
    layers = targets_of(folder) if code else ()
    encoder = find_encoder(facts.encoder, code, device, layers, tried=True)
    if base_sha256(encoder.identity, encoder.width) != facts.base_sha256:
        raise InputError(
            f"{folder}: was trained with another base ({facts.base_sha256[:12]}...)",
            hint="train it again with the encoder that is here now",
        )
    return encoder
