"""Pages to read: every key, every command, what contradicts itself, how to connect a source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repz_console.actions import ACTIONS, BY_ID, TABS, Action, Effect, keys_of
from repz_console.providers import registry
from repz_console.room.views import MetricView
from repz_console.tui.acts.reasons import why_not
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.lists import Entry, Picker, Reader
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import fit
from repz_console.tui.paint.status import key_name

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp

_EFFECTS = {
    Effect.READ: "",
    Effect.WRITE: "writes",
    Effect.WIDEN: "may widen",
    Effect.SHRINK: "always works",
}
_SEVERITY_ROLE = {"error": "bad", "warning": "warn", "info": "info"}

_PROBE = ("[source.site]", 'kind = "probe"', "every = 30", 'url = "https://example.org/health"')
_READING = "READING"
_ANY = ("[source.site]", 'kind = "KIND"', "every = 30")


async def help_page(app: ConsoleApp) -> None:
    """Every key, this tab's first."""
    titles = dict(TABS)
    groups: list[tuple[str, list[Action]]] = [
        (f"On this tab: {titles[app.tab]}", [action for action in ACTIONS if app.tab in action.tabs]),
        ("Everywhere", [action for action in ACTIONS if not action.tabs]),
    ]
    for tab, title in TABS:
        only = [action for action in ACTIONS if tab in action.tabs and app.tab not in action.tabs]
        if only:
            groups.append((f"On {title}", only))

    def lines(width: int, glyphs: Glyphs) -> list[Line]:
        made: list[Line] = []
        for title, actions in groups:
            made += [*([()] if made else []), ((title, "title"),)]
            made += [_key_line(app, action, width) for action in actions]
        return made

    await app.ask(Reader("Keys", lines))


def _key_line(app: ConsoleApp, action: Action, width: int) -> Line:
    keys = " ".join(key_name(key) for key in keys_of(action, app.keymap)) or "-"
    effect = _EFFECTS[action.effect]
    return (
        (f"  {fit(keys, 14)}", "accent"),
        (fit(action.help, max(10, width - 30)), "text"),
        (f" {effect}", "bad" if action.effect is Effect.SHRINK else "muted"),
    )


async def palette(app: ConsoleApp) -> None:
    """Find a command by its name and do it."""
    here = [
        action
        for action in ACTIONS
        if (not action.tabs or app.tab in action.tabs) and action.id not in ("palette", "clear")
    ]
    entries = [
        Entry(
            action.id,
            action.label,
            action.help,
            " ".join(key_name(key) for key in keys_of(action, app.keymap)[:1]),
            why_not(app, action),
        )
        for action in here
    ]
    chosen = await app.ask(Picker("Commands", entries))
    if chosen is not None:
        app.perform(BY_ID[chosen])


async def findings(app: ConsoleApp) -> None:
    """What `check` reports about the plan."""
    found = app.room.findings

    def lines(width: int, glyphs: Glyphs) -> list[Line]:
        made: list[Line] = []
        for finding in found:
            role = _SEVERITY_ROLE[finding.severity]
            sign = {"bad": glyphs.bad, "warn": glyphs.warn, "info": glyphs.ok}[role]
            made.append(((f"{sign} {finding.severity} ", role), (finding.rule, "strong")))
            made += [(("  ", "text"), *line) for line in paragraphs([finding.text], width - 2)]
            made += [((f"    {fit(where, width - 4, glyphs.ellipsis)}", "muted"),) for where in finding.where]
        return made or [(("Nothing in the plan contradicts itself.", "ok"),)]

    await app.ask(Reader(f"Findings: {len(found)}", lines))


def probe_reading(metric: MetricView) -> tuple[str, str]:
    """The reading of a probe that could feed a metric, and what to mind about its unit; two empty texts if none could.

    A source's figure is judged as it is: one in another unit than the target's would be judged wrongly.
    """
    words = frozenset(re.findall(r"[a-z]+", metric.title.lower()))
    if words & {"uptime", "up", "availability"}:
        minded = f'It is 1 or 0, this metric is in {metric.unit}: use unit = "" and a target of >= 1.'
        return "up", minded if metric.unit else ""
    if metric.unit in ("ms", "s") or words & {"latency", "load"}:
        minded = f'It is in ms, this metric in {metric.unit}: use unit = "ms" and targets in ms.'
        return "latency.p95", minded if metric.unit not in ("", "ms") else ""
    return "", ""


async def connect(app: ConsoleApp) -> None:
    """The lines of config that would give the selected metric a source."""
    kind, identity = app.selected
    metric = next((metric for metric in app.room.health.metrics if metric.id == identity), None)
    if kind != "metric" or metric is None:
        app.say("Select a metric of the plan.", "warn")
        return
    if metric.source:
        texts = [f"{metric.title} is read from the source {metric.source!r}.", metric.note or "It answers."]
    else:
        texts = [f"{metric.title} has no source: it stays OFF, and what it would decide stays INCONCLUSIVE."]
    reading, minded = probe_reading(metric)
    texts += ["", "In config.toml, name a source and its reading:", ""]
    code = [
        *(_PROBE if reading else _ANY),
        "",
        "[[metric]]",
        f'id = "{metric.id}"',
        'source = "site"',
        f'reading = "{reading or _READING}"',
    ]
    kinds = ", ".join(registry.kinds())
    ending = [
        *(["", minded] if minded else []),
        "",
        f"Kinds on this machine: {kinds}. Of the built-in ones probe measures a web address and host this machine; "
        "neither knows anything else. Other packages add kinds: docs/providers.md says how.",
        "",
        "`repz-console doctor` tries each source once and lists its readings.",
    ]

    def lines(width: int, glyphs: Glyphs) -> list[Line]:
        return [
            *paragraphs(texts, width),
            *((("  " + text, "accent"),) for text in code),
            *paragraphs(ending, width, "muted"),
        ]

    await app.ask(Reader(f"Connect: {metric.title}", lines))
