"""Bugs: file, re-prioritise, assign, resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.facts import PRIORITIES, Bug
from repz_console.providers.base import BugTriage
from repz_console.tui.dialogs.fields import Choice, Text
from repz_console.tui.dialogs.form import Form, confirm

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def file(app: ConsoleApp) -> None:
    """File a bug."""
    answer = await app.ask(
        Form(
            "New bug",
            [
                Text("title", "Title", needed=True),
                Choice("priority", "Priority", _priorities(app), "P2"),
                Text("assignee", "Assignee", limit=60),
                Text("note", "Note", limit=400),
            ],
            submit="File",
        )
    )
    if answer is not None:
        event = _tracker(app).filed(
            answer["title"], answer["priority"], assignee=answer["assignee"], note=answer["note"]
        )
        await app.live.write(event)
        app.say(f"Filed as {answer['priority']}: {answer['title']}", "ok")


async def priority(app: ConsoleApp) -> None:
    """Give the selected bug another priority."""
    bug = _bug(app)
    if bug is None:
        return
    answer = await app.ask(
        Form(bug.title, [Choice("priority", "Priority", _priorities(app), bug.priority)], submit="Change")
    )
    if answer is None or answer["priority"] == bug.priority:
        return
    eases = answer["priority"] > bug.priority and _blocks(app, bug.priority)
    text = f"It is {bug.priority} now. As {answer['priority']} it may no longer block a step."
    if eases and not await _sure(app, bug, text):
        return
    await _change(app, bug, priority=answer["priority"])
    app.say(f"{bug.title}: {bug.priority} to {answer['priority']}. p changes it back.", "ok")


async def assign(app: ConsoleApp) -> None:
    """Say who has the selected bug."""
    bug = _bug(app)
    if bug is None:
        return
    answer = await app.ask(Form(bug.title, [Text("assignee", "Assignee", bug.assignee, limit=60)], submit="Assign"))
    if answer is not None:
        await _change(app, bug, assignee=answer["assignee"])
        app.say(f"{bug.title}: {answer['assignee'] or 'nobody'} has it", "ok")


async def resolve(app: ConsoleApp) -> None:
    """Resolve the selected bug, or open it again."""
    bug = _bug(app)
    if bug is None:
        return
    if bug.state == "resolved":
        await _change(app, bug, state="open")
        app.say(f"{bug.title}: open again", "ok")
        return
    text = f"It is {bug.priority}: a gate may pass without it."
    if _blocks(app, bug.priority) and not await _sure(app, bug, text):
        return
    await _change(app, bug, state="resolved")
    app.say(f"{bug.title}: resolved. x opens it again.", "ok")


def _blocks(app: ConsoleApp, priority: str) -> bool:
    """Whether an open bug of that priority closes a gate, now or at a later step."""
    lanes = app.room.bugs.lanes
    return priority == "P0" or any(lane.priority == priority and lane.blocks_from for lane in lanes)


async def _sure(app: ConsoleApp, bug: Bug, text: str) -> bool:
    return await app.ask(confirm(bug.title, [((text, "warn"),)], "Yes")) is not None


async def _change(app: ConsoleApp, bug: Bug, **fields: str) -> None:
    await app.live.write(_tracker(app).changed(bug.id, **fields))


def _bug(app: ConsoleApp) -> Bug | None:
    _, identity = app.selected
    return next((bug for bug in app.room.bugs.bugs if bug.id == identity), None)


def _priorities(app: ConsoleApp) -> list[tuple[str, str]]:
    names = {lane.priority: lane.name for lane in app.room.bugs.lanes}
    return [(level, f"{level} {names.get(level, '')}".strip()) for level in PRIORITIES]


def _tracker(app: ConsoleApp) -> BugTriage:
    tracker = app.live.bugs()
    assert tracker is not None
    return tracker
