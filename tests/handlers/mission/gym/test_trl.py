"""One real training step of TRL's GRPO on a mission, with a tiny model of random weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mujoco")
pytest.importorskip("trl", minversion="1.16")

from handlers.mission.gym.tools import MissionTools

CALLS = [
    f'<tool_call>\n{{"name": "act", "arguments": {{"action": "{action}"}}}}\n</tool_call>'
    for action in ("walk_forward", "turn_left", "fly")
]
"""What the model may say: each is one token of it, so that one of random weights does say it."""

END, PAD = "<|im_end|>", "<|endoftext|>"


def tokenizer_of_bytes() -> Any:
    """Bytes, and CALLS, as tokens; Qwen's chat template, which TRL knows how to read tools from."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from trl.chat_template_utils import qwen3_chat_template

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE({char: at for at, char in enumerate(alphabet)}, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=END, pad_token=PAD)
    tokenizer.add_tokens(CALLS)
    tokenizer.chat_template = qwen3_chat_template
    return tokenizer


def tiny_model(tokenizer: Any) -> Any:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=16384,
            **ends,
        )
    )


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("default")
def test_grpo_takes_a_step_on_a_mission(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a model that can say three tool calls, one of them nonsense, and nothing else
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    import trl
    from datasets import Dataset

    tokenizer = tokenizer_of_bytes()
    model = tiny_model(tokenizer)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    says = {*tokenizer.convert_tokens_to_ids(CALLS), tokenizer.eos_token_id}
    prompt = [{"role": "user", "content": "Drive the robot.\n"}]

    # when it is trained on the mission, two groups of four rollouts, each under a seed of its own
    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list([{"prompt": prompt, "seed": seed} for seed in (1, 2)]),
        environment_factory=partial(MissionTools, project),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=1,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=2000,
            max_tool_calling_iterations=3,
            generation_kwargs={
                "suppress_tokens": sorted(set(range(len(tokenizer))) - says),
            },
            learning_rate=0.01,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
        ),
    )
    trainer.train()

    # then actions were carried out, some of them failed, their rewards differ, and it has learned
    (logged, *_) = trainer.state.log_history
    print({key: logged[key] for key in sorted(logged) if "reward" in key or "tools" in key})
    assert logged["tools/call_frequency"] > 0
    assert 0 < logged["tools/failure_frequency"] < 1
    assert logged["reward_std"] > 0
    moved = [
        not old.equal(new) for old, new in zip(before, trainer.model.parameters(), strict=True)
    ]
    assert any(moved)
