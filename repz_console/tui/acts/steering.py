"""Changing a rollout: compare, challenge, apply; and settling what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from repz_console.engine.rehearsal import Calls
from repz_console.facts import Exposure
from repz_console.plan.exposure import same
from repz_console.room.gates import CHANGE
from repz_console.room.views import RolloutView, SourceView
from repz_console.tui.acts.comparing import comparison, described, said_once
from repz_console.tui.acts.draft import typed_target
from repz_console.tui.acts.telling import tell
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.checks import minutes_mistake, percent_mistake
from repz_console.tui.dialogs.fields import Choice, Text
from repz_console.tui.dialogs.form import Challenge, Form, confirm
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import count, exposure_percent, plain
from repz_console.tui.paint.rollout_enter import Target, target_of
from repz_console.tui.paint.sentences import exposed
from repz_console.tui.paint.times import lasting

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_BELIEVED = "30"
"""Minutes for which an observation is proposed to be believed."""


async def compare(app: ConsoleApp) -> None:
    """Compare the draft, or the next stage without one, with what is configured, and apply it."""
    rollout = app.rollout
    target = target_of(rollout, app.choices["rollout"]) if rollout is not None else None
    if rollout is not None and target is not None:
        await _apply(app, rollout, target)


async def roll_forward(app: ConsoleApp) -> None:
    """Go on with a change of which only some steps were applied."""
    rollout = app.rollout
    if rollout is not None and rollout.change is not None:
        await _apply(app, rollout, Target(rollout.change.target, rollout.change.stage))


async def _apply(app: ConsoleApp, rollout: RolloutView, wanted: Target) -> None:
    """Show what it would mean; a widening needs the typed challenge besides."""
    target, stage = wanted
    configured = rollout.configured.exposure
    change = rollout.change
    forward = change is not None and change.state == "partial" and same(change.target, target)
    if configured is not None and same(configured, target) and not forward:
        app.say("That is what is configured already.")
        return
    would = app.live.forecast(rollout.id, target, stage)
    if forward:
        # What went in part stands in the way of everything but the rest of it.
        itself = [f"{gate.title}: {gate.line}" for gate in rollout.gates if gate.id == CHANGE]
        would = replace(would, closed=tuple(line for line in would.closed if line not in itself))
    widening = would.way == "widens"
    calls: list[Calls] = []
    asking = app.background(_rehearse(app, rollout, target, calls))
    answer = await app.ask(
        Form(
            f"{rollout.title}: {exposure_percent(configured)} to {exposure_percent(target)}",
            [Text("reason", "Reason", hint="for the journal")],
            intro=lambda width, glyphs: comparison(rollout, would, calls, width, glyphs),
            submit="Go on" if widening else "Apply",
            dangerous=True,
            disabled=said_once(would.closed[0]) if would.closed else "",
            wide=76,
        )
    )
    asking.cancel()
    if answer is None:
        return
    if widening and not await _challenged(app, rollout, target, stage):
        app.say("Cancelled; nothing was changed.")
        return
    app.say(f"{rollout.title}: sending {exposed(target)} ...", "info")
    outcome = await app.live.control.change(
        rollout.id,
        "set",
        target,
        reason=answer["reason"],
        expect=rollout.revision,
        stage=stage,
        evidence=_evidence(app, rollout),
    )
    if outcome.state == "confirmed":
        app.choose(tab="rollout", draft=None, draft_stage="")
    tell(app, outcome)


async def _rehearse(app: ConsoleApp, rollout: RolloutView, target: Exposure, calls: list[Calls]) -> None:
    """Fill in what would be sent, beside the dialog: a backend that hangs must not keep it from opening."""
    calls += await app.live.calls(rollout.id, target)
    app.front.show_dialog()


async def _challenged(app: ConsoleApp, rollout: RolloutView, target: Exposure, stage: str) -> bool:
    launch = app.room.launch
    intro = paragraphs(
        [
            f"{rollout.title} on {launch.environment} ({launch.backend}) widens:",
            f"from {exposed(rollout.configured.exposure)}",
            f"to {described(target, rollout)}",
        ],
        60,
    )
    challenge = Challenge("Confirm", intro, typed_target(rollout, target, stage), launch.environment, "Widen")
    return await app.ask(challenge) is not None


def _evidence(app: ConsoleApp, rollout: RolloutView) -> dict[str, Any]:
    """What stood on the screen when it was decided."""
    source = _controller(app, rollout)
    at = source.last_ok_at if source is not None else None
    return {
        "gates": {gate.id: f"{gate.verdict.value}: {gate.line}" for gate in rollout.gates},
        "read_back_at": at.isoformat() if at else "",
        "data": app.room.sources.worst.value,
        "plan": app.room.launch.plan_hash,
    }


async def resume(app: ConsoleApp) -> None:
    """Lift the hold."""
    rollout = app.rollout
    if rollout is None or rollout.hold is None:
        return
    hold = rollout.hold
    intro = paragraphs([f"{hold.who} holds it: {hold.reason or 'no reason given'}", ""], 60)
    answer = await app.ask(
        Form(f"Resume {rollout.title}?", [Text("reason", "Reason")], intro=intro, submit="Resume", dangerous=True)
    )
    if answer is not None:
        tell(app, await app.live.control.resume(rollout.id, answer["reason"]))


async def reread(app: ConsoleApp) -> None:
    """Read the backend again now."""
    if app.rollout is not None and await _read_back(app, app.rollout):
        now = app.rollout
        app.say(f"Read back: {exposed(now.configured.exposure) if now else 'nothing'}", "ok")


async def _read_back(app: ConsoleApp, rollout: RolloutView) -> bool:
    """Read the backend again now, or say why that cannot be done."""
    await app.live.refresh_rollout(rollout.id)
    source = _controller(app, rollout)
    if source is not None and source.error:
        app.say(f"Not read back: {source.error}", "bad")
        return False
    return True


def _controller(app: ConsoleApp, rollout: RolloutView) -> SourceView | None:
    """The backend to look at first: one that does not answer, if there is one."""
    found = [source for source in app.room.sources.sources if source.id in rollout.controllers]
    return next((source for source in found if source.error), found[0] if found else None)


async def accept(app: ConsoleApp) -> None:
    """Settle what nobody knows by what the backend shows, because a person has looked."""
    asked = app.rollout
    if asked is None or not await _read_back(app, asked):
        return
    rollout = next((each for each in app.room.rollout.rollouts if each.id == asked.id), asked)
    read_at, backend = app.now, rollout.backend

    def intro(width: int, _glyphs: Glyphs) -> list[Line]:
        return paragraphs(
            [
                f"{backend} shows {exposed(rollout.configured.exposure)}, read back {lasting(app.now - read_at)} ago.",
                f"{count(len(rollout.unknown), 'change')} of {rollout.title} on {app.room.launch.environment} may have "
                "happened or not, and this console could not find out."
                if rollout.unknown
                else f"{next(iter(rollout.drift), rollout.title)}.",
                "",
                f"Look first with the tools of {backend} itself: is anything of it still under way? What came later "
                "would come unseen.",
                "",
                "Nothing is sent. What it then shows counts as decided, and may be widened again.",
            ],
            width,
        )

    if await app.ask(confirm(f"Accept what {backend} shows?", intro, "Accept")) is not None:
        app.say(f"{rollout.title}: looking twice ...", "info")
        tell(app, await app.live.control.accept(rollout.id, rollout.configured.exposure))


async def observe(app: ConsoleApp) -> None:
    """Enter what a backend shows that the console cannot ask."""
    rollout = app.rollout
    if rollout is None:
        return
    seen = rollout.configured.exposure or rollout.desired.exposure
    shares = seen.percent if seen is not None else {}
    controllers = rollout.controllers
    fields = [
        *([Choice("controller", "Backend", [(each, each) for each in controllers])] if len(controllers) > 1 else []),
        *(
            Text(
                f"region {region}",
                title,
                plain(shares.get(region, 0.0), 2),
                limit=6,
                needed=True,
                check=percent_mistake,
            )
            for region, title in rollout.regions
        ),
        Text("features", "Features", " ".join(seen.features if seen is not None else ()), hint="ids, none if empty"),
        Text("minutes", "Believed for minutes", _BELIEVED, hint="minutes", limit=5, needed=True, check=minutes_mistake),
    ]
    intro = paragraphs(["What it shows now, read with its own tools. A gate may pass on what you enter."], 60)
    answer = await app.ask(Form(f"What {rollout.backend} shows", fields, intro=intro, submit="Record", dangerous=True))
    if answer is None:
        return
    percent = {region: float(answer[f"region {region}"].removesuffix("%")) for region, _ in rollout.regions}
    exposure = Exposure(percent, tuple(sorted(answer["features"].replace(",", " ").split())))
    controller = answer.get("controller", controllers[0])
    lost = rollout.unknown[-1].op if rollout.unknown else ""
    minutes = float(answer["minutes"])
    tell(app, await app.live.council.observe(rollout.id, controller, exposure, minutes, op=lost))
