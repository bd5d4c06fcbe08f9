"""The claims of the study, and the rule by which they are judged: written before any result."""

from dataclasses import dataclass

from thinsection.study.findings.effects import Estimate

HOLDS, FAILS, OPEN = "holds here", "does not hold here", "can't be decided"


@dataclass(frozen=True)
class Verdict:
    """
    A row of the table of claims.

    Attributes
    ----------
    key : of the claim, the same for every set of photos
    """

    key: str
    claim: str
    measured: str
    verdict: str


def of_fall(found: Estimate, claimed: float) -> str:
    """
    Whether a quantity falls, as claimed, by ``claimed`` or so.

    It does if its whole interval is below 0, it does not if its whole interval is above ``-claimed``, so
    that a fall as large as claimed is excluded; otherwise nothing is decided. An interval that is below 0
    but above ``-claimed`` is a fall, smaller than claimed: it holds.
    """
    if found.high < 0:
        return HOLDS
    return FAILS if found.low > -claimed else OPEN


def of_cause(deep: Estimate, faded: bool) -> str:
    """
    Whether a vanishing signal is what a deep network suffers from.

    It is if the signal vanishes and the deep network gains by what keeps it: its whole interval of the
    gain is above 0. It is not if the signal does not vanish, or the whole interval is below 0.01.
    """
    if not faded or deep.high < 0.01:
        return FAILS
    return HOLDS if deep.low > 0 else OPEN


def of_cure(found: Estimate, claimed: float) -> str:
    """
    Whether a remedy lifts the deepest network against the shallowest.

    It does if the whole interval is above 0, it does not if the whole interval is below a lift of
    ``claimed``.
    """
    if found.low > 0:
        return HOLDS
    return FAILS if found.high < claimed else OPEN


def of_no_fall(found: Estimate, tolerated: float) -> str:
    """
    Whether accuracy does not fall, as claimed: the change from the shallowest to the deepest network.

    It does fall if the whole interval is below 0. It doesn't if the whole interval is above
    ``-tolerated``, so that a fall as large as that is excluded.
    """
    if found.high < 0:
        return FAILS
    return HOLDS if found.low > -tolerated else OPEN


def of_alike(found: Estimate, tolerated: float) -> str:
    """
    Whether two networks end alike, as claimed: their difference.

    They do if the whole interval is within ``tolerated`` of 0, they don't if all of it is outside.
    """
    if -tolerated < found.low and found.high < tolerated:
        return HOLDS
    return FAILS if found.low > tolerated or found.high < -tolerated else OPEN


def of_all_above(found: list[Estimate]) -> str:
    """
    Whether one classifier is above all others, as claimed: its differences from them.

    It is if every whole interval is above 0, it is not if any is below 0. The intervals are wider
    the more there are (Bonferroni), so that the confidence is that of the verdict.
    """
    if all(each.low > 0 for each in found):
        return HOLDS
    return FAILS if any(each.high < 0 for each in found) else OPEN
