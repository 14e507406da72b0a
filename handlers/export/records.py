"""Log lines -> training records, a block at a time.

The fast path takes a whole block through a handful of C calls. Every line with something unusual
about it (one in a million, or all of them) takes the exact reading instead and gives the same
record, only slower; the tests hold the two against each other. Extended keys are made by the exact
reading alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from handlers.export.blocks import Block, BlockReader, JudgedRecord, Record
from handlers.export.exact import BLANK, BOM, COPIED, Refused, holds_no_step, parse_tick
from handlers.export.extended import Extension, Keys, one_type
from handlers.export.foreign import PhasesSeen
from handlers.export.prompts import Prompts
from handlers.export.tally import Dropped, Tally, Why
from handlers.export.template import Renderer, compile_template

if TYPE_CHECKING:
    from handlers.project.spec import ProjectSpec
    from store.events.exports import ExportOptions

TORN = "torn last line (the file ends in the middle of a record)"
TOO_LONG = "the line is over 64 MiB long"

_MEASURED = ("action_params", "obs", "motion", "judgment")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make of a log: whose mission it is, how a prompt reads, which records are wanted.

    `phases`: the mission's, one of which the log has to name; empty, any log is taken.
    """

    mission: str
    n_phases: int
    template: str
    include_failures: bool = True
    min_reward: float | None = None
    phases: tuple[str, ...] = ()
    keys: Keys = "reference"

    @classmethod
    def of(cls, spec: ProjectSpec, options: ExportOptions) -> Recipe:
        """A project's recipe; what `options` leaves at None is as env.json says."""
        wanted = spec.vla_finetune
        failures, reward = options.include_failures, options.min_reward
        return cls(
            mission=spec.name,
            n_phases=len(spec.phases),
            template=wanted.template,
            include_failures=wanted.include_failures if failures is None else failures,
            min_reward=wanted.min_reward if reward is None else reward,
            phases=() if options.foreign else tuple(phase.name for phase in spec.phases),
            keys=options.keys,
        )

    @property
    def takes_all(self) -> bool:
        """Whether no usable record is left out."""
        return self.include_failures and self.min_reward is None

    def drops(
        self, failed: object, terminated: object, success: object, reward: float | None
    ) -> Dropped | None:
        """Why a record is left out; None when it is wanted. Unknown is neither true nor enough."""
        if not self.include_failures:
            if failed is True:
                return Dropped.PHASE_FAILED
            if terminated is True and success is not True:
                return Dropped.TERMINATED
        if self.min_reward is not None:
            if reward is None:
                return Dropped.NO_REWARD
            if reward < self.min_reward:
                return Dropped.LOW_REWARD
        return None


