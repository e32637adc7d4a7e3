"""Read and screen many broken records, and say where anything went wrong.

    python -m tools.fuzz_records --count 100000 --seed 1
    python -m tools.fuzz_records --seed 1 --only 4711        one case again, and its bundle

Each case takes a patient (of the demo, the seed cases, tests/cases, the random bundles of
tests/differential, and the sets of ../shared where they are), breaks the record in some way that
its number decides, and screens it for the seed protocol. Asserted of each:

- no exception, and no step of more than two seconds;
- the document ends as a row, or as an error that says why not;
- every resource of the document is accounted for, as fact, irrelevant or problem;
- the same bytes give the same row again, and the entries in another order the same outcomes;
- no silent loss: where one thing that was read of a resource was made unreadable, the row has a new
  problem of that resource (or its facts are what they were), and a result whose value was made
  unreadable is still there, as one that cannot be read, so that no older one takes its place.

The document of a case that fails is written to `--out`. Exit code 1 where any did.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from protocol_logic.answering.rows import AsOf, Row
from protocol_logic.foundation.problems import Problems
from protocol_logic.foundation.source import Source
from protocol_logic.foundation.text import shown
from protocol_logic.knowledge.resources import protocol_path
from protocol_logic.pipeline import Compiled, Screening, compile_source, read_records
from protocol_logic.records.facts import (
    Account,
    ConditionStated,
    Fact,
    LesionSize,
    Measured,
    PatientRecord,
    Stated,
)
from protocol_logic.records.files import Reading
from protocol_logic.records.sources import iter_documents
from tests.differential.bundles import dumps, random_bundle
from tools.mutations import Spoil, damaged, dump, load, spoil, wild

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
AS_OF = AsOf(date(2026, 11, 2), "option")
LONGEST = 2.0
"""Seconds of processor time that a step may take."""
STUCK = 60.0
"""Seconds after which a worker that is still at one case is stopped."""
MOST_ENTRIES = 40
_MORE = re.compile(r"; also ([0-9,]+) more of (.+)$")
CHUNK = 50


# ---- patients to start from ----------------------------------------------------------------------


def originals(widely: bool = True) -> list[bytes]:
    """Documents to break, in the same order each time; not `widely`: only those quickly read."""
    folders = [ROOT / "demo" / "patients", ROOT / "kb" / "protocols"]
    found = [path.read_bytes() for folder in folders for path in sorted(folder.rglob("*.json"))]
    found = [data for data in found if b'"Bundle"' in data]
    if widely:
        found += _of_the_cases()
        found += _of_real_sets()
    return found


def _of_real_sets() -> Iterator[bytes]:
    """Some patients of the sets in ../shared, where they are."""
    for path in sorted(SHARED.glob("*/patients.ndjson*")):
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from (_cut(line, number) for number, line in enumerate(islice(lines, 60)))
    for path in sorted((SHARED / "mcode-examples").rglob("*.json")):
        yield path.read_bytes()


def _of_the_cases() -> Iterator[bytes]:
    """The patients of tests/cases/behaviour."""
    from tests.patient_notation import bundle_of
    from tests.test_cases import DOCUMENTS, cases_of, compiled

    for path in DOCUMENTS:
        for case in cases_of(path):
            vocabulary = compiled(case.elig).protocol.vocabulary
            for patient in case.patients:
                yield dumps(bundle_of(patient.facts, vocabulary)).encode()


def _cut(line: bytes, number: int) -> bytes:
    """A bundle of a real set with its Patient and some of its other entries."""
    content = load(line)
    first, rest = content["entry"][:1], content["entry"][1:]
    rng = random.Random(number)
    content["entry"] = first + rng.sample(rest, min(MOST_ENTRIES, len(rest)))
    return dump(content)


# ---- one case ------------------------------------------------------------------------------------


@dataclass
class Broken:
    """The bytes of a case, and what was spoiled of which resource (`Type/id`), if that was it."""

    data: bytes
    form: str
    original: bytes
    spoiled: tuple[str, Spoil] | None = None


@dataclass
class Read:
    """What came of a document: the record and its row, or the problems that stand in the way."""

    record: PatientRecord | None
    row: Row | None
    problems: Problems
    skipped: int = 0
    """Resources, one a line, that are about no patient: the command counts them on stderr."""


@dataclass
class Tally:
    rows: int = 0
    refused: int = 0
    spoiled: int = 0
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds, and the number of the case."""
    failures: list[tuple[int, str]] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        self.rows += other.rows
        self.refused += other.refused
        self.spoiled += other.spoiled
        self.slowest = max(self.slowest, other.slowest)
        self.failures += other.failures
        self.codes += other.codes


