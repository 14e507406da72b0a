"""The project's prompt as it is, and its managed block changed, and not one byte besides.

The place is found by reading (locate.py), the change is a splice of characters (splice.py), and the
result is proven before it is given out: read anew, the prompt is the old one with the block where
it is to be, and with the block taken out again the file is the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handlers.judge.prompt.block import Block, block_text, find_block, place_for, without_block
from handlers.judge.prompt.locate import PREFERRED, locate
from handlers.judge.prompt.opened import Paragraph, Rewrite, find, opened
from handlers.judge.prompt.prose import code_near, is_prose
from handlers.judge.prompt.reading.evaluate import Evaluator
from handlers.judge.prompt.reading.modules import NOTEBOOK
from handlers.judge.prompt.reading.variable import Found, in_module
from handlers.judge.prompt.rules.rule import Rule
from handlers.judge.prompt.skeleton import code_skeleton, documents_of, skeleton_sha256
from handlers.judge.prompt.splice import Change, changes
from handlers.judge.prompt.writing.documents import Document, Files
from handlers.judge.prompt.writing.errors import NAME as NAME
from handlers.judge.prompt.writing.errors import BlockConflict as BlockConflict
from handlers.judge.prompt.writing.errors import NoPrompt as NoPrompt
from handlers.judge.prompt.writing.errors import RefusedSource as RefusedSource
from handlers.judge.prompt.writing.errors import setting

SAMPLE = "x"
"""Stands for a block while its place is looked for."""
ALONE = Path("/")
"""Stands for the folder of a file that is looked at alone: nothing in it is read."""


@dataclass(frozen=True, slots=True)
class PromptSource:
    """The file that the block is in, or will be; `value` is the whole prompt, `block` our part.

    `line`: where in `path` the prompt, or the part that would be edited, begins. `found`: where it
    is said, which may be another file. `again` reads it anew, with other bytes for `path`.
    """

    path: Path
    data: bytes
    value: str
    block: Block | None
    line: int
    document: Document = field(compare=False, repr=False)
    found: Found = field(compare=False, repr=False)
    again: Callable[[bytes], PromptSource] = field(compare=False, repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def is_exact(self) -> bool:
        """Whether all of the prompt is known by reading. Holes are shown as `{their source}`."""
        return self.found.text.is_exact

    @property
    def code_sha256(self) -> str:
        """A hash of the file with the prompt cut out: our rewrites keep it the same."""
        bare = self._bare()
        return skeleton_sha256(bare.found, bare.document)

    def skeletons(self) -> dict[Path, str]:
        """Such a hash for every file that the prompt is written in."""
        bare = self._bare()
        written = {**documents_of(bare.found.text), bare.path: bare.document}
        return {path: skeleton_sha256(bare.found, one) for path, one in written.items()}

    @property
    def is_prose(self) -> bool:
        """Whether our rules are sentences in it: whoever follows it reads prose (prose.py)."""
        bare = self._bare()
        others = code_near((bare.path, bare.found.path)) - {bare.path}
        return is_prose(bare.value, [bare.data, *(path.read_bytes() for path in sorted(others))])

    def _bare(self) -> PromptSource:
        """Without our block, unless it is its author's by now."""
        ours = self.block is not None and self.block.intact
        return self.again(edited(self, [])) if ours else self


def find_prompt(project: Path, named: str = "") -> PromptSource:
    """The project's prompt. `named`: the setting `judge.prompt`.

    Raises NoPrompt when there is none, RefusedSource when it is not one that can be edited.
    """
    return _found(Files(project), named)


def read_prompt(
    project: Path, path: Path, named: str = "", data: bytes | None = None
) -> PromptSource:
    """The prompt as far as it lies in one file, with other bytes for that file perhaps.

    Raises RefusedSource with file:line and reason.
    """
    files = Files(project)
    real = files.resolve(path)
    data = files.read(path) if data is None else data
    try:
        source = _found(Files(project, {real: data}), named)
        if source.path == real:
            return source
        problem = RefusedSource(f"{path}: does not hold the prompt any more: {source.found.label}")
    except RefusedSource as error:
        problem = error
    if real.suffix in (".py", NOTEBOOK):
        return _alone(Files(project, {real: data}), files.name(real))
    raise problem


def parse_prompt(data: bytes, path: Path) -> PromptSource:
    """The prompt in a Python file's bytes, by what lies in its folder besides."""
    return _alone(Files(path.parent, {path.resolve(): data}), path.name)


def code_sha256(data: bytes) -> str:
    """`PromptSource.code_sha256` of a module alone.

    For code without a prompt that can be edited it is over all of it; for no Python, its bytes.
    """
    try:
        return _alone(Files(ALONE, {ALONE / PREFERRED: data}, only=True), PREFERRED).code_sha256
    except RefusedSource:
        pass
    try:
        return code_skeleton(data)
    except RefusedSource:
        return hashlib.sha256(data).hexdigest()


def _alone(files: Files, name: str) -> PromptSource:
    """The prompt of one file, whatever the rest of the project says."""
    reader = Evaluator(files)
    path = files.resolve(Path(name))
    try:
        found = in_module(reader, reader.module(path))
    except RecursionError:
        raise RefusedSource(f"{path}:1: cannot be parsed: it is nested too deeply") from None

    def again(data: bytes) -> PromptSource:
        return _alone(replace(files, instead={**files.instead, source.path: data}), name)

    source = _source(files, found, again)
    return source


