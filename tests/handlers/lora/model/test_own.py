"""A project's own encoder: masks and padding, LoRA in its layers, pictures, rogue dimensions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT

from handlers.lora.model.decoding import load_decoder
from handlers.lora.model.encoders.own import ProjectEncoder
from handlers.lora.model.files import read_head
from handlers.lora.model.learning.fit import Lesson, _backward
from handlers.lora.model.lora import attach, targets_of, trained
from handlers.lora.model.names import CONFIG
from handlers.lora.model.rows import Row
from handlers.lora.model.training import TrainOptions, train
from handlers.project.formats.examples import Step
from handlers.project.library import library_for
from store.errors import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

GO1 = library_for("go1", None)
LONG = "walk all the way along the corridor and then stop in front of the last door"

TRANSFORMER = """
import zlib, torch
class Encoder(torch.nn.Module):
    hidden_dim = 32
    def __init__(self, length):
        super().__init__()
        self.words = torch.nn.Embedding(512, 32, padding_idx=0)
        self.places = torch.nn.Embedding(length, 32)
        layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, norm_first=True)
        self.blocks = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    def forward(self, text, images=None):
        ids = [[1 + zlib.crc32(w.encode()) % 511 for w in line.split()] or [1] for line in text]
        longest = max(map(len, ids))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
        mask = ids != 0
        hidden = self.words(ids) + self.places(torch.arange(longest))
        hidden = self.blocks(hidden, src_key_padding_mask=~mask)
        {give}
def build_encoder(max_seq_len):
    return Encoder(max_seq_len)
"""

STUB = """
import zlib, torch
class Encoder(torch.nn.Module):
    hidden_dim = 2048
    def forward(self, text, images=None):
        out = torch.zeros(len(text), 1, 2048)
        for row, line in enumerate(text):
            for word in line.split():
                out[row, 0, zlib.crc32(word.encode()) % 2048] += 1
        out[:, :, 7] += 300.0
        out[:, :, 100:110] += 40.0
        return out
def build_encoder(max_seq_len):
    return Encoder()
"""

SEES = """
import zlib, torch
from PIL import Image
class Encoder(torch.nn.Module):
    hidden_dim = 24
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(256, 24)
        self.eye = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(4),
            torch.nn.Flatten(), torch.nn.Linear(128, 24))
    def forward(self, text, images=None):
        rows = []
        for index, line in enumerate(text):
            ids = [zlib.crc32(word.encode()) % 256 for word in line.split()] or [0]
            vector = 0.1 * self.words(torch.tensor(ids)).mean(0)
            if images:
                pixels = Image.open(images[index]).convert("RGB").resize((16, 16)).tobytes()
                picture = torch.tensor(list(pixels)).float().view(1, 16, 16, 3).permute(0, 3, 1, 2)
                vector = vector + self.eye(picture / 255 - 0.5)[0]
            rows.append(vector)
        return torch.stack(rows)[:, None]
def build_encoder(max_seq_len):
    return Encoder()
