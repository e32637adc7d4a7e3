"""Findings of many patients at once, as columns. Needs numpy: imported only where it is used.

The same findings as `findings/read.py` gives of one patient, by arrays over the facts of one entry
after another. What this cannot tell of a patient with certainty leaves: it is read the other way.
Source: docs/store.md.
"""

from protocol_logic.findings.columns.reading import read_columns as read_columns
from protocol_logic.findings.columns.tables import (
    Column as Column,
    Columns as Columns,
    Looks as Looks,
    Part as Part,
)
