"""Reports as one HTML page each: no network, no scripts, whatever the records hold.

Everything is escaped by the template engine; the templates lie beside this module.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from jinja2 import Environment


def page(template: str, **values: Any) -> str:
    """The page of a template; what is not given to it is an error, not an empty text."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from protocol_logic.surfaces import fit_words

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
    made.filters["number"] = "{:,}".format
    made.globals["fit"] = fit_words
    return made
