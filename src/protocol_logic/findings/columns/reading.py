"""A plan and a shard of patients to columns of findings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import numpy as np

from protocol_logic.compiling import core
from protocol_logic.compiling.plan import Plan
from protocol_logic.compiling.windows import Window
from protocol_logic.findings.columns.tables import Column, Columns, Ints, Looks, Part
from protocol_logic.findings.parting import parts_of
from protocol_logic.records.store.shards import Shard


def read_columns(
    protocol: core.Protocol,
    plan: Plan,
    shard: Shard,
    as_of: Ints,
    table: Looks,
    windows: Mapping[str, Window] = MappingProxyType({}),
    timepoints: Mapping[str, date] = MappingProxyType({}),
) -> Columns:
    """The findings of a shard. `as_of`: the day of judgement by patient, from 1970-01-01.

    `windows`, `timepoints`: as `read_findings` takes them.
    """
    parts = [
        Part(names, part, np.ones(shard.size, dtype=bool))
        for names, part in parts_of(protocol, plan)
    ]
    names = [name for part in parts for name in sorted(part.names)]
    return Columns(shard.size, parts, {name: Column.empty(shard.size) for name in names})
