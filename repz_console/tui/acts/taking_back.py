"""The way back: hold, roll back, kill, or one feature off, by a letter and nothing else."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from repz_console.engine.outcome import Outcome
from repz_console.facts import Exposure
from repz_console.plan.exposure import at_most
from repz_console.room.views import RolloutView
from repz_console.tui.acts.telling import raise_alarm, tell
from repz_console.tui.dialogs.letters import Letter, Letters, WayBack, Ways
from repz_console.tui.paint.format import exposure_percent
from repz_console.tui.paint.sentences import exposed

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

log = logging.getLogger(__name__)

_DID = {"h": "NOT HELD", "b": "NOT ROLLED BACK", "k": "NOT KILLED", "f": "NOT SWITCHED OFF"}
"""What a way back did not do, by its letter."""
_FEATURE_KEYS = "acdefgijlmnpqrstuvwxyz"
"""Of the features, in their order: none of the letters that hold, roll back or kill."""


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
    feature = ""
    if letter == "f":
        feature = await _which(app, rollout) or ""
        if not feature:
            return
    if letter == again:
        if below is not None:
            below.paste(again)
            app.front.show_dialog()
        return
    if letter != "h":
        # What was drafted before is not what anybody means afterwards.
        app.choose(tab="rollout", draft=None, draft_stage="")
    app.say(f"{rollout.title}: under way ...", "warn")
    # Beside this action: a kill may be sent again for half a minute, and the key has to open meanwhile.
    app.background(_see_it_done(app, rollout, letter, feature))


async def _which(app: ConsoleApp, rollout: RolloutView) -> str | None:
    """The feature that goes off, by a letter of its own."""
    on = _on(rollout)
    keys = dict(zip(_FEATURE_KEYS, on, strict=False))
    titles = dict(rollout.features)
    letters = [Letter(key, titles.get(each, each), "Nobody sees it any more.") for key, each in keys.items()]
    intro = [f"{rollout.title} on {app.room.launch.environment}: the others stay as they are."]
    letter = await app.ask(Letters("One feature off", intro, letters))
    return keys[letter] if letter is not None else None


def _on(rollout: RolloutView) -> list[str]:
    """Features that anybody may see now, in the plan's order; all of them where that is not known."""
    known = [identity for identity, _ in rollout.features]
    configured = rollout.configured.exposure
    if configured is None:
        return known
    return [each for each in known if each in configured.features] + sorted(set(configured.features) - set(known))


async def _see_it_done(app: ConsoleApp, rollout: RolloutView, letter: str, feature: str) -> None:
    try:
        outcome = await _take_back(app, rollout, letter, feature)
    except Exception as error:
        # Whatever it was: nobody may take the way back for done.
        log.exception("a way back failed")
        outcome = Outcome("unknown", f"{rollout.id}: this should not have happened: {type(error).__name__}: {error}")
    if outcome.state == "confirmed":
        tell(app, outcome)
    else:
        raise_alarm(app, outcome, _DID[letter], _advice(app, rollout, letter))


async def _take_back(app: ConsoleApp, rollout: RolloutView, letter: str, feature: str) -> Outcome:
    control = app.live.control
    if letter == "h":
        return await control.hold(rollout.id, "")
    if letter == "f":
        # Everything else as it is: the roll back takes the smaller of this and what is configured by then.
        everywhere = dict.fromkeys((region for region, _ in rollout.regions), 100.0)
        others = tuple(sorted({identity for identity, _ in rollout.features} - {feature}))
        kept = Exposure(everywhere, others)
        return await control.change(rollout.id, "rollback", kept, reason=f"{feature} off", expect="")
    if letter == "b":
        return await control.change(rollout.id, "rollback", None, reason="", expect="")
    return await control.change(rollout.id, "kill", None, reason="", expect="")


def _advice(app: ConsoleApp, rollout: RolloutView, letter: str) -> list[str]:
    """What there is to do after a way back that did not come about."""
    command = {"h": "hold", "b": "rollback", "k": "kill", "f": "kill"}[letter]
    config = app.live.loaded.path
    again = f"The same from any shell: repz-console --config {config} rollout {command} {rollout.id}"
    if letter == "h":
        return ["Tell whoever has the conn not to widen, and try again: !, then h.", again]
    kill = "A kill asks for less: !, then k." if letter in "bf" else "Try again: !, then k."
    card = f"Without the console: K on the Rollout tab, or `repz-console rollout card {rollout.id}`, has the commands."
    return [kill, again, card]


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
    if len(_on(rollout)) > 1:
        letters.append(Letter("f", "feature off", "One feature for nobody, the others as they are: then which."))
    if len(app.room.rollout.rollouts) > 1:
        letters.append(Letter("o", "other", "Another rollout of this plan.", harmless=True))
    title = f"WAY BACK  {launch.environment}  {rollout.title}  {now}"
    intro = [f"{rollout.title} on {launch.environment} ({rollout.backend}): {exposed(configured)} now."]
    return Ways(title, f"{now}  {launch.environment}  {rollout.title}", intro, letters)
