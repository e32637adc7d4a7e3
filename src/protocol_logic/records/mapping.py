"""The mapping file of a folder of tables: which column says what, in TOML, checked.

Each `[[table]]` is one way to read the rows of one file; a file with several facts a row has
several. Source: docs/tables.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from protocol_logic.foundation.interval import Interval
from protocol_logic.foundation.problems import Problem, Problems, did_you_mean
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.vocabulary import (
    Concept,
    Consent,
    Entry,
    History,
    Lesion,
    PatientField,
    Quantity,
    Status,
    Vocabulary,
)
from protocol_logic.records import quantities
from protocol_logic.records.elements import Elements, Unanswerable
from protocol_logic.records.quantities import Unreadable
from protocol_logic.records.values import read_intent, read_value

MAPPING_FILE = "mapping.toml"
SUFFIXES = (".csv", ".parquet")
ROLES = (
    "patient", "index", "element", "code", "system", "value", "unit", "upper_limit", "lower_limit",
    "date", "end", "intent", "status",
)  # fmt: skip

NoEnd: TypeAlias = Literal["ongoing", "ended"]
Spoken: TypeAlias = tuple[Entry, Interval | Literal["past"] | None]
"""An entry that a row speaks of; with the interval that a code attests by true or false, or that
its code says that it was."""

Named: TypeAlias = tuple[str | None, str]
"""What a row names: a code with its system, or nothing and the name or element of an entry."""

_KEYS = (
    "file", "columns", "element", "elements", "system", "systems", "value", "values", "unit",
    "units", "date", "statuses", "no_end", "intents",
)  # fmt: skip
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One way to read the rows of a file.

    `columns`: role -> column. `element`: what every row speaks of; else `spoken` tells it from the
    text of the element column, or from system and code, and `named` what these name. `units`: text
    of the unit column -> UCUM code. `unit`: the fixed unit, by entry name; under None that of all
    entries. `where`: how messages name it. `texts`: by role, the texts without which rows are about
    nothing.
    """

    where: str
    file: Path
    columns: Mapping[str, str]
    element: Entry | None
    spoken: Callable[[str, str], tuple[Spoken, ...]]
    named: Callable[[str, str], Named | None]
    value: str | None
    values: Mapping[str, str]
    unit: Mapping[str | None, str]
    units: Mapping[str, str]
    on_index: bool
    statuses: frozenset[str] | None
    no_end: NoEnd | None
    intents: Mapping[str, str]
    texts: Mapping[str, tuple[str, ...]]

    def unit_of(self, entry: Entry, cell: str) -> str:
        """The UCUM code of a value, or what the unit column has where it is none."""
        if "unit" in self.columns:
            return self.units.get(cell, cell)
        return self.unit.get(entry.name) or self.unit.get(None, "")


def is_mapping(path: Path) -> bool:
    """Whether a path of PATIENTS is a mapping file, or a folder of tables with one."""
    return path.suffix == ".toml" or (path.is_dir() and (path / MAPPING_FILE).is_file())


def read_mapping(path: Path, elements: Elements, problems: Problems) -> list[Table] | None:
    """The tables of a mapping file; None, with a problem `bad-mapping` for each fault."""
    return _Reader(path, elements, problems).read()


