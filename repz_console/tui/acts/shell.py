"""The console itself: leaving, colours, the mouse; the conn, the shared plan, remarks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Form, confirm
from repz_console.tui.dialogs.lists import Entry, Picker

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def leave(app: ConsoleApp) -> None:
    """End the console; ask first while it has the conn."""
    if app.view is not None and app.view.control.mine:
        text = "You have the conn. Leaving gives it up: nobody steers until somebody takes it."
        if await app.ask(confirm("Leave the console?", paragraphs([text], 60), "Leave")) is None:
            return
    app.exit(return_code=0)


async def theme(app: ConsoleApp) -> None:
    """Choose the colours while seeing them."""
    before = app.theme_now
    entries = [Entry(name, name, "dark" if one.dark else "light") for name, one in sorted(app.themes.items())]
    chosen = await app.ask(
        Picker("Theme", entries, chosen=before.name, preview=lambda name: app.use_theme(app.themes[name]))
    )
    if chosen is None:
        app.use_theme(before)
        return
    app.use_theme(app.themes[chosen])
    app.settings.settings.theme = chosen
    app.save_settings()
    if os.environ.get("NO_COLOR"):
        app.say("NO_COLOR is set: the next start is without colour again.", "warn")


def mouse(app: ConsoleApp) -> None:
    """Give clicks and the wheel to the console, or back to the terminal."""
    settings = app.settings.settings
    settings.mouse = not settings.mouse
    if app.guard is not None:
        app.guard.use_mouse(settings.mouse)
    app.save_settings()
    app.say(
        "The mouse scrolls and selects rows." if settings.mouse else "The mouse is the terminal's: it selects text."
    )


async def note(app: ConsoleApp) -> None:
    """Write a remark into the journal."""
    answer = await app.ask(Form("Note for the record", [Text("text", "Note", needed=True, limit=400)], submit="Write"))
    if answer is not None:
        await app.live.note(answer["text"])
        app.say("Noted.", "ok")


async def conn(app: ConsoleApp) -> None:
    """Take the conn, from somebody if need be; or give it up."""
    control = app.room.control
    if control.mine:
        text = "Without the conn nothing can be widened from here. Hold, roll back and kill still work."
        if await app.ask(confirm("Give up the conn?", paragraphs([text], 60), "Give up")) is not None:
            await app.live.release_conn()
            app.say("The conn is FREE.", "ok")
        return
    reason = ""
    if control.state == "HELD":
        intro = paragraphs([f"{control.holder} has the conn. You both see that you took it, and why.", ""], 60)
        answer = await app.ask(
            Form(
                f"Take the conn from {control.holder}",
                [Text("reason", "Reason", needed=True)],
                intro=intro,
                submit="Take it",
                dangerous=True,
            )
        )
        if answer is None:
            return
        reason = answer["reason"]
    refused = await app.live.take_conn(reason)
    if refused:
        app.say(f"The conn was not taken: {refused}", "bad")
    else:
        app.say("You have the conn.", "ok")


async def adopt(app: ConsoleApp) -> None:
    """Make this console's config the plan that everyone shares."""
    loaded = app.live.loaded
    launch = app.room.launch
    alike = "Everyone already shares this text; adopting it again changes nothing."
    if launch.plan_source != "adopted":
        alike = "No plan is shared yet: until one is, every console shows its own file."
    differs = launch.differs or alike
    texts = [f"{loaded.path} becomes everyone's plan.", "", differs, "", f"sha256 {loaded.hash}"]
    if await app.ask(confirm("Adopt this plan?", paragraphs(texts, 60), "Adopt")) is None:
        return
    refused = await app.live.adopt()
    app.say(
        f"Not adopted: {refused}" if refused else "Adopted: everyone shares this plan now.", "bad" if refused else "ok"
    )
