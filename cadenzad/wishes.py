"""From a project's configuration to what its reactions do."""

from __future__ import annotations

import logging
from pathlib import Path

from cadenzad.config import Config
from cadenzad.projectconfig import load_project_config
from handlers.jobs import AT_ONCE, Patience
from handlers.reactions import Wishes
from store.errors import ConfigError

log = logging.getLogger("cadenzad.wishes")


def wishes(project: str, base: Config, *, at_once: bool = False) -> Wishes:
    """What is wanted for a project. `at_once`: nobody will be here later, so nothing waits."""
    try:
        config = load_project_config(Path(project), base)
    except ConfigError as error:
        log.warning("%s", error.message)
        config = base
    judge, lora = config.judge, config.lora
    return Wishes(
        judge=judge.mode != "off",
        judge_patience=AT_ONCE if at_once else Patience(judge.debounce, judge.max_wait),
        retrain=lora.retrain,
        retrain_patience=AT_ONCE if at_once else Patience(lora.debounce, lora.max_wait),
    )
