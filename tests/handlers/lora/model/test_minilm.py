"""LoRA in MiniLM's own layers: what is saved is an adapter of the published model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

from handlers.lora.hub.merged import export_merged
from handlers.lora.model import lora
from handlers.lora.model.decoding import load_decoder
from handlers.lora.model.encoders.minilm import MiniLM, minilm_folder
from handlers.lora.model.learning.foreign import foreign_goals
from handlers.lora.model.rows import Row
from handlers.lora.model.training import TrainOptions, train
from handlers.project.formats.examples import Step
from handlers.project.library import library_for

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
FOLDER = minilm_folder()
pytestmark = [
    pytest.mark.skipif(FOLDER is None, reason="all-MiniLM-L6-v2 is not installed"),
    pytest.mark.xdist_group("minilm"),
]

GO1 = library_for("go1", None)
PLANS = {
    "go into the rubble": "crawl_forward",
    "enter the debris field": "crawl_forward",
    "say hello": "shake_hand",
    "greet the visitor": "shake_hand",
}
ROWS = [Row(goal, (Step(name, {}),), "pattern", "x:1") for goal, name in PLANS.items()]
GOALS = [
    "go into the debris",
    "a much longer goal that pads the one before it",
    "hi",
]


def made_in(folder: Path) -> None:
    """An adapter of the goals above. Of the foreign phrases a few do, for speed."""
    few = foreign_goals()[:12]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.lora.model.learning.rehearsal.foreign_goals", lambda: few)
        patch.setattr("handlers.lora.model.training.foreign_goals", lambda: few)
        train(ROWS, GO1, folder, TrainOptions(epochs=2, lr=2e-2, rank=2, encoder="minilm"))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minilm")
    made_in(folder)
    return folder


@pytest.mark.long
def test_another_process_makes_the_same_bytes_of_it(adapter: Path, tmp_path: Path) -> None:
    made = f"t.made_in(Path({str(tmp_path)!r}))"
    code = f"from pathlib import Path; import {Path(__file__).stem} as t; {made}"
    places = (Path(__file__).parent, ROOT / "tests" / "support", ROOT)
    paths = os.pathsep.join(map(str, places))
    environ = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environ)
    names = sorted(path.name for path in adapter.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (adapter / name).read_bytes(), name


def test_peft_puts_it_on_the_published_model_and_gives_the_same_vectors(adapter: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    encoder = MiniLM(FOLDER)
    plain = encoder.encode(GOALS)
    lora.load(encoder, adapter)
    stock = AutoModel.from_pretrained(FOLDER, local_files_only=True)
    with lora.quiet():
        model = peft.PeftModel.from_pretrained(stock, str(adapter)).eval()
    tokens = AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)(
        GOALS, padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        hidden = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"].unsqueeze(-1)
    vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    assert torch.allclose(encoder.encode(GOALS), vectors, atol=1e-5)
    assert not torch.allclose(plain, vectors, atol=1e-4)


def test_merged_it_gives_the_same_vectors_without_peft(adapter: Path, tmp_path: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    export_merged(adapter, tmp_path)
    encoder = MiniLM(FOLDER)
    lora.load(encoder, adapter)
    model = AutoModel.from_pretrained(tmp_path, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    for goal, wanted in zip(GOALS, encoder.encode(GOALS), strict=True):
        with torch.no_grad():
            hidden = model(**tokenizer(goal, return_tensors="pt")).last_hidden_state
        vector = torch.nn.functional.normalize(hidden.mean(1), dim=-1)[0]
        assert torch.allclose(vector, wanted, atol=1e-5)


def test_its_config_names_the_base_and_the_layers_and_no_place_on_this_machine(
    adapter: Path,
) -> None:
    text = (adapter / lora.CONFIG).read_text()
    config = json.loads(text)
    assert config["base_model_name_or_path"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert config["target_modules"] == ["dense", "key", "query", "value"]
    assert (config["r"], config["lora_alpha"]) == (2, 4)
    assert str(FOLDER) not in text


def test_what_stands_beside_a_goal_does_not_change_its_vector() -> None:
    encoder = MiniLM(FOLDER)
    together = encoder.encode(GOALS)
    for goal, vector in zip(GOALS, together, strict=True):
        assert torch.allclose(encoder.encode([goal])[0], vector, atol=1e-5)


def test_without_its_weights_it_is_the_encoder_as_it_is(adapter: Path) -> None:
    encoder = MiniLM(FOLDER)
    plain = encoder.encode(GOALS)
    with lora.quiet():
        stock = peft.PeftModel.from_pretrained(encoder.module, str(adapter))
    with stock.disable_adapter():
        assert torch.allclose(encoder.encode(GOALS), plain, atol=1e-6)
    decoder = load_decoder(adapter, GO1, trained=False)
    assert torch.allclose(decoder._encoder.encode(GOALS), plain, atol=1e-6)
    assert decoder.decode("say hello").actions == (Step("shake_hand", {}),)
