"""Justifications in Python: `protocol_logic.explain`, and what a notebook shows of its result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol_logic.foundation.problems import Problem, did_you_mean
from protocol_logic.surfaces.diagnostics import plain_line
from protocol_logic.surfaces.explaining import the_one
from protocol_logic.surfaces.inputs import (
    Patients,
    SourceErrors,
    as_of_option,
    compiled_protocol,
    existing_paths,
)
from protocol_logic.surfaces.raw_records import Resources
from protocol_logic.surfaces.terminal import visible

if TYPE_CHECKING:
    from protocol_logic.answering.skeleton import Graph
    from protocol_logic.pipeline import Compiled

MIME = "application/vnd.protocol-logic.justification+json"
"""The graph as `--format json` writes it, for programs that read a notebook."""


@dataclass(frozen=True)
class Justification:
    """Why a patient is eligible or not.

    `graph`: the networkx graph, as docs/explain.md says it. `criterion`: the only one in it, if it
    was asked for. In a notebook it shows itself as a tree that unfolds; `print` gives it as text.
    """

    graph: Graph
    criterion: str | None
    _compiled: Compiled = field(repr=False)
    _resources: dict[str, Any] = field(repr=False)
    _paths: list[Path] = field(repr=False)

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
        """The page that `explain --format html` writes."""
        from protocol_logic.compiling.answerable import elements_of
        from protocol_logic.surfaces.explain_page import explain_page, resources_of
        from protocol_logic.surfaces.raw_records import raw_records

        protocol = self._compiled.protocol
        names, elements = resources_of(self.graph), elements_of(protocol)
        raw = raw_records(names, self._resources, self._paths, elements, None)
        return explain_page(self.graph, protocol, raw, criterion=self.criterion)

    def __str__(self) -> str:
        return "\n".join(self._lines("tree"))

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


def explain(
    protocol: str | PathLike[str],
    *patients: str | PathLike[str],
    patient: str | None = None,
    criterion: str | None = None,
    as_of: date | str | None = None,
) -> Justification:
    """See `protocol_logic.explain`."""
    try:
        names = [fspath(each) for each in patients]
        return _explain(fspath(protocol), names, patient, criterion, as_of)
    except SourceErrors as error:
        told = "; ".join(plain_line(problem) for problem in error.problems)
        raise ValueError(f"{error.message}: {told}") from None
    except click.ClickException as error:
        raise ValueError(error.message) from None


def _explain(
    protocol: str,
    names: list[str],
    patient: str | None,
    criterion: str | None,
    as_of: date | str | None,
) -> Justification:
    from protocol_logic.answering.justification import subgraph
    from protocol_logic.pipeline import Explaining, as_of_date

    paths = existing_paths(names)
    compiled = compiled_protocol(protocol)
    known = [each.id for each in compiled.protocol.criteria]
    if criterion is not None and criterion not in known:
        hint = did_you_mean(criterion, known) or f"it has {', '.join(known)}"
        raise ValueError(f"the protocol has no criterion `{visible(criterion)}`; {hint}")
    resources = Resources()
    found = Patients(compiled, paths, meet=resources.meet)
    record = the_one(found, patient, resources)
    if record is None:
        raise ValueError("; ".join(map(plain_line, found.problems.sorted())))
    option = as_of_option(as_of) if isinstance(as_of, str) else as_of
    day = as_of_date(record, option)
    if isinstance(day, Problem):
        raise ValueError(f"{day.message}; name one by `as_of`")
    graph = Explaining(compiled).explain(record, day)
    if criterion is not None:
        graph = subgraph(graph, criterion)
    return Justification(graph, criterion, compiled, resources.found, paths)
