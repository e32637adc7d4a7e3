"""The page of `cohort` in a browser: opened without network, plots drawn inside their frames, each
with a name that is read out, and its numbers in a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run

pytest.importorskip("selenium")

from tests.browser.browser import Browser, browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    file: Path = tmp_path_factory.mktemp("cohort") / "cohort.html"
    done = run("cohort", PROTOCOL, DEMO, "--by", "sex", "--format", "html", "-o", file)
    assert done.returncode == 0
    with browser() as found:
        found.open(file)
        yield found


def test_it_opens_without_network_and_without_a_word(page: Browser) -> None:
    assert page.logged() == []
    assert page.run("return performance.getEntriesByType('resource').length") == 0
    assert page.shown("svg.plot") >= 4


def test_what_is_drawn_stays_inside_its_frame(page: Browser) -> None:
    outside = page.run("""
      return [...document.querySelectorAll('svg.plot')].filter(plot => {
        const frame = plot.viewBox.baseVal;
        return [...plot.querySelectorAll('text, rect, path')].some(each => {
          const at = each.getBBox();
          return at.x < 0 || at.y < 0 || at.x + at.width > frame.width + 1
            || at.y + at.height > frame.height + 1;
        });
      }).map(plot => plot.querySelector('title').textContent)""")
    assert outside == []


def test_styles_reach_the_plots(page: Browser) -> None:
    # The policy lets only the style of the page in; bars of two kinds look different.
    fills = page.run(
        "return ['.sure', '.maybe'].map(k => "
        "getComputedStyle(document.querySelector('.plot ' + k)).fillOpacity)"
    )
    assert fills == ["0.55", "0.15"]


def test_each_plot_is_an_image_with_a_name_and_a_table_follows(page: Browser) -> None:
    named = [each["name"] for each in page.accessible() if each["role"] == "image"]
    assert len(named) == page.run("return document.querySelectorAll('svg.plot').length")
    assert all(named)
    assert page.run(
        "return [...document.querySelectorAll('svg.plot')].every("
        "plot => plot.nextElementSibling.querySelector('table'))"
    )


def test_on_paper_nothing_is_cut(page: Browser) -> None:
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        wide = "return document.querySelector('.scroll').scrollWidth <= innerWidth"
        assert page.run(wide)
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
