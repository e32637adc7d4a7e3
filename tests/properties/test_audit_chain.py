"""Whatever is done to one line of an audit record is found, and the line is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from protocol_logic.answering.audit.chain import (
    Head,
    OtherVersion,
    appended,
    canonical,
    follow,
    start,
)
from protocol_logic.answering.audit.faults import faults

_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_BODIES = st.dictionaries(st.sampled_from(["patient", "eligibility", "criteria", "ü"]), _VALUES)


def chain(bodies: list[dict[str, Any]]) -> list[bytes]:
    head, lines = Head(), []
    for body in [start(None), *({**body, "kind": "decision"} for body in bodies)]:
        line, head = appended(head, body)
        lines.append(line)
    return lines


CHAINS = st.lists(_BODIES, min_size=2, max_size=8).map(chain)


def named(lines: list[bytes]) -> dict[int, list[str]]:
    """What is found at each line; the quick check finds something just where the other does."""
    found: dict[int, list[str]] = {}
    # A change of a byte to a line end makes two lines of one.
    lines = _split(b"".join(lines))
    for fault in faults(lines):
        found.setdefault(fault.line, []).append(fault.text)
    try:
        assert follow(lines, Head())[1] == (not found) or not lines
    except OtherVersion:
        assert not found
    return found


def _split(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@given(CHAINS)
def test_what_was_appended_is_whole(lines: list[bytes]) -> None:
    assert named(lines) == {}
    head, whole = follow(lines, Head())
    assert whole
    assert (head.number, head.size) == (len(lines), sum(map(len, lines)))
    assert head.hash == json.loads(lines[-1])["hash"]


@given(CHAINS, st.data())
def test_a_changed_byte_is_found_at_its_line(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != lines[at][place]))
    lines[at] = lines[at][:place] + bytes([byte]) + lines[at][place + 1 :]
    assert at + 1 in named(lines)


@given(CHAINS, st.data())
def test_a_line_hashed_anew_is_found_and_named(lines: list[bytes], data: st.DataObject) -> None:
    """Whoever alters a line can make its hash, and not those after it; of the last line none is
    after it."""
    at = data.draw(st.integers(0, len(lines) - 2))
    body = json.loads(lines[at])
    head = Head(body.pop("number") - 1, body.pop("previous"))
    own = body.pop("hash")
    lines[at] = appended(head, {**body, "more": 1})[0]
    assert own != json.loads(lines[at])["hash"]
    assert list(named(lines)) == [at + 1]


@given(CHAINS, st.data())
def test_a_removed_line_is_found_where_it_stood(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 2))
    del lines[at]
    found = named(lines)
    assert list(found) == [at + 1]
    assert any(
        text == f"removed: line {at + 1} of the record stood before it" for text in found[at + 1]
    )


@given(CHAINS, st.data())
def test_two_lines_that_changed_places_are_found(lines: list[bytes], data: st.DataObject) -> None:
    one = data.draw(st.integers(0, len(lines) - 2))
    other = data.draw(st.integers(one + 1, len(lines) - 1))
    lines[one], lines[other] = lines[other], lines[one]
    found = named(lines)
    assert found
    assert set(found) <= {one + 1, other + 1}
    assert all(text.startswith("moved: it is line ") for texts in found.values() for text in texts)


@given(CHAINS, st.data())
def test_a_repeated_line_is_found(lines: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    to = data.draw(st.integers(0, len(lines)))
    lines.insert(to, lines[at])
    found = named(lines)
    first, second = sorted((to + 1, at + 1 + (to <= at)))
    assert set(found) <= {first, second}
    assert found


@given(CHAINS, _BODIES, st.data())
def test_an_inserted_line_is_found(
    lines: list[bytes], body: dict[str, Any], data: st.DataObject
) -> None:
    """One that was made well, for this very place, and one that was not."""
    at = data.draw(st.integers(1, len(lines) - 1))
    before = json.loads(lines[at - 1])
    head = Head(before["number"], before["hash"])
    line = appended(head, {**body, "kind": "decision", "at": "now"})[0]
    for new in (line, canonical({**body, "kind": "decision"}) + b"\n", b"\n", b"{}\n"):
        found = named([*lines[:at], new, *lines[at:]])
        if new is line and at == len(lines) - 1:
            # Nothing follows either of the two, so that nothing tells which is the right one.
            assert list(found) == [at + 2]
            assert f"this or line {at + 1}" in found[at + 2][0]
        else:
            assert list(found) == [at + 1]


@given(CHAINS, st.data())
def test_a_line_cut_short_at_the_end_is_torn(lines: list[bytes], data: st.DataObject) -> None:
    kept = data.draw(st.integers(1, len(lines[-1]) - 1))
    lines[-1] = lines[-1][:kept]
    found = named(lines)
    assert list(found) == [len(lines)]
    assert found[len(lines)][0].startswith("torn: ")


def test_lines_that_are_no_record() -> None:
    assert list(named([])) == [1]
    for text in (b"[]\n", b"{}\n", b"1\n", b"\xff\n", b"[" * 100_000 + b"\n", b'{"hash":1}\n'):
        assert list(named([text])) == [1], text


def test_a_record_that_begins_in_the_middle_or_begins_twice() -> None:
    lines = chain([{}, {}, {}])
    assert list(named(lines[2:])) == [1]
    no_start = appended(Head(), {"kind": "decision"})[0]
    assert list(named([no_start])) == [1]
    body = json.loads(lines[-1])
    again = appended(Head(body["number"], body["hash"]), start(None))[0]
    assert list(named([*lines, again])) == [5]


def test_a_record_of_another_version_is_told_from_a_changed_one() -> None:
    line = appended(Head(), {**start(None), "version": 2})[0]
    with pytest.raises(OtherVersion, match="2"):
        follow([line], Head())
