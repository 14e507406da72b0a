"""One step of a TRL trainer on a dataset, with a tiny model of random weights: a script.

    python onestep.py sft|dpo|kto FOLDER OUT

Prints the loss. The tokenizer is trained on the prompts; nothing is downloaded.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def tiny(texts: list[str]) -> tuple[Any, Any]:
    """A GPT-2 of two layers, and a byte-level tokenizer of 400 words."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed

    set_seed(0)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>"], initial_alphabet=alphabet),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<end>", pad_token="<end>", bos_token="<end>"
    )
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=512, n_embd=32, n_layer=2, n_head=2,
        bos_token_id=tokenizer.eos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return GPT2LMHeadModel(config), tokenizer


def main(kind: str, folder: str, out: str) -> None:
    """Load the config of that name and train one step."""
    import trl
    from datasets import load_dataset

    data = load_dataset(folder, kind, split="train")
    model, tokenizer = tiny(data["prompt"])
    start = f"{out}/start"  # from where a preference trainer takes its reference model
    model.save_pretrained(start)
    tokenizer.save_pretrained(start)
    of_kind = {
        "sft": ("SFTTrainer", "SFTConfig", {"max_length": 256}),
        "dpo": ("DPOTrainer", "DPOConfig", {"max_length": 256}),
        "kto": ("KTOTrainer", "KTOConfig", {"max_length": 256}),
    }
    trainer_name, config_name, more = of_kind[kind]
    arguments = getattr(trl, config_name)(
        output_dir=out, max_steps=1, per_device_train_batch_size=4, report_to=[], use_cpu=True,
        save_strategy="no", logging_steps=1, bf16=False, **more,
    )  # fmt: skip
    trainer = getattr(trl, trainer_name)(
        model=start, args=arguments, train_dataset=data, processing_class=tokenizer
    )
    result = trainer.train()
    print(json.dumps({"loss": result.training_loss, "rows": len(data)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
