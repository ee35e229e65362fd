"""Rows that name no version are of the version that was champion when they happened."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from controlplane.domain.reigns import Reign


def with_versions(rows: pa.Table, reigns: Sequence[Reign]) -> pa.Table:
    """Live predictions without a version get the champion's at their `at`; where there was none,
    and in rows that nobody predicted, the version stays null."""
    versions, at = rows["version"], rows["at"]
    open_to = pc.and_(pc.equal(rows["role"], "live"), pc.is_valid(rows["prediction"]))
    for reign in reigns:
        within = pc.greater_equal(at, pa.scalar(reign.since, at.type))
        if reign.until is not None:
            within = pc.and_(within, pc.less(at, pa.scalar(reign.until, at.type)))
        mine = pc.and_(pc.and_(within, open_to), pc.is_null(versions))
        versions = pc.if_else(mine, pa.scalar(reign.version, pa.string()), versions)
    return rows.set_column(rows.column_names.index("version"), "version", versions)
