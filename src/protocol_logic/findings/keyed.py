"""The inputs of one patient, by key: an entry, or an entry in a window, or its highest value there.

An input of a window is that of the entry itself, or of another window, where the newest facts are
the same and certain: then what is uncertain in them is read once.
"""

from __future__ import annotations

from protocol_logic.compiling.conditions import values_of
from protocol_logic.compiling.plan import Finding
from protocol_logic.findings import inputs as inp
from protocol_logic.findings.extremes import extreme_input
from protocol_logic.findings.inputs import Input
from protocol_logic.findings.latest import Visible
from protocol_logic.knowledge import vocabulary as voc


class Inputs:
    """What the findings of one patient on one day are read from."""

    def __init__(self, vocabulary: voc.Vocabulary, visible: Visible) -> None:
        self.voc = vocabulary
        self.visible = visible
        self.inputs: dict[str, Input] = {}
        fields = self.voc.of(voc.PatientField)
        self.sex = next((f.name for f in fields if f.field == "gender"), None)
        """The patient field whose values limits of normal speak of."""
        self._keys: dict[tuple[str, str], str] = {}
        self._views: dict[str, list[tuple[str, Visible]]] = {}

    def input(self, key: str) -> Input:
        """An input by its key: the name of an entry, or what `key` gives."""
        if key not in self.inputs:
            self.inputs[key] = self._read(key, self.visible)
        return self.inputs[key]

    def key(self, name: str, finding: Finding) -> str:
        """The key of the input of an entry that a finding reads."""
        if finding.window is None and not finding.taken:
            return name
        words = finding.window.all_words if finding.window is not None else ""
        if finding.taken:
            words = f"{finding.taken} {finding.detail} {words}"
        if (name, words) not in self._keys:
            self._keys[name, words] = self._new_key(name, words, finding)
        return self._keys[name, words]

    def element(self, key: str) -> str:
        """The element of the entry of a key."""
        return self.voc.entries[key.partition(" ")[0]].element

    def _new_key(self, name: str, words: str, finding: Finding) -> str:
        entry = self.voc.entries[name]
        if isinstance(entry, voc.PatientField | voc.Age):
            return name
        key = f"{name} {words}"
        view = self.visible.within(finding.window)
        if finding.taken:
            assert isinstance(entry, voc.Quantity)
            sexes = [str(s) for s in self.input(self.sex).alternatives] if self.sex else [""]
            self.inputs[key] = extreme_input(view, entry, finding, sexes)
            return key
        found = self._read(name, view)
        others = self._views.setdefault(name, [(name, self.visible)])
        for other, seen in others:
            facts = self.input(other).facts
            if facts == found.facts and all(seen.certain(f) and view.certain(f) for f in facts):
                return other
        others.append((key, view))
        self.inputs[key] = found
        return key

    def _read(self, name: str, visible: Visible) -> Input:
        entry = self.voc.entries[name]
        match entry:
            case voc.PatientField():
                return inp.field_input(visible, entry)
            case voc.Age():
                return inp.age_input(visible, entry)
            case voc.Quantity():
                return inp.number_input(visible, entry)
            case voc.Lesion():
                return inp.lesion_input(visible, entry)
            case _:
                return inp.status_input(visible, entry, values_of(entry))
