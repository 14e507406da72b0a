"""What a brain asks language models through in `cadenza env run`, where we hold the key."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cadenzad.cli.base.lookup import open_state
from cadenzad.cli.base.output import say
from cadenzad.config.credentials import groq_key, openai_key
from cadenzad.config.paths import make_state_dir, state_dir
from handlers.judge.proxy.providers import PROVIDERS
from store.reads.improvements import tokens_on

if TYPE_CHECKING:
    from handlers.judge.proxy.client import Proxy


def proxy_for(project: Path, providers: Collection[str]) -> Proxy | None:
    """A proxy for a brain that names these providers; None where there is a key for none of them:
    then the brain asks by its own means, if it has any.

    Raises ConfigError, StoreError.
    """
    from cadenzad.config.files import load_config
    from cadenzad.config.project import load_project_config
    from handlers.judge.proxy.client import Proxy

    keys = {"groq": groq_key(), "openai": openai_key()}
    if not any(keys[name] for name in providers):
        return None
    judge = load_project_config(project, load_config(None)).judge
    with open_state(None) as state:
        today = datetime.now(UTC).date().isoformat()
        spent = tokens_on(state.connection, today) if state is not None else 0
    directory = make_state_dir(state_dir())
    return Proxy(keys, judge.trial_calls, directory, judge.daily_tokens, spent)


@contextmanager
def announced(proxy: Proxy) -> Iterator[None]:
    """The proxy, open: said before anything is asked, and what was asked after it."""
    from handlers.judge.proxy.client import ProxyLost

    whom = " and ".join(PROVIDERS[name].title for name in sorted(proxy.keys) if proxy.keys[name])
    say(f"its calls go to {whom} with our key, {proxy.calls} at most (judge.trial_calls)", err=True)
    with proxy:
        try:
            yield
        finally:
            with suppress(ProxyLost):  # whoever asked was told
                say(proxy.asked().text, err=True)
