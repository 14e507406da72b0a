"""The action head on recorded goals: accuracy by cross-validation, speed, size; prints, no asserts.

Paraphrases: each goal's phrasings take turns to be left out (trained on the other three), against
the nearest neighbour by MiniLM alone. SCAN: four fifths of the recorded pairs, tested on the rest.
Both need the recorded data beside the checkout. Blend, penalties and the probe's share were chosen
on these folds, and the goals that are not a dog's were seen while choosing: a little optimistic.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.rows import Row
from handlers.lora.model.text import read
from handlers.lora.model.training import TrainOptions, train
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


def trained(rows: list[Row], encoder: str, seed: int = 0) -> tuple[ActionDecoder, float, int]:
    folder = Path(tempfile.mkdtemp())
    report = train(rows, LIBRARY, folder, TrainOptions(encoder=encoder, seed=seed))
    size = sum(path.stat().st_size for path in folder.iterdir())
    return load_decoder(folder, LIBRARY), report.seconds, size


def goals(text: str) -> list[str]:
    return [" ".join(goal.split()) for goal in text.split("|")]


def actions(steps: tuple[Step, ...]) -> list[str]:
    return [step.action for step in steps]


def auroc(high: list[float], low: list[float]) -> float:
    pairs = len(high) * len(low)
    return sum((a > b) + (a == b) / 2 for a in high for b in low) / pairs if pairs else float("nan")


def paraphrases(encoder: str) -> None:
    rows = load("train.jsonl")
    groups: dict[int, list[Row]] = {}
    for row, gid in rows:
        groups.setdefault(gid, []).append(row)
    exact, full, sure, near = [], [], [], 0
    known: list[float] = []
    for seed in range(3):
        right, wrong, numbers = [], [], 0
        for fold in range(4):
            kept = [r for group in groups.values() for i, r in enumerate(group) if i != fold]
            decoder, _, _ = trained(kept, encoder, seed)
            plain = find_encoder(encoder)
            vectors = plain.encode([read(row.goal).spoken for row in kept])
            for group in groups.values():
                row = group[fold]
                got = decoder.decode(row.goal)
                ok = actions(got.actions) == actions(row.actions)
                numbers += same_plan(row.actions, got.actions)
                (right if ok else wrong).append(got.confidence)
                if seed == 0:
                    known.append(got.familiarity)
                    best = int((plain.encode([read(row.goal).spoken]) @ vectors.T).argmax())
                    near += actions(kept[best].actions) == actions(row.actions)
        count = len(right) + len(wrong)
        exact.append(len(right) / count)
        full.append(numbers / count)
        sure.append(auroc(right, wrong))
    decoder, seconds, size = trained([row for row, _ in rows], encoder)
    began = time.perf_counter()
    for row, _ in rows[::8]:
        decoder.decode(row.goal)
    each = (time.perf_counter() - began) / len(rows[::8]) * 1000
    print(f"{encoder}: paraphrases left out, median of 3 seeds: {median(exact):.2f} action-exact,"
          f" {median(full):.2f} with numbers; nearest neighbour alone"
          f" {near / count:.2f}")  # fmt: skip
    print(f"  confidence, right against wrong: AUROC {median(sure):.2f}")
    for name, text in (("strange", STRANGE), ("near", NEAR)):
        found = [decoder.decode(goal) for goal in goals(text)]
        felt = auroc(known, [item.familiarity for item in found])
        refused = sum(item.refused for item in found)
        print(f"  {name} goals: familiarity AUROC {felt:.3f}, {refused} of {len(found)} refused")
    print(f"  {new_numbers(decoder, [row for row, _ in rows])}")
    print(f"  256 examples in {seconds:.1f} s, {size / 1024:.0f} KB, {each:.1f} ms a goal")


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


def compositions(encoder: str) -> None:
    rows = [row for row, _ in load("train.jsonl")]
    decoder, _, _ = trained(rows, encoder)
    draw = random.Random(1)
    short = [row for row in rows if len(row.actions) <= 3]
    ways = ("{a} then {b}", "{b} after you {a}", "before you {b}, {a}", "{a} and {b}")
    for way in ways:
        right = 0
        for _ in range(40):
            a, b = draw.sample(short, 2)
            got = decoder.decode(way.format(a=a.goal, b=b.goal))
            right += actions(got.actions) == actions((*a.actions, *b.actions))
        print(f"  composed of taught goals, {way!r}: {right / 40:.2f}")


def scan() -> None:
    rows = [row for row, _ in load("scan_train.jsonl")]
    random.Random(0).shuffle(rows)
    decoder, seconds, size = trained(rows[:1600], "auto")
    right = sum(decoder.decode(row.goal).actions == row.actions for row in rows[1600:])
    print(f"SCAN: {right / 400:.3f} of 400 left-out pairs, trained on 1,600 in {seconds:.1f} s,"
          f" {size / 1024:.0f} KB")  # fmt: skip


if __name__ == "__main__":
    if not GOALS.is_dir():
        print("no recorded goals beside this checkout: nothing measured")
        sys.exit(0)
    for name in ("auto", "light"):
        paraphrases(name)
        compositions(name)
    scan()
