"""A real browser: Debian's Chromium, which Selenium drives."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryDirectory

import pytest
from selenium.common.exceptions import SessionNotCreatedException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["_chromium", "chromium", "needs_chromium", "until"]

_TIMEOUT = 40.0
"""Seconds for which something is waited for in a page."""
_ALONE = (
    "disable-background-networking disable-component-update disable-quic disable-sync no-first-run"
)
"""It asks nobody but the pages that a test opens."""

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="chromium is not installed: run `make test-deps`",
)


@pytest.fixture
def chromium(_chromium: Chrome) -> Chrome:
    """A browser without a window, a past or a trust store."""
    _chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return _chromium


@pytest.fixture(scope="module")
def _chromium() -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.accept_insecure_certs = True
    for each in f"headless no-sandbox disable-gpu disable-dev-shm-usage {_ALONE}".split():
        options.add_argument(f"--{each}")
    with TemporaryDirectory(prefix="authflow-chromium-", ignore_cleanup_errors=True) as folder:
        options.add_argument(f"--user-data-dir={folder}")
        browser = _started(options)
        try:
            yield browser
        finally:
            browser.quit()


def _started(options: ChromeOptions) -> Chrome:
    """Start it; up to three times, where a busy machine lets its driver wait too long."""
    for _ in range(2):
        with suppress(SessionNotCreatedException):
            return Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))
    return Chrome(options=options, service=ChromeService(shutil.which("chromedriver")))


def until(browser: Chrome, javascript: str) -> object:
    """Wait until an expression is true in the page, and return its value."""
    script = f"return {javascript.strip()}"
    return WebDriverWait(browser, _TIMEOUT, 0.05).until(
        lambda _: browser.execute_script(script), javascript
    )
