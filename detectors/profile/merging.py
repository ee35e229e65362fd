"""Profiles of parts put together: the profile of all their rows."""

from collections.abc import Sequence

import msgspec

from detectors import tallies
from detectors.profile import moments, names, points
from detectors.profile.form import ColumnProfile, Profile


class NotMergeable(ValueError):
    """Profiles that are not of the same columns on the same edges."""


def merged(profiles: Sequence[Profile]) -> Profile:
    """The profile of the rows of all; raises NotMergeable where columns, kinds or edges differ.

    Counts are exact, moments as exact as floats add, points and levels exact or within the bounds
    that they tell. Any order and grouping gives the same, within these bounds.
    """
    if not profiles:
        raise NotMergeable("there are no profiles to merge; expected one at least")
    first = profiles[0]
    for other in profiles[1:]:
        _check(first, other)
    columns = [column([p.columns[at] for p in profiles]) for at in range(len(first.columns))]
    return msgspec.structs.replace(
        first,
        source=" + ".join(dict.fromkeys(p.source for p in profiles if p.source)),
        rows=sum(p.rows for p in profiles),
        columns=tuple(columns),
    )


def column(parts: Sequence[ColumnProfile]) -> ColumnProfile:
    """The profile of a column over all parts, on the bins of the first where they have bins."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for other in parts[1:]:
        _check_columns(first, other)
    of_moments = [p.moments for p in parts if p.moments is not None]
    of_points = [p.points for p in parts if p.points is not None]
    of_names = [p.names for p in parts if p.names is not None]
    counted = [p.tally for p in parts if p.tally is not None]
    return msgspec.structs.replace(
        first,
        rows=sum(p.rows for p in parts),
        missing=sum(p.missing for p in parts),
        unparsable=sum(p.unparsable for p in parts),
        moments=moments.merged(of_moments) if of_moments else None,
        points=points.merged(of_points) if of_points else None,
        names=names.merged(of_names) if of_names else None,
        first=min((p.first for p in parts if p.first is not None), default=None),
        last=max((p.last for p in parts if p.last is not None), default=None),
        tally=tallies.merge(counted) if counted else None,
    )


def _check(first: Profile, other: Profile) -> None:
    if first.salt != other.salt:
        raise NotMergeable(
            "the level names of the profiles are hashed with different salts, or of one alone; "
            "make them with the same --salt"
        )
    ours, theirs = ([c.column for c in p.columns] for p in (first, other))
    if ours != theirs:
        more = sorted({*ours} ^ {*theirs}) or ["the order of columns"]
        raise NotMergeable(
            f"the profiles are not of the same columns; they differ in: {', '.join(more[:5])}"
        )


def _check_columns(first: ColumnProfile, other: ColumnProfile) -> None:
    if first.kind is not other.kind:
        raise NotMergeable(
            f"column {first.column} is {first.kind} in one profile and {other.kind} in another"
        )
    if first.edges != other.edges:
        raise NotMergeable(
            f"column {first.column} was counted on different edges ({first.edges or 'none'} and "
            f"{other.edges or 'none'}); profile the data of one with --like the other's profile"
        )
