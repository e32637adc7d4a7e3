"""What of the patients of a shard is no finding: who they are, what their resources are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol_logic.records.store.opening import told

if TYPE_CHECKING:
    from protocol_logic.records.store.shards import Array, Shard


def resource_names(shard: Shard, patients: Array, numbers: Array) -> dict[tuple[int, int], str]:
    """The names of some resources: (patient, number) pairs, by place in the shard."""
    if not len(patients):
        return {}
    import pyarrow

    wanted = pyarrow.table({"position": patients + shard.start, "resource": numbers})
    with told():
        run = shard.connection.register("wanted", wanted).execute
        rows = run(
            "SELECT position, resource, name FROM wanted JOIN positions USING (position) "
            "JOIN resources USING (patient, resource) WHERE patient BETWEEN "
            "(SELECT min(patient) FROM positions WHERE position BETWEEN $1 AND $2) AND "
            "(SELECT max(patient) FROM positions WHERE position BETWEEN $1 AND $2)",
            [shard.start, shard.stop - 1],
        ).fetchall()
        shard.connection.unregister("wanted")
    return {(position - shard.start, resource): name for position, resource, name in rows}
