"""Somebody who does what the next steps say, with honest words, has an exam of what is taught."""

from __future__ import annotations

import random
import shlex
import shutil
from pathlib import Path

import pytest
from checkout import ROOT
from pupils import look_of
from wordings import WORDINGS

from cadenzad.cli.programs import CADENZA_ENV
from handlers.lora.data.authoring import add_example, parse_steps
from handlers.lora.data.dataset import is_placeholder, load_dataset
from handlers.lora.exam.looks import Look
from handlers.lora.model.decoding import load_decoder
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.training import TrainOptions, train
from handlers.lora.scorecard import scorecard
from handlers.lora.scorecard.results import Check
from handlers.lora.scorecard.scorecard import Scorecard, score
from handlers.lora.scorecard.simulation import Simulation
from handlers.project.project import Project
from handlers.project.scaffold import init_project
from store.errors import InputError

pytest.importorskip("peft")

EXAMPLES = ROOT / "tests" / "support" / "forty.examples.jsonl"
ROUNDS = 15


class Person:
    """Fills places for words with other words for what they ask, none of them twice."""

    def __init__(self) -> None:
        draw = random.Random(0)
        self.words = {goal: draw.sample(words, len(words)) for goal, words in WORDINGS.items()}

    def follow(self, project: Project, line: str) -> bool:
        """Do what a line says, if it is a command and something is left to say."""
        if line.startswith("#"):
            return False
        words = shlex.split(line)
        arguments = CADENZA_ENV.parser_of("lora").parse_args(words[3:])
        if words[3] != "add":
            return False
        if is_placeholder(arguments.steps):
            return False  # nobody here knows what the robot is to do
        steps = parse_steps(arguments.steps, project.library)
        goal = arguments.goal
        if goal.startswith("<in other words: "):
            known = self.words.get(goal.removeprefix("<in other words: ").removesuffix(">"), [])
            if not known:
                return False
            goal = known.pop()
        try:
            return add_example(project, goal, steps, exam=arguments.exam).new
        except InputError:
            return False  # said already


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The sample's mission with forty examples and no exam. What is simulated passes here."""
    folder = tmp_path / "rescue"
    init_project(folder)
    (folder / "lora" / "eval.jsonl").unlink()
    shutil.copyfile(EXAMPLES, folder / "lora" / "patterns.jsonl")
    passed = Check("safety", 1.0, None, None, None, 1, "pass", "block", "")
    monkeypatch.setattr(Simulation, "open", lambda *_: Unsimulated())
    monkeypatch.setattr(scorecard, "safety", lambda *_: passed)
    monkeypatch.setattr(scorecard, "mission", lambda *_: passed)
    monkeypatch.setattr(scorecard, "stability", lambda *_: (passed, []))  # slow, and not the matter
    return Project.open(folder, actions=True)


class Unsimulated:
    """Drives nothing."""

    flat = None

    class _Driven:
        drives = False

    def drive(self, _decoder: object) -> _Driven:
        return self._Driven()


def scored(project: Project, folder: Path, looks: list[Look]) -> Scorecard:
    """An adapter of what is there now, trained and scored; its look is recorded."""
    dataset = load_dataset(project)
    train(dataset.train, project.library, folder, TrainOptions(encoder="light"))
    card = score(
        load_decoder(folder, project.library),
        dataset,
        project.spec,
        project.library,
        project=project.path,
        adapter=folder.name,
        looks=looks,
        vectors=find_encoder("light").encode,
    )
    if card.look is not None:
        looks.append(look_of(card.look))
    return card


@pytest.mark.long
@pytest.mark.timeout(600)
def test_who_follows_the_next_steps_has_an_exam_of_all_that_is_taught(
    project: Project, tmp_path: Path
) -> None:
    person, looks = Person(), list[Look]()
    for number in range(1, ROUNDS + 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        card = scored(project, folder, looks)
        print(number, card.verdict, sum(look.taken for look in looks), card.reasons, flush=True)
        assert card.verdict in ("NEEDS_DATA", "DEPLOY")
        # honest words are hardly ever too near to what stood in the exam before
        wrong = [note for note in card.notes if "in the exam before" in note or "gone" in note]
        assert len(wrong) <= 1, wrong
        if not [line for line in card.next_steps if person.follow(project, line)]:
            break
    # all that is taught is asked for, and no more is missing than rows
    assert number > 5
    assert not any("asked for by no exam row" in why for why in card.reasons), card.reasons
    assert card.look is not None
    assert card.look.sealed >= 20
