"""Whom a resource is about: references to a Patient, in the forms that FHIR allows."""

from __future__ import annotations

from dataclasses import dataclass

from protocol_logic.records.json_text import Object


def subject_reference(resource: Object) -> str | None:
    """The literal reference in `subject` or `patient`; None where neither is there, or only with
    a display; empty where it is there and says in some other way whom it means."""
    for key in ("subject", "patient"):
        subject = resource.get(key)
        if subject is None:
            continue
        if not isinstance(subject, dict):
            return ""
        reference = subject.get("reference")
        if reference is None:
            return "" if subject.get("identifier") is not None else None
        return reference if isinstance(reference, str) else ""
    return None


def identifiers(value: object) -> frozenset[tuple[str, str]]:
    """The (system, value) pairs of an Identifier, or of a list of them."""
    found = value if isinstance(value, list) else [value]
    pairs = [(i.get("system"), i.get("value")) for i in found if isinstance(i, dict)]
    return frozenset((s, v) for s, v in pairs if isinstance(s, str) and isinstance(v, str))


def patient_id(reference: str) -> str | None:
    """The id in `Patient/x`, `http://host/Patient/x`, `urn:uuid:x`, each perhaps with a version;
    None for a reference to something else than a Patient."""
    if reference.startswith("urn:"):
        return reference.rpartition(":")[2]
    parts = reference.partition("/_history/")[0].split("/")
    return parts[-1] if len(parts) > 1 and parts[-2] == "Patient" else None


@dataclass(frozen=True, slots=True)
class Subject:
    """The patient of a bundle, the `fullUrl` of its entry, and its identifiers."""

    id: str
    full_url: str | None
    identifiers: frozenset[tuple[str, str]] = frozenset()

    def is_meant_by(self, reference: str) -> bool:
        """Whether a reference means this patient: its `fullUrl`, or its id on no other server."""
        if reference in (self.full_url, f"Patient/{self.id}"):
            return True
        if "://" in reference and self.full_url is not None and "://" in self.full_url:
            return reference.partition("/_history/")[0] == self.full_url
        return patient_id(reference) == self.id
