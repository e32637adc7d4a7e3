"""Why a patient is eligible or not, and what a notebook shows of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.pipeline import Compiled
    from protocol_logic.surfaces.python.results import Result
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

    def text(self, depth: Literal["sentence", "tree", "graph"] = "tree") -> str:
        """What `explain --depth` prints; `print` of a justification gives the tree."""
        if depth not in ("sentence", "tree", "graph"):
            raise ValueError("depth is `sentence`, `tree` or `graph`")
        return "\n".join(self._lines(depth))

    def dot(self) -> str:
        """The graph for Graphviz, as `--format dot`."""
        from protocol_logic.surfaces.explain_dot import dot

        return dot(self.graph)

    def graphml(self) -> str:
        """The graph for other programs, as `--format graphml`."""
        from protocol_logic.answering.graphml import graphml
        from protocol_logic.surfaces.terminal import all_visible

        return graphml(all_visible(self.data))

    def against(self, earlier: Justification | Mapping[str, Any] | str | PathLike[str]) -> Result:
        """What changed since an earlier justification of the same patient, as `--against` says it.

        `earlier`: a justification, its `data`, or a file that `--format json` wrote. Raises
        InputError where that is none, or one of the two is only a part.
        """
        from protocol_logic.surfaces.explaining import changes_since, graph_in
        from protocol_logic.surfaces.python.errors import InputError, input_errors
        from protocol_logic.surfaces.python.what_if_results import changes_result

        if not self._is_whole or (isinstance(earlier, Justification) and not earlier._is_whole):
            raise InputError("what changed is said of whole justifications, not of parts")
        with input_errors():
            if isinstance(earlier, Justification):
                before, name = earlier.data, "earlier"
            elif isinstance(earlier, Mapping):
                before, name = justification_data(earlier), "earlier"
            else:
                before, name = graph_in(fspath(earlier)), fspath(earlier)
            change = changes_since(before, self.graph, name)
        return changes_result(change, self.sentence)

    def html(self) -> str:
        """The page that `explain --format html` writes; reads the patient's inputs again."""
        from protocol_logic.surfaces.explain_page import explain_page, resources_of

        raw = self._raw(resources_of(self.graph))
        return explain_page(self.graph, self._compiled.protocol, raw, criterion=self.criterion)

    @property
    def _is_whole(self) -> bool:
        return self.criterion is None and "forced" not in self.graph.graph

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


def justification_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Node-link data of a justification; raises InputError where it is none."""
    from protocol_logic.answering.comparing import NoJustification, nodes_of
    from protocol_logic.surfaces.python.errors import InputError

    try:
        nodes_of(found := dict(data))
    except NoJustification as wrong:
        raise InputError(f"it is no justification, as `data` gives it: {wrong}") from None
    return found
