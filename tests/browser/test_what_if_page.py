"""The page of `what-if` in a browser: opened without network, its days drawn and told, and nothing
wider than the window, however long ids and words are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run, written

pytest.importorskip("selenium")

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser, browser

pytestmark = pytest.mark.browser

LONG = "x_" * 60 + "x"
WIDE = "W" * 110
PHONE = 380


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("what-if")
    long = f"""\
protocol long
  title {WIDE}
  version 1.0
  uses demographics, labs

include {LONG}
  > {WIDE}
  all of
    age >= 80 years
    hemoglobin >= 90 g/L
    attested "{WIDE}"
"""
    protocol = written(found / "long.elig", long)
    patient = json.loads((DEMO / "wanda_creatinine_clearance.json").read_text(encoding="utf-8"))
    text = json.dumps(patient).replace("wanda", "w" * 60)
    wanda = written(found / "wanda.json", text)
    for name, args in {
        "elena": (PROTOCOL, DEMO / "elena_alt_liver_unclear.json"),
        "ines": (PROTOCOL, DEMO / "ines_all_met.json"),
        "hanne": (PROTOCOL, DEMO / "hanne_haemoglobin_mmol.json", "--set", "hemoglobin is 95 g/L"),
        "long": (protocol, wanda),
    }.items():
        done = run("what-if", *args, "--format", "html", "-o", found / f"{name}.html")
        assert done.returncode == 0, done.stderr
    done = run("cohort", protocol, wanda, DEMO, "--rank", "--format", "html", "-o",
               found / "cohort.html")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.mark.parametrize("name", ["elena", "ines", "hanne", "long", "cohort"])
def test_it_opens_without_network_and_is_no_wider_than_the_window(
    page: Browser, folder: Path, name: str
) -> None:
    for width in (1400, PHONE):
        page.open(folder / f"{name}.html", width=width)
        assert page.logged() == []
        assert page.run("return performance.getEntriesByType('resource').length") == 0
        assert page.run("return document.documentElement.scrollWidth") <= width
        # What is wider scrolls by itself, and can be reached by keys; no word runs into another.
        assert page.run(RUNS_OVER) == []


RUNS_OVER = """
  const inside = each => each.closest('.scroll, svg') !== null;
  return [...document.querySelectorAll('h1, p, li, dt, dd, summary')]
    .filter(each => !inside(each) && each.scrollWidth > each.clientWidth + 1 && each.clientWidth)
    .map(each => each.textContent.slice(0, 60))"""


def test_days_and_repairs_are_told_and_drawn(page: Browser, folder: Path) -> None:
    page.open(folder / "elena.html")
    assert "liver_metastasis decides the case" in page.text("#measure")
    assert "<= 87.5 U/L, ULN 35 U/L" in page.text("#repairs table")
    assert "undetermined" in page.text("#when")
    assert page.shown("#when svg") == 1
    [image] = [each for each in page.accessible() if each["role"] == "image"]
    assert image["name"]
    assert page.shown("#when table, #when ol, #when ul, #when dl") >= 1
    page.open(folder / "hanne.html")
    assert "ineligible -> eligible" in page.text("#changed")
    assert "hemoglobin is 95 g/L" in page.text("#set")
    page.open(folder / "ines.html")
    assert "not ecog <= 1" in page.text("#losing")


def test_tables_are_reached_by_keys(page: Browser, folder: Path) -> None:
    page.open(folder / "elena.html")
    reached = []
    for _ in range(4):
        page.press(Keys.TAB)
        reached.append(page.focused())
    assert reached == ["Repairs", "Timeline", "Days of change", "Margins"]


def test_on_paper_nothing_is_cut(page: Browser, folder: Path) -> None:
    page.open(folder / "long.html", width=800)
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > innerWidth)"
        assert page.run(f"return {wide}.length") == 0
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
