"""Somebody with a mission and no examples, who types what is printed, gets to a DEPLOY."""

from __future__ import annotations

import random
import re
import shlex
import shutil
from itertools import cycle
from pathlib import Path

import pytest
from phasewords import OF_PHASES

from handlers.lora.model.encoders.minilm import minilm_folder

ROUNDS = 4
RIGHT = 0.8
"""Of the questions for practice so many are understood at least."""
TOLD = r"sealed: (?:fewer than \d+|\d+ or more) of \d+ right"
"""What is told of a look at the sealed part."""
MOST_EXAMPLES = 60
WAYS = 4
"""An example is said in so many wordings for each place."""
PLACE = re.compile(r"<in other words: ([^>]+)>")


class Person:
    """Types lines as they are printed; fills places for words with words that mean just that."""

    def __init__(self, house) -> None:
        self.house = house
        self.words: dict[str, list[str]] = {}
        draw = random.Random(0)
        for goal, words in OF_PHASES.items():
            left = draw.sample(words, len(words))
            self.words.update(dict.fromkeys([goal, *words], left))

    def follow(self, printed: str) -> int:
        """Do all that was printed; how many lines were typed."""
        lines = [line.strip() for line in printed.splitlines()]
        commands = [line for line in lines if line.startswith("cadenza env ")]
        questions = [line for line in commands if line.endswith(" --exam")]
        count = re.search(r"# exam: ([\d,]+) more questions", printed)
        wanted = int(count[1].replace(",", "")) if count else len(questions)
        others = [line for line in commands if line not in questions]
        said = [line for line in others for _ in range(WAYS if PLACE.search(line) else 1)]
        return sum(map(self.type, said)) + self.ask(questions, wanted)

    def ask(self, questions: list[str], wanted: int) -> int:
        """As many questions of the exam as are needed, taking turns."""
        asked = tried = 0
        for line in cycle(questions):
            if asked == wanted or tried == len(questions):
                return asked
            done = self.type(line)
            asked, tried = asked + done, 0 if done else tried + 1
        return asked

    def type(self, line: str) -> bool:
        """Whether a line could be typed: for its place there are words left."""
        words = shlex.split(line)
        for at, word in enumerate(words):
            if word.startswith("<its steps"):
                return False  # which nobody here knows
            if place := PLACE.fullmatch(word):
                if not self.words.get(place[1]):
                    return False
                words[at] = self.words[place[1]].pop(0)
        self.house.run(*words)
        return True


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(minilm_folder() is None, reason="all-MiniLM-L6-v2 is not installed")
def test_who_types_what_is_printed_gets_from_nothing_to_a_deploy(house, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    pytest.importorskip("mujoco")
    project = tmp_path / "rescue"
    house.run("cadenza", "env", "init", project)
    shutil.rmtree(project / "lora")
    person = Person(house)
    # given a first line that cannot train, and says how to begin
    finetune = ("cadenza", "env", "lora", "finetune", project, "--gate")
    done = house.run(*finetune, check=False)
    assert done.returncode == 1
    (first,) = re.findall(r"\((cadenza env run [^:]+):", done.stderr)
    house.run(*shlex.split(first))
    for number in range(1, ROUNDS + 1):
        # when an adapter is trained of what is there, and what is printed then is done
        done = house.run(*finetune, check=False, timeout=600)
        print(f"--- {number}\n{done.stdout}", flush=True)
        if done.returncode == 0:
            break
        assert done.returncode == 6, "following the steps is never a step back"
        assert person.follow(done.stdout), "something is left to do"
    # then the mission is driven by what was taught, and the exam is one that was worth a look
    assert "verdict: DEPLOY (deployed)" in done.stdout
    assert re.search(TOLD, done.stdout)
    assert re.search(r"^safety .* pass ", done.stdout, re.MULTILINE)
    assert re.search(r"^mission .* pass ", done.stdout, re.MULTILINE)
    assert "asked for by no exam row" not in done.stdout
    (right, asked), *_ = re.findall(r"practice: (\d+) of (\d+) right", done.stdout)
    assert int(right) >= RIGHT * int(asked)
    # of examples that are few enough to be written at one sitting
    examples = (project / "lora" / "patterns.jsonl").read_text().splitlines()
    assert len(examples) <= MOST_EXAMPLES
