"""Made-up patients for any protocol, seeded: as FHIR, or as the records that reading it gives.

python -m bench.patients anlotinib_fulvestrant --count 1000 -o patients.ndjson
"""

from .drawing import Drawing
from .shares import Shares
from .statements import AS_OF

__all__ = ["AS_OF", "Drawing", "Shares"]
