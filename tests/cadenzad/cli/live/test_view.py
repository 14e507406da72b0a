"""What keys do in the live view, and what a terminal sends for them."""

from __future__ import annotations

import pytest

from cadenzad.cli.live.keys import named
from cadenzad.cli.live.view import View

PATHS = [f"/robots/{number:03}" for number in range(30)]


def pressed(view: View, *keys: str) -> View:
    for key in keys:
        assert view.press(key, PATHS)
    return view


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ((), 0),
        (("down", "down", "up"), 1),
        (("j", "j", "k"), 1),
        (("up",), 0),
        (("end",), 29),
        (("end", "down"), 29),
        (("pagedown", "pagedown", "pageup"), 10),
        (("end", "home"), 0),
        (("x", "?"), 0),
    ],
)
def test_keys_go_through_the_projects_and_stop_at_the_ends(keys, selected) -> None:
    assert pressed(View(), *keys).at(PATHS) == PATHS[selected]


def test_a_project_is_opened_scrolled_and_left() -> None:
    view = pressed(View(), "down", "enter")
    assert (view.opened, view.scroll) == (PATHS[1], 0)
    assert pressed(view, "down", "pagedown", "up").scroll == 10
    assert pressed(view, "home", "up").scroll == 0
    assert pressed(view, "left").opened == ""
    assert view.at(PATHS) == PATHS[1], "it is still the selected one"


def test_q_leaves_wherever_one_is() -> None:
    assert not View().press("q", PATHS)
    assert not pressed(View(), "enter").press("q", PATHS)


def test_a_list_in_another_order_moves_no_selection() -> None:
    view = pressed(View(), "down", "down")
    assert view.at(PATHS[::-1]) == PATHS[2]
    assert view.at(PATHS[5:]) == PATHS[5], "it is gone"


def test_without_a_project_keys_do_nothing() -> None:
    view = View()
    for key in ("down", "enter", "end"):
        assert view.press(key, [])
    assert (view.selected, view.opened) == ("", "")
    assert view.window([], 5) == slice(0, 0)


@pytest.mark.parametrize("place", [0, 4, 15, 29])
@pytest.mark.parametrize("room", [1, 7, 30, 99])
def test_the_selected_project_is_always_on_the_screen(place, room) -> None:
    shown = PATHS[View(selected=PATHS[place]).window(PATHS, room)]
    assert PATHS[place] in shown
    assert len(shown) == min(room, 30)


def test_what_a_terminal_sends_has_names() -> None:
    sent = b"\x1b[A\x1bOBq\r\x1b[5~\x7f\x1b"
    assert list(named(sent)) == ["up", "down", "q", "enter", "pageup", "backspace", "escape"]
