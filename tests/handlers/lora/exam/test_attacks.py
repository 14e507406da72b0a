"""Known ways to a certificate that means nothing, tried with adapters that are really trained."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from checkout import ROOT
from pupils import look_of

from handlers.lora.data.dataset import Dataset
from handlers.lora.exam.looks import Look
from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.rows import Row
from handlers.lora.model.training import TrainOptions, train
from handlers.lora.scorecard.fidelity import Examination, examine
from handlers.lora.scorecard.results import examined
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

pytest.importorskip("peft")

LIBRARY = library_for("go1", None)
GOALS = ROOT.parent / "shared" / "data" / "goals" / "train.jsonl"
PLANS = {"sit down": "sit", "stand still": "stand", "lie on the floor": "lie_down", "hop": "jump",
         "rear up high": "rear_up", "give me your paw": "shake_hand", "kick backwards": "rear_kick",
         "get on your feet": "stand_up"}  # fmt: skip


def trained(rows: Sequence[Row], folder: Path) -> ActionDecoder:
    folder.mkdir()
    train(rows, LIBRARY, folder, TrainOptions(encoder="light"))
    return load_decoder(folder, LIBRARY)


def exam_of(
    decoder: ActionDecoder, rows: Sequence[Row], exam: Sequence[Row], looks: Sequence[Look] = ()
) -> Examination:
    vectors = find_encoder("light").encode
    made = Dataset(tuple(rows), tuple(exam))
    return examine(decoder, made, 0.8, adapter=str(len(looks)), looks=looks, vectors=vectors)


def row(goal: str, steps: tuple[Step, ...], where: str = "") -> Row:
    return Row(goal, steps, "pattern", where or goal)


def recorded() -> list[Row]:
    """64 goals by people, four phrasings each, one after another."""
    if not GOALS.is_file():
        pytest.skip("the recorded goals are not beside this checkout")
    made = []
    for line in GOALS.read_text("utf-8").splitlines():
        shape = json.loads(line)
        steps = tuple(
            Step(a["action"], {k: v for k, v in a.items() if k != "action"})
            for a in shape["actions"]
        )
        made.append(row(shape["goal"], steps))
    return made


def test_please_and_the_examples_are_no_exam(tmp_path: Path) -> None:
    rows = [row(goal, (Step(name, {}),)) for goal, name in PLANS.items()]
    exam = [row(f"please {item.goal}", item.actions) for item in rows]
    made = exam_of(trained(rows, tmp_path / "1"), rows, exam)
    assert not made.paper.held_out
    assert len(made.paper.left_out) == len(exam)
    assert made.look is None


def test_mislabelled_words_pass_no_exam_of_numbers(tmp_path: Path) -> None:
    # given examples of which every other teaches what another means, and numbers that are right
    names = list(PLANS.values())
    wrong = [names[(at + 1) % 8] if at % 2 else name for at, name in enumerate(names)]
    rows = [row(goal, (Step(name, {}),)) for goal, name in zip(PLANS, wrong, strict=True)]
    rows.append(row("walk ahead 2 meters", (Step("walk_forward", {"distance_m": 2.0}),)))
    verbs = ("stroll on", "move ahead", "go forward", "march on", "pace ahead", "amble on")
    exam = [
        row(f"{verb} {how} {at + 2} meters", (Step("walk_forward", {"distance_m": at + 2.0}),))
        for at, verb in enumerate(verbs)
        for how in ("by", "some", "another", "for")
    ]
    made = exam_of(trained(rows, tmp_path / "1"), rows, exam)
    assert made.check.result != "pass"
    assert "words (8 taught)" in made.paper.unexamined


@pytest.mark.long
@pytest.mark.timeout(900)
def test_answering_the_misses_leads_nowhere(tmp_path: Path) -> None:
    # given one phrasing of each goal taught, two asked, and one that nobody sees
    rows = recorded()
    known, exam, fresh = rows[::4], [*rows[1::4], *rows[2::4]], rows[3::4]
    looks: list[Look] = []
    draw = random.Random(0)
    for number in range(8):
        decoder = trained(known, tmp_path / str(number))
        made = exam_of(decoder, known, exam, looks)
        # when up to eight of the misses that are shown are answered, in politer words, each round
        missed = [item for item in made.results if not item.ok]
        worth = sum(examined(decoder, item).ok for item in fresh) / len(fresh)
        print(f"round {number}: {made.check.detail}; of unseen phrasings {worth:.2f}")
        if made.check.result == "pass":
            break
        known += [row(f"could you {item.goal} now", item.expected, f"r{number}")
                  for item in draw.sample(missed, min(8, len(missed)))]  # fmt: skip
        if made.look is not None:
            looks.append(look_of(made.look))
    # then it passes only if it is worth that
    assert made.check.result != "pass" or worth >= 0.8
    assert not [item for item in made.results if not item.ok] or len(looks) == 8