class Failed(Exception):
    """A case that went wrong, and how."""


class Fuzzer:
    """Runs cases by number; the same seed and number give the same case."""

    def __init__(self, seed: int, folder: Path, originals: list[bytes]) -> None:
        path = protocol_path("anlotinib_fulvestrant")
        assert path is not None
        found = compile_source(Source("seed", path.read_text(encoding="utf-8")), Problems())
        assert found is not None
        self.seed = seed
        self.folder = folder
        self.compiled: Compiled = found
        self.screening = Screening(found)
        self.originals = originals
        self.tally = Tally()

    def broken(self, number: int) -> Broken:
        """The document of a case."""
        rng = random.Random(f"{self.seed} {number}")
        if rng.random() < 0.3:
            bundle, _ = random_bundle(rng, number)
            original = dumps(bundle).encode()
        else:
            original = rng.choice(self.originals)
        form = rng.choice([".json", ".json", ".ndjson", ".json.gz"])
        document = load(original)
        if rng.random() < 0.4:
            spoiled = self._spoiled(rng, original, document)
            if spoiled is not None:
                return Broken(dump(document), form, original, spoiled)
        for _ in range(rng.choice([1, 1, 1, 2, 3, 6, 12])):
            wild(rng, document, load(rng.choice(self.originals)))
        data = dump(document)
        if rng.random() < 0.1:
            data = damaged(rng, data)
        if form == ".ndjson":
            data = data.replace(b"\n", b" ").replace(b"\r", b" ")  # still one line
        return Broken(data, form, original)

    def _spoiled(
        self, rng: random.Random, original: bytes, document: Any
    ) -> tuple[str, Spoil] | None:
        """Spoil a resource that has facts, and that its name tells from all others."""
        record = self.read(original, ".json").record
        if record is None:
            return None
        with_facts = {fact.resource for fact in record.facts}
        resources = [entry.get("resource") for entry in document.get("entry", [])]
        names = Counter(name_of(resource) for resource in resources)
        found = [r for r in resources if name_of(r) in with_facts and names[name_of(r)] == 1]
        if not found:
            return None
        target = rng.choice(found)
        what = spoil(rng, target)
        return None if what is None else (name_of(target), what)

    def read(self, data: bytes, form: str) -> Read:
        """Read and screen a document as a file of it would be."""
        path = self.folder / f"case{form}"
        path.write_bytes(gzip.compress(data, 1) if form.endswith(".gz") else data)
        problems, reading = Problems(), Reading()
        documents = iter_documents([path], problems, reading)
        records = list(read_records(self.compiled, documents, problems))
        if not records:
            return Read(None, None, problems, reading.resources.total())
        [record] = records
        return Read(record, self.screening.row(record, AS_OF), problems)

    # ---- what must hold --------------------------------------------------------------------------

    def check(self, number: int) -> None:
        """Run a case; raises Failed, or what the program raised."""
        case = self.broken(number)
        start = time.process_time()
        got = self.read(case.data, case.form)
        took = time.process_time() - start
        self.tally.slowest = max(self.tally.slowest, (took, number))
        if took > LONGEST:
            raise Failed(f"{took:.1f} s for one document")
        if got.record is None or got.row is None:
            self.tally.refused += 1
            # a single resource, one a line, that is about nobody is a warning, or is counted
            loose = case.form == ".ndjson" and (got.problems.items or got.skipped)
            if not (got.problems.has_errors or loose or not case.data.strip()):
                raise Failed("neither a row nor an error")
        else:
            self.tally.rows += 1
            self.tally.codes.update({problem["code"] for problem in got.row["problems"]})
            self._accounted(case, got.record)
        again = self.read(case.data, case.form)
        if (got.row, got.problems) != (again.row, again.problems):
            raise Failed("another row for the same bytes")
        if got.row is not None:
            self._in_another_order(case, number, got.row)
        if case.spoiled is not None:
            self.tally.spoiled += 1
            self._not_lost(case, got)

    def _accounted(self, case: Broken, record: PatientRecord) -> None:
        total = sum(account.total for account in record.accounting)
        document = load(case.data)
        plain = resources_in(document)
        if total != plain:
            raise Failed(f"{plain} resources, but {total} are accounted for")
        for account in record.accounting:
            if account.total != account.facts + account.irrelevant + account.problems:
                raise Failed(f"the accounting of {account.type} does not add up")
            self._told(document, record, account)

    def _told(self, document: Any, record: PatientRecord, account: Account) -> None:
        """Each resource that ended as a problem is named, or counted beside one of its type."""
        start = f"{account.type}/"
        resources = [document, *(each["resource"] for each in _with_resource(document))]
        names = [name_of(r) for r in resources if name_of(r).startswith(start)]
        if len(set(names)) < len(names):
            return  # what is said of one of two with one name is said of both
        every = {p.resource for p in record.problems if p.resource is not None}
        named = {name for name in every if name.startswith(start)}
        more = [
            int(found[1].replace(",", ""))
            for problem in record.problems
            if (found := _MORE.search(problem.message)) and found[2] == shown(account.type)
        ]
        if len(named) + sum(more) < account.problems and account.type != "(none)":
            raise Failed(f"nothing is said of some {account.type}: {sorted(named)}, {more} more")

    def _in_another_order(self, case: Broken, number: int, row: Row) -> None:
        document = load(case.data)
        entries = document.get("entry")
        if not isinstance(entries, list):
            return
        random.Random(number).shuffle(entries)
        other = self.read(dump(document), ".json").row
        if other is None or outcomes_of(other) != outcomes_of(row):
            raise Failed("other outcomes for the entries in another order")

    def _not_lost(self, case: Broken, got: Read) -> None:
        assert case.spoiled is not None
        name, what = case.spoiled
        before = self.read(case.original, ".json")
        assert before.record is not None and before.row is not None
        if got.record is None or got.row is None:
            raise Failed(f"no row after {what} of {name}")
        old, new = facts_of(before.record, name), facts_of(got.record, name)
        if said(old) == said(new) or not any(map(readable, old)):
            return
        kind = name.partition("/")[0]
        told = {(p["resource"], p["code"], p["message"]) for p in got.row["problems"]} - {
            (p["resource"], p["code"], p["message"]) for p in before.row["problems"]
        }
        among_others = [code for _, code, _ in told if code == "unmapped-code"] and (
            problems_of(got.record, kind) > problems_of(before.record, kind)
        )
        if not among_others and name not in {resource for resource, _, _ in told}:
            raise Failed(f"nothing is said of {name} after {what}")
        if what.part == "value" and (not new or any(map(readable, new))):
            raise Failed(f"{name} is not unreadable after {what}: {new}")


