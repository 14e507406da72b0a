"""What speaks against a guess: the verb of another machine, a goal that goes the other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from handlers.lora.model.answers.answer import Answer, look
from handlers.lora.model.answers.evidence import Evidence
from handlers.lora.model.answers.matching import Matcher
from handlers.lora.model.answers.verbs import beyond, openings_of
from handlers.lora.model.encoders.light import LightEncoder
from handlers.lora.model.lexicon import Action, Entry
from handlers.lora.model.text import read

torch = pytest.importorskip("torch")

TAUGHT = openings_of([read("turn off the path"), read("dock, then wipe your feet"), read("sit")])


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("build a barrier at the entrance", "build"),
        ("please carefully dig through the rubble", "dig"),
        ("start digging in the rubble", "digging"),
        ("open the fridge", "open"),
        ("pick up the parcel", "pick up"),
        ("turn the lights in here off", "turn the lights in here off"),
        ("turn on the lamp", "turn on the"),
        ("do a backflip", "do a backflip"),
        ("stand on your head", "stand on your head"),
    ],
)
def test_what_begins_with_the_verb_of_another_machine_is_beyond_a_walker(
    goal: str, words: str
) -> None:
    assert beyond(read(goal), TAUGHT) == words


@pytest.mark.parametrize(
    "goal",
    [
        "pick your way through the debris",  # said of going, too
        "turn on the spot",
        "turn the corner",
        "stand on your hind legs",
        "play dead",
        "the paint on the wall",
        "open the door with a kick",  # says by which action
        "open the gate by kicking it",
        "wipe the floor",  # an example begins so
        "turn off the path now",
        "",
    ],
)
def test_what_a_walker_may_be_told_is_not(goal: str) -> None:
    assert beyond(read(goal), TAUGHT) == ""


class Alike(LightEncoder):
    """Vectors of given cosines to each of two taught goals."""

    def __init__(self, likeness: tuple[float, float]) -> None:
        self.likeness = torch.tensor(likeness)

    def encode(self, texts: Sequence[str], images: Any = None) -> Any:
        rest = (1 - self.likeness.square().sum()).clamp(min=0).sqrt()
        return torch.cat([self.likeness, rest[None]]).expand(len(texts), 3)


def entry(goal: str, *actions: str) -> Entry:
    return Entry(read(goal), tuple(map(Action, actions)), goal=goal)


def looked(goal: str, entries: list[Entry], likeness: tuple[float, float]) -> Answer:
    actions = sorted({action.name for known in entries for action in known.plan})
    matcher = Matcher(Alike(likeness), entries, torch.eye(3)[: len(entries)], False, actions)
    return look(matcher, None, read(goal)).answer()


@pytest.mark.parametrize(("likeness", "is_refused"), [((0.8, 0.5), True), ((0.8, 0.78), False)])
def test_what_is_nearest_to_its_own_opposite_is_refused(
    likeness: tuple[float, float], is_refused: bool
) -> None:
    # given a goal that goes the other way than what it is nearest to, and what it is taken for
    entries = [entry("mount the staircase", "climb_step"), entry("cross that hall", "walk_forward")]
    got = looked("descend the staircase", entries, likeness)
    assert [match.entry.goal for match in got.path] == ["cross that hall"]
    # then it is refused where that is nearer by some margin
    against = Evidence(entries).refusing(read("descend the staircase"), got)
    assert bool(against) == is_refused
    assert all("'mount the staircase', goes the other way" in words for words in against)


def test_a_verb_that_means_something_else_in_every_example_is_a_doubt() -> None:
    entries = [entry("duck under that fence", "crawl_forward"), entry("jump for joy", "jump")]
    goal = "jump across that fence"
    got = looked(goal, entries, (0.8, 0.3))
    assert [match.entry.goal for match in got.path] == ["duck under that fence"]
    # one example says little, two say something, and none where one of them means another thing
    assert Evidence(entries).doubts(got) == []
    twice = [*entries, entry("jump at the ball", "jump")]
    assert Evidence(twice).doubts(got)[0].startswith("'jump': ")
    assert Evidence([*twice, entry("jump the queue", "walk_forward")]).doubts(got) == []


def test_nothing_speaks_against_what_is_known_or_read() -> None:
    entries = [entry("open the hatch", "rear_kick"), entry("jump for joy", "jump")]
    for goal in ("open the hatch", "sit"):
        got = looked(goal, [*entries, entry("sit", "sit")][:2], (0.8, 0.3))
        assert Evidence(entries).refusing(read("open the hatch"), got) == []
