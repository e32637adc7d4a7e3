"""Verdicts of five engines, right and wrong, unknowns too: `python bench/bench_peers.py [--save]`.

Needs Node, npm and the folder of shared scripts (`--shared`), as `bench_clinical.py` does, which
measures cql-execution closely; the first run installs the peers into `bench/work`. Each engine is
asked once, in a process of its own, for what it can say of each patient.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench_clinical import (
    AS_OF,
    ELIGIBLE,
    HERE,
    REPO,
    TASKS,
    WORDS,
    Task,
    arguments,
    make_patients,
    reference_verdicts,
    set_up_peer,
)
from results import machine, save, table

Said = Mapping[str, Mapping[str, bool | None]]
"""patient -> expression -> what an engine says."""
_TRUTH = {word: value for words in (WORDS, ELIGIBLE) for value, word in words.items()}


def main() -> None:
    options = arguments(__doc__).parse_args()
    scripts = (options.shared / "bench" / "clinical").resolve()
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing or not scripts.is_dir():
        print(f"nothing to compare with: no {' and no '.join(missing) or scripts}", file=sys.stderr)
        return
    work = options.work.resolve()
    set_up_peer(scripts, work)
    peers = set_up_more(scripts, work)
    bundles, truth = make_patients(scripts, work, options.patients, options.noise)
    truths = (truth, reference_verdicts(bundles))
    text = (
        f"## Beside other engines: right and wrong verdicts\n\n`python bench/bench_peers.py`: "
        f"{options.patients:,} patients of {1 + options.noise} results or more, as of {AS_OF}. "
        f"{machine('clingo', 'duckdb')}; {', '.join(peers)}. *Unknown*: verdicts that cannot be "
        "known, and how many of them an engine says are so. CPU in ms a patient: `load` reads JSON "
        "or makes tables and queries, `decide` is all after that (of a store the second time; the "
        "first time stands in `load`).\n\n"
    )
    for task, true in zip(TASKS, truths, strict=True):
        names = task.expressions
        wanted = {
            patient: {name: _TRUTH[word] for name, word in zip(names, words, strict=True)}
            for patient, words in true.items()
        }
        rows = [row(name, said, wanted) for name, said in engines(task, scripts, work, bundles)]
        head = ["engine", "verdicts", "right", "wrong", "unknown", "told so", "load", "decide"]
        text += f"### {task.title}\n\n{table(head, rows)}\n"
    text += NOTES
    print(text)
    if options.save:
        save("bench_peers", text)


NOTES = """\
The truth of the seed protocol is its reference reading, by the evaluator of the tests.
fqm-execution says only who is in a population, duckcdm who is in a cohort: one verdict a patient,
true or false. fhir4ds takes neither file of CQL as it is, and two of the three criteria in other
words. A cohort of Circe holds neither the latest value nor the formulas of the seed. A verdict
that cannot be known is wrong as true and as false.
"""


def set_up_more(scripts: Path, work: Path) -> list[str]:
    """The peers that `bench_clinical.py` does not need, as `setup.sh` of the scripts has them."""
    said = (scripts / "setup.sh").read_text(encoding="utf-8")
    (fqm,) = re.findall(r"fqm-execution@[\d.]+", said)
    if not (work / "node_modules" / "fqm-execution").is_dir():
        _call(["npm", "install", "--no-audit", "--no-fund", fqm], work)
    found = [fqm.replace("@", " ")]
    for folder, pattern in (("v_f4", r"fhir4ds-v2==[\d.]+"), ("v_omop", r"duckcdm==[\d.]+")):
        (package,) = re.findall(pattern, said)
        if not (work / folder / "bin" / "python").exists():
            _call([sys.executable, "-m", "venv", folder], work)
            pip = [
                f"{folder}/bin/python",
                "-m",
                "pip",
                "install",
                "-q",
                package,
                "pandas",
                "duckdb",
            ]
            _call(pip, work)
        found.append(package.replace("==", " "))
    return found


def engines(task: Task, scripts: Path, work: Path, bundles: Path) -> list[tuple[str, Any]]:
    """What each engine says that can be asked, with its name."""
    home = bundles.parents[1]
    names = task.expressions
    cql = _json(["node", str(HERE / "cql.mjs"), task.library, str(bundles), *names], work)
    cql |= {"decide": cql["cpu"] - cql["load"], "verdicts": _named(cql["verdicts"], names)}
    ours = _json([sys.executable, str(HERE / "ours.py"), task.protocol, str(bundles), AS_OF], REPO)
    verdicts = {
        patient: {name: _TRUTH[word] for name, word in zip(names, words, strict=True)}
        for patient, words in ours["verdicts"].items()
    }
    ours |= {"decide": ours["cpu"] - ours["load"], "verdicts": verdicts}
    found = [
        ("protocol_logic, from JSON", ours),
        ("protocol_logic, from a store", _stored(task, home, bundles)),
        ("cql-execution", cql),
        ("fqm-execution", _json(["node", str(HERE / "fqm.mjs"), task.library, str(bundles)], work)),
    ]
    if task is TASKS[0]:
        python = str(work / "v_f4" / "bin" / "python")
        command = [python, str(HERE / "fhir4ds_peer.py"), str(home / "data")]
        found.append(("fhir4ds-v2", _json(command, home)))
        python = str(work / "v_omop" / "bin" / "python")
        for script in ("omop_gen.py", "circe_seed.py"):
            _call([python, str(scripts / script)], home)
        found.append(("duckcdm", _json([python, str(HERE / "duckcdm_peer.py")], home)))
    return found


def _stored(task: Task, home: Path, bundles: Path) -> Any:
    store = home / f"{task.library}.duckdb"
    store.unlink(missing_ok=True)
    own = ["--protocol", task.protocol] if task.protocol.endswith(".elig") else []
    program = [sys.executable, "-m", "protocol_logic.surfaces.cli"]
    _call([*program, "ingest", str(bundles), str(store), *own], REPO)
    command = [sys.executable, str(HERE / "stored.py"), task.protocol, str(store), AS_OF]
    found = _json(command, REPO)
    return found | {"verdicts": _named(found["verdicts"], task.expressions)}


def _named(verdicts: Mapping[str, Sequence[bool | None]], names: Sequence[str]) -> Said:
    return {p: dict(zip(names, values, strict=True)) for p, values in verdicts.items()}


def row(name: str, found: Any, wanted: Said) -> list[str]:
    """The cells of an engine."""
    said: Said = found["verdicts"]
    pairs = [
        (value, wanted[patient][expression])
        for patient, values in said.items()
        for expression, value in values.items()
    ]
    right = sum(value is true for value, true in pairs)
    unknown = [value for value, true in pairs if true is None]
    told = sum(value is None for value in unknown)
    each = 1000 / found["patients"]
    return [
        name, f"{len(pairs):,}", f"{right:,}", f"{len(pairs) - right:,}", f"{len(unknown):,}",
        f"{told:,}", f"{each * found['load']:.3f}", f"{each * found['decide']:.3f}",
    ]  # fmt: skip


def _json(command: list[str], cwd: Path) -> Any:
    print(" ".join(command[:3]), file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _call(command: list[str], cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