"""


def transformer(folder: Path, give: str) -> ProjectEncoder:
    path = folder / "lora_encoder.py"
    path.write_text(TRANSFORMER.format(give=give))
    return ProjectEncoder(path)


@pytest.mark.parametrize(
    "give",
    [
        "return hidden, mask",
        "return hidden, None, mask.long()",
        "self.attention_mask = mask; return hidden",
        "return hidden",
    ],
)
def test_a_goals_vector_does_not_depend_on_what_stands_beside_it(give: str, tmp_path: Path) -> None:
    encoder = transformer(tmp_path, give)
    goals = ["sit", LONG, "sit down", "turn left now"]
    together = encoder.encode(goals)
    for goal, vector in zip(goals, together, strict=True):
        assert torch.allclose(encoder.encode([goal])[0], vector, atol=1e-5), goal


def test_padding_of_a_fixed_length_is_found_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(STUB.replace("return out", "return torch.cat([out, 0 * out, 0 * out], 1)"))
    padded = ProjectEncoder(path).encode(["sit down", "turn left"])
    path.write_text(STUB)
    assert torch.allclose(ProjectEncoder(path).encode(["sit down", "turn left"]), padded)


@pytest.mark.parametrize("mask", ["mask[:, :1]", "mask & False", "'all'"])
def test_a_mask_that_fits_nothing_is_one_clear_error(mask: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lora_encoder.py: the attention mask"):
        transformer(tmp_path, f"return hidden, {mask}").encode(["sit down now"])


def test_lora_goes_into_its_linear_layers_or_those_that_it_names(tmp_path: Path) -> None:
    encoder = transformer(tmp_path, "return hidden, mask")
    assert "blocks.layers.0.linear1" in encoder.targets
    built = TRANSFORMER.format(give="return hidden, mask").replace(
        "    def forward", "    lora_targets = ['linear2']\n    def forward"
    )
    (tmp_path / "lora_encoder.py").write_text(built)
    targets = ProjectEncoder(tmp_path / "lora_encoder.py").targets
    assert targets == ("blocks.layers.0.linear2", "blocks.layers.1.linear2")
    (tmp_path / "lora_encoder.py").write_text(built.replace("['linear2']", "['q_proj']"))
    with pytest.raises(InputError, match="there is no Linear layer q_proj for LoRA"):
        ProjectEncoder(tmp_path / "lora_encoder.py")


UNFIT = {
    "torch.nn.functional.dropout(hidden, 0.1), mask": "gives one goal another vector each time",
    "hidden + next(COUNT), mask": "gives one goal another vector each time",
    "hidden - hidden.mean(0, keepdim=True), mask": "hangs on the goals that are read beside it",
    "hidden.to('meta'), mask": "forward failed: NotImplementedError",
    "hidden + len(images), mask": r"lora_encoder.py:\d+: forward failed: TypeError",
}


@pytest.mark.parametrize(("give", "says"), UNFIT.items())
def test_what_no_adapter_could_fit_is_refused_before_training(
    give: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "lora_encoder.py").write_text(
        "import itertools\nCOUNT = itertools.count()\n" + TRANSFORMER.format(give=f"return {give}")
    )
    with pytest.raises(InputError, match=says):
        ProjectEncoder(tmp_path / "lora_encoder.py")


def test_a_mask_that_its_attention_does_not_heed_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    heedless = TRANSFORMER.replace(", src_key_padding_mask=~mask", "")
    path.write_text(heedless.format(give="return hidden, mask"))
    encoder = ProjectEncoder(path)
    goals = ["sit", LONG, "turn left now"]
    for goal, vector in zip(goals, encoder.encode(goals), strict=True):
        assert torch.allclose(encoder.encode([goal])[0], vector, atol=1e-5), goal


def test_one_vector_for_all_goals_is_no_encoder(tmp_path: Path) -> None:
    encoder = transformer(tmp_path, "return 0 * hidden + 1, mask")
    with pytest.raises(InputError, match="forward gives all 3 goals the same vector"):
        encoder.settle(encoder.inputs(["sit", "walk", "turn left"]))


def example(number: int) -> str:
    """An encoder as docs/encoder.md shows it."""
    page = (ROOT / "docs" / "encoder.md").read_text("utf-8")
    return page.split("```python\n")[1 + number].split("```")[0]


def expect_alone_as_beside(encoder: ProjectEncoder) -> None:
    goals = ["sit", LONG, "turn left now"]
    for goal, vector in zip(goals, encoder.encode(goals), strict=True):
        assert torch.allclose(encoder.encode([goal])[0], vector, atol=1e-5), goal


def test_the_example_of_the_page_is_an_encoder_to_train(tmp_path: Path) -> None:
    (tmp_path / "lora_encoder.py").write_text(example(0))
    encoder = ProjectEncoder(tmp_path / "lora_encoder.py")
    assert "blocks.layers.1.linear2" in encoder.targets
    expect_alone_as_beside(encoder)


@pytest.mark.long
def test_so_is_the_one_of_a_model_in_a_folder_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # no thread of it
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.models.WordLevel(
        {word: at for at, word in enumerate(dict.fromkeys(["[PAD]", "[UNK]", *LONG.split()]))},
        unk_token="[UNK]",
    )
    tokens = tokenizers.Tokenizer(words)
    tokens.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(tmp_path / "model")
    config = transformers.BertConfig(
        vocab_size=tokens.get_vocab_size(), hidden_size=32, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=64,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(tmp_path / "model")
    (tmp_path / "lora_encoder.py").write_text(example(1))
    encoder = ProjectEncoder(tmp_path / "lora_encoder.py")
    assert {name.rpartition(".")[2] for name in encoder.targets} == {"query", "value"}
    expect_alone_as_beside(encoder)


def test_what_was_trained_with_is_not_tried_again(tmp_path: Path) -> None:
    counting = TRANSFORMER.format(give="COUNT.append(len(text)); return hidden, mask")
    (tmp_path / "lora_encoder.py").write_text(f"COUNT = []\n{counting}")

    def asked(*, tried: bool) -> int:
        encoder = ProjectEncoder(tmp_path / "lora_encoder.py", targets=("linear1",), tried=tried)
        assert encoder.is_adaptable
        return sum(vars(sys.modules["lora_encoder"])["COUNT"])

    assert asked(tried=True) <= asked(tried=False) / 2


def test_a_frozen_module_reads_each_text_once_and_a_picture_every_time(tmp_path: Path) -> None:
    counting = STUB.replace("        out =", "        asked.extend(text)\n        out =", 1)
    (tmp_path / "lora_encoder.py").write_text(f"{counting}asked = []\n")
    encoder = ProjectEncoder(tmp_path / "lora_encoder.py")
    asked = vars(sys.modules["lora_encoder"])["asked"]
    asked.clear()
    first, again = encoder.encode(["wave", "bow", "wave"]), encoder.encode(["bow", "wave"])
    assert torch.equal(first[[1, 0]], again)
    before = len(asked)
    assert encoder.encode(["bow"]).shape == (1, 2048)
    assert len(asked) == before
    for _ in range(2):  # the file may be another picture by now
        encoder.inputs(["wave"], [tmp_path / "seen.png"])
    assert len(asked) > before


def test_what_it_prints_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transformer(tmp_path, "print('loading'); return hidden, mask").encode(["sit"])
    told = capsys.readouterr()
    assert (told.out, "loading" in told.err) == ("", True)


def test_hash_of_text_is_refused_for_it_differs_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(TRANSFORMER.replace("zlib.crc32(w.encode())", "hash(w)").format(give=""))
    with pytest.raises(InputError, match=r"differs in every process: zlib\.crc32"):
        ProjectEncoder(path)


def test_the_configuration_names_layers_before_the_module_does(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(TRANSFORMER.format(give="return hidden, mask"))
    out = tmp_path / "made"
    out.mkdir()
    options = TrainOptions(epochs=1, rank=2, project_encoder=path, targets=("linear1",))
    train(rows(PLANS), GO1, out, options)
    assert targets_of(out) == ("blocks.layers.0.linear1", "blocks.layers.1.linear1")
    assert load_decoder(out, GO1, path).decode("greet the visitor").actions


PLANS = {
    "into the rubble with you": "crawl_forward",
    "enter the debris field": "crawl_forward",
    "move into the rubble": "crawl_forward",
    "say hello to them": "shake_hand",
    "greet the visitor": "shake_hand",
    "hello to the visitor": "shake_hand",
    "rest for a while": "lie_down",
    "have a good rest": "lie_down",
    "off to rest": "lie_down",
}


def rows(plans: dict[str, str]) -> list[Row]:
    return [Row(goal, (Step(name, {}),), "pattern", "x:1") for goal, name in plans.items()]


def test_a_small_transformer_learns_in_its_own_layers(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(TRANSFORMER.format(give="return hidden, mask"))
    out = tmp_path / "made"
    out.mkdir()
    report = train(rows(PLANS), GO1, out, TrainOptions(epochs=8, rank=8, project_encoder=path))
    assert report.loss is not None
    assert "linear1" in (out / CONFIG).read_text()
    encoder = ProjectEncoder(path)
    adapted = load_decoder(out, GO1, path)._encoder
    goals, names = list(PLANS), list(PLANS.values())
    same = torch.tensor([[a == b for b in names] for a in names])

    def gap(vectors: Any) -> float:
        cosines = vectors @ vectors.T
        return float(cosines[same].mean() - cosines[~same].mean())

    assert gap(adapted.encode(goals)) > gap(encoder.encode(goals)) + 0.1


def test_a_batch_in_chunks_has_the_gradients_of_the_whole(tmp_path: Path) -> None:
    encoder = transformer(tmp_path, "return hidden, mask")
    adapted = attach(encoder, 4, 0)
    with torch.no_grad():
        for weight in trained(adapted):
            weight.normal_(0, 0.1)
    lesson = Lesson(encoder.inputs(list(PLANS)), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2]))
    gradients = []
    for chunk in (100, 4):
        encoder.chunk = chunk
        adapted.zero_grad()
        _backward(encoder, lesson, torch.arange(9))
        gradients.append([weight.grad.clone() for weight in trained(adapted)])
    for whole, parts in zip(*gradients, strict=True):
        assert torch.allclose(whole, parts, atol=1e-5)


def test_vectors_that_all_point_one_way_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(STUB)
    plain = ProjectEncoder(path).encode(list(PLANS))
    assert float((plain @ plain.T).min()) > 0.99
    out = tmp_path / "made"
    out.mkdir()
    train(rows(PLANS), GO1, out, TrainOptions(epochs=4, rank=4, project_encoder=path))
    decoder = load_decoder(out, GO1, path)
    assert read_head(out)[0].gate.familiar < 0.99
    got = {goal: decoder.decode(f"please {goal}") for goal in PLANS}
    assert [item.actions for item in got.values()] == [row.actions for row in rows(PLANS)]
    assert decoder.decode("what is the capital of france").refused


@pytest.fixture
def pictures(tmp_path: Path) -> list[tuple[Path, str]]:
    """A red box to the left or to the right of the middle, anywhere."""
    image = pytest.importorskip("PIL.Image")
    made = []
    for number in range(40):
        side = ("left", "right")[number % 2]
        picture = image.new("RGB", (32, 32), (20, 30 + number, 40))
        across = (2 + number % 7) if side == "left" else 21 + number % 7
        picture.paste((230, 30, 30), (across, 4 + number % 19, across + 6, 12 + number % 19))
        path = tmp_path / f"{number}.png"
        picture.save(path)
        made.append((path, side))
    return made


def test_left_and_right_are_learned_by_picture_beside_rows_without_one(
    pictures: list[tuple[Path, str]], tmp_path: Path
) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(SEES)
    seen = [
        Row(
            "go round the red box",
            (Step(f"side_step_{side}", {"distance_m": 0.5}),),
            "pattern", "x:1", image=str(picture), image_path=picture,
        )
        for picture, side in pictures
    ]  # fmt: skip
    out = tmp_path / "made"
    out.mkdir()
    options = TrainOptions(epochs=30, lr=5e-3, rank=8, project_encoder=path)
    train([*seen[:20], *rows(PLANS)], GO1, out, options)
    decoder = load_decoder(out, GO1, path)
    right = sum(
        decoder.decode(row.goal, row.image_path).actions == row.actions for row in seen[20:]
    )
    assert right >= 18  # of 20
    assert decoder.decode("greet the visitor").actions == (Step("shake_hand", {}),)
    plain = load_decoder(out, GO1, path, trained=False)
    assert plain.decode("greet the visitor").actions == (Step("shake_hand", {}),)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_it_trains_on_a_gpu(tmp_path: Path) -> None:
    path = tmp_path / "lora_encoder.py"
    path.write_text(
        TRANSFORMER.format(give="return hidden, mask")
        .replace("ids = torch.tensor([row", "ids = torch.tensor(device='cuda', data=[row")
        .replace("torch.arange(longest)", "torch.arange(longest, device='cuda')")
    )
    options = TrainOptions(epochs=2, rank=4, project_encoder=path, device="cuda")
    train(rows(PLANS), GO1, tmp_path, options)
    assert load_decoder(tmp_path, GO1, path).decode("greet the visitor").actions