class RecordMaker:
    """Makes records of a log's lines, handed over in order; `tally` says what became of them."""

    def __init__(self, recipe: Recipe, run_id: str = "") -> None:
        self.tally = Tally()
        self.phases = PhasesSeen(recipe.phases)
        self.renderer: Renderer = compile_template(recipe.template)
        self._recipe = recipe
        self._reader = BlockReader(judged=not recipe.include_failures)
        self._extension = Extension(run_id) if recipe.keys == "extended" else None
        self._prompts = Prompts(self.renderer, recipe.mission, recipe.n_phases)
        self._encode = msgspec.json.Encoder().encode_lines

    def block(self, data: bytes) -> bytes:
        """The records of complete lines, each ended by a newline. One JSON object per line."""
        if self._extension is not None:
            return b"".join(map(self._line, data.removesuffix(b"\n").split(b"\n")))
        block = self._reader.read(data)
        self.phases.add(record.phase for record in block.records)
        self._prompts.fill(block)
        wanted: list[Record] | list[Record | Raw] = block.records
        if block.doubts or not self._recipe.takes_all:
            wanted = self._sort_out(block)
        else:
            self.tally.written += len(wanted)
        self.tally.read += len(block.lines)
        return _on_its_line(self._encode(wanted))

    def last_line(self, line: bytes) -> bytes:
        """The record of a last line without a newline, if it is whole."""
        return self._line(line, torn=True)

    def long_line(self) -> None:
        """A line was too long to be held."""
        self.tally.read += 1
        self.tally.reject(self.tally.read, Why.TOO_LONG, TOO_LONG)

    def _line(self, line: bytes, *, torn: bool = False) -> bytes:
        """The next line alone, by the exact reading."""
        self.tally.read += 1
        record = self._exact(line, self.tally.read, torn=torn)
        return b"" if record is None else _on_its_line(record) + b"\n"

    def _sort_out(self, block: Block) -> list[Record | Raw]:
        """What to write of a block some lines of which are in doubt, or not wanted."""
        wanted: list[Record | Raw] = []
        for at, record in enumerate(block.records):
            if at in block.doubts:
                text = self._exact(bytes(block.lines[at]), self.tally.read + at + 1)
                if text is not None:
                    wanted.append(Raw(text))
                continue
            failed: object = None
            terminated: object = None
            if isinstance(record, JudgedRecord):
                failed, terminated = record.phase_failed, record.terminated
                record.phase_failed = record.terminated = UNSET
            if not self._is_dropped(failed, terminated, record.mission_success, record.reward):
                wanted.append(record)
                self.tally.written += 1
        return wanted

    def _exact(self, line: bytes, number: int, *, torn: bool = False) -> bytes | None:
        """The record of one line, whatever the line is like; None when it gives none."""
        if not line.removeprefix(BOM).strip(BLANK):
            self.tally.blank += 1
            return None
        try:
            tick = parse_tick(line, judged=not self._recipe.include_failures)
            self.phases.add([tick.get("phase")])
            is_step = not holds_no_step(tick)
            more = None
            if self._extension is not None:
                more = self._extension.note(number, tick, is_step=is_step)
            if is_step:
                return self._record(tick, more)
            self.tally.skipped += 1
            return None
        except Refused as refused:
            why, reason = refused.why, str(refused)
            if torn and why in (Why.NOT_JSON, Why.NOT_UTF8):
                why, reason = Why.TORN, TORN
            self.tally.reject(number, why, reason)
            return None

    def _record(self, tick: Mapping[str, Any], more: Mapping[str, Any] | None) -> bytes | None:
        """The training record of a checked tick; None when it is not wanted. Raises Refused.

        `more`: the keys after the reference's, None for none.
        """
        if tick.get("action") is None:
            raise Refused(Why.NO_ACTION, "no action: there is nothing to train on")
        if self._is_dropped(
            tick.get("phase_failed"),
            tick.get("terminated"),
            tick.get("mission_success"),
            tick.get("reward"),
        ):
            return None
        prompt, plain = self._prompts.prompt(tick)
        copied = {key: tick.get(key) for key in COPIED}
        if more is not None:
            copied.update((key, one_type(tick.get(key))) for key in _MEASURED)
        try:
            record = msgspec.json.encode({"prompt": prompt, **copied, **(more or {})})
        except RecursionError:
            raise Refused(Why.TOO_DEEP, "nested too deeply") from None
        self.tally.written += 1
        self.tally.plain_prompts += plain
        return record

    def _is_dropped(
        self, failed: object, terminated: object, success: object, reward: float | None
    ) -> bool:
        """Whether a record is left out; counted by reason."""
        dropped = self._recipe.drops(failed, terminated, success, reward)
        if dropped is not None:
            self.tally.filtered_by[dropped] += 1
        return dropped is not None


def _on_its_line(records: bytes) -> bytes:
    """Records without a carriage return, which as white space came with a value copied verbatim.

    It is JSON, but whoever reads lines in text mode, as Python does, would see two.
    """
    return records.replace(b"\r", b" ") if b"\r" in records else records
