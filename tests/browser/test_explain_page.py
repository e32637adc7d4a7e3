"""The page of `explain` in a browser: opened without network, unfolded, filtered, followed from a
node to its line and its source, by pointer and by keys; whatever its texts are."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.command import DEMO, PROTOCOL, run
from tests.justifications import HOSTILE, justification
from tests.unit.surfaces.test_explain_page import drawn

pytest.importorskip("selenium")
pytest.importorskip("pygraphviz")

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import Browser, browser

pytestmark = pytest.mark.browser
HANNE = DEMO / "hanne_haemoglobin_mmol.json"
ROBIN = DEMO / "robin_sex_unknown.json"


@pytest.fixture(scope="module")
def a_browser() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def hanne(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the demo patient whose hemoglobin is too low."""
    file = tmp_path_factory.mktemp("hanne") / "why.html"
    assert run("explain", PROTOCOL, HANNE, "--format", "html", "-o", file).returncode == 0
    return file


@pytest.fixture
def page(a_browser: Browser, hanne: Path) -> Iterator[Browser]:
    a_browser.open(hanne)
    yield a_browser
    assert a_browser.logged() == []


def made(tmp_path: Path, graph: Any) -> Path:
    file = tmp_path / "made.html"
    file.write_text(drawn(graph), encoding="utf-8")
    return file


