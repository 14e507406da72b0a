"""The trained head: the same bytes again, PEFT's own format, and plans within the library."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.lora.model.decoding import ActionDecoder, load_decoder
from handlers.lora.model.encoder import find_encoder
from handlers.lora.model.encoders.light import LightEncoder
from handlers.lora.model.encoders.minilm import MiniLM
from handlers.lora.model.encoders.own import ProjectEncoder
from handlers.lora.model.files import read_head
from handlers.lora.model.names import CONFIG, HEAD, KNOWN, WEIGHTS
from handlers.lora.model.rows import Row
from handlers.lora.model.training import TrainOptions, TrainReport, train
from handlers.project.code import imported_code
from handlers.project.formats.examples import Step
from handlers.project.library import library_for
from store.errors import InputError

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

GO1 = library_for("go1", None, ["signal_found"])
QUICK = TrainOptions(epochs=3, lr=5e-3, rank=4, encoder="light")


def walk(distance: float) -> tuple[Step, ...]:
    return (Step("walk_forward", {"distance_m": distance}),)


SIT = (Step("sit", {}),)
LEFT = (Step("turn_left", {"rotation_rad": 1.5708}),)
RIGHT = (Step("turn_right", {"rotation_rad": 1.5708}),)
GOALS: dict[str, tuple[Step, ...]] = {
    "walk forward 2 meters": walk(2.0),
    "go ahead 3 meters": walk(3.0),
    "sit down": SIT,
    "take a seat": SIT,
    "turn left": LEFT,
    "face left": LEFT,
    "turn right": RIGHT,
    "jump 3 times": (Step("jump", {"repeat": 3}),),
    "wait 4 seconds": (Step("stand", {"duration_s": 4.0}),),
    "hurry forward 2 meters at 1.5 times speed": (
        Step("trot_forward", {"distance_m": 2.0, "speed": 1.5}),
    ),
    "say that it is found": (Step("signal_found", {}),),
}


def rows(goals: dict[str, tuple[Step, ...]], image: str | None = None) -> list[Row]:
    return [Row(goal, plan, "pattern", "x:1", image=image) for goal, plan in goals.items()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainReport]:
    """An adapter of the goals above, as it lies on disk."""
    folder = tmp_path_factory.mktemp("adapter")
    return folder, train(rows(GOALS), GO1, folder, QUICK, dataset_sha256="d" * 64)


@pytest.fixture(scope="module")
def decoder(trained: tuple[Path, TrainReport]) -> ActionDecoder:
    return load_decoder(trained[0], GO1)


@pytest.fixture
def again(tmp_path: Path) -> Callable[..., bytes]:
    """`again(**options)`: the weights of another training."""

    def made(**changes: Any) -> bytes:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        train(rows(GOALS), GO1, folder, replace(QUICK, **changes))
        return (folder / WEIGHTS).read_bytes()

    return made


# -- training --------------------------------------------------------------------------------------


def test_the_same_data_and_seed_give_the_same_bytes(
    trained: tuple[Path, TrainReport], tmp_path: Path, again: Callable[..., bytes]
) -> None:
    folder, _ = trained
    torch.manual_seed(12345)  # whatever happened before
    train(rows(GOALS), GO1, tmp_path, QUICK, dataset_sha256="d" * 64)
    names = sorted(item.name for item in folder.iterdir())
    assert sorted(item.name for item in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name


def test_another_seed_rank_or_rate_gives_other_weights(
    trained: tuple[Path, TrainReport], again: Callable[..., bytes]
) -> None:
    weights = {(trained[0] / WEIGHTS).read_bytes(), again(seed=1), again(rank=2), again(lr=1e-3)}
    assert len(weights) == 4


def test_peft_loads_it_and_it_changes_the_base(trained: tuple[Path, TrainReport]) -> None:
    encoder = LightEncoder()
    goals = ["sit down", "turn left"]
    before = encoder.encode(goals)
    loaded = peft.PeftModel.from_pretrained(encoder.module, str(trained[0])).eval()
    after = encoder.encode(goals)
    assert not torch.allclose(before, after, atol=1e-4)
    with loaded.disable_adapter():
        assert torch.equal(encoder.encode(goals), before)


def test_the_facts_say_how_it_came_about(trained: tuple[Path, TrainReport]) -> None:
    folder, report = trained
    facts, entries = read_head(folder)
    assert (facts.encoder, facts.rank, facts.epochs, facts.seed, facts.threads) == (
        "light", 4, report.epochs, 0, 1
    )  # fmt: skip
    assert 1 <= report.epochs <= 3  # it stops where validation gets no better
    assert (facts.base_sha256, facts.dataset_sha256) == (report.base_sha256, "d" * 64)
    assert len(entries) == report.entries
    assert report.loss is not None


def test_progress_is_reported_for_every_epoch(tmp_path: Path) -> None:
    told: list[Any] = []
    report = train(rows(GOALS), GO1, tmp_path, QUICK, told.append)
    done = [values["done"] for values in told if values["step"] == "training"]
    assert done == list(range(1, report.epochs + 1))
    assert any(values["step"] == "rehearsing" and "validation" in values for values in told)


def test_one_example_is_enough_to_train_on(tmp_path: Path) -> None:
    train(rows({"sit down": SIT}), GO1, tmp_path, QUICK)
    assert load_decoder(tmp_path, GO1).decode("sit down").actions == SIT


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        train([], GO1, tmp_path, QUICK)


def test_a_loss_that_is_no_number_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training went wrong in epoch \d+: the loss is nan"):
        train(rows(GOALS), GO1, tmp_path, replace(QUICK, lr=1e30, epochs=9))
    assert list(tmp_path.iterdir()) == []


# -- decoding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("goal", list(GOALS))
def test_what_was_taught_is_known(goal: str, decoder: ActionDecoder) -> None:
    decoded = decoder.decode(goal)
    assert decoded.actions == GOALS[goal]
    assert (decoded.refused, decoded.doubtful) == (False, False)
    assert decoded.familiarity == 1.0


@pytest.mark.parametrize(
    ("goal", "plan"),
    [
        ("walk forward 70 cm", walk(0.7)),
        ("go ahead two and a half meters", walk(2.5)),
        ("SIT DOWN!", SIT),
        ("please sit down", SIT),
        ("turn left then sit down", LEFT + SIT),
        ("sit down after you turn left", LEFT + SIT),
        ("before you sit down, walk forward 4 meters", walk(4.0) + SIT),
        ("turn left, turn right, and take a seat", LEFT + RIGHT + SIT),
        ("jump five times", (Step("jump", {"repeat": 5}),)),
    ],
)
def test_what_is_made_of_known_pieces_is_put_together(
    goal: str, plan: tuple[Step, ...], decoder: ActionDecoder
) -> None:
    assert decoder.decode(goal).actions == plan


@pytest.mark.parametrize(
    "goal", ["order a pizza with extra cheese", "qwertz uiop", "what is the capital of france"]
)
def test_a_strange_goal_is_refused_with_the_nearest(goal: str, decoder: ActionDecoder) -> None:
    decoded = decoder.decode(goal)
    assert (decoded.refused, decoded.actions, decoded.doubtful) == (True, (), False)
    assert len(decoded.nearest) == 3
    assert decoded.as_json()["refused"] is True


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        ("do not sit down", "'do not sit down': what is not to be done"),
        ("sit down unless it rains", "'sit down unless it rains': hangs on a condition"),
    ],
)
def test_what_is_forbidden_or_conditional_is_refused_with_its_words(
    goal: str, says: str, decoder: ActionDecoder
) -> None:
    decoded = decoder.decode(goal)
    assert (decoded.refused, decoded.actions) == (True, ())
    assert decoded.doubts[0].startswith(says)


@pytest.mark.parametrize(
    "goal", ["after you cheer us up, sit down", "sit down after you cheer us up"]
)
def test_what_is_done_first_is_no_condition(goal: str, tmp_path: Path) -> None:
    # given a goal that the goal language cannot read
    hello = (Step("shake_hand", {}),)
    train(rows({**GOALS, "cheer them up": hello}), GO1, tmp_path, QUICK)
    # when it is to be done in its turn, in other words than were taught
    decoded = load_decoder(tmp_path, GO1).decode(goal)
    assert (decoded.refused, decoded.actions) == (False, hello + SIT)


def test_after_something_that_nobody_taught_hangs_on_a_condition(decoder: ActionDecoder) -> None:
    decoded = decoder.decode("after you water the plants, sit down")
    assert (decoded.refused, decoded.actions) == (True, ())
    assert "when that is nobody says" in decoded.doubts[0]


@pytest.mark.parametrize(
    ("goal", "word"), [("walk forward 2 to 3 meters", "2 to 3 meters"), ("turn left 45", "45")]
)
def test_a_number_in_doubt_makes_a_doubtful_plan_with_the_words(
    goal: str, word: str, decoder: ActionDecoder
) -> None:
    decoded = decoder.decode(goal)
    assert decoded.doubtful
    assert decoded.as_json()["doubts"][0].startswith(repr(word))


def test_a_goal_that_may_be_cut_in_two_ways_is_not_sure(decoder: ActionDecoder) -> None:
    # given three pieces that are known, of which nobody says where "before" ends
    open_one = decoder.decode("before you sit down, turn left, turn right")
    assert (open_one.confidence, open_one.doubtful) == (0.5, True)
    assert any("cut in 2 ways" in doubt for doubt in open_one.doubts)
    # and two of which it is plain
    plain = decoder.decode("before you sit down, turn left")
    assert plain.actions == (*LEFT, *SIT)
    assert (plain.confidence, plain.doubtful) == (1.0, False)


def test_how_fast_is_read_or_said_not_to_be_in_the_plan(decoder: ActionDecoder) -> None:
    # given a goal that is read, one that was taught, and one that is near to what was taught
    read = decoder.decode("slowly walk forward 2 meters")
    assert (read.doubtful, read.actions[0].parameters["speed"]) == (False, 0.5)
    taught = decoder.decode("hurry forward 2 meters at 1.5 times speed")
    assert (taught.doubtful, taught.doubts) == (False, ())
    near = decoder.decode("quickly say that it is found")
    assert near.actions == (Step("signal_found", {}),)
    assert near.doubtful
    assert near.doubts == ("'quickly': the plan has no speed for it",)


@pytest.mark.parametrize("goal", ["", "   ", "...", "?!"])
def test_an_empty_goal_is_an_error(goal: str, decoder: ActionDecoder) -> None:
    with pytest.raises(InputError, match="the goal is empty"):
        decoder.decode(goal)


@pytest.mark.parametrize(
    "goal",
    [
        "walk forward 1e9 meters",
        "walk forward 1e999 meters",
        f"walk forward {'9' * 400} meters",
        "walk forward -5 meters",
        "walk forward 0 meters",
        "go ahead 1/3 meters",
        "jump 99999999 times",
        f"jump {'9' * 400} times",
        "jump 0 times",
        "jump 2.5 times",
        "jump minus three times",
        "wait 1e9 seconds",
        "turn left 4000 degrees",
        "hurry forward 2 meters at 900 times speed",
        "hurry forward 2 meters at 0 times speed",
        "sit down 7 meters at 9 rad for 1e12 minutes 44 times",
        "say that it is found 9 times at 3 times speed",
        "sit down then " * 200 + "sit down",
        "sit down after " * 100 + "sit down",
        "walk " * 500,
        "turn left\0turn right\ud7ff\u202e",
        "<script>sit down</script>'; DROP TABLE",
    ],
)
def test_whatever_is_asked_the_plan_is_within_the_library(
    goal: str, decoder: ActionDecoder
) -> None:
    decoded = decoder.decode(goal)
    assert len(decoded.actions) <= 64
    for step in decoded.actions:
        assert GO1.validate(step.as_json()) == []
    assert 0 <= decoded.confidence <= 1 + 1e-6


def test_the_same_goal_decodes_to_the_same_after_a_reload(
    trained: tuple[Path, TrainReport], decoder: ActionDecoder
) -> None:
    other = load_decoder(trained[0], GO1)
    for goal in ("stroll ahead 2 meters", "sit", "turn to the left and be seated", "xyz"):
        assert other.decode(goal) == decoder.decode(goal) == decoder.decode(goal)


def test_actions_the_robot_no_longer_has_are_not_planned(
    trained: tuple[Path, TrainReport],
) -> None:
    other = load_decoder(trained[0], library_for("go1", None))
    decoded = other.decode("say that it is found")
    assert "signal_found" not in [step.action for step in decoded.actions]


# -- what does not fit -----------------------------------------------------------------------------


@pytest.fixture
def copy(trained: tuple[Path, TrainReport], tmp_path: Path) -> Path:
    """A copy of the adapter that may be damaged."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for item in trained[0].iterdir():
        (folder / item.name).write_bytes(item.read_bytes())
    return folder


