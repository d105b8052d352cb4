"""Go/no-go: calling a poll, answering for a station, accepting a condition, taking a seat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from repz_console.plan import schedule
from repz_console.room.approvals import APPROVAL
from repz_console.room.gates import CONN
from repz_console.room.polls import POLL
from repz_console.room.views import GateView, PollView, RolloutView, StationView
from repz_console.tui.acts.telling import tell
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.dialogs.checks import instant_mistake
from repz_console.tui.dialogs.fields import Text
from repz_console.tui.dialogs.form import Form, confirm
from repz_console.tui.dialogs.letters import Letter, Letters
from repz_console.tui.dialogs.lists import Entry, Picker, Reader
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.rollout_gates import answer as gate_answer
from repz_console.tui.paint.rollout_gates import said

if TYPE_CHECKING:
    from repz_console.engine.council import Answer
    from repz_console.tui.app import ConsoleApp

_ANSWERS: dict[str, Answer] = {"g": "GO", "n": "NO-GO", "i": "GO-IF"}


async def poll(app: ConsoleApp) -> None:
    """Call the next round, answer, accept a condition, write down what somebody said, call it off."""
    rollout = app.rollout
    asked = rollout.poll if rollout is not None else None
    if rollout is None or asked is None:
        return
    called = "" if asked.run else "it has not been called"
    mine = [station for station in asked.stations if station.mine and station.round <= asked.round]
    conditions = [one for one in asked.stations if one.answer == "GO-IF" and not one.stands]
    others = [station for station in asked.stations if not station.mine and station.round <= asked.round]
    later = [station.title for station in asked.stations if station.mine and station not in mine]
    nobody = f"{later[0]} is asked in a later round" if later else "no station is yours"
    letters = [
        Letter("a", "answer", "Say GO, NO-GO or GO-IF for your seat.", called or ("" if mine else nobody)),
        Letter("c", "call", "Ask the stations of the next round.", asked.may_call),
        Letter("t", "take", "Take a GO-IF for a GO. Only the launch director.", "" if conditions else "no GO-IF waits"),
        Letter("v", "verbal", "Write down what somebody said. Only the launch director.", called),
        Letter("x", "call off", "End this poll without an answer.", called),
    ]
    intro = [asked.line, *(f"{station.title}: {station.stale or said(station)}" for station in asked.stations)]
    letter = await app.ask(Letters(asked.title, intro, letters))
    if letter == "a":
        await _one_of(app, rollout, sorted(mine, key=lambda one: (not one.turn, one.stands)))
    elif letter == "c":
        tell(app, await app.live.council.call(rollout.id, asked.stage))
    elif letter == "t":
        await _take_condition(app, rollout, conditions)
    elif letter == "v":
        await _verbal(app, rollout, others)
    elif letter == "x":
        answer = await app.ask(
            Form("Call it off", [Text("reason", "Reason", needed=True)], submit="Call off", dangerous=True)
        )
        if answer is not None:
            tell(app, await app.live.council.close(rollout.id, answer["reason"]))


async def _pick(app: ConsoleApp, title: str, stations: list[StationView]) -> StationView | None:
    if len(stations) <= 1:
        return stations[0] if stations else None
    entries = [Entry(f"{one.round}/{one.seat}", one.title, one.stale or one.line) for one in stations]
    chosen = await app.ask(Picker(title, entries))
    return next((one for one in stations if f"{one.round}/{one.seat}" == chosen), None)


async def _one_of(app: ConsoleApp, rollout: RolloutView, stations: list[StationView]) -> None:
    station = await _pick(app, "Answer for", stations)
    if station is not None:
        await vote(app, rollout, station)


async def station(app: ConsoleApp, rollout: RolloutView, asked: PollView, shown: StationView) -> None:
    """Answer for a station, or see what it said."""
    if shown.mine and asked.run and shown.round <= asked.round:
        await vote(app, rollout, shown)
        return
    why = "" if shown.mine else f"{shown.holder} answers for it." if shown.holder else "Nobody holds the seat."
    if shown.mine:
        why = "Its round has not been called." if asked.run else "The poll has not been called: p calls it."
    texts = [shown.stale or shown.line, *(f"- {each}" for each in shown.criteria), "", why]
    await app.ask(Reader(shown.title, lambda width, _: paragraphs(texts, width)))


async def vote(app: ConsoleApp, rollout: RolloutView, station: StationView, verbal: str = "") -> None:
    """GO, NO-GO or GO-IF by letter; what is missing is asked for after it."""
    seen = _seen(app, rollout, station)

    def intro(width: int, glyphs: Glyphs) -> list[Line]:
        lines = paragraphs([f"{verbal} says, for {station.title}:"] if verbal else [], width)
        lines += paragraphs([f"{glyphs.dot} {each}" for each in station.criteria], width)
        lines.append((("The answer keeps what is known now:", "muted"),))
        for gate in seen:
            word, role = gate_answer(gate)
            line = gate.line.removeprefix(f"{gate.title}: ")
            lines.append(((f"{word} ", role), (f"{gate.title}: {line}", "text")))
        return lines

    letters = [
        Letter("g", "GO", "Go on."),
        Letter("n", "NO-GO", "Do not go on. Asks for the reason."),
        Letter("i", "GO-IF", "Go on if. Asks for the condition, who sees to it, by when."),
    ]
    letter = await app.ask(Letters(f"{station.title}: go or no-go?", intro, letters))
    if letter is None:
        return
    given = await _more(app, _ANSWERS[letter])
    if given is None:
        return
    due = schedule.typed_instant(given["due"], schedule.launch_zone(app.live.plan)) if given.get("due") else None
    outcome = await app.live.council.vote(
        rollout.id,
        station.seat,
        _ANSWERS[letter],
        reason=given.get("reason", ""),
        owner=given.get("owner", ""),
        due=due,
        verbal=verbal,
    )
    tell(app, outcome)


def _seen(app: ConsoleApp, rollout: RolloutView, station: StationView) -> list[GateView]:
    """The gates that an answer rests on, and those in the way; not what hangs on the answer itself."""
    rounds = next((poll.round for poll in app.live.plan.poll if rollout.poll and poll.id == rollout.poll.id), ())
    asked = rounds[station.round].station if station.round < len(rounds) else ()
    named = {gate for one in asked if one.seat == station.seat for gate in one.gates}
    judged = [gate for gate in rollout.gates if gate.id not in (CONN, POLL, APPROVAL)]
    return [gate for gate in judged if gate.id in named or not gate.lets_pass]


async def _more(app: ConsoleApp, answer: Answer) -> dict[str, str] | None:
    if answer == "GO":
        return {}
    if answer == "NO-GO":
        form = Form("NO-GO", [Text("reason", "Reason", needed=True)], submit="Say NO-GO")
    else:
        zone = schedule.launch_zone(app.live.plan)
        hint = f"2027-02-03T18:00, {zone}"
        fields = [
            Text("reason", "Condition", needed=True),
            Text("owner", "Sees to it", needed=True, limit=60),
            Text("due", "By when", hint=hint, needed=True, limit=16, check=partial(instant_mistake, zone=zone)),
        ]
        form = Form("GO-IF", fields, submit="Say GO-IF")
    given: dict[str, str] | None = await app.ask(form)
    return given


async def _take_condition(app: ConsoleApp, rollout: RolloutView, stations: list[StationView]) -> None:
    station = await _pick(app, "Whose condition", stations)
    if station is None:
        return
    question = confirm(f"Take {station.title}'s GO-IF for a GO?", paragraphs([station.line], 60), "Take it")
    if await app.ask(question) is not None:
        tell(app, await app.live.council.accept_condition(rollout.id, station.seat, station.reason))


async def _verbal(app: ConsoleApp, rollout: RolloutView, stations: list[StationView]) -> None:
    station = await _pick(app, "Who said it", stations)
    if station is None:
        return
    answer = await app.ask(
        Form(f"For {station.title}", [Text("who", "Who said it", needed=True, limit=60)], submit="Go on")
    )
    if answer is not None:
        await vote(app, rollout, station, answer["who"])


async def seat(app: ConsoleApp) -> None:
    """Hold a seat from now on."""
    seats = app.live.plan.seat
    poll = app.rollout.poll if app.rollout is not None else None
    holders = {one.seat: one.holder for one in poll.stations} if poll is not None else {}
    entries = [Entry(one.id, one.title, holders.get(one.id, "")) for one in seats]
    chosen = await app.ask(Picker("Take a seat", entries))
    if chosen is None:
        return
    title = next(one.title for one in seats if one.id == chosen)
    intro = paragraphs(["Taking it from somebody needs a reason, which both of you see.", ""], 60)
    answer = await app.ask(Form(title, [Text("reason", "Reason")], intro=intro, submit="Take it"))
    if answer is not None:
        tell(app, await app.live.council.take_seat(chosen, answer["reason"]))
