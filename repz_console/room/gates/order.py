"""Whether a step keeps to the plan's order, and to its guard where it goes to no planned stage."""

from __future__ import annotations

from repz_console.facts import Exposure, Verdict
from repz_console.plan import exposure as exposures
from repz_console.room import words
from repz_console.room.gates.evidence import Evidence
from repz_console.room.views import GateView

ORDER = "order"


def gate_of(evidence: Evidence) -> GateView:
    """Stages are entered one after the other; what is no stage lies within the next one and is not too far at once."""
    fault = _fault(evidence)
    if fault:
        return GateView(ORDER, "In order", Verdict.FAIL, fault)
    following = evidence.next
    line = f"{following.title} is next" if following is not None else "no stage is left"
    return GateView(ORDER, "In order", Verdict.PASS, line)


def _fault(evidence: Evidence) -> str:
    following, target = evidence.next, evidence.target
    if target is None or not exposures.widens(evidence.basis, target):
        return ""
    if following is None:
        return "no stage is left: the plan goes no further"
    limits = exposures.of_stage(evidence.rollout, following)
    if evidence.enters is None:
        return _beyond(target, limits, following.title)
    if evidence.enters is not following:
        return f"{following.title} comes first, before {evidence.enters.title}"
    if exposures.cells(target) == exposures.cells(limits):
        return ""
    return _too_far(evidence.basis, target, evidence.rollout.max_step)


def _beyond(target: Exposure, limits: Exposure, title: str) -> str:
    most = exposures.cells(limits)
    for (region, feature), share in sorted(exposures.cells(target).items()):
        limit = most.get((region, feature), 0.0)
        if share <= limit:
            continue
        if not limits.percent.get(region):
            return f"{region} is not in {title}, which is next"
        if not limit:
            return f"{feature} is not in {title}, which is next"
        return f"{words.percent(share)} of {region} is beyond {title}, which is next ({words.percent(limit)})"
    return f"it is not within {title}, which is next"


def _too_far(basis: Exposure, target: Exposure, most: float) -> str:
    for region in sorted(target.percent):
        points = exposures.share(target, region) - exposures.share(basis, region)
        if points > most:
            return f"{region} rises by {round(points, 2):g} points at once (at most {most:g} outside the stages)"
    return ""
