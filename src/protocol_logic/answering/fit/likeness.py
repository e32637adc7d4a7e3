"""Unknown codes that look like a wanted entry: suggestions for people, with what speaks for and
against each. Nothing is mapped.

A code is compared by the words of its names with the label, name and code names of an entry, as
LOINC's own mapping assistant does (words shared first, then words left over); then by unit,
specimen, method and values. Source: docs/fit.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from protocol_logic.answering.fit.codes import Coded, Seen
from protocol_logic.answering.fit.wanted import TYPES, Wanted
from protocol_logic.foundation.text import shown
from protocol_logic.foundation.units import UnitError, unit
from protocol_logic.knowledge import vocabulary as voc
from protocol_logic.knowledge.name_parts import Name, name_of
from protocol_logic.knowledge.opposites import opposed
from protocol_logic.records.codings import Key
from protocol_logic.records.terminologies import SYSTEMS, why_unusable

_COVERED, _ALIKE = Fraction(3, 5), Fraction(2, 5)
_OTHER_METHOD, _UNSAID_METHOD = Fraction(3, 4), Fraction(7, 8)
_NEAR_BEST = Fraction(3, 4)
_COUNTED = ("quantity", "status", "lesion")

_READ_FROM = {"Medication": "records of medications"}

_DIMENSIONS = {
    "1": "a plain number",
    "m-3": "a number per volume",
    "g.m-3": "a mass per volume",
    "mol.m-3": "an amount of substance per volume",
    "mol.s-1.m-3": "an enzymatic activity per volume",
    "m3.s-1": "a volume per time",
    "g": "a mass",
    "g.m-2": "a mass per area",
    "m": "a length",
    "m3": "a volume",
    "s": "a time",
    "K": "a temperature",
    "s-1": "a number per time",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A code that may be one of an entry.

    `score`: how much of the names agrees, up to 1. `reasons` speak for it. `against`: what makes it
    something else, if true; `remarks`: what must be known before it is mapped.
    """

    coded: Coded
    seen: Seen
    score: Fraction
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def likely(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.against


def suggestions(
    wanted: Sequence[Wanted], unmapped: Iterable[tuple[Coded, Seen]], systems: frozenset[str]
) -> dict[str, list[Suggestion]]:
    """For each entry by name the codes that look like it, best first. `systems`: the URLs of the
    code systems of the knowledge base."""
    entries = {w.entry.name: w for w in wanted if not w.part and w.entry.name}
    candidates = [_Candidate.of(coded, seen) for coded, seen in unmapped]
    profiles = [_Profile.of(w) for w in entries.values()]
    matcher = _Matcher(profiles, candidates, systems)
    found: dict[str, list[Suggestion]] = {}
    for candidate in candidates:
        for name, suggestion in matcher.of(candidate):
            found.setdefault(name, []).append(suggestion)
    return {name: sorted(each, key=_rank) for name, each in found.items()}


def _rank(suggestion: Suggestion) -> tuple[bool, Fraction, int, Coded]:
    s = suggestion
    return (not s.likely, -s.score, -s.seen.resources, s.coded)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """One name of an entry; `said`: as written there."""

    said: str
    name: Name


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A code that no entry has, with its names taken apart."""

    coded: Coded
    seen: Seen
    names: tuple[tuple[str, Name], ...]

    @classmethod
    def of(cls, coded: Coded, seen: Seen) -> _Candidate:
        observed = coded.family == "Observation"
        texts = list(seen.names.counts()) or [coded.text]
        return cls(coded, seen, tuple((t, name_of(t, observed=observed)) for t in texts if t))

    @property
    def key(self) -> Key:
        return (self.coded.system, self.coded.code)


@dataclass(frozen=True, slots=True)
class _Profile:
    """What an entry is called, and what its values are like."""

    wanted: Wanted
    phrases: tuple[_Phrase, ...]
    specimens: Mapping[str, tuple[str, ...]]
    dimensions: frozenset[str]
    accepts: frozenset[str]
    parts: Mapping[Key, str]
    """Codes that the entry has for something else than itself -> for what."""

    @classmethod
    def of(cls, wanted: Wanted) -> _Profile:
        entry = wanted.entry
        observed = wanted.kind in _COUNTED
        label, _, inner = wanted.label.partition("(")
        texts = [label, inner.rstrip(" )"), entry.name.replace("_", " "), entry.element]
        codes: tuple[voc.Code, ...] = getattr(entry, "codes", ())
        texts += [code.display for code in codes]
        phrases = {
            (frozenset(name.words), name.method): _Phrase(text.strip(), name)
            for text in reversed([t for t in texts if t])
            if (name := name_of(text, observed=observed)).words
        }
        names = [name_of(code.display, observed=observed) for code in codes if code.display]
        accepts = frozenset(getattr(entry, "accepts", ())) | {getattr(entry, "unit", None) or ""}
        return cls(
            wanted=wanted,
            phrases=tuple(reversed(phrases.values())),
            specimens=_specimens(names),
            dimensions=frozenset(d for code in accepts if code and (d := _dimension(code))),
            accepts=accepts - {""},
            parts=_parts(entry),
        )


def _specimens(names: Iterable[Name]) -> dict[str, tuple[str, ...]]:
    """Kind of specimen -> the words for it in any of the names."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for kind, said in name.specimens.items():
            found[kind] = tuple(dict.fromkeys((*found.get(kind, ()), *said)))
    return found


def _parts(entry: voc.Entry) -> dict[Key, str]:
    found: dict[Key, str] = {}
    if isinstance(entry, voc.Lesion):
        for axis, codes in entry.axes.items():
            found.update({code.key: f"the axis `{axis}` of a {entry.label}" for code in codes})
    elif isinstance(entry, voc.Status):
        found.update({key: f"the value `{value}`" for key, value in entry.meanings.items()})
    elif isinstance(entry, voc.Concept):
        for name, codes in entry.evidence.items():
            found.update({code.key: f"the evidence `{name}`" for code in codes})
    return found


def _dimension(code: str) -> str | None:
    try:
        return unit(code).dimension
    except UnitError:
        return None


class _Matcher:
    """Compares candidates with entries; a word counts the less the more names have it."""

    def __init__(
        self,
        profiles: Sequence[_Profile],
        candidates: Sequence[_Candidate],
        systems: frozenset[str],
    ) -> None:
        self.systems = systems
        frequency: Counter[str] = Counter()
        for candidate in candidates:
            frequency.update({w for _, name in candidate.names for w in name.words})
        for profile in profiles:
            frequency.update({w for phrase in profile.phrases for w in phrase.name.words})
        self.weights = {word: Fraction(1, n.bit_length()) for word, n in frequency.items()}
        self.profiles = {p.wanted.entry.name: p for p in profiles}
        self.by_word: dict[str, dict[str, None]] = {}
        for profile in profiles:
            for phrase in profile.phrases:
                for word in phrase.name.words:
                    self.by_word.setdefault(word, {})[profile.wanted.entry.name] = None

    def weight(self, words: Iterable[str]) -> Fraction:
        return sum((self.weights[word] for word in words), Fraction(0))

    def of(self, candidate: _Candidate) -> Iterator[tuple[str, Suggestion]]:
        """The entries that a candidate looks like, those it looks most like."""
        words = {word for _, name in candidate.names for word in name.words}
        near = dict.fromkeys(n for word in sorted(words) for n in self.by_word.get(word, ()))
        near.update({n: None for n, p in self.profiles.items() if candidate.key in p.parts})
        matches = [m for n in near if (m := self._match(self.profiles[n], candidate)) is not None]
        best = max((match.score for match in matches), default=Fraction(0))
        for match in matches:
            if match.score > _NEAR_BEST * best:
                others = [m for m in matches if m.tells_apart(match)]
                yield match.profile.wanted.entry.name, self._suggestion(candidate, match, others)

    def _match(self, profile: _Profile, candidate: _Candidate) -> _Match | None:
        """The best agreement of a name of the entry with a name of the candidate."""
        own = candidate.coded.family in _families(profile.wanted)
        if own and candidate.key in profile.parts and profile.wanted.kind != "status":
            text, name = (candidate.names or (("", Name()),))[0]
            return _Match(profile, _Phrase("", Name()), text, name, frozenset(), Fraction(1))
        if profile.wanted.kind in ("patient field", "event"):
            return None
        best: _Match | None = None
        for text, name in candidate.names:
            for phrase in profile.phrases:
                match = self._compare(profile, phrase, text, name)
                if match is not None and (best is None or match.score > best.score):
                    best = match
        if own or best is None:
            return best
        # A resource of another type says nothing of the entry: told only where the name is clear.
        treated = {profile.wanted.kind, candidate.coded.family} == {"medication", "Procedure"}
        return best if best.score == 1 or treated else None

    def _compare(self, profile: _Profile, phrase: _Phrase, text: str, name: Name) -> _Match | None:
        shared = phrase.name.words.keys() & name.words.keys()
        if not shared:
            return None
        weight = self.weight(shared)
        covered = weight / self.weight(phrase.name.words)
        precise = weight / self.weight(name.words)
        score = 2 * covered * precise / (covered + precise)
        if profile.wanted.kind in _COUNTED:
            if covered < _COVERED or score < _ALIKE:
                return None
        elif covered < 1:
            return None  # a kind of a concept says more than its name; never less
        mine, its = phrase.name.method, name.method
        if mine and its and not mine & its:
            score *= _OTHER_METHOD
        elif bool(mine) != bool(its):
            score *= _UNSAID_METHOD
        return _Match(profile, phrase, text, name, frozenset(shared), score)

    # ---- what speaks for and against it ----------------------------------------------------------

    def _suggestion(
        self, candidate: _Candidate, match: _Match, others: Sequence[_Match]
    ) -> Suggestion:
        profile, entry = match.profile, match.profile.wanted.entry
        family = candidate.coded.family
        reasons: list[str] = []
        against: list[str] = []
        remarks: list[str] = []
        if candidate.key in profile.parts:
            reasons.append(f"its code stands for {profile.parts[candidate.key]}")
        elif match.shared:
            said = " ".join(w for stem, w in match.name.words.items() if stem in match.shared)
            reasons.append(f"`{shown(said)}` as in `{match.phrase.said}`")
        if family not in _families(profile.wanted):
            types = " or ".join(_READ_FROM.get(f, f) for f in _families(profile.wanted))
            against.append(f"a {family}; `{entry.name}` is read from {types}")
        if match.name.doubts:
            against.append(f"it says `{', '.join(match.name.doubts)}`")
        texts = [text for text, _ in candidate.names]
        if (other := opposed(f"{entry.name} {profile.wanted.label}", texts)) is not None:
            against.append(f"it says {other}")
        if others:
            named = ", ".join(f"`{m.profile.wanted.entry.name}`" for m in others)
            against.append(f"it speaks of {named} too")
        if profile.wanted.kind in _COUNTED and family == "Observation":
            self._observed(candidate, match, against, remarks)
            _units(profile, candidate.seen, reasons, against, remarks)
            remarks += _answers(entry, candidate.seen)
        system, code = candidate.key
        unusable = why_unusable(system, code, self.systems) if code else "it has no code"
        if unusable:
            remarks.append(unusable)
        return Suggestion(
            candidate.coded, candidate.seen, match.score, tuple(reasons), tuple(against),
            tuple(remarks),
        )  # fmt: skip

    def _observed(
        self, candidate: _Candidate, match: _Match, against: list[str], remarks: list[str]
    ) -> None:
        """What the name of an observation says besides what it is about."""
        profile, name = match.profile, match.name
        phrases = [phrase.name for phrase in profile.phrases]
        # Of all names of the code: one may leave out what another says.
        its, wanted = _specimens(each for _, each in candidate.names), profile.specimens
        other = [word for kind, said in its.items() if kind not in wanted for word in said]
        kinds = " or ".join(word for said in wanted.values() for word in said)
        if other and wanted:
            against.append(f"specimen {' or '.join(other)}, not {kinds}")
        elif "blood" in its and "blood" in wanted and not {*its["blood"]} & {*wanted["blood"]}:
            remarks.append(f"specimen {' or '.join(its['blood'])}, not {kinds}")
        if any(n.ratio for _, n in candidate.names) and not any(n.ratio for n in phrases):
            against.append("a ratio, or several things in one")
        surface = any(n.per_surface for _, n in candidate.names) or any(
            "1.73" in unit.text for unit in candidate.seen.units.counts()
        )
        if surface and not any(n.per_surface for n in phrases):
            against.append("per 1.73 m2: normalised to body surface")
        mine, method = match.phrase.name.method, name.method
        if mine and method and not mine & method:
            remarks.append(f"found by {' '.join(sorted(method))}, not {' '.join(sorted(mine))}")
        beyond = [said for word, said in name.words.items() if word not in match.shared]
        if beyond and match.shared:
            remarks.append(f"its name also says `{shown(' '.join(beyond))}`")


@dataclass(frozen=True, slots=True)
class _Match:
    """The best agreement of a code and an entry. `shared`: the stems that both names have."""

    profile: _Profile
    phrase: _Phrase
    text: str
    name: Name
    shared: frozenset[str]
    score: Fraction

    def tells_apart(self, other: _Match) -> bool:
        """Whether the name says something of this entry that it does not say of the other."""
        return bool(self.shared - other.shared) and bool(other.shared - self.shared)


def _families(wanted: Wanted) -> tuple[str, ...]:
    """The families of codes in which those of an entry are looked for."""
    return ("Medication",) if wanted.kind == "medication" else TYPES[wanted.kind][:1]


def _units(
    profile: _Profile, seen: Seen, reasons: list[str], against: list[str], remarks: list[str]
) -> None:
    """What units and kinds of value say for and against a quantity."""
    if profile.wanted.kind == "status" and not profile.dimensions:
        return
    for found in seen.units.counts():
        text = f"`{shown(found.text)}`" if found.text else "no unit"
        dimension = _dimension(found.text) if found.ucum else None
        if dimension is None:
            if found.text:
                against.append(f"unit {text} is no unit of UCUM that can be converted")
        elif found.text in profile.accepts:
            reasons.append(f"unit {text}")
        elif dimension in profile.dimensions:
            remarks.append(f"unit {text} is not accepted yet, but of the same dimension")
        elif _by_mass(dimension) in map(_by_mass, profile.dimensions):
            remarks.append(f"unit {text} must be accepted with a molar mass first")
        else:
            kinds = " or ".join(sorted(_DIMENSIONS.get(d, d) for d in profile.dimensions))
            against.append(f"unit {text} is not {kinds}")
    if profile.wanted.kind == "quantity" and not seen.units.total:
        coded = bool(getattr(profile.wanted.entry, "coded", ()))
        others = [kind for kind in sorted(seen.kinds) if kind not in ("none", "Integer")]
        if others and not (coded and others == ["CodeableConcept"]):
            against.append(f"no number: its values are {', '.join(others)}")


def _by_mass(dimension: str) -> str:
    """The dimension with masses in place of amounts of substance: a molar mass turns one into the
    other."""
    return dimension.replace("mol", "g")


def _answers(entry: voc.Entry, seen: Seen) -> list[str]:
    """Coded answers of a status that have no meaning yet."""
    known: Mapping[Key, object] = {}
    if isinstance(entry, voc.Status):
        known = entry.meanings
    elif isinstance(entry, voc.Quantity):
        known = entry.coded
    if not known:
        return []
    unknown = [a for a in seen.answers.counts() if (a.system, a.code) not in known]
    if not unknown:
        return []
    listed = ", ".join(f"`{shown(' '.join(filter(None, (a.code, a.text))))}`" for a in unknown[:4])
    more = f" and {len(unknown) - 4} more" if len(unknown) > 4 else ""
    return [f"its answers {listed}{more} have no meaning for `{entry.name}` yet"]


def system_name(url: str) -> str:
    """The usual name of a code system, else its URL."""
    return SYSTEMS[url][0] if url in SYSTEMS else url
