"""Why a patient is eligible or not, and what a notebook shows of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.pipeline import Compiled
    from protocol_logic.surfaces.raw_records import Raw

MIME = "application/vnd.protocol-logic.justification+json"
"""The graph as `--format json` writes it, for programs that read a notebook."""


@dataclass(frozen=True, repr=False)
class Justification:
    """Why a patient is eligible or not.

    `graph`: the networkx graph, as docs/explain.md says it. `criterion`: the only one in it, if it
    was asked for. In a notebook it shows itself as a tree that unfolds; `print` gives it as text.
    """

    graph: Graph
    criterion: str | None
    _compiled: Compiled
    _raw: Callable[[Sequence[str]], list[Raw]]

    @property
    def sentence(self) -> str:
        """The outcome and its reasons, in one sentence."""
        return "\n".join(self._lines("sentence"))

    @property
    def data(self) -> dict[str, Any]:
        """The graph as networkx node-link data (key `edges`), ready for JSON."""
        from protocol_logic.answering.justification import node_link

        return node_link(self.graph)

    def html(self) -> str:
        """The page that `explain --format html` writes; reads the patient's inputs again."""
        from protocol_logic.surfaces.explain_page import explain_page, resources_of

        raw = self._raw(resources_of(self.graph))
        return explain_page(self.graph, self._compiled.protocol, raw, criterion=self.criterion)

    def __str__(self) -> str:
        return "\n".join(self._lines("tree"))

    __repr__ = __str__

    def _lines(self, depth: str) -> Sequence[str]:
        from protocol_logic.surfaces.explain_text import ExplainText

        criterion, graph = self.criterion, self.graph
        drawing = ExplainText(graph, criterion=criterion, colour=False, encoding="utf-8")
        return list(drawing.lines(depth))

    # ---- notebooks ---------------------------------------------------------------------------

    @cached_property
    def _html(self) -> str:
        from protocol_logic.surfaces.explain_page import fragment

        return fragment(self.graph, self.sentence, criterion=self.criterion)

    def _repr_html_(self) -> str:
        """The tree without scripts and anchors, so that many can stand in one notebook."""
        return self._html

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, Any]:
        bundle = {"text/plain": str(self), "text/html": self._html, MIME: self.data}
        return {
            kind: each
            for kind, each in bundle.items()
            if (include is None or kind in include) and (exclude is None or kind not in exclude)
        }