@pytest.mark.parametrize("name", [HEAD, WEIGHTS, CONFIG, KNOWN])
def test_a_damaged_file_is_one_clear_error(name: str, copy: Path) -> None:
    for damage in (b"", (copy / name).read_bytes()[:50], b"{}"):
        (copy / name).write_bytes(damage)
        with pytest.raises(InputError, match="copy"):
            load_decoder(copy, GO1)


def test_an_adapter_of_another_base_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LightEncoder, "identity", "light-2")
    with pytest.raises(InputError, match="was trained with another base"):
        load_decoder(copy, GO1)


ENCODER = """
import torch
class Encoder(torch.nn.Module):
    hidden_dim = 16
    def forward(self, text, images=None):
        out = torch.zeros(len(text), 1, 16)
        for row, line in enumerate(text):
            for letter in line.encode():
                out[row, 0, letter % 16] += 1
        return {result}
def build_encoder(max_seq_len):
    return {built}
"""


def encoder_file(folder: Path, result: str = "out", built: str = "Encoder()") -> Path:
    path = folder / "lora_encoder.py"
    path.write_text(ENCODER.format(result=result, built=built))
    return path


def test_a_projects_own_encoder_is_used_and_needed(tmp_path: Path) -> None:
    path = encoder_file(tmp_path)
    (tmp_path / "made").mkdir()
    report = train(rows(GOALS), GO1, tmp_path / "made", replace(QUICK, project_encoder=path))
    assert report.encoder == "project"
    assert load_decoder(tmp_path / "made", GO1, path).decode("sit down").actions == SIT
    with pytest.raises(InputError, match="which is not there"):
        load_decoder(tmp_path / "made", GO1)
    encoder_file(tmp_path, result="out * 2")
    with pytest.raises(InputError, match="was trained with another base"):
        load_decoder(tmp_path / "made", GO1, path)


