"""The phases in order; no logic of its own.

text -check-> protocol -make_plan-> plan -lower-> program              `compiling`
bytes -document-> JSON -read_record-> record -read_findings-> findings  `reading`
findings -decide-> decision -row_of-> row                              `screening`

What else is asked of the same: `explaining`, `asking` (what would change it), `surveying` (many).
"""

from protocol_logic.pipeline.asking import Judged, WhatIf
from protocol_logic.pipeline.compiling import (
    Compiled,
    compile_source,
    compiled_of,
    for_strata,
    with_other_limits,
)
from protocol_logic.pipeline.explaining import Explaining
from protocol_logic.pipeline.reading import (
    ahead_of,
    as_of_date,
    findings_of,
    read_records,
    read_stored,
    read_tables,
)
from protocol_logic.pipeline.screening import Screened, Screening
from protocol_logic.pipeline.storing import knowledge_of
from protocol_logic.pipeline.surveying import Fitting, Surveyed, Surveying

__all__ = [
    "Compiled",
    "Explaining",
    "Fitting",
    "Judged",
    "Screened",
    "Screening",
    "Surveyed",
    "Surveying",
    "WhatIf",
    "ahead_of",
    "as_of_date",
    "compile_source",
    "compiled_of",
    "findings_of",
    "for_strata",
    "knowledge_of",
    "read_records",
    "read_stored",
    "read_tables",
    "with_other_limits",
]
