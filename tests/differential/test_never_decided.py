"""What `check` says no record can decide, no record decides: random protocols, nothing closed."""

from __future__ import annotations

import random
from dataclasses import replace

from protocol_logic.compiling.deciding import Deciding
from protocol_logic.knowledge.vocabulary import Concept, Event, Vocabulary
from tests.differential import bundles
from tests.differential.protocols import random_protocol
from tests.differential.reference import TooLarge, evaluate
from tests.differential.trials import compiled, record_of


def test_no_record_passes_what_none_can() -> None:
    judged = 0
    for case in range(40):
        rng = random.Random(f"never {case}")
        found = compiled(random_protocol(rng))
        entries = {
            name: replace(entry, closed_by=None) if isinstance(entry, Concept | Event) else entry
            for name, entry in found.protocol.vocabulary.entries.items()
        }
        protocol = replace(found.protocol, vocabulary=Vocabulary(entries))
        deciding = Deciding(protocol)
        stuck = {c.id: c.polarity for c in protocol.criteria if deciding.never_passes(c)}
        for number in range(3 if stuck else 0):
            bundle, as_of = bundles.random_bundle(rng, number)
            try:
                result = evaluate(
                    protocol, record_of(found, bundles.dumps(bundle)), as_of, most=800
                )
            except TooLarge:
                continue
            for name, polarity in stuck.items():
                judged += 1
                passing = "met" if polarity == "inclusion" else "not_met"
                assert result.criteria[name].outcome != passing, (case, number, name)
    assert judged > 30
