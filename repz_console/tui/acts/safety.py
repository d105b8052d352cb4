"""What holds for every rollout: the line, and the card for the day on which there is no console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repz_console.engine.card import printed
from repz_console.facts import Verdict
from repz_console.tui.acts.telling import tell
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Form
from repz_console.tui.dialogs.letters import Letter, Letters
from repz_console.tui.dialogs.lists import Reader
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.words import READY_ROLE, sign

if TYPE_CHECKING:
    from repz_console.tui.app import ConsoleApp


async def card(app: ConsoleApp) -> None:
    """Look whether a kill would work from here, and show what does it without the console."""
    asked = app.rollout
    if asked is None:
        return
    texts = tuple(printed(app.live.card(asked.id)))

    def lines(width: int, glyphs: Glyphs) -> list[Line]:
        # As it stands while it is read: the look that this began may end meanwhile.
        rollout = next((each for each in app.room.rollout.rollouts if each.id == asked.id), asked)
        found: list[Line] = []
        for each in rollout.readiness:
            role = READY_ROLE[each.state]
            found += paragraphs([f"{sign(role, glyphs)} {each.controller}: {each.line}"], width, role)
        found.append(())
        for text in texts:
            found += paragraphs([text], width, "muted" if text.startswith("#") else "text")
        return [*found, (), (("`repz-console rollout card` prints it, to be copied.", "muted"),)]

    look = app.background(app.live.look_back())
    await app.ask(Reader(f"Kill {asked.title} without the console", lines, wide=110))
    look.cancel()


async def line(app: ConsoleApp) -> None:
    """Stop the line, or start it again."""
    gates = [gate for rollout in app.room.rollout.rollouts for gate in rollout.gates if gate.id == "line"]
    stopped = next((gate.line for gate in gates if gate.verdict is Verdict.FAIL), "")
    conn = "" if app.room.control.mine else "you do not have the conn"
    if not stopped:
        conn = "the line is not stopped"
    letters = [
        Letter("s", "stop", "Nobody widens any rollout until it is started again. Nothing changes for users."),
        Letter("g", "go on", "Start the line again. Needs the conn.", conn),
    ]
    letter = await app.ask(
        Letters("The line", [stopped or "It runs. Anybody may stop it, for every rollout at once."], letters)
    )
    if letter is None:
        return
    stops = letter == "s"
    answer = await app.ask(
        Form(
            "Stop the line" if stops else "Start the line",
            [Text("reason", "Reason", needed=True)],
            submit="Stop it" if stops else "Start it",
        )
    )
    if answer is not None:
        council = app.live.council
        tell(app, await (council.stop_line if stops else council.start_line)(answer["reason"]))