def loaded(page: Browser) -> float:
    """Milliseconds until the page stood and its script had run."""
    return float(
        page.run("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    )


# ---- opening -------------------------------------------------------------------------------------


def test_a_graph_of_49_nodes_opens_without_network_small_and_fast(
    a_browser: Browser, tmp_path: Path
) -> None:
    graph = justification(failing=2, unclear=2, passing=8, facts=1)
    assert 45 <= len(graph) <= 50
    file = made(tmp_path, graph)
    assert file.stat().st_size < 1_000_000
    times = []
    for _ in range(3):
        a_browser.open(file)
        times.append(loaded(a_browser))
    assert min(times) < 1_000
    assert a_browser.logged() == []
    # Nothing was asked for but the file itself.
    assert a_browser.run("return performance.getEntriesByType('resource').length") == 0
    assert a_browser.shown(".tree .criterion") == 12
    assert a_browser.shown(".box") > 12


def test_a_thousand_nodes_open_and_pictures_stay_readable(
    a_browser: Browser, tmp_path: Path
) -> None:
    graph = justification(failing=12, unclear=20, passing=120, facts=4)
    assert len(graph) > 1_000
    a_browser.open(made(tmp_path, graph))
    assert a_browser.shown(".tree .criterion") == 152
    assert a_browser.shown(".box") <= 110
    # Letters as they are drawn, in pixels.
    height = "return document.querySelector('.box text').getBoundingClientRect().height"
    assert a_browser.run(height) > 10
    assert a_browser.logged() == []


def test_texts_stay_inside_their_boxes(page: Browser) -> None:
    wrong = page.run("""
      for (const each of document.querySelectorAll('.drawing')) each.hidden = false;
      return [...document.querySelectorAll('.box')].filter(box => {
        const room = box.querySelector('rect').getBBox();
        return [...box.querySelectorAll('text')].some(text => {
          const at = text.getBBox();
          return at.x < room.x || at.y < room.y || at.x + at.width > room.x + room.width + 1
            || at.y + at.height > room.y + room.height;
        });
      }).map(box => box.textContent)""")
    assert wrong == []


def test_texts_that_are_out_for_harm_do_none(a_browser: Browser, tmp_path: Path) -> None:
    graph = justification(failing=1, unclear=1, passing=1, text=HOSTILE)
    a_browser.open(made(tmp_path, graph))
    title = a_browser.driver.title
    assert title.startswith("Why: p</script>")
    a_browser.click("[data-do=unfold]")
    a_browser.click(".tree .leaf")
    a_browser.click("#tab-node")
    assert "</script><script>document.title='owned'" in a_browser.text(".details")
    assert "\u202e" not in a_browser.run("return document.body.innerText")
    assert a_browser.driver.title == title
    assert a_browser.run("return document.images.length") == 0
    assert a_browser.logged() == []


# ---- by pointer ----------------------------------------------------------------------------------


def test_what_fails_is_unfolded_and_what_passes_unfolds(page: Browser) -> None:
    assert page.shown(".tree .criterion.fail .fact") == 1
    assert page.shown(".tree .criterion.pass .condition") == 0
    page.click(".tree .criterion.pass summary")
    assert page.shown(".tree .criterion.pass .condition") > 0
    page.click("[data-do=unfold]")
    assert page.shown(".tree details:not([open])") == 0
    page.click("[data-do=fold]")
    assert page.shown(".tree li") == 10


def test_filters_by_outcome_and_by_what_decides(page: Browser) -> None:
    page.click("[name=verdict][value=pass]")
    assert page.shown(".tree .criterion") == 1
    assert page.text(".status") == "1 of 10 criteria shown"
    assert page.shown(".box.criterion.dim") == 9
    before = page.shown(".tree li")
    page.click("[name=decides]")
    assert 0 < page.shown(".tree li") < before
    # A link into what is filtered away brings it back.
    page.click("#tab-protocol")
    page.click(".mark.pass")
    assert page.shown(".tree .criterion") == 10
    assert page.text(".status") == ""


def test_a_node_leads_to_its_line_and_to_its_source(page: Browser) -> None:
    page.click(".criterion.fail a[href='#l60']")
    assert page.shown("#protocol .line.reached") == 1
    assert "hemoglobin >= 90 g/L" in page.text("#protocol .line.reached")
    assert "line 60" in page.text(".chosen")
    page.click(".criterion.fail .fact a[href^='#r']")
    assert page.shown("#protocol") == 0
    assert page.text("#record .raw.reached > summary") == "Observation/hanne-hgb-2026-10-27"
    assert '"value": 5.58,' in page.text("#record .raw.reached pre")


def test_a_box_is_a_node_of_the_tree_and_has_all_it_says(page: Browser) -> None:
    page.click(".box.criterion.fail")
    assert page.text(".chosen").startswith("organ_function fails")
    assert page.shown(".tree .chosen-row") == 1
    # A folded box opens its own picture.
    page.click(".box.folded")
    assert page.run("return document.querySelector('[name=drawing]').value") == "p1"
    assert page.shown(".drawing") == 1
    page.click("#tab-node")
    assert "met(adult_woman)" in page.text(".details")
    page.click(".details a")
    assert page.text(".chosen") != ""


def test_cases_are_told_for_what_is_decided_together(a_browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "robin.html"
    assert run("explain", PROTOCOL, ROBIN, "--format", "html", "-o", file).returncode == 0
    a_browser.open(file)
    tree = a_browser.text(".tree")
    assert "suppose sex: female" in tree
    assert "suppose sex: male" in tree
    assert a_browser.shown(".tree .assumption.decides") >= 2
    assert a_browser.logged() == []


# ---- by keys -------------------------------------------------------------------------------------


def test_keys_alone_lead_from_the_outcome_to_the_record_and_back(page: Browser) -> None:
    page.run("document.querySelector('.tree summary').focus()")
    page.press(Keys.ARROW_DOWN)
    assert "performance passes" in page.focused()
    page.press(Keys.END, Keys.ARROW_UP, Keys.HOME)
    assert "adult_woman passes" in page.focused()
    page.press(Keys.ARROW_RIGHT)
    assert page.shown(".criterion.pass .condition") > 0
    page.press(Keys.ARROW_RIGHT)
    assert page.focused().startswith("●")
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert page.shown(".criterion.pass .condition") == 0
    page.press(*[Keys.ARROW_DOWN] * 8, *[Keys.ARROW_DOWN] * 4)
    assert page.focused().startswith("■")
    page.press(Keys.TAB, Keys.ENTER)
    assert page.focused() == "Observation/hanne-hgb-2026-10-27"
    page.press(Keys.ESCAPE)
    assert page.focused().startswith("■")


def test_keys_alone_walk_tabs_and_pictures(page: Browser) -> None:
    page.run("document.querySelector('#tab-picture').focus()")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert (page.focused(), page.shown("#protocol"), page.shown("#picture")) == ("Protocol", 1, 0)
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.run("document.querySelector('.drawing:not([hidden]) .box').focus()")
    assert page.focused() == "ineligible: the patient is ineligible"
    page.press(Keys.ARROW_RIGHT)
    beside = page.focused()
    page.press(Keys.ARROW_UP)
    assert page.focused() != beside
    assert "passes: " in page.focused()
    page.press(Keys.ENTER)
    assert page.run("return document.querySelector('[name=drawing]').value") != "p0"


# ---- for all readers -----------------------------------------------------------------------------


def test_screen_readers_get_roles_names_and_states(page: Browser) -> None:
    found = page.accessible()
    roles = {node["role"] for node in found}
    assert {"main", "complementary", "tablist", "tab", "tabpanel", "form", "status"} <= roles
    assert [n["name"] for n in found if n["role"] == "tab" and n.get("selected")] == ["Picture"]
    for node in found:
        if node.get("focusable") and node["role"] not in ("RootWebArea", "generic"):
            assert node["name"].strip(), node
    summaries = [n for n in found if n["role"] == "DisclosureTriangle"]
    names = {node["name"].strip("✓✗ ") for node in summaries}
    assert {"organ_function fails", "adult_woman passes"} <= names
    assert {n.get("expanded") for n in summaries} == {True, False}
    # Nothing that can be operated stands inside something that can.
    assert page.run("return document.querySelectorAll('summary a, summary button').length") == 0


def test_no_word_is_hidden_in_a_colour(page: Browser) -> None:
    for verdict, word in (("pass", "passes"), ("fail", "fails")):
        assert word in page.text(f".tree .criterion.{verdict} summary")
        box = f"return document.querySelector('#p0 .box.criterion.{verdict}').textContent"
        assert word in page.run(box)
    for role in ("supports", "defeats", "missing"):
        assert page.run(f"return document.querySelector('#m-{role} path').getAttribute('d')")


@pytest.mark.parametrize("width", [360, 800])
def test_narrow_screens_need_no_sideways_scrolling(
    a_browser: Browser, hanne: Path, width: int
) -> None:
    a_browser.open(hanne, width=width)
    a_browser.click("[data-do=unfold]")
    for tab in ("picture", "node", "protocol", "record"):
        a_browser.run("document.getElementById(arguments[0]).click()", f"tab-{tab}")
        assert a_browser.run("return document.documentElement.scrollWidth") <= width
    assert a_browser.logged() == []


def test_paper_has_the_tree_unfolded_and_the_picture_on_a_page_of_its_own(page: Browser) -> None:
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.shown(".tree details:not([open])") == 0
    assert page.shown(".tools, .tabs, #record, #node") == 0
    assert page.shown("#picture") == page.shown("#protocol") == page.shown("#p0") == 1
    page.run("dispatchEvent(new Event('afterprint'))")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert page.shown(".tree details:not([open])") > 0
    printed = page.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.count(b"/MediaBox [0 0 792 612]") == 1  # one page lies on its side
