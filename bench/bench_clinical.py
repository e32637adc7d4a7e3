"""From FHIR JSON to verdict, beside cql-execution: `python bench/bench_clinical.py [--save]`.

Needs Node, npm and the folder of shared scripts (`--shared`, by default `../shared` beside this
checkout): its `bench/clinical` makes the patients and their true verdicts, and translates the CQL.
The first run installs the peer into `bench/work`, which git ignores. Every engine runs in a process
of its own, `--repeat` times in turn; the fastest run of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
HERE = REPO / "bench" / "clinical"
AS_OF = "2026-11-22"
FHIR_HELPERS = "FHIRHelpers-4.4.000.cql"
WORDS = {True: "met", False: "not_met", None: "unknown"}
ELIGIBLE = {True: "eligible", False: "ineligible", None: "undetermined"}
CQL = "cql-execution"
MANY = 10
"""How many times the patients one more run of the command has."""
RESULTS = REPO / "bench" / "RESULTS.md"
MARKS = ("<!-- made by bench/bench_clinical.py: begin -->", "<!-- bench_clinical: end -->")

Verdicts = dict[str, list[str]]
"""patient -> outcome of each criterion, then eligibility"""


@dataclass(frozen=True)
class Task:
    """The same question to both sides: a protocol of ours and a CQL library."""

    title: str
    protocol: str
    library: str
    expressions: tuple[str, ...]


TASKS = (
    Task(
        "Three criteria",
        str(HERE / "three_criteria.elig"),
        "SeedLite",
        ("Age OK", "Hgb OK", "Bili OK", "Eligible"),
    ),
    Task(
        "The seed protocol",
        "anlotinib_fulvestrant",
        "SeedFull",
        (*(f"C{n}" for n in range(1, 11)), "Eligible"),
    ),
)


@dataclass
class Run:
    """One run of one engine: seconds by phase (wall, CPU), peak memory, what it said."""

    engine: str
    patients: int
    prepare: float
    phases: dict[str, float]
    cpu: float
    peak_mb: float
    verdicts: Verdicts = field(repr=False)

    @property
    def wall(self) -> float:
        return sum(self.phases.values())


# ---- the peer and the patients -----------------------------------------------------------------


def set_up_peer(scripts: Path, work: Path) -> None:
    """What `setup.sh` of the scripts does, for cql-execution alone."""
    if (work / "lib" / "SeedFull.elm.json").is_file():
        return
    print(f"installing the peer into {work}", file=sys.stderr)
    for name in ("lib", "models"):
        (work / name).mkdir(parents=True, exist_ok=True)
    said = (scripts / "setup.sh").read_text(encoding="utf-8")
    packages = re.findall(r"(?:@cqframework/cql|cql-execution|cql-exec-fhir)@[\d.]+", said)
    helpers = re.findall(r"fhir4ds-v2==[\d.]+", said)[0]
    _call(["npm", "init", "-y"], work)
    _call(["npm", "install", "--no-audit", "--no-fund", *packages], work)
    _call([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", ".", helpers], work)
    with zipfile.ZipFile(next(work.glob("fhir4ds_v2-*.whl"))) as wheel:
        inside = next(name for name in wheel.namelist() if name.endswith(f"/{FHIR_HELPERS}"))
        (work / "lib" / FHIR_HELPERS).write_bytes(wheel.read(inside))
    model = "cql-exec-fhir/lib/modelInfos/fhir-modelinfo-4.0.1.xml"
    shutil.copy(work / "node_modules" / model, work / "models")
    for library in (task.library for task in TASKS):
        shutil.copy(scripts / f"{library}.cql", work / "lib")
    shutil.copy(HERE / "valuesets.json", work)
    shutil.copy(scripts / "translate.mjs", work)
    _call(["node", "translate.mjs"], work)


def make_patients(scripts: Path, work: Path, size: int, noise: int) -> tuple[Path, Verdicts]:
    """Bundles, one a file, and the true verdicts of the three criteria."""
    home = work / f"patients-{size}-{noise}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    _call([sys.executable, str(scripts / "gen.py"), str(size), str(noise)], home)
    truth = json.loads((home / "data" / "truth.json").read_text(encoding="utf-8"))
    return home / "data" / "bundles", {
        patient: _words([values[name] for name in TASKS[0].expressions])
        for patient, values in truth.items()
    }


def as_lines(bundles: Path) -> Path:
    """All bundles as one file of lines, in place of the folder."""
    path = bundles.parent / "bundles.ndjson"
    with path.open("wb") as lines:
        for bundle in sorted(bundles.iterdir()):
            lines.write(bundle.read_bytes() + b"\n")
    shutil.rmtree(bundles)
    return path


def reference_verdicts(bundles: Path) -> Verdicts:
    """The seed's criteria as its reference reading has them, by the tests' own evaluator."""
    sys.path.insert(0, str(REPO))
    from tests.differential.seed_oracle import judge

    found: Verdicts = {}
    for path in sorted(bundles.iterdir()):
        bundle = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        judgement = judge(bundle, date.fromisoformat(AS_OF))
        outcomes = [judgement.outcomes[str(n)] for n in range(1, 11)]
        found[path.stem] = [*outcomes, judgement.eligibility]
    return found


# ---- engines -----------------------------------------------------------------------------------


def ours(task: Task, bundles: Path, work: Path) -> Run:
    said, took = _measured(
        [sys.executable, str(HERE / "ours.py"), task.protocol, str(bundles), AS_OF], work, REPO
    )
    return _run("protocol_logic, one process", json.loads(said), took)


def command(task: Task, patients: Path, work: Path) -> Run:
    """The command line as a person has it, with its start; what it writes is read back."""
    out = work / "rows.ndjson"
    program = [sys.executable, "-m", "protocol_logic.surfaces.cli", "screen", task.protocol]
    options = ["--as-of", AS_OF, "--format", "ndjson", "-o", str(out)]
    _, took = _measured([*program, str(patients), *options], work, REPO)
    verdicts: Verdicts = {}
    with out.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            outcomes = [c["outcome"] for c in row["criteria"]]
            verdicts[row["patient"]] = [*outcomes, row["eligibility"]]
    name = f"protocol_logic screen, {len(verdicts):,}"
    whole = {"whole": took["wall"]}
    return Run(name, len(verdicts), 0.0, whole, took["cpu"], took["peak"] / 1e6, verdicts)


def cql(task: Task, bundles: Path, work: Path) -> Run:
    said, took = _measured(
        ["node", str(HERE / "cql.mjs"), task.library, str(bundles), *task.expressions], work, work
    )
    found = json.loads(said)
    found["verdicts"] = {patient: _words(v) for patient, v in found["verdicts"].items()}
    return _run(CQL, found, took)


def _run(engine: str, found: dict[str, Any], took: dict[str, float]) -> Run:
    phases: dict[str, float] = found["phases"]
    prepare = phases.pop("prepare")
    peak = took["peak"] / 1e6
    return Run(engine, found["patients"], prepare, phases, found["cpu"], peak, found["verdicts"])


def _words(values: Sequence[bool | None]) -> list[str]:
    return [*(WORDS[value] for value in values[:-1]), ELIGIBLE[values[-1]]]


def _measured(arguments: list[str], work: Path, cwd: Path) -> tuple[str, dict[str, float]]:
    """What a process prints, and the seconds and bytes that it took."""
    file = work / "took.json"
    done = subprocess.run(
        [sys.executable, "-I", str(HERE / "measure.py"), str(file), *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(arguments)}\n{done.stderr}")
    took: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return done.stdout, took


def _call(arguments: list[str], cwd: Path) -> None:
    subprocess.run(arguments, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


# ---- what is told ------------------------------------------------------------------------------

_COLUMNS = (
    ("engine", "---"),
    ("prepare", "--:"),
    ("read", "--:"),
    ("findings", "--:"),
    ("solve", "--:"),
    ("decode", "--:"),
    ("ms a patient", "--:"),
    ("CPU ms a patient", "--:"),
    ("times faster", "--:"),
    ("in CPU", "--:"),
    ("peak MB", "--:"),
    ("wrong verdicts", "--:"),
)


def table(task: Task, runs: list[Run], truth: Verdicts) -> list[str]:
    """The engines of one task as lines of a table."""
    peer = next(run for run in runs if run.engine == CQL)
    rows = [
        "| " + " | ".join(name for name, _ in _COLUMNS) + " |",
        "| " + " | ".join(line for _, line in _COLUMNS) + " |",
    ]
    for run in runs:
        p = run.phases
        if "json" in p:
            steps = [p["json"] + p["facts"], p["findings"], p["solve"], p["decode"]]
            shown = [f"{seconds:.3f}" for seconds in steps]
        elif "execute" in p:
            shown = [f"{p['read']:.3f}", f"{p['execute']:.3f} in all", "", ""]
        else:
            shown = ["", "", "", ""]
        each = run.wall / run.patients
        wrong, asked = wrong_verdicts(run.verdicts, truth)
        cells = [
            run.engine,
            f"{run.prepare:.2f}" if run.prepare else "",
            *shown,
            f"{1000 * each:.2f}",
            f"{1000 * run.cpu / run.patients:.2f}",
            f"{peer.wall / peer.patients / each:.1f}",
            f"{peer.cpu / peer.patients / (run.cpu / run.patients):.1f}",
            f"{run.peak_mb:.0f}",
            f"{wrong:,} of {asked:,}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return [f"### {task.title}", "", *rows, ""]


def wrong_verdicts(said: Verdicts, truth: Verdicts) -> tuple[int, int]:
    """How many verdicts differ from the truth, of how many."""
    asked = [(verdicts, truth[patient]) for patient, verdicts in said.items()]
    wrong = sum(a != b for one, other in asked for a, b in zip(one, other, strict=True))
    return wrong, sum(len(verdicts) for verdicts, _ in asked)


def machine(work: Path) -> str:
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    package = work / "node_modules" / "cql-execution" / "package.json"
    peer = json.loads(package.read_text(encoding="utf-8"))["version"]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {platform.python_version()}, clingo {version('clingo')}, "
        f"Node {node.stdout.strip().removeprefix('v')}, cql-execution {peer}"
    )


NOTES = """\
Seconds of wall time. `prepare` (imports, check and compile, or loading translated CQL) is not in
the ms a patient; of the command all is, its start too. The command uses two processes, and Node a
second core for its collector: hence the ratio in CPU. The true verdicts of the three
criteria come with the patients. Those of the seed protocol are the reference reading of the seed,
by the evaluator of the tests. Where nothing is recorded, the reference says unknown, and
`SeedFull.cql` says no, or yes; besides, it takes results of the last 28 days alone.
"""


def save(text: str) -> None:
    """Put the result in place of the last one in RESULTS.md."""
    begin, end = MARKS
    section = f"{begin}\n{text}{end}\n"
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else "# Results\n\n"
    if begin in old:
        before, rest = old.split(begin)
        section = before + section + rest.split(f"{end}\n")[1]
    else:
        section = old + section
    RESULTS.write_text(section, encoding="utf-8")


def arguments(doc: str) -> argparse.ArgumentParser:
    """What is asked of a bench that runs peers."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=REPO.parent / "shared")
    parser.add_argument("--work", type=Path, default=REPO / "bench" / "work")
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--noise", type=int, default=40, help="further results of each patient")
    parser.add_argument("--save", action="store_true", help="write the tables into RESULTS.md")
    return parser


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    scripts = options.shared / "bench" / "clinical"
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing or not scripts.is_dir():
        print(f"nothing to compare with: no {' and no '.join(missing) or scripts}", file=sys.stderr)
        return
    work = options.work.resolve()
    set_up_peer(scripts.resolve(), work)
    bundles, truth = make_patients(scripts.resolve(), work, options.patients, options.noise)
    truths = (truth, reference_verdicts(bundles))
    more, more_truth = make_patients(
        scripts.resolve(), work, MANY * options.patients, options.noise
    )
    more_truths = (more_truth, reference_verdicts(more))
    lines_of_more = as_lines(more)
    size = sum(path.stat().st_size for path in bundles.iterdir()) / 1e6
    lines = [
        "## From FHIR JSON to verdict",
        "",
        f"{options.patients:,} patients, {size:.1f} MB of JSON, as of {AS_OF}; the fastest of "
        f"{options.repeat} runs. {machine(work)}.",
        "",
    ]
    for task, true, more_true in zip(TASKS, truths, more_truths, strict=True):
        best: dict[str, Run] = {}
        for _ in range(options.repeat):
            for engine in (ours, command, cql):
                run = engine(task, bundles, work)
                if run.engine not in best or run.wall < best[run.engine].wall:
                    best[run.engine] = run
        runs = list(best.values())
        runs.insert(-1, command(task, lines_of_more, work))
        lines += table(task, runs, {**true, **more_true})
    text = "\n".join(lines) + "\n" + NOTES
    print(text)
    if options.save:
        save(text)


if __name__ == "__main__":
    main()
