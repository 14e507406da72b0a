"""The action head on recorded goals: accuracy by cross-validation, speed, size; prints, no asserts.

Paraphrases: each goal's phrasings take turns to be left out (trained on the other three), with the
adapter and as if its weights were zero; beside them pairs of left-out phrasings, and what the
nearest taught goal alone would answer, with no decoder around it. Fewer examples: so many rows
drawn at random, asked all left-out phrasings. SCAN: four fifths of the recorded pairs, tested on
the rest. All need the recorded data beside the checkout. Spelling's share, what a cut and a deduced
piece cost and augmentation were chosen on folds 0 and 2, what counts as a slip of the pen was seen
on 0, 1 and 2, and the goals that are not a dog's were seen while choosing: a little optimistic.

    bench_lora.py [ENCODER] [FOLDS] [PART ...]

ENCODER is auto or light (both), or the path of a project's own, like own_minilm.py beside this;
FOLDS some of 0,1,2,3 (all), a PART phrasings, fewer, all or scan (each of them). With MiniLM a fold
takes two minutes of one core. Seconds are by the clock and, in brackets, of the processor.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.interface import Decoded
from handlers.lora.model.rows import Row
from handlers.lora.model.text import read
from handlers.lora.model.training import TrainOptions, train
from handlers.lora.scorecard.gain import is_nearest_right, paired_bounds
from handlers.lora.scorecard.results import same_plan
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

GOALS = Path(__file__).resolve().parents[3] / "shared" / "data" / "goals"
LIBRARY = library_for("go1", None)
STRANGE = """
fly to the roof | swim across the pool | open the valve | weld the pipe | cook me some pasta |
tell me a joke | play some jazz | book a flight to rome | drive the car to the garage | paint
the wall blue | call my mother | what time is it | screw in the light bulb | pour a glass of
water | solve this equation | water the plants | fold the laundry | pick up the red cube | throw
the ball | read me a story | turn on the lights | mow the lawn | take a photo | drill a hole in
the wall | launch the drone
"""
"""Goals of other machines, and of people."""

NEAR = """
fly to the roof | climb up the ladder | open the front door | jump over the fence | pick up the
box in front of you | swim back to me | dig a hole here | throw the stick | grab the handle and
pull | push the button on the wall | bring me a beer | press the red switch | lift the crate
onto the shelf | carry the bag upstairs | take off and hover at two meters | land on the helipad
| drive to the charging station | unlock the gate | kick the ball into the goal | do a backflip
| roll over and play dead | dance the tango | shake hands with the visitor | write your name on
the board | sweep the floor of the corridor | wash the windows | empty the trash can | count the
people in the room | translate this sentence to french | what is your battery level | set a
timer for ten minutes | turn off the lights in the hall | turn the volume up | read the sign
aloud | take a picture of the debris | scan the barcode on the package | inspect the weld with
your gripper | hold this rope for me | hand me the wrench | tighten the bolt by two turns
"""
"""Goals near a robot dog's that its library cannot do."""


def load(name: str) -> list[tuple[Row, int]]:
    made = []
    for number, line in enumerate((GOALS / name).open(encoding="utf-8"), 1):
        row = json.loads(line)
        steps = tuple(
            Step(a["action"], {k: v for k, v in a.items() if k != "action"}) for a in row["actions"]
        )
        made.append((Row(row["goal"], steps, "pattern", f"{name}:{number}"), row.get("gid", 0)))
    return made


@dataclass
class Pair:
    """A decoder with the adapter, and the same without its weights."""

    trained: ActionDecoder
    plain: ActionDecoder
    seconds: str
    size: int


def learned(rows: list[Row], encoder: str, threads: int = 1) -> Pair:
    folder = Path(tempfile.mkdtemp())
    own = Path(encoder).resolve() if encoder.endswith(".py") else None
    options = TrainOptions(threads=threads, encoder=encoder, project_encoder=own)
    began = time.process_time()
    report = train(rows, LIBRARY, folder, options)
    seconds = f"{report.seconds:.1f} s ({time.process_time() - began:.1f} s)"
    size = sum(path.stat().st_size for path in folder.iterdir())
    plain = load_decoder(folder, LIBRARY, own, trained=False)
    return Pair(load_decoder(folder, LIBRARY, own), plain, seconds, size)


