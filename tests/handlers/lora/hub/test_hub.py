"""Model card, training curve, hub folder, merged export: made from an adapter's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from adapter_files import FACTS, fill

from handlers.lora.hub.card import PUBLISHED, model_card, write_card
from handlers.lora.hub.curves import write_events
from handlers.lora.hub.layout import push
from handlers.lora.hub.merged import export_merged
from handlers.lora.model.encoders.minilm import minilm_folder
from handlers.lora.model.names import folder_sha256
from store.errors import InputError

CARD = {
    "verdict": "DEPLOY",
    "checks": [
        {"axis": "fidelity", "value": 0.93, "lower": 0.86, "upper": 0.97, "threshold": 0.8,
         "n": 90, "result": "pass", "gate": "block", "detail": "84 of 90 | right <b>"},
        {"axis": "training", "value": None, "lower": None, "upper": None, "threshold": None,
         "n": 0, "result": "pass", "gate": "data", "detail": "adds 9 points\nover zeroed weights"},
    ],
}  # fmt: skip
CURVE = "epoch,loss,validation\n1,2.5,1.2\n2,1.5,\n"


@pytest.fixture
def version(tmp_path: Path) -> Path:
    """A version with all that may lie in its folder."""
    folder = tmp_path / "0001"
    folder.mkdir()
    fill(folder)
    (folder / "scorecard.json").write_text(json.dumps(CARD))
    (folder / "training.csv").write_text(CURVE)
    return folder


# -- the card --------------------------------------------------------------------------------------


def test_the_card_says_base_data_scores_and_licence(version: Path) -> None:
    (version / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": PUBLISHED, "target_modules": ["value", "query"]})
    )
    text = model_card(version, "apache-2.0")
    fields = text.split("---")[1]
    assert 'license: "apache-2.0"' in fields
    assert f'base_model: "{PUBLISHED}"' in fields
    assert "library_name: peft" in fields
    assert "| adapted layers | query, value |" in text
    assert f"| LoRA rank | {FACTS.rank} |" in text
    assert "## Scorecard: DEPLOY" in text
    rows = [line for line in text.splitlines() if line.startswith(("| fidelity", "| training"))]
    assert rows[0].endswith(
        "| 0.93 | 0.86 to 0.97 | 0.80 | 90 | pass | 84 of 90 \\| right &lt;b> |"
    )
    assert rows[1].startswith("| training | - | - to - | - | 0 | pass | adds 9 points")
    assert rows[1].endswith("over zeroed weights |")
    assert f'AutoModel.from_pretrained("{PUBLISHED}")' in text
    assert "`training.csv`" in text


def test_what_is_not_known_is_not_said(version: Path) -> None:
    for name in ("scorecard.json", "training.csv"):
        (version / name).unlink()
    text = model_card(version)
    assert 'license: "unknown"' in text
    assert "base_model" not in text
    assert "It was not scored." in text
    assert "PeftModel" not in text
    assert "training.csv" not in text


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"base_model_name_or_path": "cadenzad/light-1024", "target_modules": ["project"]},
         "The adapted layer is cadenzad's own"),
        ({"base_model_name_or_path": "lora_encoder.py", "target_modules": ["project"]},
         "The adapted layer is cadenzad's own"),
        ({"base_model_name_or_path": "lora_encoder.py", "target_modules": ["blocks.0.linear1"]},
         "\nbase = build_encoder(96).eval()\n"),
    ],
)  # fmt: skip
def test_a_base_that_the_hub_has_not_is_no_link_to_it(
    version: Path, config: dict[str, Any], says: str
) -> None:
    (version / "adapter_config.json").write_text(json.dumps(config))
    text = model_card(version)
    assert "base_model" not in text
    assert "AutoModel" not in text
    assert says in text
    assert f"| base | {config['base_model_name_or_path']} |" in text


def test_the_card_is_no_part_of_what_was_trained(version: Path) -> None:
    before = folder_sha256(version)
    write_card(version)
    assert folder_sha256(version) == before
    (version / "training.csv").write_text("other")
    assert folder_sha256(version) != before


# -- the curve -------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_the_curve_becomes_tensorboard_events(version: Path) -> None:
    pytest.importorskip("tensorboard")
    before = folder_sha256(version)
    assert write_events(version)
    (events,) = (version / "runs").iterdir()
    assert events.name == "events.out.tfevents.1"  # neither this machine's name nor a clock
    loaded = _scalars(events)
    assert loaded == {"loss": [(1, 2.5), (2, 1.5)], "validation": [(1, pytest.approx(1.2))]}
    assert folder_sha256(version) == before


def _scalars(events: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util import tensor_util

    found: dict[str, list[tuple[int, float]]] = {}
    for event in EventFileLoader(str(events)).Load():
        for value in event.summary.value:
            number = float(tensor_util.make_ndarray(value.tensor))
            found.setdefault(value.tag, []).append((event.step, number))
    return found


@pytest.mark.parametrize("content", [None, "", "epoch,loss\n", "no,curve\n1,2\n"])
def test_without_a_curve_there_are_no_events(version: Path, content: str | None) -> None:
    (version / "training.csv").unlink()
    if content is not None:
        (version / "training.csv").write_text(content)
    assert not write_events(version)
    assert not (version / "runs").exists()


# -- the hub folder --------------------------------------------------------------------------------


def test_a_version_becomes_a_repository_of_the_hub(version: Path, tmp_path: Path) -> None:
    (version / "runs").mkdir()
    (version / "runs" / "events.out.tfevents.1").write_bytes(b"x")
    (version / "notes.txt").write_text("not an adapter's")
    out = tmp_path / "hub"
    names = push(version, out, "mit")
    assert names == [
        ".gitattributes", "README.md", "adapter_config.json", "adapter_model.safetensors",
        "head.json", "known.safetensors", "runs/events.out.tfevents.1", "scorecard.json",
        "training.csv",
    ]  # fmt: skip
    assert "*.safetensors filter=lfs" in (out / ".gitattributes").read_text()
    assert 'license: "mit"' in (out / "README.md").read_text()
    assert len({path.stat().st_mode for path in out.iterdir() if path.is_file()}) == 1
    assert (out / "head.json").read_bytes() == (version / "head.json").read_bytes()
    # and what is there is not written over
    with pytest.raises(InputError, match="is not empty"):
        push(version, out)


def test_a_damaged_version_is_not_passed_on(version: Path, tmp_path: Path) -> None:
    (version / "adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(InputError, match="not the file that was trained"):
        push(version, tmp_path / "hub")
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize("there", ["file", "below a file"])
def test_a_folder_that_cannot_be_made_is_one_line(
    version: Path, tmp_path: Path, there: str
) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match=r"is a file|cannot be written"):
        push(version, tmp_path / "x" if there == "file" else tmp_path / "x" / "y")


# -- the merged model ------------------------------------------------------------------------------


def test_an_adapter_of_no_published_base_is_not_merged(version: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no published base"):
        export_merged(version, tmp_path)
    (version / "adapter_config.json").write_text('{"base_model_name_or_path": "mine"}')
    with pytest.raises(InputError, match="is of 'mine'"):
        export_merged(version, tmp_path)


@pytest.mark.skipif(minilm_folder() is None, reason="MiniLM's weights are not installed")
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing")  # this test's own use of PEFT
def test_the_merged_model_is_base_and_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)  # no thread of it
    peft, torch = pytest.importorskip("peft"), pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    folder, version, out = minilm_folder(), tmp_path / "0001", tmp_path / "merged"

    def base() -> Any:
        return transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()

    # given an adapter in some of the base's layers, whose weights are not nothing
    torch.manual_seed(0)
    config = peft.LoraConfig(r=2, target_modules=["query"], init_lora_weights=False)
    adapted = peft.get_peft_model(base(), config).eval()
    adapted.peft_config["default"].base_model_name_or_path = PUBLISHED
    adapted.save_pretrained(str(version), save_embedding_layers=False)
    out.mkdir()
    # when it is exported
    export_merged(version, out)
    # then the model alone says what base and adapter say, and not what the base does
    tokens = transformers.AutoTokenizer.from_pretrained(out)("walk two meters", return_tensors="pt")
    merged = transformers.AutoModel.from_pretrained(out, local_files_only=True).eval()
    with torch.no_grad():
        said, wanted, plain = (
            model(**tokens).last_hidden_state for model in (merged, adapted, base())
        )
    assert torch.allclose(said, wanted, atol=1e-5)
    assert not torch.allclose(said, plain, atol=1e-2)
    assert "base_model" in (out / "README.md").read_text()
    assert len({path.stat().st_mode for path in out.iterdir()}) == 1
