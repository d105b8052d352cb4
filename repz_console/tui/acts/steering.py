"""Changing a rollout: compare, challenge, apply; and the way back, which asks for one letter only."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from repz_console.engine.outcome import Outcome
from repz_console.facts import Exposure, Verdict
from repz_console.plan.exposure import at_most, cells, rising_cells, same, widens
from repz_console.room.views import GateView, RolloutView, SourceView
from repz_console.text import safe
from repz_console.tui.acts.draft import typed_target
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Challenge, Form, confirm
from repz_console.tui.dialogs.letters import Letter, WayBack, Ways
from repz_console.tui.dialogs.lists import Alarm
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import count, exposure_percent, fit, percent, regions_of
from repz_console.tui.paint.sentences import exposed
from repz_console.tui.paint.times import lasting
from repz_console.tui.paint.words import VERDICT_ROLE

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

log = logging.getLogger(__name__)

_DID = {"h": "NOT HELD", "b": "NOT ROLLED BACK", "k": "NOT KILLED"}
"""What a way back did not do, by its letter."""
_OUTCOME_ROLE = {"confirmed": "ok", "denied": "warn", "refused": "bad", "rejected": "bad", "unknown": "bad"}


async def apply(app: ConsoleApp) -> None:
    """Compare the draft with what is configured; a widening needs the typed challenge."""
    rollout, choice = app.rollout, app.choices["rollout"]
    if rollout is None or choice.draft is None:
        return
    draft, stage = choice.draft, choice.draft_stage
    configured = rollout.configured.exposure
    if configured is not None and same(configured, draft):
        app.say("The draft is what is configured already.")
        return
    widening = widens(configured, draft)
    blockers = _blockers(rollout) if widening else []
    answer = await app.ask(
        Form(
            f"{rollout.title}: {exposure_percent(configured)} to {exposure_percent(draft)}",
            [Text("reason", "Reason", hint="for the journal")],
            intro=lambda width, glyphs: _difference(rollout, draft, stage, width, glyphs),
            submit="Go on" if widening else "Apply",
            dangerous=True,
            disabled=blockers[0] if blockers else "",
            wide=72,
        )
    )
    if answer is None:
        return
    if widening and not await _challenged(app, rollout, draft, stage):
        app.say("Cancelled; nothing was changed.")
        return
    app.say(f"{rollout.title}: sending {exposed(draft)} ...", "info")
    outcome = await app.live.control.change(
        rollout.id,
        "set",
        draft,
        reason=answer["reason"],
        expect=rollout.revision,
        stage=stage,
        evidence=_evidence(app, rollout),
    )
    if outcome.state == "confirmed":
        app.choose(tab="rollout", draft=None, draft_stage="")
    _tell(app, outcome)


async def _challenged(app: ConsoleApp, rollout: RolloutView, draft: Exposure, stage: str) -> bool:
    launch = app.room.launch
    intro = paragraphs(
        [
            f"{rollout.title} on {launch.environment} ({launch.backend}) widens:",
            f"from {exposed(rollout.configured.exposure)}",
            f"to {_described(draft, rollout)}",
        ],
        60,
    )
    challenge = Challenge("Confirm", intro, typed_target(rollout, draft, stage), launch.environment, "Widen")
    return await app.ask(challenge) is not None


def _blockers(rollout: RolloutView) -> list[str]:
    return [f"{gate.title}: {gate.line}" for gate in rollout.gates if gate.verdict is not Verdict.PASS]


def _difference(rollout: RolloutView, draft: Exposure, stage: str, width: int, glyphs: Glyphs) -> list[Line]:
    """From and to, cell by cell, then what stands in the way."""
    configured = rollout.configured.exposure
    lines: list[Line] = [
        (("From  ", "muted"), (_described(configured, rollout) if configured else "unknown", "text")),
        (("To    ", "muted"), (_described(draft, rollout), "strong"), (f"  stage {stage}" if stage else "", "accent")),
        (),
    ]
    lines += _rising_and_falling(rollout, draft, glyphs)
    lines.append(())
    if not widens(configured, draft):
        return [*lines, (("Nobody sees more than before: no gate is asked.", "ok"),)]
    blocking = [gate for gate in rollout.gates if gate.verdict is not Verdict.PASS]
    lines += [_gate(gate, width, glyphs) for gate in blocking]
    passing = len(rollout.gates) - len(blocking)
    lines.append(((f"{passing} of {len(rollout.gates)} gates pass.", "warn" if blocking else "ok"),))
    return lines


def _described(exposure: Exposure, rollout: RolloutView) -> str:
    titles = dict(rollout.features)
    features = ", ".join(titles.get(feature, feature) for feature in exposure.features) or "no feature"
    return f"{exposure_percent(exposure)}, {regions_of(exposure, rollout.regions)}: {features}"


def _rising_and_falling(rollout: RolloutView, draft: Exposure, glyphs: Glyphs) -> list[Line]:
    """Every cell whose share changes. Features that change alike in the same regions share a line."""
    configured = rollout.configured.exposure
    before, after = cells(configured) if configured else {}, cells(draft)
    rising = rising_cells(configured, draft)
    by_feature: dict[str, dict[tuple[float, float, bool], list[str]]] = {}
    for region, feature in sorted(before.keys() | after.keys() | rising.keys()):
        cell = (region, feature)
        was, will = before.get(cell, 0.0), after.get(cell, 0.0)
        if was != will or cell in rising:
            by_feature.setdefault(feature, {}).setdefault((was, will, cell in rising), []).append(region)
    alike: dict[tuple[float, float, bool, tuple[str, ...]], list[str]] = {}
    for feature, moves in by_feature.items():
        for (was, will, rises), regions in moves.items():
            alike.setdefault((was, will, rises, tuple(regions)), []).append(feature)
    titles = dict(rollout.features)
    return [
        (
            (f"{percent(was):>6} {glyphs.arrow} {percent(will):>6}  ", "warn" if rises else "info"),
            (f"{' '.join(regions)}: ", "muted"),
            (", ".join(titles.get(feature, feature) for feature in features), "text"),
        )
        for (was, will, rises, regions), features in sorted(alike.items())
    ]


def _gate(gate: GateView, width: int, glyphs: Glyphs) -> Line:
    role = VERDICT_ROLE[gate.verdict]
    return (
        (f"{gate.verdict.value:<12} ", role),
        (fit(f"{gate.title}: {gate.line}", width - 13, glyphs.ellipsis), "text"),
    )


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
        _tell(app, await app.live.control.resume(rollout.id, answer["reason"]))


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
                "happened or not, and this console could not find out.",
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
        _tell(app, await app.live.control.accept(rollout.id, rollout.configured.exposure))


async def way_back(app: ConsoleApp) -> None:
    """Hold, roll back or kill the rollout shown, by a letter."""
    rollout = app.rollout
    if rollout is None:
        app.say("The plan has no rollout: there is nothing to take back.", "warn")
        return
    below = app.dialog
    again = "!" if below is not None and below.typing else ""
    while True:
        letter = await app.ask(WayBack(partial(_ways, app, rollout), again=again))
        if letter != "o":
            break
        rollouts = app.room.rollout.rollouts
        rollout = rollouts[([one.id for one in rollouts].index(rollout.id) + 1) % len(rollouts)]
    if letter is None:
        return
    if letter == again:
        if below is not None:
            below.paste(again)
            app.front.show_dialog()
        return
    app.say(f"{rollout.title}: under way ...", "warn")
    # Beside this action: a kill may be sent again for half a minute, and the key has to open meanwhile.
    app.background(_see_it_done(app, rollout, letter))


async def _see_it_done(app: ConsoleApp, rollout: RolloutView, letter: str) -> None:
    try:
        outcome = await _take_back(app, rollout, letter)
    except Exception as error:
        # Whatever it was: nobody may take the way back for done.
        log.exception("a way back failed")
        outcome = Outcome("unknown", f"{rollout.id}: this should not have happened: {type(error).__name__}: {error}")
    if outcome.state == "confirmed":
        _tell(app, outcome)
    else:
        _raise_alarm(app, outcome, _DID[letter], _advice(app, rollout, letter))


async def _take_back(app: ConsoleApp, rollout: RolloutView, letter: str) -> Outcome:
    control = app.live.control
    if letter == "h":
        return await control.hold(rollout.id, "")
    if letter == "b":
        return await control.change(rollout.id, "rollback", None, reason="", expect="")
    return await control.change(rollout.id, "kill", None, reason="", expect="")


def _advice(app: ConsoleApp, rollout: RolloutView, letter: str) -> list[str]:
    """What there is to do after a way back that did not come about."""
    command = {"h": "hold", "b": "rollback", "k": "kill"}[letter]
    config = app.live.loaded.path
    again = f"The same from any shell: repz-console --config {config} rollout {command} {rollout.id}"
    if letter == "h":
        return ["Tell whoever has the conn not to widen, and try again: !, then h.", again]
    kill = "A kill asks for less: !, then k." if letter == "b" else "Try again: !, then k."
    return [kill, again, f"If {rollout.backend} takes nothing from here, use its own tools."]


def _ways(app: ConsoleApp, asked: RolloutView) -> Ways:
    rollout = next((each for each in app.room.rollout.rollouts if each.id == asked.id), asked)
    launch, configured, good = app.room.launch, rollout.configured.exposure, rollout.last_good
    now = exposure_percent(configured)
    target = at_most(configured, good) if configured is not None and good is not None else good
    back = f"Go back to {exposed(target)}. It can only shrink." if good is not None else ""
    letters = [
        Letter("h", "hold", "Nobody widens it until somebody with the conn resumes. Nothing changes for users."),
        Letter(
            "b", "roll back", back, "" if good is not None else "no earlier exposure is known; k takes it to nobody"
        ),
        Letter("k", "kill", f"Nobody of {rollout.cohort} sees it any more, whatever stands in the way."),
    ]
    if len(app.room.rollout.rollouts) > 1:
        letters.append(Letter("o", "other", "Another rollout of this plan.", harmless=True))
    title = f"WAY BACK  {launch.environment}  {rollout.title}  {now}"
    intro = [f"{rollout.title} on {launch.environment} ({rollout.backend}): {exposed(configured)} now."]
    return Ways(title, f"{now}  {launch.environment}  {rollout.title}", intro, letters)


def _tell(app: ConsoleApp, outcome: Outcome) -> None:
    if outcome.state == "unknown":
        settle = "Nothing widens until it is settled: roll back (!, then b), kill (!, then k), or look and accept (v)."
        _raise_alarm(app, outcome, "UNKNOWN", [settle])
    else:
        app.say(outcome.line, _OUTCOME_ROLE[outcome.state])


def _raise_alarm(app: ConsoleApp, outcome: Outcome, title: str, advice: list[str]) -> None:
    """Say what did not come about so that nobody misses it, and what to do next."""
    app.say(outcome.line, "bad")
    app.show(Alarm("UNKNOWN" if outcome.state == "unknown" else title, safe(outcome.line, 2000), advice))
