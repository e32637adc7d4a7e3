"""What sources are read for when they go into a store: all that protocols can ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from protocol_logic.compiling.allergies import allergies
from protocol_logic.compiling.check import check
from protocol_logic.compiling.extending import extended, of_site
from protocol_logic.compiling.knowledge import read_entries
from protocol_logic.compiling.library import knowledge_unit
from protocol_logic.compiling.policies import Policies
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.knowledge.kept import kept
from protocol_logic.knowledge.resources import (
    knowledge_names,
    knowledge_path,
    program_files,
    protocol_ids,
    protocol_path,
)
from protocol_logic.knowledge.vocabulary import Concept, Vocabulary
from protocol_logic.records.store.knowledge import Knowledge


def knowledge_of(
    sources: Iterable[Source], policies: Sequence[Policies], problems: Problems
) -> Knowledge | None:
    """The entries of the whole knowledge base, of its protocols and of those in `sources`; as they
    are, and as each site's policies extend them. None where a source has an error."""
    sources = list(sources)
    if not sources and not policies:
        return _own_knowledge()
    found = list(_vocabularies(sources, policies, problems))
    return None if problems.has_errors else Knowledge.of(found)


@cache
def _own_knowledge() -> Knowledge:
    """The entries of the knowledge base and its protocols, kept on disk for later runs."""
    paths = [*map(knowledge_path, knowledge_names()), *map(protocol_path, protocol_ids())]
    files = [*program_files(), *((path.name, path.read_bytes()) for path in filter(None, paths))]
    key = b"".join(b"%s %d\n%s" % (name.encode(), len(each), each) for name, each in files)
    return kept("store", key, lambda: Knowledge.of(list(_vocabularies((), (), Problems()))))


def _vocabularies(
    sources: Iterable[Source], policies: Sequence[Policies], problems: Problems
) -> Iterator[Vocabulary]:
    found = read_entries([knowledge_unit(name) for name in knowledge_names()], Problems())
    medications = (e for e in found.entries.values() if isinstance(e, Concept))
    found.allergens.update(e.name for e in medications if e.kind == "medication")
    whole = {**found.entries, **allergies(found)}
    yield Vocabulary(whole)
    for site in policies:
        yield Vocabulary(extended(whole, site.extensions, Problems()))
    paths = filter(None, map(protocol_path, protocol_ids()))
    own = [Source(str(path), path.read_text(encoding="utf-8")) for path in paths]
    for source, sink in [*((each, Problems()) for each in own), *((s, problems) for s in sources)]:
        protocol = check(source, sink)
        if protocol is None:
            continue
        yield protocol.vocabulary
        for site in policies:
            yield of_site(protocol, site.extensions, Problems()).vocabulary
