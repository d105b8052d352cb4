"""The budget: enter what was spent or promised, take an entry back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from repz_console.tui.dialogs.fields import Choice, Text
from repz_console.tui.dialogs.form import Form
from repz_console.tui.paint.format import money

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def add(app: ConsoleApp) -> None:
    """Enter money spent or promised, on the selected line if one is."""
    budget, book = app.room.budget, app.live.book()
    if budget is None or book is None:
        app.say("The plan has no budget.", "warn")
        return
    kind, identity = app.selected
    lines = [(line.id, f"{category.title}: {line.title}") for category in budget.categories for line in category.lines]
    today = app.now.astimezone(ZoneInfo(app.room.clock.zone)).date()
    answer = await app.ask(
        Form(
            f"New entry, in {budget.currency}",
            [
                Choice("line", "Line", lines, identity if kind == "line" else ""),
                Text("amount", "Amount", needed=True, limit=20, hint="12.50; a refund is negative"),
                Choice("entry", "Kind", [("actual", "actual: paid"), ("committed", "committed: promised")]),
                Text("on", "Day", today.isoformat(), needed=True, limit=10),
                Text("note", "Note"),
            ],
            submit="Enter",
            wide=72,
        )
    )
    if answer is not None:
        event = book.added(
            answer["line"],
            answer["amount"],
            entry=answer["entry"],
            on=answer["on"],
            today=today,
            note=answer["note"],
        )
        await app.live.write(event)
        app.say(f"Entered: {answer['amount']} {budget.currency}, {answer['entry']}", "ok")


async def void(app: ConsoleApp) -> None:
    """Take the selected entry back."""
    budget, book = app.room.budget, app.live.book()
    _, identity = app.selected
    entry = next((one for one in budget.entries if one.id == identity), None) if budget else None
    if budget is None or book is None or entry is None:
        return
    if entry.voided:
        app.say("It is taken back already.", "warn")
        return
    title = f"Take back {money(entry.amount, budget.currency)} of {entry.on}?"
    answer = await app.ask(Form(title, [Text("reason", "Reason")], submit="Take back", dangerous=True))
    if answer is not None:
        await app.live.write(book.voided(entry.id, answer["reason"]))
        app.say("Taken back. It stays in the journal and leaves the sums.", "ok")
