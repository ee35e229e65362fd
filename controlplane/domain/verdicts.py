"""How findings combine into the verdict of a window."""

from collections.abc import Iterable
from typing import Final

import msgspec

from detectors.finding import Basis, Finding, Reason, Verdict

ALL: Final = "*"
"""What findings about all columns together are named after."""


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """How many columns failed, were judged, and could not be."""

    failed: int
    judged: int
    unjudged: int


def window_verdict(findings: Iterable[Finding]) -> Verdict:
    """Error before failed before passed; inconclusive where nothing was judged.

    Findings that are only shown do not count, nor does the error of a detector that has no
    threshold here: had it measured, it would have been shown, and what judges the window was
    measured. A hard limit that holds has judged nothing: it is there to catch what is broken, not
    to say that all is well.
    """
    found = {f.verdict for f in findings if not (_is_shown(f) or _holds(f))}
    for verdict in (Verdict.ERROR, Verdict.FAILED, Verdict.PASSED):
        if verdict in found:
            return verdict
    return Verdict.INCONCLUSIVE


def headline(findings: Iterable[Finding]) -> Headline:
    """A column failed where one of its findings did; it was judged where one passed or failed.

    Findings of all columns together are of none of them.
    """
    verdicts: dict[str, set[Verdict]] = {}
    for finding in findings:
        if finding.column != ALL:
            verdicts.setdefault(finding.column, set()).add(finding.verdict)
    failed = sum(Verdict.FAILED in found for found in verdicts.values())
    judged = sum(bool(found & {Verdict.PASSED, Verdict.FAILED}) for found in verdicts.values())
    return Headline(failed=failed, judged=judged, unjudged=len(verdicts) - judged)


def _is_shown(finding: Finding) -> bool:
    """Whether a finding judges nothing: it only informs, or would have."""
    if finding.verdict is Verdict.ERROR:
        return finding.basis is None
    return finding.reason == Reason.SHOWN


def _holds(finding: Finding) -> bool:
    return finding.basis is Basis.HARD and finding.verdict is Verdict.PASSED
