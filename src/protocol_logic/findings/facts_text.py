"""The findings of one patient as ASP facts, for `compile --to facts` and plain clingo.

Only group numbers, finding names and cell names are written; the patient stands in a comment.
"""

from __future__ import annotations

from protocol_logic.findings.rows import PatientFindings
from protocol_logic.foundation.text import shown


def facts_text(patient: str, found: PatientFindings) -> str:
    """`row(G,R)` and `allow(G,R,F,C)` facts: what kb/logic/scenario.lp picks from."""
    lines = [f"% patient {shown(patient)} as of {found.as_of.isoformat()}"]
    for name, cells in sorted(found.single.items()):
        lines.append(f"row({name},1).")
        lines += [f"allow({name},1,{name},{cell})." for cell in sorted(cells)]
    for group in sorted(found.groups, key=lambda g: g.name):
        lines.append(f"% {group.name}: one of {len(group.rows)} joint readings")
        for number, row in enumerate(group.rows, 1):
            label = ", ".join(f"{element} {value}" for element, value in row.labels)
            lines.append(f"row({group.name},{number})." + (f" % {label}" if label else ""))
            for finding, cells in row.cells:
                lines += [
                    f"allow({group.name},{number},{finding},{cell})." for cell in sorted(cells)
                ]
    return "\n".join(lines) + "\n"