@dataclass
class Count:
    """How goals were answered."""

    asked: int = 0
    right: int = 0
    full: int = 0
    refused: int = 0
    served_wrong: int = 0
    sure: int = 0
    sure_right: int = 0

    def add(self, got: Decoded, wanted: Sequence[Step]) -> bool:
        """Count a goal; whether its actions are right."""
        ok = actions(got.actions) == actions(wanted)
        self.asked += 1
        self.right += ok
        self.full += same_plan(wanted, got.actions)
        self.refused += got.refused
        self.served_wrong += bool(got.actions) and not ok and not got.doubtful
        self.sure += got.confidence >= 0.9
        self.sure_right += ok and got.confidence >= 0.9
        return ok

    def __str__(self) -> str:
        return (
            f"{self.right / self.asked:.3f} of {self.asked} ({self.full / self.asked:.3f} with"
            f" numbers; {self.refused} refused, {self.served_wrong} wrong and undoubted;"
            f" confidence >= .9: {self.sure_right} of {self.sure} right)"
        )


def goals(text: str) -> list[str]:
    return [" ".join(goal.split()) for goal in text.split("|")]


def actions(steps: Sequence[Step]) -> list[str]:
    return [step.action for step in steps]


def groups() -> list[list[Row]]:
    """The recorded goals, each with its phrasings."""
    made: dict[int, list[Row]] = {}
    for row, gid in load("train.jsonl"):
        made.setdefault(gid, []).append(row)
    return list(made.values())


def paraphrases(encoder: str, folds: Sequence[int]) -> None:
    counts: dict[str, Count] = {}
    pairs_of: dict[str, Counter[tuple[bool, bool]]] = {}
    nearest: Counter[str] = Counter()
    for number, fold in enumerate(folds, 1):
        kept = [row for group in groups() for at, row in enumerate(group) if at != fold]
        held = [group[fold] for group in groups()]
        pair = learned(kept, encoder)
        for what, rows in (("left out", held), ("pairs of left-out", pairs(held, 72, fold))):
            right: list[list[bool]] = []
            for how, decoder in (("trained", pair.trained), ("weights at zero", pair.plain)):
                count = counts.setdefault(f"{what}, {how}", Count())
                right.append([count.add(decoder.decode(row.goal), row.actions) for row in rows])
            pairs_of.setdefault(what, Counter()).update(zip(*right, strict=True))
        shapes = {row.goal: row.shape for row in kept}
        for how, decoder in (("trained", pair.trained), ("weights at zero", pair.plain)):
            nearest.update(alone(decoder, held, shapes, how))
        for name, count in counts.items():
            print(f"{encoder}: {number} folds: phrasings {name}: {count}", flush=True)
        for what, cells in pairs_of.items():
            print(f"{encoder}: {number} folds: {what}: training adds {added(cells)}", flush=True)
        shown = ", ".join(f"{name} {count}" for name, count in sorted(nearest.items()))
        print(f"{encoder}: {number} folds: the nearest taught goal alone is right: {shown}")


def added(cells: Counter[tuple[bool, bool]]) -> str:
    """By how many points it is more right, of goals counted by (right trained, right at zero)."""
    won, lost, n = cells[True, False], cells[False, True], cells.total()
    low, high = paired_bounds(won, lost, n)
    either = n - cells[False, False]
    return (
        f"{(won - lost) / n:+.3f} ({low:+.3f} to {high:+.3f}, 95%; {won} won, {lost} lost;"
        f" one of the two is right in {either})"
    )


def alone(
    decoder: ActionDecoder, rows: list[Row], shapes: dict[str, tuple[str, ...]], how: str
) -> Iterator[str]:
    """Of each row whose nearest taught goal has its actions: with numbers or without, and how.

    What the encoder is worth by itself: no pieces, no reader of goals, no directions.
    """
    for row in rows:
        if is_nearest_right(decoder, row, shapes):
            kind = "with numbers" if read(row.goal).quantities else "in words"
            yield f"{kind}, {how}"


def fewer(encoder: str) -> None:
    """The learning curve: goals whose plans were not drawn are untaught."""
    held = [group[0] for group in groups()]
    rest = [row for group in groups() for row in group[1:]]
    for many in (8, 40, 80):
        decoder = learned(random.Random(many).sample(rest, many), encoder).trained
        count = Count()
        for row in held:
            count.add(decoder.decode(row.goal), row.actions)
        print(f"{encoder}: {many} examples: {count}", flush=True)