@pytest.mark.parametrize(
    ("result", "built", "says"),
    [
        ("out[0]", "Encoder()", r"forward gave \[1, 16\], not \[1, T, 16\]"),
        ("out[1:]", "Encoder()", r"forward gave \[0, 1, 16\], not \[1, T, 16\]"),
        ("out[:, :, :3]", "Encoder()", r"forward gave \[1, 1, 3\], not \[1, T, 16\]"),
        ("None", "Encoder()", r"forward gave NoneType, not"),
        ("[out]", "Encoder()", r"forward gave list, not"),
        ("out / 0", "Encoder()", "numbers that are not finite"),
        ("1 / 0", "Encoder()", r"lora_encoder.py:10: forward failed: ZeroDivisionError"),
        ("out", "object()", "build_encoder gave object, no torch.nn.Module"),
        ("out", "1 / 0", "build_encoder failed: ZeroDivisionError"),
        ("out", "exit(7)", "build_encoder failed: SystemExit: 7"),
        ("exit(7)", "Encoder()", "forward failed: SystemExit: 7"),
        ("out", "torch.nn.Linear(1, 1)", "build_encoder failed: AttributeError: .*'hidden_dim'"),
    ],
)
def test_a_projects_encoder_that_is_wrong_is_named(
    result: str, built: str, says: str, tmp_path: Path
) -> None:
    path = encoder_file(tmp_path, result, built)
    with pytest.raises(InputError, match=says) as caught:
        ProjectEncoder(path).encode(["one", "two"])
    assert caught.value.message.startswith(str(path))