def name_of(resource: Any) -> str:
    """`Type/id` of a resource that has both; else nothing that names one."""
    if not isinstance(resource, dict):
        return ""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def resources_in(document: Any) -> int:
    """How many resources a document holds, also contained ones, and entries without one."""
    if document["resourceType"] != "Bundle":
        return 1 + _contained_in(document)
    entries = document.get("entry")
    if entries is None:
        return 0
    if not isinstance(entries, list):
        return 1
    found = [e.get("resource") if isinstance(e, dict) else None for e in entries]
    return len(entries) + sum(map(_contained_in, found))


def _contained_in(resource: Any) -> int:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return 0
    if resource["resourceType"] == "Bundle" or "contained" not in resource:
        return 0
    listed = resource["contained"]
    return len(listed) if isinstance(listed, list) else 1


def _with_resource(document: Any) -> list[Any]:
    entries = document.get("entry")
    found = entries if isinstance(entries, list) else []
    return [e for e in found if isinstance(e, dict) and isinstance(e.get("resource"), dict)]


def outcomes_of(row: Row) -> list[Any]:
    """What a row says but for the names of resources, which may be their places."""
    criteria = [
        [c["id"], c["outcome"], c["applies"], c["oldest_evidence"], c["gaps"]]
        + [gap["reason"] for gap in c["gap_details"]]
        for c in row["criteria"]
    ]
    return [row["eligibility"], row["decided_jointly"], criteria]


def facts_of(record: PatientRecord, resource: str) -> list[Fact]:
    return [fact for fact in record.facts if fact.resource == resource]


def said(facts: list[Fact]) -> list[Any]:
    """What facts say, whatever words the record has for it."""
    return [(fact.entry, fact.date, fact.reading) for fact in facts]


