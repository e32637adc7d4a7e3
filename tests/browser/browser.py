"""A real browser without network: Debian's chromium, driven by its own driver."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# The first four as chromium needs them where it runs as root and without a screen; the others keep
# it from calling home.
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic "
    "--no-first-run --disable-background-networking --disable-component-update --disable-sync"
).split()


def needed() -> None:
    """Skip where there is no browser; fail where `.ci/run` has seen to it."""
    if CHROMIUM is None or DRIVER is None:
        message = "needs chromium and chromedriver (apt-get install chromium chromium-driver)"
        if os.environ.get("NEED_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)


class Browser:
    """One page at a time. What it asks of the network fails, and what it logs is kept."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, *, width: int = 1400, height: int = 900) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        self.driver.get("about:blank")
        self.driver.get(page.as_uri())

    def run(self, script: str, *args: object) -> Any:
        return self.driver.execute_script(script, *args)

    def logged(self) -> list[str]:
        """What the page logged since this was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def text(self, selector: str) -> str:
        """The text of an element as it is shown."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def shown(self, selector: str) -> int:
        """How many elements can be seen."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
        )
        return len(self.run(script, selector))

    def focused(self) -> str:
        """The text of what has the focus, or the label where it has one."""
        return str(
            self.run(
                "const e = document.activeElement;"
                "return e.getAttribute('aria-label') || e.innerText || e.textContent"
            )
        )

    def accessible(self) -> list[dict[str, Any]]:
        """The nodes that a screen reader is given, with role and name."""
        found = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            {
                "role": node.get("role", {}).get("value"),
                "name": node.get("name", {}).get("value", ""),
                **{p["name"]: p["value"].get("value") for p in node.get("properties", ())},
            }
            for node in found
            if not node.get("ignored")
        ]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for the tests of a module."""
    needed()
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    try:
        yield Browser(driver)
    finally:
        driver.quit()