def test_the_very_code_that_is_trusted_is_run(tmp_path: Path) -> None:
    code = imported_code(tmp_path, encoder_file(tmp_path))
    encoder_file(tmp_path, result="1 / 0")  # changed between the look and the run
    encoder = ProjectEncoder(code)
    assert encoder.identity == code.sha256
    assert encoder.encode(["one"]).shape == (1, 16)


CHANCE = """
import {module}
import torch
class Encoder(torch.nn.Module):
    hidden_dim = 16
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(256, 16)
        with torch.no_grad():
            self.table.weight += {more}
    def forward(self, text, images=None):
        rows = [self.table(torch.tensor(list(line.encode()))).mean(0) for line in text]
        return torch.stack(rows)[:, None]
def build_encoder(max_seq_len):
    return Encoder()
"""


def test_an_encoder_of_chance_is_the_same_again_or_refused(tmp_path: Path) -> None:
    path, made = tmp_path / "lora_encoder.py", tmp_path / "made"
    made.mkdir()
    # random weights come from a seed
    path.write_text(CHANCE.format(module="random", more="0"))
    train(rows(GOALS), GO1, made, replace(QUICK, project_encoder=path))
    torch.manual_seed(99)
    assert load_decoder(made, GO1, path).decode("sit down").actions == SIT
    # weights that became others are found out where the adapter is loaded
    path.write_text(
        CHANCE.format(
            module="pathlib", more=f"float(pathlib.Path({str(made / 'w')!r}).read_text())"
        )
    )
    (made / "w").write_text("0")
    train(rows(GOALS), GO1, made, replace(QUICK, project_encoder=path))
    (made / "w").write_text("3")
    with pytest.raises(InputError, match="gives other vectors than when it was trained"):
        load_decoder(made, GO1, path)
    # and what no seed reaches, before anything is trained
    chance = "torch.randn(16, generator=torch.Generator().manual_seed(secrets.randbits(32)))"
    path.write_text(CHANCE.format(module="secrets", more=chance))
    with pytest.raises(InputError, match="other vectors each time that it is built"):
        train(rows(GOALS), GO1, made, replace(QUICK, project_encoder=path))


