"""Free text against the author's "never": what code can tell, and what it says it cannot."""

from __future__ import annotations

import pytest

from handlers.judge.candidates.orders import against
from handlers.judge.candidates.wishes import bans_of
from handlers.judge.prompt.opened import Rewrite
from handlers.judge.prompt.wording import Wording
from handlers.project.library import library_for

PARAGRAPH = "Take short steps.\nNever walk backward: there is a stair.\nDo not trust the map."
PROMPT = f"You drive.\nDo not sit.\n[cadenzad open]\n{PARAGRAPH}\n[end of cadenzad open]\n"
LIBRARY = library_for("go1", None)


def lines(*sentences: str, after: str | None = None) -> tuple[int, ...]:
    rewrites = (Rewrite(PARAGRAPH, after),) if after is not None else ()
    return against(Wording(sentences, rewrites), PROMPT, bans_of(PROMPT, LIBRARY), LIBRARY)


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("Walk backward where the way is blocked.", (5,)),
        ("Back off a little, then sit down.", (2, 5)),
        ("A walk_backward of 0.3 m helps.", (5,)),
        ("Turn left where the way is blocked.", ()),
        ("Never sit, and do not walk backward.", ()),
    ],
)
def test_an_order_to_do_what_a_line_forbids_is_against_it(
    sentence: str, wanted: tuple[int, ...]
) -> None:
    assert lines(sentence) == wanted


def test_a_prohibition_that_a_rewritten_paragraph_gives_up_is_one_for_its_author() -> None:
    kept = "Take long steps.\nnever walk  backward: there is a stair. Do not trust the map."
    assert lines(after=kept) == ()
    assert lines(after="Take long steps. Do not trust the map.") == (5,)
    # also of what no action of the robot's is about
    assert lines(after="Take long steps.\nNever walk backward: there is a stair.") == (6,)
