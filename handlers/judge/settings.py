"""What can be set of the judge, and what a single judging may be asked to do otherwise."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from handlers.settings import DAY, Mark, Section


def _prompt_place(text: str) -> str:
    """A path inside the project and perhaps a name in it: `prompts.py:BASE`; empty: none."""
    path, colon, name = text.partition(":")
    parts = PurePosixPath(path).parts
    outside = path.startswith(("/", "~")) or ".." in parts
    if text and (outside or not parts or not text.isprintable() or (colon and not name)):
        raise PydanticCustomError(
            "prompt_place",
            "Input should be a file inside the project, and a name in it where it has any"
            ' ("prompts.py:BASE", "prompt.txt", "brain.yaml:agent.system")',
        )
    return text


class JudgeSettings(Section):
    """The judge, which finds in runs why missions fail and rewrites SYSTEM_PROMPT."""

    mode: Annotated[Literal["off", "propose", "apply"], Mark.PROJECT_LOWERS] = Field(
        "apply",
        description='"apply": rewrite when every gate passes; "propose": wait for'
        ' `cadenzactl prompt PROJECT approve`; "off": no call and no rewrite, `cadenza env train`'
        " reports",
    )
    without_key: Annotated[Literal["off", "propose", "apply"], Mark.PROJECT_LOWERS] = Field(
        "propose",
        description="without a Groq key remedies are enumerated by code and tried in simulation;"
        ' one that helps is proposed ("propose") or written ("apply"); "off": runs are mined',
    )
    share: Annotated[Literal["numbers", "prompt"], Mark.PROJECT_LOWERS] = Field(
        "prompt",
        description='what a model is shown: "prompt": also the prompt and the goals, without what'
        ' looks like a secret; "numbers": names and numbers alone',
    )
    text: Annotated[Literal["rules", "free"], Mark.PROJECT_LOWERS] = Field(
        "rules",
        description='what a model may write: "rules", rendered by code; "free": for a brain that is'
        " a language model also sentences of the block and paragraphs that the author marked as"
        " open; written only when a trial proves them",
    )
    prompt: Annotated[str, AfterValidator(_prompt_place), Mark.PROJECT_SETS] = Field(
        "",
        description='where the prompt is, `"path"` or `"path:NAME"` in the project (a variable, a'
        " text file, a key of YAML, JSON or TOML); empty: it is looked for",
        examples=["main.py:SYSTEM_PROMPT"],
    )
    model: str = Field(
        "openai/gpt-oss-120b", min_length=1, description="the Groq model; it needs strict schemas"
    )
    debounce: Annotated[float, Mark.PROJECT_RAISES] = Field(
        20.0, ge=0, le=DAY, description="seconds without a new run before runs are judged"
    )
    max_wait: float = Field(
        600.0, ge=0, le=DAY, description="seconds after which they are judged all the same"
    )
    max_runs: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        200, ge=1, le=10_000, description="newest runs that are read"
    )
    deadline: float = Field(
        120.0, gt=0, le=3600, description="seconds a call may take, with its retries"
    )
    max_tokens: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        7000,
        ge=3000,
        le=120_000,
        description="tokens of a call: evidence and answer together; instructions and schema,"
        " about 1,700 (2,000 with free text), come on top of them",
    )
    daily_tokens: int = Field(
        200_000, ge=0, description="tokens a day (UTC) over all projects; 0: no call at all"
    )
    seeds: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        500, ge=0, le=4000, description="paired simulations before a rewrite at most; 0: none"
    )
    search: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        96,
        ge=0,
        le=4000,
        description="simulations that choose among candidates; 0: none is chosen,"
        " the first is tried",
    )
    trial_s: Annotated[float, Mark.PROJECT_LOWERS] = Field(
        1200.0, gt=0, le=DAY, description="seconds these may take together"
    )
    trial_calls: Annotated[int, Mark.PROJECT_LOWERS] = Field(
        200,
        ge=0,
        le=100_000,
        description="calls of a language model that a project's brain may make in a trial, or in"
        " one `cadenza env run`, where ours is the key",
    )
    unverified: Annotated[Literal["propose", "apply"], Mark.PROJECT_LOWERS] = Field(
        "propose",
        description="a rewrite that cannot be simulated (no brain to run, none trusted, no seeds):"
        ' "propose" it, or "apply" it all the same and let the watch over its runs judge',
    )


class JudgeOverrides(Section):
    """What somebody who judges by hand asks for, once; None: as it is set.

    By hand more runs may be read than the settings ever allow.
    """

    model: str | None = Field(None, min_length=1)
    max_runs: int | None = Field(None, ge=1)

    def over(self, settings: JudgeSettings) -> JudgeSettings:
        """The settings with these in place of theirs."""
        return settings.model_copy(update=self.model_dump(exclude_none=True))
