"""What more a Condition or Procedure says: severity, stage, body site, in the words of qualifiers.

Source: docs/records.md.
"""

from __future__ import annotations

from protocol_logic.knowledge.vocabulary import Qualifier
from protocol_logic.records.codings import keys_of
from protocol_logic.records.facts import Qualifiers
from protocol_logic.records.item import Item, codes_shown, objects_in
from protocol_logic.records.json_text import Object

ELEMENTS = {"severity": "severity", "stage": "stage", "site": "bodySite"}
"""What a qualifier is of -> the element of the resource that says it."""


def qualifiers_of(item: Item) -> Qualifiers:
    """The values of all qualifiers of which a resource says something.

    A severity or stage is one; where codes give several, none is known. Of sites each counts.
    """
    found = []
    for of, qualifiers in item.codings.qualifiers.items():
        said = _concepts(item.json, of)
        if not said and item.json.get(ELEMENTS[of]) is not None:
            said = [{}]  # it says something that is no code
        for qualifier in qualifiers if said else ():
            values = {value for concept in said for value in _values(concept, qualifier)}
            if of != "site" and len(values) > 1:
                message = f"`{ELEMENTS[of]}` gives more than one `{qualifier.name}`"
                item.problem("unreadable-value", message, of=(qualifier,))
                values = {None}
            found.append((qualifier.name, frozenset(values)))
        keys = [key for concept in said for key in keys_of(concept)]
        if said and qualifiers and of != "site" and item.codings.qualifying.isdisjoint(keys):
            message = f"`{ELEMENTS[of]}` {codes_shown(keys)}, not known here"
            item.problem("unknown-code", message, of=qualifiers, keys=keys)
    return tuple(found)


def _concepts(json: Object, of: str) -> list[Object]:
    """The CodeableConcepts that say what a qualifier is of."""
    found = objects_in(json, ELEMENTS[of])
    if of == "stage":
        return [summary for stage in found for summary in objects_in(stage, "summary")]
    return found


def _values(concept: Object, qualifier: Qualifier) -> set[str | None]:
    """What a concept says in the words of a qualifier; None where it has no code of it."""
    known = {qualifier.meanings[key] for key in keys_of(concept) if key in qualifier.meanings}
    return {*known} or {None}
