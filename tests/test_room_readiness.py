"""What a look at the way back says, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from repz_console.plan.model import Part
from repz_console.room import readiness
from repz_console.room.rollout_views import LookView
from tests.support import rooms
from tests.support.rooms import NOW, Making


def look(kill: str = "", roll_back: str = "", *, seconds: float = 5, controller: str = "flagd") -> LookView:
    return LookView(controller, roll_back or kill, kill, NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("found", "state", "line"),
    [
        (None, "unknown", "not looked at yet"),
        (look(), "ready", "roll back and kill would work now"),
        (look("403 Forbidden"), "not ready", "403 Forbidden"),
        (look("", "it cannot be read"), "ready", "a kill would work now, a roll back would fail: it cannot be read"),
        (look(seconds=119), "ready", "roll back and kill would work now"),
        (look(seconds=120), "unknown", "not looked at since 2027-02-03 14:01:20 UTC"),
        (look("403 Forbidden", seconds=120), "unknown", "not looked at since 2027-02-03 14:01:20 UTC"),
        (look(seconds=-120), "unknown", "not looked at since 2027-02-03 14:05:20 UTC"),
    ],
)
def test_a_look_is_believed_for_two_minutes(found: LookView | None, state: str, line: str) -> None:
    view = readiness.view("flagd", found, NOW)
    assert (view.state, view.line) == (state, line)


def test_the_status_line_names_the_first_backend_that_could_not_be_killed() -> None:
    flagd, unleash = (readiness.view(each, look(controller=each), NOW) for each in ("flagd", "unleash"))
    refused = readiness.view("unleash", look("403 Forbidden", controller="unleash"), NOW)
    unknown = readiness.view("flagd", None, NOW)
    assert readiness.kill([]) == ""
    assert readiness.kill([flagd, unleash]) == ""
    assert readiness.kill([flagd, refused, flagd]) == "KILL 1 of 2: unleash: 403 Forbidden"
    assert readiness.kill([unknown, refused]) == "KILL 0 of 2: unleash: 403 Forbidden"
    assert readiness.kill([unknown, unleash]) == "KILL 1 of 2: flagd: not looked at yet"
    assert readiness.kill([unknown]) == "KILL not looked at yet"


def test_a_look_that_finds_the_same_is_no_news_until_looks_stop() -> None:
    making = Making().running()
    room = making.room()
    room.update(looks={"flagd": look(seconds=30)})
    before = room.view(NOW).rollout
    assert before.kill == ""
    room.update(looks={"flagd": look(seconds=0)})
    assert room.view(NOW).rollout is before
    # The first look would be too old by now, the second is not.
    making.now = NOW + timedelta(seconds=100)
    making.exposed(rooms.stage("tuesday"), op="op-3", by="ana")
    making.tell(room)
    assert room.view(making.now).rollout.kill == ""
    assert room.view(NOW + timedelta(seconds=120)).rollout.kill.startswith("KILL 0 of 1: flagd: not looked at since")


def test_a_rollout_of_several_backends_has_an_answer_for_each() -> None:
    making = Making().running()
    ramp = making.plan.rollout["production"]
    parts = (Part(controller="flagd", features=ramp.stage[0].features), Part(controller="unleash"))
    making.plan = rooms.replace(
        making.plan, rollout={"production": rooms.replace(ramp, controller="flagd", part=parts)}
    )
    room = making.room()
    room.update(looks={"flagd": look(), "unleash": look("401 Unauthorized", controller="unleash")})
    view = room.view(NOW).rollout
    assert [(each.controller, each.state) for each in view.rollouts[0].readiness] == [
        ("flagd", "ready"),
        ("unleash", "not ready"),
    ]
    assert view.kill == "KILL 1 of 2: unleash: 401 Unauthorized"