def pairs(rows: list[Row], many: int, seed: int) -> list[Row]:
    draw = random.Random(seed)
    short = [row for row in rows if len(row.actions) <= 3]
    ways = ("{a} then {b}", "{b} after you {a}", "before you {b}, {a}", "{a} and {b}",
            "first {a}, then {b}", "{a}, {b}")  # fmt: skip
    made = []
    for index in range(many):
        a, b = draw.sample(short, 2)
        goal = ways[index % len(ways)].format(a=a.goal, b=b.goal)
        made.append(Row(goal, (*a.actions, *b.actions), "pattern", ""))
    return made


def everything(encoder: str) -> None:
    rows = [row for group in groups() for row in group]
    pair = learned(rows, encoder, threads=2)
    began, used = time.perf_counter(), time.process_time()
    for row in rows[::8]:
        pair.trained.decode(row.goal)
    each = (time.perf_counter() - began) / len(rows[::8]) * 1000
    of_it = (time.process_time() - used) / len(rows[::8]) * 1000
    for name, text in (("strange", STRANGE), ("near", NEAR)):
        found = [pair.trained.decode(goal) for goal in goals(text)]
        print(f"{encoder}: {name} goals: {sum(item.refused for item in found)} of {len(found)}"
              f" refused, {sum(item.doubtful for item in found)} doubtful")  # fmt: skip
    count = Count()
    for row in pairs(rows, 120, 9):
        count.add(pair.trained.decode(row.goal), row.actions)
    print(f"{encoder}: pairs of taught goals: {count}")
    print(f"{encoder}: {new_numbers(pair.trained, rows)}")
    print(f"{encoder}: {len(rows)} examples in {pair.seconds} on two threads,"
          f" {pair.size / 1024:.0f} KB, {each:.1f} ms ({of_it:.1f} ms) a goal")  # fmt: skip


def new_numbers(decoder: ActionDecoder, rows: list[Row]) -> str:
    """Every taught goal with one number in digits, with another number in its place."""
    draw = random.Random(2)
    right = asked = 0
    for row in rows:
        numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", row.goal)
        quantities = read(row.goal).quantities
        if len(numbers) != 1 or len(quantities) != 1 or quantities[0].kind == "n":
            continue
        value = quantities[0].value
        factor = draw.uniform(0.6, 1.6)
        said = round(float(numbers[0]) * factor, 1)
        factor = said / float(numbers[0])
        wanted = tuple(
            Step(step.action, {name: number * factor if abs(number - value) < 1e-3 else number
                               for name, number in step.parameters.items()})
            for step in row.actions
        )  # fmt: skip
        if any(LIBRARY.validate(step.as_json()) for step in wanted):
            continue
        asked += 1
        got = decoder.decode(row.goal.replace(numbers[0], f"{said:g}"))
        right += same_plan(wanted, got.actions)
    return f"new numbers in taught goals: {right} of {asked} with numbers"


def scan() -> None:
    rows = [row for row, _ in load("scan_train.jsonl")]
    random.Random(0).shuffle(rows)
    pair = learned(rows[:1600], "auto")
    right = sum(pair.trained.decode(row.goal).actions == row.actions for row in rows[1600:])
    print(f"SCAN: {right / 400:.3f} of 400 left-out pairs, trained on 1,600 in"
          f" {pair.seconds}, {pair.size / 1024:.0f} KB")  # fmt: skip


if __name__ == "__main__":
    if not GOALS.is_dir():
        print("no recorded goals beside this checkout: nothing measured")
        sys.exit(0)
    encoders = sys.argv[1:2] or ("auto", "light")
    folds = [int(fold) for fold in (sys.argv[2] if len(sys.argv) > 2 else "0,1,2,3").split(",")]
    parts = sys.argv[3:] or ("phrasings", "fewer", "all", "scan")
    for name in encoders:
        if "phrasings" in parts:
            paraphrases(name, folds)
        if "fewer" in parts:
            fewer(name)
        if "all" in parts:
            everything(name)
    if "scan" in parts:
        scan()
