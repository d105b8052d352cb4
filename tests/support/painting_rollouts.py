"""The rollout of `painting.py` in what people have to agree to, and in what can go wrong with it."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from repz_console.facts import Verdict
from repz_console.room import views
from tests.support.painting import NOW, ROLLOUT, ROOM, STAGES, ago, truth


def room_of(*rollouts: views.RolloutView) -> views.RoomView:
    """The room with these rollouts."""
    return replace(ROOM, rollout=replace(ROOM.rollout, rollouts=rollouts, blocker=""))


def _station(
    seat: str, title: str, number: int, answer: str = "", line: str = "silent, which counts as NO-GO", **more: object
) -> views.StationView:
    assert answer in ("GO", "NO-GO", "GO-IF", "")
    made = views.StationView(seat, title, number, "", False, answer, answer == "GO", "", line, False)
    return replace(made, **more)


POLL = views.PollView(
    "launch",
    "Launch go/no-go",
    "wednesday",
    "run-1",
    0,
    (
        _station("qa", "QA", 0, "GO", "GO by cy@jump 09:01", criteria=("No open P0",)),
        _station("support", "Support", 0, "NO-GO", "NO-GO by bo@jump 09:02: two people are ill"),
        _station("tech", "Tech", 0, "GO", "GO by dee@jump 08:20", stands=False, stale="older than 30 min"),
        _station("product", "Product", 0, holder="ana@jump", mine=True, turn=True, criteria=("Pricing is live",)),
        _station("director", "Launch director", 1, "GO-IF", "GO-IF by ana@jump: the banner is off by noon"),
    ),
    "NO-GO",
    None,
    "round 1 of 2: 1 of 4 GO",
    "Support says NO-GO",
)
FINE = replace(
    ROLLOUT,
    drift=(),
    gates=tuple(replace(gate, verdict=Verdict.PASS) for gate in ROLLOUT.gates),
    verdict=Verdict.PASS,
    where=tuple(replace(region, desired=region.configured) for region in ROLLOUT.where),
    of_all=27.04,
    stages=tuple(
        replace(stage, of_all=share, due=stage.id == "wednesday")
        for stage, share in zip(STAGES, (12.0, 27.04, 40.56, 80.0, 100.0), strict=True)
    ),
    next=replace(STAGES[2], of_all=40.56, due=True),
    due="Wednesday 60 % was planned for 3 Feb",
)
ASKED = replace(
    FINE,
    gates=(
        *FINE.gates,
        views.GateView("poll", "Launch go/no-go", Verdict.FAIL, "Support says NO-GO; Product is silent"),
    ),
    verdict=Verdict.FAIL,
    poll=POLL,
)
ARMED = replace(
    FINE,
    poll=replace(
        POLL,
        stations=tuple(replace(one, answer="GO", stands=True, stale="", turn=False) for one in POLL.stations),
        verdict="GO",
        armed_until=NOW + timedelta(minutes=42),
        line="unanimous",
        may_call="it is unanimous",
    ),
)
PARTIAL = replace(
    FINE,
    due="",
    change=views.ChangeView(
        "op-11",
        "set",
        "partial",
        STAGES[2].exposure,
        "ana",
        ago(minutes=2),
        "edge: 503 Service Unavailable",
        "wednesday",
        (
            views.PartView("api", ("core",), "applied"),
            views.PartView("flags", ("adaptive",), "applied"),
            views.PartView("edge", ("tiers",), "refused", "503 Service Unavailable"),
        ),
    ),
    readiness=(
        *FINE.readiness,
        views.ReadinessView("edge", "not ready", "its token may not write", ago(seconds=20)),
    ),
)
OVERRIDDEN = replace(
    FINE,
    gates=(
        *FINE.gates,
        views.GateView(
            "p1",
            "No open P1",
            Verdict.FAIL,
            "P1 bugs: 2 open (9, 14)",
            excused="overridden by ana@jump until the stage ends: known and harmless",
            overridden=True,
        ),
        views.GateView(
            "metric:errors",
            "Error rate",
            Verdict.INCONCLUSIVE,
            "last sample 94 s old (limit 60 s)",
            evidence=("0.04 % at 09:01:46 by apm", "limit 60 s"),
            waivable=True,
            excused="waived by bo@jump and cy@jump until 10:00: the probe is being moved",
        ),
    ),
    overrides=("No open P1 for Wednesday by ana@jump: known and harmless",),
)
UNARMED = replace(
    FINE,
    automatic="holds after 3 failing looks; dead man after 30 min",
    unarmed="no recorder runs: nothing is held or rolled back by itself",
    readiness=(replace(FINE.readiness[0], state="unknown"),),
)
SETTLING = replace(
    FINE,
    due="",
    settles_at=NOW + timedelta(seconds=40),
    measured=truth("measured", replace(STAGES[1].exposure, percent={"us": 31.2}), "probe", NOW),
    approval=views.ApprovalView(
        "ask-1", "wednesday", STAGES[2].exposure, "bo@jump", ago(minutes=3), NOW + timedelta(minutes=27), (), 1, "", ""
    ),
    waivers=(
        views.WaiverView(
            "w-1",
            "metric:errors",
            "wednesday",
            "bo@jump",
            "",
            "the probe is being moved",
            NOW + timedelta(hours=1),
            "",
        ),
    ),
)
STOPPED = replace(
    FINE,
    gates=(*FINE.gates, views.GateView("freeze", "No freeze", Verdict.FAIL, "the line is stopped by bo@jump: outage")),
    verdict=Verdict.FAIL,
    cannot="regions cannot have different shares",
)
ROLLOUTS = {
    "asked": ASKED,
    "armed": ARMED,
    "partial": PARTIAL,
    "overridden": OVERRIDDEN,
    "unarmed": UNARMED,
    "settling": SETTLING,
    "stopped": STOPPED,
}
"""One rollout each."""
