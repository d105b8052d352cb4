"""Each kind of journal event as one plain sentence: what happened, without who and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from typing import Any, cast

from repz_console import events
from repz_console.tui.paint import sentences_consents, sentences_rollouts
from repz_console.tui.paint.format import percent
from repz_console.tui.paint.sentences_rollouts import because, exposed
from repz_console.tui.paint.times import lasting, weekday

__all__ = ["exposed", "sentence"]


def sentence(event: events.AnyEvent) -> str:
    """The event as one line, such as `set production from 20 % to 40 %: on time`."""
    return _SENTENCES[type(event)](event)


def _adopted(event: events.PlanAdopted) -> str:
    return f"adopted the plan {event.hash[:8]} from {event.path}"


def _rebased(event: events.PlanRebased) -> str:
    at = event.full_launch.astimezone(UTC)
    return f"moved the plan by {event.shift_days:+,} days: full launch {weekday(at.date())} {at:%Y %H:%M} UTC"


def _ticked(event: events.ItemTicked) -> str:
    did = {"done": "ticked", "open": "opened again", "n/a": "marked not applicable"}[event.state]
    return because(f"{did} {event.item}", event.note)


def _progressed(event: events.TaskProgressed) -> str:
    return f"put {event.task} at {percent(event.percent)}"


def _filed(event: events.BugFiled) -> str:
    owner = f" for {event.assignee}" if event.assignee else ""
    return f"filed {event.priority} {event.bug}{owner}: {event.title}"


def _changed(event: events.BugChanged) -> str:
    done: list[str] = []
    if event.state is not None:
        done.append("resolved" if event.state == "resolved" else "opened again")
    if event.priority is not None:
        done.append(f"priority {event.priority}")
    if event.assignee is not None:
        done.append(f"for {event.assignee}" if event.assignee else "for nobody")
    if event.title is not None:
        done.append(f"now called {event.title}")
    return because(f"bug {event.bug} {', '.join(done) or 'noted'}", event.note or "")


def _spent(event: events.SpendAdded) -> str:
    verb = "committed" if event.entry == "committed" else "spent"
    return because(f"{verb} {event.amount:,} on {event.line} ({event.on})", event.note)


def _voided(event: events.SpendVoided) -> str:
    return because(f"took back spend {event.spend}", event.reason)


def _imported(event: events.EmergencyImported) -> str:
    numbers = f"{event.entries[0]:,}" + (f" to {event.entries[-1]:,}" if len(event.entries) > 1 else "")
    what = "entry" if len(event.entries) == 1 else "entries"
    return because(f"brought in {what} {numbers}, recorded while the journal could not be written", event.why)


def _conn_taken(event: events.ConnTaken) -> str:
    return because(f"took the conn{f' from {event.from_whom}' if event.from_whom else ''}", event.reason)


def _conn_released(event: events.ConnReleased) -> str:
    return because("the conn is free", event.why)


def _collector(event: events.CollectorTaken) -> str:
    polls = "polls the sources for everyone" + (", as a recorder" if event.recorder else "")
    return polls + (f", without {', '.join(event.lacks)}" if event.lacks else "")


def _failed(event: events.SourceFailed) -> str:
    return f"source {event.source} stopped answering: {event.error}"


def _recovered(event: events.SourceRecovered) -> str:
    return f"source {event.source} answers again after {lasting(timedelta(seconds=event.down_for))}"


def _noted(event: events.NoteAdded) -> str:
    return f"noted: {event.text}"


def _opened(event: events.ConsoleOpened) -> str:
    return f"opened a console{f' ({event.version})' if event.version else ''}"


def _closed(event: events.ConsoleClosed) -> str:
    return because("closed a console", event.why)


def _copied(event: events.StoreCopied) -> str:
    return f"copied the journal up to entry {event.seq:,} to {event.to}"


def _restored(event: events.StoreRestored) -> str:
    copied = f"{event.copied_at:%Y-%m-%d %H:%M}Z"
    return f"RESTORED the journal from a copy of {event.host} of {copied}, which ended at entry {event.seq:,}"


def _retired(event: events.StoreRetired) -> str:
    return because("RETIRED this store", event.reason)


def _steers(event: events.StoreSteers) -> str:
    return because("took the rollouts over: they are steered from this store", event.reason)


def _erased(event: events.EntryErased) -> str:
    return because(f"erased what entry {event.seq:,} said", event.reason)


def _unknown(event: events.Unknown) -> str:
    if event.payload.get("erased"):
        return f"{event.original}, whose words were erased"
    return f"{event.original}, of a kind that this version does not know"


_SENTENCES = cast(
    Mapping[type, Callable[[Any], str]],
    {
        **sentences_rollouts.SENTENCES,
        **sentences_consents.SENTENCES,
        events.PlanAdopted: _adopted,
        events.PlanRebased: _rebased,
        events.ItemTicked: _ticked,
        events.TaskProgressed: _progressed,
        events.BugFiled: _filed,
        events.BugChanged: _changed,
        events.SpendAdded: _spent,
        events.SpendVoided: _voided,
        events.EmergencyImported: _imported,
        events.ConnTaken: _conn_taken,
        events.ConnReleased: _conn_released,
        events.CollectorTaken: _collector,
        events.SourceFailed: _failed,
        events.SourceRecovered: _recovered,
        events.NoteAdded: _noted,
        events.ConsoleOpened: _opened,
        events.ConsoleClosed: _closed,
        events.StoreCopied: _copied,
        events.StoreRestored: _restored,
        events.StoreRetired: _retired,
        events.StoreSteers: _steers,
        events.EntryErased: _erased,
        events.Unknown: _unknown,
    },
)
