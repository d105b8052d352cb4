"""How each area stands, in one line: a role and a text. The Room tab shows them under each other."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from repz_console.facts import PRIORITIES, Freshness
from repz_console.room.views import RoomView
from repz_console.tui.paint.base import Glyphs
from repz_console.tui.paint.format import count, exposure_percent, money, quantity
from repz_console.tui.paint.times import age, minute, zone_of
from repz_console.tui.paint.words import FRESHNESS_ROLE, TRUSTED, WORST_FIRST, health_role, open_bugs

_NAMED = 8
"""Tasks called by name in one line."""


class Standing(NamedTuple):
    """An area's state in one line."""

    tab: str
    """The tab that says more; empty where none does."""
    label: str
    role: str
    text: str
    aside: str = ""
    """What may be left out where room is short."""


def standings(view: RoomView, glyphs: Glyphs) -> list[Standing]:
    """Every area, in the order of the tabs."""
    return [_timeline(view), _rollout(view, glyphs), _health(view), _bugs(view), _budget(view), _sources(view)]


def _timeline(view: RoomView) -> Standing:
    timeline = view.timeline
    tasks = [task for section in timeline.sections for task in section.tasks]
    overdue = [task.title for task in tasks if task.state == "overdue"]
    active = [task.title for task in tasks if task.state == "active"]
    ticked = f"{timeline.items_done} of {timeline.items_total} items done"
    if timeline.freshness not in TRUSTED:
        ticked = f"ticks {timeline.freshness.value}"
    if not tasks:
        return Standing("timeline", "TIMELINE", "muted", "no task is planned", ticked if timeline.items_total else "")
    if overdue:
        return Standing("timeline", "TIMELINE", "bad", f"{len(overdue)} overdue: {_some(overdue)}", ticked)
    role = "ok" if timeline.freshness in TRUSTED else "warn"
    if active:
        return Standing("timeline", "TIMELINE", role, f"on time: {_some(active)}", ticked)
    return Standing("timeline", "TIMELINE", role, "on time, nothing is due now", ticked)


def _some(titles: list[str]) -> str:
    return ", ".join(titles[:_NAMED]) + (", ..." if len(titles) > _NAMED else "")


def _rollout(view: RoomView, glyphs: Glyphs) -> Standing:
    if not view.rollout.rollouts:
        return Standing("rollout", "ROLLOUT", "muted", "no rollout is planned")
    rollout = view.rollout.rollouts[0]
    share = exposure_percent(rollout.configured.exposure)
    configured = f"{share} of {rollout.cohort}" if rollout.configured.exposure is not None else "exposure unknown"
    aside = f"{rollout.backend} {rollout.revision}".strip()
    if rollout.unknown:
        several = count(len(rollout.unknown), "change")
        return Standing("rollout", "ROLLOUT", "bad", f"{configured}, {several} with UNKNOWN outcome", aside)
    if rollout.configured.freshness not in TRUSTED:
        role = FRESHNESS_ROLE[rollout.configured.freshness]
        text = f"{configured}, read-back {rollout.configured.freshness.value}"
        return Standing("rollout", "ROLLOUT", "bad" if role == "bad" else "warn", text, aside)
    if rollout.hold is not None:
        because = f": {rollout.hold.reason}" if rollout.hold.reason else ""
        return Standing("rollout", "ROLLOUT", "warn", f"{configured}, HELD by {rollout.hold.who}{because}", aside)
    if rollout.drift:
        return Standing("rollout", "ROLLOUT", "bad", f"DRIFT {rollout.drift[0]}", aside)
    if view.journal.damage:
        return Standing("rollout", "ROLLOUT", "warn", f"{configured} {glyphs.dot} what was decided is not known", aside)
    return Standing("rollout", "ROLLOUT", "ok", f"{configured} {glyphs.dot} no drift", aside)