class _Reader:
    def __init__(self, path: Path, elements: Elements, problems: Problems) -> None:
        self.path = path
        self.elements = elements
        self.problems = problems
        self.codes = _by_code(elements.vocabulary)
        self.faults = 0

    def read(self) -> list[Table] | None:
        content = self._content()
        if content is None:
            return None
        self._unknown_keys(content, ("folder", "table"), "")
        folder = self.text(content, "folder", "") or "."
        listed = content.get("table", [])
        if not isinstance(listed, list) or not all(isinstance(t, dict) for t in listed):
            self.fault("`table` is no list of tables", "write `[[table]]` above each")
            listed = []
        elif not listed:
            self.fault("there is no table", "write `[[table]]` above what is said of each")
        tables = [
            self._table(number, keys, self.path.parent / folder)
            for number, keys in enumerate(listed, 1)
        ]
        found = [table for table in tables if table is not None]
        # A table with a mistake may be the one that has the index.
        if len(found) == len(listed) and not any("index" in table.columns for table in found):
            for table in found:
                if table.on_index:
                    self.fault(f"{table.where}`date` is `index`, but no table has an index column")
        return None if self.faults else found

    def fault(self, message: str, hint: str | None = None) -> None:
        self.faults += 1
        problem = Problem(code="bad-mapping", message=message, hint=hint, file=str(self.path))
        self.problems.add(problem)

    def _content(self) -> dict[str, Any] | None:
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8-sig"))
        except tomllib.TOMLDecodeError as error:
            self.fault(f"it is not TOML: {_lowered(shown(str(error)))}")
        except UnicodeDecodeError:
            self.fault("it is not UTF-8 text")
        except (OSError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or "it is nested too deeply"
            self.fault(f"it cannot be read: {shown(reason)}")
        return None

    # ---- one table ---------------------------------------------------------------------------

    def _table(self, number: int, keys: dict[str, Any], folder: Path) -> Table | None:
        before = self.faults
        where = _where(number, keys.get("file"))
        self._unknown_keys(keys, _KEYS, where)
        file = self.text(keys, "file", where)
        if file is None and "file" not in keys:
            self.fault(f"{where}`file` is missing", "name the CSV or Parquet file")
        elif file is not None and not file.lower().endswith(SUFFIXES):
            self.fault(f"{where}`{shown(file)}` is no .csv or .parquet file")
        columns = self.texts(keys, "columns", where)
        self._unknown_keys(columns, ROLES, f"{where}`columns`: ")
        if "patient" not in columns:
            hint = 'write `columns = { patient = "…", … }`'
            self.fault(f"{where}no column says who the patient is", hint)
        if self.faults > before:
            return None
        table = _TableReader(self, where, keys, columns).read(folder / (file or ""))
        return table if self.faults == before else None

    def _unknown_keys(self, keys: Iterable[str], known: Iterable[str], where: str) -> None:
        for key in keys:
            if key not in known:
                self.fault(f"{where}there is no key `{shown(key)}`", did_you_mean(key, known))

    def text(self, keys: Mapping[str, Any], key: str, where: str) -> str | None:
        return self.typed(keys, key, str, "a text in quotes", where)

    def texts(self, keys: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
        found = self.typed(keys, key, dict, "a table of texts", where) or {}
        for name, text in found.items():
            if not isinstance(text, str):
                self.fault(f"{where}`{key}`: `{shown(name)}` is no text in quotes")
        return {name: text for name, text in found.items() if isinstance(text, str)}

    def typed(
        self, keys: Mapping[str, Any], key: str, kind: type[_T], what: str, where: str
    ) -> _T | None:
        value = keys.get(key)
        if value is None or isinstance(value, kind):
            return value
        self.fault(f"{where}`{key}` is not {what}")
        return None


class _TableReader:
    """Reads one `[[table]]` whose file and columns are known."""

    def __init__(
        self, reader: _Reader, where: str, keys: Mapping[str, Any], columns: Mapping[str, str]
    ) -> None:
        self.reader = reader
        self.where = where
        self.keys = keys
        self.columns = columns
        self.entries: list[Entry] = []
        """All entries that the rows can speak of, as far as the mapping names them."""
        self.named: dict[str, tuple[Spoken, ...]] = {}

    def read(self, file: Path) -> Table:
        element = self._element()
        spoken = self._spoken(element)
        unit = self._unit()
        return Table(
            where=self.where,
            file=file,
            columns=self.columns,
            element=element,
            spoken=spoken,
            named=self._names(),
            value=self._value(element),
            values=self._values(),
            unit=unit,
            units=self._units(),
            on_index=self._date(element),
            statuses=self._statuses(),
            no_end=self._no_end(element),
            intents=self._intents(),
            texts={
                role: tuple(self.keys[key])
                for key, role in (("elements", "element"), ("systems", "system"))
                if isinstance(self.keys.get(key), dict) and role in self.columns
            },
        )

    def fault(self, message: str, hint: str | None = None) -> None:
        self.reader.fault(f"{self.where}{message}", hint)

    def text(self, key: str) -> str | None:
        return self.reader.text(self.keys, key, self.where)

    def texts(self, key: str, column: str) -> dict[str, str]:
        """A table of texts that says what the texts of a column mean."""
        found = self.reader.texts(self.keys, key, self.where)
        if key in self.keys and column not in self.columns:
            self.fault(f"`{key}` has no use without a column `{column}`")
        return found

    # ---- what the rows speak of --------------------------------------------------------------

    def _element(self) -> Entry | None:
        ways = [
            *(["`element`"] if "element" in self.keys else []),
            *(f"column `{role}`" for role in ("element", "code") if role in self.columns),
        ]
        if len(ways) > 1:
            self.fault(f"it says twice what the rows are about: {' and '.join(ways)}")
        elif not ways and "index" not in self.columns:
            hint = "give `element`, or a column `element` or `code`"
            self.fault("nothing says what the rows are about", hint)
        name = self.text("element")
        return None if name is None else self._entry(name)

    def _entry(self, name: str) -> Entry | None:
        """The entry of that name or element, of which rows speak."""
        entry = self._found(name)
        if entry is not None:
            self.entries.append(entry)
        return entry

    def _found(self, name: str) -> Entry | None:
        try:
            found = self.reader.elements.find(name)
        except Unanswerable as error:
            self.fault(error.message, error.hint)
            return None
        if found.is_entry:
            return found.entry
        self.fault(f"`{shown(name)}` is no entry of the knowledge base")
        return None

    def _spoken(self, element: Entry | None) -> Callable[[str, str], tuple[Spoken, ...]]:
        elements = {
            text: self._entry(name) for text, name in self.texts("elements", "element").items()
        }
        systems = self._systems()
        if element is not None:
            fixed: tuple[Spoken, ...] = ((element, None),)
            return lambda _system, _text: fixed
        if "code" in self.columns:
            codes, system = self.reader.codes, self.text("system")
            if system is None:
                return lambda s, code: codes.get((systems.get(s, s), code), ())
            return lambda _, code: codes.get((system, code), ())
        if "elements" in self.keys:
            known: dict[str, tuple[Spoken, ...]] = {
                text: ((entry, None),) for text, entry in elements.items() if entry is not None
            }
            return lambda _, text: known.get(text, ())
        if "element" in self.columns:
            return self._by_name
        return lambda _system, _text: ()

    def _names(self) -> Callable[[str, str], Named | None]:
        """What a row names, whether there is such an entry or not."""
        element, given = self.keys.get("element"), self.keys.get("elements")
        system, systems = self.keys.get("system"), self.keys.get("systems", {})
        if isinstance(element, str):
            return lambda _system, _text: (None, element)
        if "code" in self.columns:
            return lambda s, code: (system or systems.get(s, s), code)
        if isinstance(given, dict):
            return lambda _, text: (None, given[text]) if text in given else None
        return lambda _, text: (None, text) if text else None

    def _by_name(self, _system: str, text: str) -> tuple[Spoken, ...]:
        """What a text of the element column speaks of: the name or element of an entry."""
        if text not in self.named:
            spoken: tuple[Spoken, ...] = ()
            with suppress(Unanswerable):
                found = self.reader.elements.find(text)
                if found.is_entry and found.entry is not None:
                    spoken = ((found.entry, None),)
            self.named[text] = spoken
        return self.named[text]

    def _systems(self) -> dict[str, str]:
        systems = self.texts("systems", "system")
        known = sorted({system for system, _ in self.reader.codes})
        for system in filter(None, [self.text("system"), *systems.values()]):
            if system not in known:
                hint = did_you_mean(system, known) or "known are " + ", ".join(
                    f"`{url}`" for url in known
                )
                self.fault(f"`{shown(system)}` is no code system of the knowledge base", hint)
        if "code" in self.columns and "system" not in self.keys and "system" not in self.columns:
            self.fault("a code says nothing without its system", "give `system`, or its column")
        if "system" in self.keys and "system" in self.columns:
            self.fault("the system is said twice: by `system` and by a column")
        return systems

    # ---- values ------------------------------------------------------------------------------

    def _value(self, element: Entry | None) -> str | None:
        value = self.text("value")
        if "value" in self.keys and "value" in self.columns:
            self.fault("the value is said twice: by `value` and by a column")
        needs = element is not None and not isinstance(element, Concept)
        if needs and "value" not in self.keys and "value" not in self.columns:
            self.fault(
                "no column holds the value", "give a column `value`, or `value` for all rows"
            )
        if value is not None and element is not None:
            try:
                read_value(element, value)
            except Unreadable as error:
                self.fault(f"`value`: {error.message}")
        if value is not None and element is None:
            self.fault("`value` for all rows has no use without `element`")
        is_medication = isinstance(element, Concept) and element.kind == "medication"
        if is_medication and ("value" in self.keys or "value" in self.columns):
            self.fault("a medication has no value", "its dates stand in columns `date` and `end`")
        return value

    def _values(self) -> dict[str, str]:
        """Texts of the value column and what they mean, which some entry must be able to read."""
        values = self.texts("values", "value")
        for text in values.values():
            wrong = [w for entry in self.entries if (w := self._unreadable(entry, text))]
            if text and self.entries and len(wrong) == len(self.entries):
                self.fault(f"`values`: {wrong[0]}")
        return values

    def _unreadable(self, entry: Entry, text: str) -> str | None:
        if isinstance(entry, Quantity) and entry.unit != "1":
            return None  # the unit is known only with the row
        try:
            read_value(entry, text)
        except Unreadable as error:
            return error.message
        return None

    # ---- units -------------------------------------------------------------------------------

    def _unit(self) -> dict[str | None, str]:
        """Fixed units by entry; each quantity that is named needs one, or the column."""
        given = self.keys.get("unit")
        units: dict[str | None, str] = {}
        if isinstance(given, str):
            units[None] = given
        elif given is not None:
            for name, code in self.reader.texts(self.keys, "unit", self.where).items():
                entry = self._found(name)
                if entry is not None:
                    units[entry.name] = code
        if given is not None and "unit" in self.columns:
            self.fault("the unit is said twice: by `unit` and by a column")
        measured = {e.name: e for e in self.entries if isinstance(e, Quantity) and e.unit != "1"}
        for name, quantity in measured.items():
            fixed = units.get(name) or units.get(None)
            if fixed is not None:
                self._check_unit(quantity, fixed)
            elif "unit" not in self.columns and "value" not in self.keys:
                hint = f'give `unit = "{quantity.unit}"`, or a column `unit`'
                self.fault(f"nothing says in which unit `{name}` is", hint)
        return units

    def _check_unit(self, entry: Quantity, code: str) -> None:
        try:
            quantities.factor({"code": code}, entry.accepts)
        except Unreadable as error:
            self.fault(f"`unit` of `{entry.name}`: {error.message}")

    def _units(self) -> dict[str, str]:
        units = self.texts("units", "unit")
        measured = [e for e in self.entries if isinstance(e, Quantity)]
        for code in units.values():
            if measured and not any(code in entry.accepts for entry in measured):
                known = dict.fromkeys(code for entry in measured for code in entry.accepts)
                hint = "read are " + ", ".join(f"`{each}`" for each in known)
                self.fault(f"`units`: `{shown(code)}` is a unit of none of the elements", hint)
        return units

    # ---- dates, statuses, medications --------------------------------------------------------

    def _date(self, element: Entry | None) -> bool:
        given = self.text("date")
        if given is not None and given != "index":
            hint = "a column of dates is named under `columns`"
            self.fault(f"`date` is `{shown(given)}`; it can only be `index`", hint)
        if "date" in self.keys and "date" in self.columns:
            self.fault("the date is said twice: by `date` and by a column")
        says = element is not None or "element" in self.columns or "code" in self.columns
        if says and not isinstance(element, PatientField):
            if "date" not in self.keys and "date" not in self.columns:
                hint = 'give a column `date`, or `date = "index"`'
                self.fault("nothing says of which day the rows are", hint)
        return given == "index"

    def _statuses(self) -> frozenset[str] | None:
        given = self.reader.typed(self.keys, "statuses", list, "a list of texts", self.where)
        if ("statuses" in self.keys) != ("status" in self.columns):
            self.fault("a column `status` and the `statuses` that count go together")
        if given is None:
            return None
        if not all(isinstance(status, str) for status in given):
            self.fault("`statuses` is not a list of texts")
        return frozenset(status for status in given if isinstance(status, str))

    def _no_end(self, element: Entry | None) -> NoEnd | None:
        given = self.text("no_end")
        medication = isinstance(element, Concept) and element.kind == "medication"
        if element is not None and not medication:
            used = ["no_end"] if given is not None else []
            used += [role for role in ("end", "intent") if role in self.columns]
            for name in used:
                self.fault(f"`{name}` has no use: `{element.name}` is no medication")
        for known in ("ongoing", "ended"):
            if given == known:
                return "ongoing" if known == "ongoing" else "ended"
        if given is not None:
            self.fault(f"`no_end` is `{shown(given)}`; it can be `ongoing` or `ended`")
        return None

    def _intents(self) -> dict[str, str]:
        intents = self.texts("intents", "intent")
        for intent in intents.values():
            try:
                if intent:
                    read_intent(intent)
            except Unreadable as error:
                self.fault(f"`intents`: {error.message}")
        return intents


def _by_code(vocabulary: Vocabulary) -> dict[tuple[str, str], tuple[Spoken, ...]]:
    """What the codes of the knowledge base speak of."""
    found: dict[tuple[str, str], tuple[Spoken, ...]] = {}
    for entry in vocabulary.entries.values():
        for key, attested in dict(_codes(entry)).items():
            found[key] = (*found.get(key, ()), (entry, attested))
    return found


def _codes(entry: Entry) -> Iterator[tuple[tuple[str, str], Interval | Literal["past"] | None]]:
    if isinstance(entry, Quantity | Status | Concept | Lesion | History):
        yield from ((code.key, None) for code in entry.codes)
    if isinstance(entry, Quantity):
        yield from entry.attested.items()
    if isinstance(entry, Concept):
        yield from ((code.key, "past") for code in entry.past)
    if isinstance(entry, Consent):
        yield entry.scope.key, None


def _where(number: int, file: object) -> str:
    return f"table {number} (`{shown(file)}`): " if isinstance(file, str) else f"table {number}: "


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
