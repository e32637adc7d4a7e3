"""From paths to documents: design.md, section 6, PATIENTS."""

import gzip
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from protocol_logic.foundation.problems import Problem, Problems
from protocol_logic.records.files import Reading, files_at
from protocol_logic.records.json_text import NotJson, Number, parse
from protocol_logic.records.sources import Document, iter_documents
from tests.unit.records.build import Json


def documents(*paths: Path, reading: Reading | None = None) -> tuple[list[Document], list[Problem]]:
    problems = Problems()
    found = list(iter_documents(paths, problems, reading))
    return found, problems.items


def patients(found: Sequence[Document]) -> list[str]:
    """The Patient ids of documents, in order."""
    return [
        entry["resource"]["id"]
        for document in found
        for entry in document.content["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    ]


def bundle(patient: str) -> Json:
    entry = [{"resource": {"resourceType": "Patient", "id": patient}}]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry}


def text(*contents: object) -> str:
    return "".join(json.dumps(content) + "\n" for content in contents)


# JSON


def test_numbers_stay_as_written() -> None:
    digits = "9" * 5000
    assert parse(f"[1.50, 1e400, {digits}]".encode()) == [
        Number("1.50"),
        Number("1e400"),
        Number(digits),
    ]
    assert parse(b'"1.50"') != Number("1.50")


def test_byte_order_marks_are_passed_over() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}
    assert parse(b"\xef\xbb\xbf\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1', "line 1"),
        (b"", "not JSON"),
        (b"{} {}", "Extra data"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b'["\xff"]', "UTF-8"),
        ('{"a": "ü"}'.encode("utf-16"), "UTF-8"),
        (b"[" * 100_000, "too deeply"),
        (b'["\\ud83d"]', "surrogate"),
    ],
)
def test_what_is_not_json(data: bytes, message: str) -> None:
    with pytest.raises(NotJson, match=message):
        parse(data)


def test_whole_surrogate_pairs_are_text() -> None:
    assert parse(b'["\\ud83d\\ude00", 1e400]') == ["\U0001f600", Number("1e400")]


# files


def test_files_and_lines_also_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text(bundle("a")))
    (tmp_path / "b.JSONL").write_text(text(bundle("b")) + "\n" + text(bundle("c")))
    (tmp_path / "d.json.gz").write_bytes(gzip.compress(text(bundle("d")).encode()))
    (tmp_path / "e.ndjson.gz").write_bytes(gzip.compress(text(bundle("e")).encode()))
    found, problems = documents(*sorted(tmp_path.iterdir()))
    assert patients(found) == ["a", "b", "c", "d", "e"]
    assert [document.line for document in found] == [None, 1, 3, None, 1]
    assert found[0].source == str(tmp_path / "a.json")
    assert problems == []


def test_a_file_with_a_single_resource_is_a_document_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(text({"resourceType": "Patient", "id": "p"}))
    found, _ = documents(file)
    assert found == [Document(str(file), {"resourceType": "Patient", "id": "p"})]


def test_folders_are_read_by_name_and_other_files_counted(tmp_path: Path) -> None:
    for name in ("b/2.json", "b/1.json", "a.json", "c.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text(bundle(name)))
    for name in ("README.md", "notes.MD", "b/x.csv", ".hidden.json"):
        (tmp_path / name).write_text("")
    reading = Reading()
    found, problems = documents(tmp_path, reading=reading)
    assert patients(found) == ["a.json", "b/1.json", "b/2.json", "c.json"]
    assert reading.files == {".md": 2, ".csv": 1, ".json": 1}
    assert problems == []


def test_links_to_a_folder_above_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "p.json").write_text(text(bundle("p")))
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self.json").symlink_to(tmp_path / "a" / "self.json")
    found, problems = documents(tmp_path)
    assert patients(found) == ["p"]
    assert [problem.code for problem in problems] == ["not-readable"]


