"""Rooms in which people have to agree, or in which a change or an automatism did not go as it should."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from repz_console import events
from repz_console.plan.ramp import Automatic, MetricRule
from repz_console.room.views import LookView, RoomView
from tests.support import polls, rooms
from tests.support.polls import Polled
from tests.support.rooms import ANA, BO, CY


class Looked(Polled):
    """As `Polled`, on a console that found that it could kill."""

    looks: Mapping[str, LookView] = {}

    def view(self) -> RoomView:
        room = self.room()
        looks = {"flagd": LookView("flagd", "", "", self.ago(seconds=20)), **self.looks}
        room.update(looks=looks)
        return room.view(self.now)


def polled() -> RoomView:
    """The technical poll is open: one GO, one NO-GO, and an approval waits."""
    making = Looked(polls.plan(approvals=1), me=BO)
    making.call().say("tech").say("support", "NO-GO", "two people are ill", minutes=3)
    return making.asked().view()


def armed() -> RoomView:
    """Everybody said GO."""
    return Looked().unanimous().view()


def partial() -> RoomView:
    """A change was applied at one of three steps."""
    making = Looked()
    target = rooms.stage("wednesday", of=making.plan)
    intent = events.ChangeIntended("op-4", "production", "set", target, None, "17", "on schedule", stage="wednesday")
    making.wrote(intent, ANA, minutes=3).wrote(events.ChangeSent("op-4"), ANA, minutes=3)
    for number, (controller, scope, outcome) in enumerate(
        (("api", "core", "applied"), ("flagd", "adaptive", "refused")), 1
    ):
        step = events.ChangeStepped("op-4", number, 3, controller, (scope,))
        making.wrote(step, ANA, minutes=3)
        making.wrote(replace(step, outcome=outcome, why="" if outcome == "applied" else "no permission"), minutes=2)
    why = "1 of 3 applied: api; not flagd: no permission; web was not begun"
    making.wrote(events.ChangeEnded("op-4", "partial", why=why), ANA, minutes=2)
    return making.view()


def overridden() -> RoomView:
    """The director goes on although a bug is open."""
    making = Looked()
    making.bugs(making.bug("B7K2Q", "P1", "Login loops", assignee="bo", hours=2))
    line = "P1 bugs: 1 open (B7K2Q): blocks from Beta"
    override = events.GateOverridden("production", "wednesday", "p1", line, "known and harmless")
    return making.wrote(override, ANA, minutes=3).unanimous().view()


def unarmed() -> RoomView:
    """The plan arms a roll back, and no recorder runs; this user could not kill either."""
    plan = polls.plan()
    automatic = Automatic(watch=(MetricRule(metric="errors"),), hold=True, roll_back=True, dead_man_minutes=30)
    production = replace(plan.rollout["production"], automatic=automatic)
    making = Looked(replace(plan, rollout={**plan.rollout, "production": production}), me=CY)
    making.looks = {"flagd": LookView("flagd", "no permission", "flags.json: permission denied", making.ago(seconds=5))}
    return making.unanimous().view()


def stopped() -> RoomView:
    """Somebody stopped the line."""
    return Looked().unanimous().wrote(events.LineStopped("payments fail"), CY, minutes=1).view()


ALL: Mapping[str, Callable[[], RoomView]] = {
    make.__name__: make for make in (polled, armed, partial, overridden, unarmed, stopped)
}
"""Each by name."""
ME = {"polled": BO, "unarmed": CY}
"""Whose screen it is, where it is not ana's."""
