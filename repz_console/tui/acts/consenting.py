"""Gates that do not pass, approvals, and the line: what somebody may agree to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.facts import Verdict
from repz_console.room.views import ApprovalView, GateView, RolloutView, WaiverView
from repz_console.tui.acts.comparing import described, said_once
from repz_console.tui.acts.telling import tell
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.checks import minutes_mistake
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Challenge, Form
from repz_console.tui.dialogs.letters import Letter, Letters
from repz_console.tui.dialogs.lists import Reader
from repz_console.tui.paint.base import Brush, Line
from repz_console.tui.paint.rollout_enter import target_of
from repz_console.tui.paint.rollout_side import evidence
from repz_console.tui.paint.times import moment, zone_of

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_WAIVED = "60"
"""Minutes for which a waiver is proposed."""


async def gate(app: ConsoleApp, rollout: RolloutView, shown: GateView) -> None:
    """Show what a gate stands on, and what can be done about it."""
    waiting = next((one for one in rollout.waivers if one.gate == shown.id and not one.second), None)
    letters = [
        Letter("w", "waive", "Ask to go on though it is not known. Another person has to agree.", _unwaivable(shown)),
        Letter("s", "second", "Agree to the waiver that waits.", _unseconded(waiting)),
        Letter("o", "override", "Go on though it fails. Only the launch director, in red.", _unforced(shown)),
    ]
    if shown.verdict is Verdict.PASS:
        await app.ask(Reader(shown.title, lambda width, _: _stands_on(app, shown, width)))
        return
    letter = await app.ask(Letters(shown.title, lambda width, _: _stands_on(app, shown, width), letters))
    if letter == "w":
        await _waive(app, rollout, shown)
    elif letter == "s" and waiting is not None:
        await waiver(app, rollout, waiting)
    elif letter == "o":
        await _override(app, rollout, shown)


def _stands_on(app: ConsoleApp, shown: GateView, width: int) -> list[Line]:
    return evidence(shown, app.room, Brush(app.pane_size, app.choice, app.glyphs), width)


def _unwaivable(shown: GateView) -> str:
    if shown.excused:
        return "it is excused already"
    if shown.verdict is Verdict.FAIL:
        return "it fails: only what is not known can be waived"
    return "" if shown.waivable else "anybody can cure it at once, so nobody waives it"


def _unseconded(waiting: WaiverView | None) -> str:
    return "nobody asked for a waiver" if waiting is None else waiting.may_second


def _unforced(shown: GateView) -> str:
    if shown.excused:
        return "it is excused already"
    return "" if shown.verdict is Verdict.FAIL else "it does not fail; ask for a waiver"


def _stage(rollout: RolloutView) -> str:
    return rollout.next.id if rollout.next is not None else ""


async def _waive(app: ConsoleApp, rollout: RolloutView, shown: GateView) -> None:
    fields = [
        Text("reason", "Reason", needed=True),
        Text("minutes", "For minutes", _WAIVED, hint="minutes", needed=True, limit=5, check=minutes_mistake),
    ]
    intro = paragraphs([said_once(f"{shown.title}: {shown.line}"), "", "It holds once somebody else agrees."], 60)
    answer = await app.ask(Form("Ask for a waiver", fields, intro=intro, submit="Ask", dangerous=True))
    if answer is not None:
        minutes = float(answer["minutes"])
        tell(app, await app.live.council.waive(rollout.id, shown.id, answer["reason"], minutes, _stage(rollout)))


async def waiver(app: ConsoleApp, rollout: RolloutView, asked: WaiverView) -> None:
    """Agree to a waiver, or see why not."""
    until = moment(asked.until, app.now, zone_of(app.room.clock.zone))
    shown = next((one for one in rollout.gates if one.id == asked.gate), None)
    said = [
        f"{asked.who} asks to go on with {asked.stage or rollout.title} until {until} although "
        f"{shown.title if shown is not None else asked.gate} is not known.",
        f"Reason: {asked.reason}",
        *([f"It says now: {shown.line}"] if shown is not None else []),
    ]
    if await _agreed(app, "Agree to a waiver", said, f"second {asked.gate}", "Agree", asked.may_second):
        tell(app, await app.live.council.second(rollout.id, asked.waiver))


async def _override(app: ConsoleApp, rollout: RolloutView, shown: GateView) -> None:
    launch = app.room.launch
    stage = rollout.next.title if rollout.next is not None else rollout.title
    texts = [
        said_once(f"{shown.title}: {shown.line}"),
        "",
        f"{stage} could be entered all the same. It shows in red to everybody.",
    ]
    form = Form(
        "Override", [Text("reason", "Reason", needed=True)], intro=paragraphs(texts, 60), submit="Go on", dangerous=True
    )
    answer = await app.ask(form)
    if answer is None:
        return
    challenge = Challenge("Override", paragraphs(texts, 60), f"override {shown.id}", launch.environment, "Override")
    if await app.ask(challenge) is None:
        app.say("Cancelled; nothing was overridden.")
        return
    tell(app, await app.live.council.override(rollout.id, shown.id, answer["reason"], _stage(rollout)))


async def _agreed(app: ConsoleApp, title: str, texts: list[str], phrase: str, submit: str, refused: str) -> bool:
    """Whether somebody agrees. Whoever launches alone types it out, as nobody else looks at it."""
    intro = paragraphs([*texts, ""], 60)
    if app.room.launch.solo and not refused:
        return await app.ask(Challenge(title, intro, phrase, app.room.launch.environment, submit)) is not None
    form = Form(title, intro=intro, submit=submit, dangerous=True, disabled=refused)
    return await app.ask(form) is not None


async def approval(app: ConsoleApp) -> None:
    """Approve what was asked, or ask for it."""
    rollout = app.rollout
    if rollout is None:
        return
    asked = rollout.approval
    if asked is not None and not asked.void and not (asked.may_give and _mine(app, asked)):
        await approve(app, rollout, asked)
        return
    wanted = target_of(rollout, app.choices["rollout"])
    if wanted is None:
        app.say("No stage is left to ask for; the arrows draft a percent.", "warn")
        return
    target, stage = wanted
    texts = [
        f"Others are asked to approve {rollout.title} on {app.room.launch.environment}:",
        f"to {described(target, rollout)}" + (f", stage {stage}" if stage else ""),
        "It holds for this target, this plan and what is known now.",
    ]
    form = Form(
        "Ask for approval", [Text("reason", "Reason")], intro=paragraphs(texts, 60), submit="Ask", dangerous=True
    )
    answer = await app.ask(form)
    if answer is not None:
        tell(app, await app.live.council.ask(rollout.id, target, stage, answer["reason"]))


def _mine(app: ConsoleApp, asked: ApprovalView) -> bool:
    """Whether this operator asked: alone in a launch they may ask again, but see the answer first."""
    actor = app.live.actor
    return asked.who == f"{actor.user}@{actor.host}" and len(asked.given) < asked.needed


async def approve(app: ConsoleApp, rollout: RolloutView, asked: ApprovalView) -> None:
    """Show exactly what is approved, and approve it."""
    zone = zone_of(app.room.clock.zone)
    configured = rollout.configured.exposure
    texts = [
        f"{asked.who} asks, at {moment(asked.at, app.now, zone)}, to take {rollout.title}",
        f"on {app.room.launch.environment}",
        f"from {described(configured, rollout) if configured is not None else 'unknown'}",
        f"to {described(asked.target, rollout)}" + (f", stage {asked.stage}" if asked.stage else ""),
        f"{len(asked.given)} of {asked.needed} approved" + (f": {', '.join(asked.given)}" if asked.given else ""),
    ]
    if asked.until is not None:
        texts.append(f"It holds until {moment(asked.until, app.now, zone)}.")
    texts += [f"{one.title}: {one.verdict.value}: {one.line}" for one in rollout.gates if not one.lets_pass]
    refused = asked.void or asked.may_give
    if await _agreed(app, "Approve", texts, f"approve {asked.stage or 'target'}", "Approve", refused):
        tell(app, await app.live.council.approve(rollout.id, asked.ask))
