"""A headless Chromium, what its console holds, and what axe-core finds in a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from checkout import ROOT

AXE = (ROOT / "tests/support/axe/axe.min.js").read_text("utf-8")


@contextmanager
def chromium() -> Iterator[Any]:
    """A driver of one; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("needs chromium and chromedriver (apt install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--force-prefers-reduced-motion",  # no colour is looked at halfway to another
                 "--window-size=1280,900"):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield made
    finally:
        made.quit()


def errors(browser: Any) -> list[str]:
    """What the console holds since it was asked last."""
    return [line["message"] for line in browser.get_log("browser")]


def violations(browser: Any) -> list[Any]:
    """What axe finds: by rule, the elements."""
    # By the debugger, as the page's own policy lets no script in.
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": f"{AXE};0"})
    found: list[Any] = browser.execute_async_script(
        "const done = arguments[0]; axe.run().then((found) => done(found.violations.map("
        "(one) => [one.id, one.nodes.map((node) => node.html.slice(0, 200))])));"
    )
    return found


def text_of(browser: Any, selector: str) -> str:
    """The text of an element, "" where there is none."""
    text: str = browser.execute_script(
        "return document.querySelector(arguments[0])?.textContent ?? ''", selector
    )
    return text
