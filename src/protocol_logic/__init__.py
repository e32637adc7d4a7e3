"""Clinical trial eligibility criteria as readable, executable and explainable logic.

In Python: `Protocol.load(...)` gives a protocol, `protocol.cohort(...)` its patients, and these
answer what the commands answer (docs/python.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocol_logic.surfaces.python.cohort import Cohort
    from protocol_logic.surfaces.python.errors import InputError
    from protocol_logic.surfaces.python.justification import Justification
    from protocol_logic.surfaces.python.patient import Patient
    from protocol_logic.surfaces.python.protocol import Protocol
    from protocol_logic.surfaces.python.results import Result
    from protocol_logic.surfaces.python.store import ingest

__version__ = "0.1.0"
__all__ = [
    "Cohort", "InputError", "Justification", "Patient", "Protocol", "Result", "__version__",
    "ingest",
]  # fmt: skip

_MODULES = {
    "Cohort": "cohort",
    "InputError": "errors",
    "Justification": "justification",
    "Patient": "patient",
    "Protocol": "protocol",
    "Result": "results",
    "ingest": "store",
}


if not TYPE_CHECKING:

    def __getattr__(name):
        """Import a class when it is asked for: every command imports this module at its start."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"protocol_logic.surfaces.python.{_MODULES[name]}"), name)
