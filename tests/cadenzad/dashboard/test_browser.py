"""The pages in a real browser: no error in its console, no finding of axe, live, by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import runlogs
from chromium import chromium, errors, text_of, violations
from dashboards import Dashboard, dashboard
from judging import drop
from waiting import eventually

pytestmark = pytest.mark.xdist_group("dashboard")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; skips where there is none."""
    with chromium() as made:
        yield made


def theme(browser: Any, name: str) -> None:
    browser.execute_script(
        "document.documentElement.dataset.theme = arguments[0];"
        "dispatchEvent(new Event('cadenza-theme'))",
        name,
    )


PAGES = ("/", "/project/rescue", "/project/rescue/runs?a=r1&b=r0", "/project/rescue?at=4")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_sound_and_can_be_used_by_everybody(loop, shown, browser, path) -> None:
    errors(browser)
    browser.get(shown.url + path)
    eventually(lambda: "live" in text_of(browser, "#live-state") or "at=" in path, "it is live")
    for name in ("light", "dark"):
        theme(browser, name)
        assert violations(browser) == [], name
    charts = browser.execute_script("return document.querySelectorAll('figure.chart').length")
    drawn = browser.execute_script("return document.querySelectorAll('.uplot canvas').length")
    assert drawn == charts
    assert errors(browser) == []


def test_a_new_run_appears_by_itself_and_a_past_page_stands_still(loop, shown, browser) -> None:
    # given an open page
    browser.get(f"{shown.url}/project/rescue")
    eventually(lambda: "live" in text_of(browser, "#live-state"), "it is live")
    browser.execute_script("document.getElementById('diff-1').removeAttribute('open')")
    assert "brand-new" not in text_of(browser, "#runs")

    # when a run is taken up
    drop(loop.project, "brand-new", runlogs.run(3))
    loop.house.configure()  # nothing is judged
    loop.house.once()

    # then it is there, with the charts, and what somebody closed is closed
    eventually(lambda: "brand-new" in text_of(browser, "#runs"), "the run is on the page")
    eventually(lambda: "5 succeeded" not in text_of(browser, "#runs"), "it is whole")
    drawn = "return document.querySelectorAll('#outcomes .uplot canvas').length"
    assert browser.execute_script(drawn) == 3
    assert browser.execute_script("return document.getElementById('diff-1').open") is False
    assert errors(browser) == []


def test_the_slider_goes_back_in_time_by_keyboard(loop, shown, browser) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(f"{shown.url}/project/rescue")
    slider = browser.find_element("id", "at-range")
    assert "stuck@enter_debris" in text_of(browser, "#story")
    slider.send_keys(Keys.HOME)
    eventually(lambda: "As of position 1 of" in text_of(browser, "#moment-told"), "it is the past")
    assert browser.current_url.endswith("?at=1")
    assert "No rule is in the prompt" in text_of(browser, "#story")
    assert browser.switch_to.active_element.get_attribute("id") == "at-range"
    slider.send_keys(Keys.END)
    eventually(lambda: "stuck@enter_debris" in text_of(browser, "#story"), "it is now again")
    assert "at=" not in browser.current_url
    assert errors(browser) == []


def test_two_runs_are_stepped_through_by_keyboard(loop, shown, browser) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(f"{shown.url}/project/rescue/runs?a=r1&b=r0&tick=2")
    at = '[data-run="A"] [data-fact="tick"]'
    eventually(lambda: text_of(browser, at) == "2", "it begins at the tick that is asked for")
    before = browser.execute_script("return document.querySelector('.robot').outerHTML")
    browser.find_element("css selector", "button.on").send_keys(Keys.ENTER)
    assert text_of(browser, at) == "3"
    assert text_of(browser, '[data-run="A"] [data-fact="phase"]') == "enter_debris"
    assert browser.execute_script("return document.querySelector('.robot').outerHTML") != before
    browser.find_element("id", "step").send_keys(Keys.END)
    assert "5 (its last: failed)" in text_of(browser, at)
    browser.find_element("css selector", "button.play").send_keys(Keys.ENTER)
    eventually(lambda: text_of(browser, "button.play") == "Play", "it has played to its end")
    assert errors(browser) == []


def test_colours_are_chosen_and_kept(loop, shown, browser) -> None:
    browser.get(f"{shown.url}/")
    button = browser.find_element("id", "theme")
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(ground)
    button.click()
    chosen = browser.execute_script(ground)
    assert chosen != before
    browser.get(f"{shown.url}/project/rescue")
    assert browser.execute_script(ground) == chosen
    browser.find_element("id", "theme").click()


def test_a_report_opens_from_disk_with_its_charts(loop, browser, tmp_path) -> None:
    target = tmp_path / "report.html"
    loop.house.ask("report", "rescue", "-o", str(target))
    errors(browser)
    browser.get(target.as_uri())
    charts = browser.execute_script("return document.querySelectorAll('figure.chart').length")
    drawn = browser.execute_script("return document.querySelectorAll('.uplot canvas').length")
    assert drawn == charts > 3
    assert text_of(browser, '[data-run="A"] [data-fact="tick"]')
    assert violations(browser) == []
    fetched = browser.execute_script(
        "return performance.getEntriesByType('resource').map((one) => one.name)"
    )
    assert fetched == []
    assert errors(browser) == []


def test_without_a_script_every_page_still_says_all(loop, shown, browser) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{shown.url}/project/rescue")
        said = browser.find_element("css selector", "main").text
        assert "Success rate by policy and prompt" in said
        assert browser.find_element("id", "at").is_displayed()
        assert not browser.find_element("id", "at-range").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_token_lets_a_browser_in(loop, browser, tmp_path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-of-thirty-two-characters")
    file.chmod(0o600)
    with dashboard(loop.house.environ, "--token-file", file) as guarded:
        assert isinstance(guarded, Dashboard)
        browser.get(f"{guarded.url}/")
        assert violations(browser) == []
        browser.find_element("id", "token").send_keys(file.read_text() + "\n")
        eventually(lambda: "rescue" in text_of(browser, "#projects"), "the page is open")
        assert json.dumps(file.read_text()) not in json.dumps(browser.current_url)
        assert browser.execute_script("return document.cookie") == ""
        errors(browser)  # the 401 of the form
