"""`python -m docs.make_screens`: draw docs/screens/*.svg, one picture a tab, from a launch under way.

The launch is real: the shipped plan in a store of its own, moved so that its Tuesday is today, with ticks, bugs, spend
and a soft launch that was applied to a flag file. Only the clock is set. Needs the test dependencies.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import time_machine

from repz_console import config
from repz_console.actions import TABS
from repz_console.engine.session import Session
from repz_console.events import ItemTicked, SpendAdded, TaskProgressed
from repz_console.facts import Actor
from repz_console.plan import exposure as exposures
from repz_console.resources import shipped
from tests.support.console import app_on

NOW = datetime(2027, 2, 2, 15, 20, tzinfo=UTC)
FULL_LAUNCH = datetime(2027, 2, 5, 14, tzinfo=UTC)
SIZE = (104, 30)
TREND_SECONDS = 75
"""Until the numbers have a trend to draw."""
SCREENS = Path(__file__).parent / "screens"
ANA = Actor(user="ana", uid=1001, host="jump", tty="pts/2", console="ana-1")

BUGS = (
    ("Coach invitation mail has no link in Outlook", "P2", "ben"),
    ("Week view skips the day of the clock change", "P3", ""),
    ("Avatar upload rejects .webp", "P3", "chloe"),
    ("Footer is off by a pixel on the pricing page", "P4", ""),
)
SPENT = (
    ("supabase", "149.00", "actual", "January"),
    ("vercel", "60.00", "actual", "January"),
    ("ads", "900.00", "committed", "launch week"),
    ("content", "350.00", "actual", "launch film"),
)


async def main() -> None:
    """Make the launch, show it, and keep a picture of every tab."""
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="repz-screens-") as name:
        folder = Path(name)
        plan = folder / "config.toml"
        text = shipped("config.toml").read_text().replace("every = 5", "every = 1")
        plan.write_text(text.replace('path = ""', f'path = "{folder / "store"}"'))
        plan.chmod(0o600)
        loaded = config.load(plan)
        await prepare(loaded)
        await show(loaded, folder)


async def prepare(loaded: config.Loaded) -> None:
    """What the team has done until this Tuesday."""
    with time_machine.travel(NOW - timedelta(hours=63), tick=True) as clock:
        async with Session.open(loaded, actor=ANA) as session:
            await session.take_conn()
            await session.rebase(FULL_LAUNCH)
            for checklist in session.plan.checklist:
                if checklist.phase in ("preparation", "alpha"):
                    for item in checklist.items:
                        await session.write(ItemTicked(item=f"{checklist.id}/{item.id}", state="done"))
            for task in session.plan.task:
                if task.phase in ("alpha", "beta") and not task.checklists:
                    await session.write(TaskProgressed(task=task.id, percent=100))
            for number, (line, amount, entry, note) in enumerate(SPENT):
                added = SpendAdded("spend", f"S{number}", line, Decimal(amount), entry, date(2027, 1, 28), note)
                await session.write(added)
            clock.shift(timedelta(hours=24))
            await session.refresh()
            production = session.plan.rollout["production"]
            soft = exposures.of_stage(production, production.stage[0])
            for each in session.plan.poll[0].round:
                await session.council.call("production", "soft")
                for station in each.station:
                    await session.council.vote("production", station.seat, "GO")
            done = await session.control.change(
                "production", "set", soft, expect="0", stage="soft", reason="soft launch"
            )
            if done.state != "confirmed":
                raise SystemExit(done.line)
            tracker = session.bugs()
            if tracker is None:
                raise SystemExit("the shipped plan has no local tracker")
            for title, priority, assignee in BUGS:
                await session.write(tracker.filed(title, priority, assignee=assignee))
            await session.note("Support is staffed until 22:00 tonight")


async def show(loaded: config.Loaded, folder: Path) -> None:
    """Every tab as a person on the box sees it."""
    with time_machine.travel(NOW, tick=True):

        async def opening() -> Session:
            return await Session.open(loaded, actor=ANA, present=True)

        app = app_on(opening, folder, clock=lambda: datetime.now(UTC))
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(2.5)
            await pilot.press("c")
            await pilot.pause(0.5)
            for number, (tab, title) in enumerate(TABS, 1):
                await pilot.press(str(number))
                if tab == "timeline":
                    await pilot.press("n")
                await pilot.pause(TREND_SECONDS if number == 1 else 0.3)
                (SCREENS / f"{tab}.svg").write_text(app.export_screenshot(title=f"repz-console: {title}"))


if __name__ == "__main__":
    asyncio.run(main())