def test_an_image_for_an_encoder_of_text_is_a_clear_error(
    decoder: ActionDecoder, tmp_path: Path
) -> None:
    for goals in (rows(GOALS, "a.png"), [*rows(GOALS), *rows({"do this": SIT}, "a.png")]):
        with pytest.raises(InputError, match="image"):
            train(goals, GO1, tmp_path, QUICK)
    with pytest.raises(InputError, match="the light encoder reads text only"):
        decoder.decode("walk here", tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


# -- encoders --------------------------------------------------------------------------------------


def test_the_light_encoder_gives_unit_vectors_that_know_spelling() -> None:
    vectors = LightEncoder().encode(["sit down", "sit down!", "sitting down", "order pizza"])
    assert vectors.shape == (4, LightEncoder.width)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(4))
    assert float(vectors[0] @ vectors[2]) > float(vectors[0] @ vectors[3]) + 0.2
    assert bool(torch.isfinite(LightEncoder().encode(["", "é"])).all())


def test_a_model_that_is_not_the_published_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        MiniLM(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    monkeypatch.setenv("CADENZAD_MINILM", str(tmp_path))
    with pytest.raises(InputError, match="is not all-MiniLM-L6-v2"):
        find_encoder("auto")
    assert "HF_HUB_OFFLINE" not in os.environ or os.environ["HF_HUB_OFFLINE"] == "1"


def test_without_a_model_the_light_encoder_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.lora.model.encoders.minilm.MINILM_PACKAGE", "no_such_package")
    monkeypatch.delenv("CADENZAD_MINILM", raising=False)
    assert find_encoder("auto").name == "light"
    with pytest.raises(InputError, match="is not installed"):
        find_encoder("minilm")