def problems_of(record: PatientRecord, kind: str) -> int:
    return sum(account.problems for account in record.accounting if account.type == kind)


def readable(fact: Fact) -> bool:
    """Whether a result says anything."""
    match fact.reading:
        case Measured(value):
            return value is not None
        case Stated(values):
            return values is not None
        case ConditionStated(state):
            return state != "unknown"
        case LesionSize(sizes):
            return any(size is not None for _, size in sizes)
    return True


# ---- many cases ----------------------------------------------------------------------------------


def run(fuzzer: Fuzzer, numbers: range, out: Path) -> Tally:
    """Run cases; what went wrong is in the tally, and its document in `out`."""
    fuzzer.tally = Tally()
    for number in numbers:
        try:
            fuzzer.check(number)
        except Exception as error:
            case = fuzzer.broken(number)
            path = out / f"fuzz-{fuzzer.seed}-{number}.json"
            path.write_bytes(case.data)
            told = str(error) if isinstance(error, Failed) else traceback.format_exc(limit=-3)
            fuzzer.tally.failures.append((number, f"{told} ({path})"))
    return fuzzer.tally


def _work(seed: int, numbers: Any, at: Any, tallies: Any, out: Path) -> None:
    """A worker: takes chunks of case numbers until there are no more."""
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(seed, Path(folder), originals())
        while True:
            with numbers.get_lock():
                start = numbers[0]
                stop = min(start + CHUNK, numbers[1])
                numbers[0] = stop
            if start >= stop:
                break
            for number in range(start, stop):
                at[0], at[1] = number, time.monotonic()
                tallies.put(run(fuzzer, range(number, number + 1), out))
        at[0] = -1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000, help="how many cases")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="run one case, in this process")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(), help="where documents that fail go")
    options = parser.parse_args()
    if options.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            fuzzer = Fuzzer(options.seed, Path(folder), originals())
            tally = run(fuzzer, range(options.only, options.only + 1), options.out)
            case = fuzzer.broken(options.only)
            print(f"spoiled: {case.spoiled}" if case.spoiled else "changed")
            print(json.dumps(tally.failures, indent=1) if tally.failures else "it holds")
            return 1 if tally.failures else 0
    return _many(options)


def _many(options: argparse.Namespace) -> int:
    context = multiprocessing.get_context("fork")
    numbers = context.Array("q", [0, options.count])
    tallies = context.Queue()
    at = [context.Array("d", [-1.0, 0.0]) for _ in range(options.workers)]
    arguments = [(options.seed, numbers, each, tallies, options.out) for each in at]
    workers = [context.Process(target=_work, args=each, daemon=True) for each in arguments]
    for worker in workers:
        worker.start()
    tally, done, start, told = Tally(), 0, time.monotonic(), 0.0
    while done < options.count:
        try:
            tally.add(tallies.get(timeout=1))
            done += 1
        except multiprocessing.queues.Empty:  # type: ignore[attr-defined]
            pass
        now = time.monotonic()
        for worker, place in zip(workers, at, strict=True):
            if place[0] >= 0 and now - place[1] > STUCK:
                tally.failures.append((int(place[0]), f"no answer after {STUCK:.0f} s"))
                worker.terminate()
                done = options.count
            elif not worker.is_alive() and place[0] >= 0:
                tally.failures.append((int(place[0]), f"the process died ({worker.exitcode})"))
                done = options.count
        if now - told > 5 or done == options.count:
            told = now
            rate = done / (now - start)
            left = (options.count - done) / rate if rate else 0
            print(
                f"{done:,} of {options.count:,} cases, {rate:.0f}/s, {left:.0f} s left, "
                f"{len(tally.failures)} failed",
                file=sys.stderr,
                flush=True,
            )
    print(
        f"{options.count:,} cases of seed {options.seed} in {time.monotonic() - start:.0f} s: "
        f"{tally.rows:,} rows, {tally.refused:,} refused with an error, {tally.spoiled:,} spoiled; "
        f"slowest case {tally.slowest[1]} with {tally.slowest[0]:.2f} s; "
        f"{len(tally.failures)} failed"
    )
    print(
        "rows with each problem: " + ", ".join(f"{n:,} {c}" for c, n in sorted(tally.codes.items()))
    )
    for number, text in sorted(tally.failures):
        print(f"case {number}: {text}")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