def test_folders_may_lie_deeper_than_calls(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(200):
        folder = folder / "d"
        folder.mkdir()
    (folder / "p.json").write_text("")
    most = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        assert list(files_at(tmp_path, Reading())) == [folder / "p.json"]
    finally:
        sys.setrecursionlimit(most)


def test_what_cannot_be_read_is_a_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = gzip.compress(text(bundle("x")).encode())
    (tmp_path / "a.json").write_text('{"resourceType": "Bundle", "entry": [')
    (tmp_path / "b.json").write_bytes(b'{"resourceType": "\xff"}')
    (tmp_path / "c.json.gz").write_bytes(whole[:-12])
    (tmp_path / "d.json.gz").write_text("no gzip")
    (tmp_path / "e.json.gz").write_bytes(whole[:12] + b"\xff\xff" + whole[14:])
    (tmp_path / "f.json").write_text("[1, 2]")
    (tmp_path / "g.json").write_text('{"resourceType": 5}')
    (tmp_path / "h.json").write_text(text(bundle("x"), bundle("y")))
    (tmp_path / "z.json").write_text(text(bundle("z")))
    found, problems = documents(tmp_path, tmp_path / "none.json", tmp_path / "z.txt")
    assert patients(found) == ["z"]
    assert {problem.code for problem in problems} == {"not-readable"}
    assert [Path(problem.file or "").name for problem in problems] == [
        *("a.json", "b.json", "c.json.gz", "d.json.gz", "e.json.gz", "f.json", "g.json"),
        *("h.json", "none.json", "z.txt"),
    ]
    assert problems[7].hint is not None


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "p.ndjson"
    lines = [json.dumps(bundle("a")), '{"cut', "[]", json.dumps(bundle("b"))]
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xff\n" + text(bundle("c")).encode())
    found, problems = documents(file)
    assert patients(found) == ["a", "b", "c"]
    assert [problem.message[:7] for problem in problems] == ["line 2:", "line 3:", "line 5:"]


def test_an_unknown_kind_of_file_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "p.txt"
    file.write_text(text(bundle("p")))
    found, problems = documents(file)
    assert (found, problems[0].code) == ([], "not-readable")
    assert problems[0].hint is not None
    assert ".ndjson" in problems[0].hint


# single resources in lines


def test_single_resources_are_joined_by_patient_over_files(tmp_path: Path) -> None:
    def about(kind: str, number: str, reference: str, key: str = "subject") -> Json:
        return {"resourceType": kind, "id": number, key: {"reference": reference}}

    (tmp_path / "Observation.ndjson").write_text(
        text(
            about("Observation", "1", "Patient/b"),
            about("Observation", "2", "http://host/fhir/Patient/a/_history/3"),
            about("Consent", "3", "urn:uuid:b", "patient"),
            {"resourceType": "Practitioner", "id": "doctor"},
        )
    )
    (tmp_path / "Patient.ndjson").write_text(
        text({"resourceType": "Patient", "id": "b"}, {"resourceType": "Patient", "id": "a"})
    )
    reading = Reading()
    found, problems = documents(tmp_path, reading=reading)
    assert [
        [entry["resource"]["id"] for entry in document.content["entry"]] for document in found
    ] == [["1", "3", "b"], ["2", "a"]]
    assert {document.source for document in found} == {str(tmp_path / "Patient.ndjson")}
    assert (problems, reading.resources) == ([], {"Practitioner": 1})


def test_medications_go_to_the_patients_who_refer_to_them(tmp_path: Path) -> None:
    def taken(patient: str, medication: str) -> Json:
        return {
            "resourceType": "MedicationStatement",
            "subject": {"reference": f"Patient/{patient}"},
            "medicationReference": {"reference": f"Medication/{medication}"},
        }

    (tmp_path / "Medication.ndjson").write_text(
        text(*({"resourceType": "Medication", "id": name} for name in ("x", "y", "unused")))
    )
    (tmp_path / "MedicationStatement.ndjson").write_text(
        text(taken("a", "y"), taken("b", "x"), taken("b", "y"), taken("b", "nowhere"))
    )
    (tmp_path / "Patient.ndjson").write_text(
        text({"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"})
    )
    reading = Reading()
    found, problems = documents(tmp_path, reading=reading)
    assert [
        [
            entry["resource"]["id"]
            for entry in document.content["entry"]
            if entry["resource"]["resourceType"] == "Medication"
        ]
        for document in found
    ] == [["y"], ["x", "y"]]
    assert (problems, reading.resources) == ([], {"Medication": 1})


def test_single_resources_without_their_patient_are_problems(tmp_path: Path) -> None:
    file = tmp_path / "all.ndjson"
    file.write_text(
        text(
            {"resourceType": "Patient"},
            {"resourceType": "Observation", "subject": {"reference": "Patient/nobody"}},
            {"resourceType": "Observation", "subject": {"reference": "Group/1"}},
            {"resourceType": "Condition"},
        )
    )
    found, problems = documents(file)
    assert found == []
    assert [problem.code for problem in problems] == [
        "no-patient",
        "foreign-subject",
        "foreign-subject",
        "no-patient",
    ]
    assert "`nobody`" in problems[-1].message
