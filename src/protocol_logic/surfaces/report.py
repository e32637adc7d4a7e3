"""Reports as one HTML page each: no network, and no scripts but ours, whatever the records hold.

Everything is escaped by the template engine; the templates, styles and scripts lie beside this
module. A page's own policy (CSP) names its style and script by their digests, so that a browser
runs nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def page(template: str, style: str | None = None, script: str | None = None, **values: Any) -> str:
    """The page of a template; what is not given to it is an error, not an empty text.

    `style`, `script`: files of this page's own.
    """
    styles = _file("page.css") + (_file(style) if style else "")
    return part(template, styles=styles, script=_file(script) if script else None, **values)


def fragment(template: str, **values: Any) -> str:
    """What a template says inside another page, such as a notebook: no script, and only styles for
    what stands in it."""
    return part(template, styles=_styles_inside("page.css", "cohort.css"), **values)


def part(template: str, **values: Any) -> str:
    """What a template says, such as a part of a page."""
    return _environment().get_template(template).render(**values)


@cache
def _file(name: str) -> Markup:
    """A style or a script, which is no text to be escaped."""
    from markupsafe import Markup

    loader, environment = _environment().loader, _environment()
    assert loader is not None
    return Markup(loader.get_source(environment, name)[0])


@cache
def _styles_inside(*names: str) -> Markup:
    """The rules of pages, each for what stands in `.protocol-logic` alone; not those for paper."""
    from markupsafe import Markup

    rules = []
    for name in names:
        for line in str(_file(name)).partition("@media")[0].splitlines():
            selectors, brace, rest = line.partition("{")
            if brace and not line.startswith((":root", "body", "nav")):
                inside = ", ".join(
                    f".protocol-logic {each.strip()}" for each in selectors.split(",")
                )
                rules.append(f"{inside} {brace}{rest}")
    return Markup("\n".join(rules))


def _digest(text: str) -> str:
    """What a policy names a style or script by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from protocol_logic.surfaces import cohort_words, fit_words

    made = Environment(
        loader=PackageLoader("protocol_logic.surfaces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # What a reader could not see, such as a change of the direction of writing, is escaped first.
    made.filters["visible"] = visible
    made.filters["raw_text"] = lambda text: "\n".join(map(visible, text.split("\n")))
    made.filters["digest"] = _digest
    made.filters["number"] = "{:,}".format
    made.globals["fit"] = fit_words
    made.globals["cohort"] = cohort_words
    return made
