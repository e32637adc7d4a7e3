"""Clinical trial eligibility criteria as readable, executable and explainable logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from os import PathLike

    from protocol_logic.surfaces.notebook import Justification

__version__ = "0.1.0"
__all__ = ["__version__", "explain"]


def explain(
    protocol: str | PathLike[str],
    *patients: str | PathLike[str],
    patient: str | None = None,
    criterion: str | None = None,
    as_of: date | str | None = None,
) -> Justification:
    """Why a patient is eligible for a protocol or not, as a graph that a notebook shows as a tree.

    `protocol`: a file, or the id of a protocol in the knowledge base. `patients`: files or folders,
    as the command takes them; `patient`: the id of the one, where there are several. `criterion`:
    only this one. `as_of`: the day of judgement, else the one that the record names.

    Raises ValueError with what the command would tell. See docs/explain.md.
    """
    from protocol_logic.surfaces import notebook

    return notebook.explain(protocol, *patients, patient=patient, criterion=criterion, as_of=as_of)