def _found(files: Files, named: str) -> PromptSource:
    found = locate(files, named)

    def again(data: bytes) -> PromptSource:
        return _found(replace(files, instead={**files.instead, source.path: data}), named)

    source = _source(files, found, again)
    return source


def _source(files: Files, found: Found, again: Callable[[bytes], PromptSource]) -> PromptSource:
    value = found.text.value
    block = find_block(value)
    if block is None:
        place, _ = place_for(value)
        end = place
    else:
        place, end = block.start, block.end
    change = next(changes(found, place, end, SAMPLE), None)
    if change is None and (block is None or block.intact):
        raise _no_place(found, value, place)
    document = change.document if change is not None else found.document
    line = found.line
    if change is not None and document.path != found.path:
        line = document.line(change.start)
    data = files.read(document.path)
    return PromptSource(document.path, data, value, block, line, document, found, again)


def _no_place(found: Found, value: str, place: int) -> RefusedSource:
    """What is said where the prompt is known, and the block's place in it cannot be written to."""
    line = value.count("\n", 0, place) + 1
    way = f"{setting(found.label)} for the part that may be edited"
    if found.node is None:
        way = "write it as a block (`key: |` in YAML), or as a string in double quotes"
    return RefusedSource(
        f"{found.where}: line {line} of the prompt, where the block belongs, is not written in one"
        " place that can be edited (it is shared, folded, or changed after it is written)",
        hint=f"paste the block there, or {way}",
    )


# -- the edit --------------------------------------------------------------------------------------


def edited(source: PromptSource, rules: Sequence[Rule], sentences: Sequence[str] = ()) -> bytes:
    """The file with these in the managed block, put in, replaced, or (none) taken out.

    Raises BlockConflict when somebody edited the block, RefusedSource when it cannot be done.
    """
    block = source.block
    if block is not None and not block.intact:
        raise BlockConflict(
            f"{source.path}:{source.line}: {block.problem}",
            hint="take the block out, or put it back as it was; until then it is left alone",
        )
    text = block_text(rules, sentences, prose=bool(rules) and source.is_prose)
    if block is not None:
        start, end = block.start, block.end
        leading = not source.value[start:end].endswith("\n")
    else:
        if not text:
            return source.data
        start, leading = place_for(source.value)
        end = start
    new = text and (f"\n{text}" if leading else f"{text}\n")
    wanted = source.value[:start] + new + source.value[end:]
    if without_block(wanted) != without_block(source.value):
        raise RefusedSource(
            f"{source.path}:{source.line}: the edit would change more than the managed block"
        )
    return _proven(source, start, end, new)


def rewritten(source: PromptSource, rewrites: Sequence[Rewrite]) -> bytes:
    """The file with open paragraphs rewritten.

    Raises BlockConflict when one of them is not there as it was, RefusedSource when it cannot be
    done.
    """
    for rewrite in rewrites:
        found = find(source.value, rewrite.before)
        if found is None:
            raise BlockConflict(
                f"{source.path}:{source.line}: an open paragraph was edited by hand, or is gone:"
                f" {rewrite.before[:60]!r}",
                hint="what it says now is its author's; it is left alone",
            )
        data = _proven(source, found.start, found.end, rewrite.after)
        source = source.again(data)
    return source.data


def open_paragraphs(source: PromptSource) -> list[Paragraph]:
    """Those that can be rewritten where they are written: beside the block, in one piece."""
    return [
        paragraph
        for paragraph in opened(source.value).paragraphs
        if find(source.value, paragraph.text) is not None
        and any(
            change.document.path == source.path
            for change in changes(source.found, paragraph.start, paragraph.end, SAMPLE)
        )
    ]


def _proven(source: PromptSource, start: int, end: int, new: str) -> bytes:
    """The first change that holds: the prompt is as wanted, and the way back is exact."""
    wanted = source.value[:start] + new + source.value[end:]
    problem = ""
    for change in changes(source.found, start, end, new):
        if change.document.path != source.path:
            continue
        problem = _problem(source, change, start, end, new, wanted)
        if not problem:
            return change.made()
    lies = "what is to be replaced lies across several strings"
    why = problem or (lies if end > start else "a raw string on one line has no room for lines")
    raise RefusedSource(
        f"{source.path}:{source.line}: the string is written in a way that cannot be edited safely:"
        f" {why}",
        hint=f"paste the block by hand, or {setting(source.found.label)} for another place",
    )


def _problem(
    source: PromptSource, change: Change, start: int, end: int, new: str, wanted: str
) -> str:
    """What is wrong with a change; empty when it does what it is to do and nothing else."""
    try:
        after = change.made()
        made = source.again(after)
    except RefusedSource as error:
        return error.message
    if made.value != wanted or made.path != source.path:
        return "read anew, the prompt is not as it should be"
    if made.found.text.is_exact != source.is_exact or made.found.label != source.found.label:
        return "read anew, the prompt is another one"
    if not new:
        return ""
    old = source.value[start:end]
    back = next(changes(made.found, start, start + len(new), old), None)
    if back is None or back.made() != source.data:
        return "the way back would not be exact"
    return ""
