"""The action head on recorded goals: accuracy by cross-validation, speed, size; prints, no asserts.

Paraphrases: each goal's phrasings take turns to be left out (trained on the other three), against
the nearest neighbour by MiniLM alone. SCAN: four fifths of the recorded pairs, tested on the rest.
Both need the recorded data beside the checkout. Blend and penalties were chosen on these folds.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from handlers.lora.dataset import Row
from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.text import read
from handlers.lora.model.training import TrainOptions, train
from handlers.lora.scorecard import same_plan
from handlers.project.examples import Step
from handlers.project.library import library_for

GOALS = Path(__file__).resolve().parents[3] / "shared" / "data" / "goals"
LIBRARY = library_for("go1", None)
STRANGE = (
    "fly to the roof|swim across the pool|open the valve|weld the pipe|cook me some pasta|tell me"
    " a joke|play some jazz|book a flight to rome|drive the car to the garage|paint the wall blue"
    "|call my mother|what time is it|screw in the light bulb|pour a glass of water|solve this"
    " equation|water the plants|fold the laundry|pick up the red cube|throw the ball|read me a"
    " story|turn on the lights|mow the lawn|take a photo|drill a hole in the wall|launch the drone"
)


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
    right, wrong, known = [], [], []
    exact = full = count = near = 0
    for fold in range(4):
        kept = [r for group in groups.values() for i, r in enumerate(group) if i != fold]
        decoder, _, _ = trained(kept, encoder)
        plain = find_encoder(encoder)
        vectors = plain.encode([read(row.goal).spoken for row in kept])
        for group in groups.values():
            row = group[fold]
            got = decoder.decode(row.goal)
            ok = actions(got.actions) == actions(row.actions)
            exact, full, count = exact + ok, full + same_plan(row.actions, got.actions), count + 1
            (right if ok else wrong).append(got.confidence)
            known.append(got.familiarity)
            best = int((plain.encode([read(row.goal).spoken]) @ vectors.T).argmax())
            near += actions(kept[best].actions) == actions(row.actions)
    decoder, seconds, size = trained([row for row, _ in rows], encoder)
    strange = [decoder.decode(goal) for goal in STRANGE.split("|")]
    began = time.perf_counter()
    for row, _ in rows[::8]:
        decoder.decode(row.goal)
    each = (time.perf_counter() - began) / len(rows[::8]) * 1000
    print(f"{encoder}: paraphrases left out: {exact / count:.2f} action-exact, {full / count:.2f}"
          f" with numbers; nearest neighbour alone {near / count:.2f}")  # fmt: skip
    print(f"  confidence, right against wrong: AUROC {auroc(right, wrong):.2f}")
    print(f"  familiarity, known against strange goals: AUROC"
          f" {auroc(known, [item.familiarity for item in strange]):.3f}")  # fmt: skip
    refused = sum(item.refused for item in strange)
    print(f"  {refused} of {len(strange)} strange goals refused")
    print(f"  256 examples in {seconds:.1f} s, {size / 1024:.0f} KB, {each:.1f} ms a goal")


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