def _health(view: RoomView) -> Standing:
    health = view.health
    role = health_role(health)
    if not health.metrics:
        return Standing("health", "HEALTH", "muted", "no metric is planned")
    counted = [f"{number} {word}" for number, word in ((health.missed, "missed"), (health.met, "met")) if number]
    counted += [f"{health.blind} blind"] if health.blind else []
    missed = [metric for metric in health.metrics if any(target.met is False for target in metric.targets)]
    first = next((metric for metric in missed if metric.value is not None), None)
    if first is not None and first.value is not None:
        return Standing(
            "health", "HEALTH", role, f"{', '.join(counted)}: {first.title} {quantity(first.value, first.unit)}"
        )
    return Standing("health", "HEALTH", role, ", ".join(counted) or "nothing to judge")


def _bugs(view: RoomView) -> Standing:
    bugs = view.bugs
    if bugs.freshness is Freshness.OFF:
        return Standing("bugs", "BUGS", "warn", "OFF: no source")
    counted = [f"{open_bugs(view, priority)} {priority}" for priority in PRIORITIES if open_bugs(view, priority)]
    aside = "" if bugs.freshness in TRUSTED else f"read {bugs.freshness.value}"
    blocking = [lane for lane in bugs.lanes if lane.blocking]
    role = "bad" if open_bugs(view, "P0") else "warn" if blocking or open_bugs(view, "P1") else "ok"
    if aside and role == "ok":
        role = "warn"
    text = f"{', '.join(counted)} open" if counted else "none open"
    if blocking and blocking[0].oldest is not None:
        text += f", oldest {blocking[0].priority} {age(view.clock.now - blocking[0].oldest)}"
    return Standing("bugs", "BUGS", role, text, aside)


def _budget(view: RoomView) -> Standing:
    budget = view.budget
    if budget is None:
        return Standing("budget", "BUDGET", "muted", "none is planned")
    if budget.freshness is Freshness.OFF:
        return Standing("budget", "BUDGET", "warn", "OFF: no source tells what was spent")
    over = [category for category in budget.categories if category.left < 0]
    total = money(budget.total, budget.currency)
    text = f"{money(budget.left, budget.currency)} left of {total}"
    if budget.left < 0:
        return Standing("budget", "BUDGET", "bad", f"{money(-budget.left, budget.currency)} over {total}")
    if over:
        text += f", {over[0].title} {money(-over[0].left, budget.currency)} over"
        return Standing("budget", "BUDGET", "warn", text)
    if budget.freshness not in TRUSTED:
        return Standing("budget", "BUDGET", "warn", text, f"entries {budget.freshness.value}")
    return Standing("budget", "BUDGET", "ok", text)


def _sources(view: RoomView) -> Standing:
    sources = view.sources.sources
    if not sources:
        return Standing("", "SOURCES", "warn", "none is configured")
    tally = Counter(source.freshness for source in sources)
    counted = [f"{tally[freshness]} {freshness.value}" for freshness in WORST_FIRST if tally[freshness]]
    worst = view.sources.worst
    role = FRESHNESS_ROLE[worst] if worst is not Freshness.OFF else "warn"
    text = ", ".join(counted)
    if worst in (Freshness.DOWN, Freshness.STALE, Freshness.LATE):
        troubled = [source for source in sources if source.freshness is worst]
        names = ", ".join(source.id for source in troubled)
        since = troubled[0].last_ok_at if len(troubled) == 1 else None
        when = f" since {minute(since, zone_of(view.clock.zone))}" if since else ""
        because = next((f" ({source.error})" for source in troubled if source.error), "")
        text = f"{counted[0]}: {names}{when}{because}" + "".join(f", {part}" for part in counted[1:])
    odd = [f"{source.id}: {note}" for source in sources for note in source.notes]
    if odd:
        role = role if role == "bad" else "warn"
        text = "; ".join((text, *odd))
    if not view.control.collector and any(source.interval > 0 for source in sources):
        return Standing("", "SOURCES", "bad", f"{text}; nobody polls")
    return Standing("", "SOURCES", role, text)
