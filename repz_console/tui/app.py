"""The console's screen: a status line, the tabs, one pane, a key line; and what keys do with them.

The app knows no provider and waits for none: it draws what the session says it knows, and every change is asked for in
a task of its own whose failure becomes one line.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult

from repz_console.actions import TABS, Action
from repz_console.store.errors import StoreError
from repz_console.tui import acts, panes
from repz_console.tui.acts.draft import forget_overtaken
from repz_console.tui.acts.reasons import why_not
from repz_console.tui.front import Front
from repz_console.tui.hands import Hands
from repz_console.tui.messages import Messages
from repz_console.tui.paint.base import BLOCKS, Choices, Glyphs, Size
from repz_console.tui.paint.format import cell_width
from repz_console.tui.paint.status import SMALLEST
from repz_console.tui.settings import SettingsFile
from repz_console.tui.sheet import Artist
from repz_console.tui.stack import DialogStack
from repz_console.tui.terminal import GuardedApp
from repz_console.tui.themes import Palette, Theme, choose

if TYPE_CHECKING:
    from repz_console.engine.session import Session
    from repz_console.room.views import RolloutView, RoomView
    from repz_console.tui.dialogs.base import Dialog

log = logging.getLogger(__name__)

LATE_KEY = 1.0
"""Seconds after which a key counts as typed blindly."""
FIRST_PAINT_WAIT = 0.3
"""Seconds that the first frame waits for the session, so that it shows the launch and not an empty pane."""
PRELOAD_AFTER = 0.3
"""Seconds after which the modules of tabs and acts not used yet are imported, one at a time."""


class ConsoleApp(GuardedApp):
    """The war room on one terminal."""

    TITLE = "repz-console"

    CSS: ClassVar[str] = "Screen { layers: base over; overflow: hidden; }"

    def __init__(
        self,
        opening: Callable[[], Awaitable[Session]],
        settings: SettingsFile,
        themes: Mapping[str, Theme],
        *,
        notices: Sequence[str] = (),
        last_status: str = "",
        glyphs: Glyphs = BLOCKS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_alternate_screen: bool = False,
    ) -> None:
        """`opening` opens the session; it begins with the app, and nothing on the screen waits for it but data.
        `notices` are shown once at the start, `last_status` until there is a status of now."""
        super().__init__(on_alternate_screen=on_alternate_screen)
        self.settings = settings
        self.themes = themes
        self.theme_now = choose(settings.settings.theme, themes, os.environ)
        self.keymap = settings.keymap()
        self.session: Session | None = None
        self.view: RoomView | None = None
        self.failure: BaseException | None = None
        """Why the session could not be opened; whoever ran the app says so."""
        self.tab = settings.settings.tab
        self.choices = {tab: Choices(sort=settings.settings.sort.get(tab, ""), rollout="") for tab, _ in TABS}
        self._opening = opening
        self._clock = clock
        self.messages = Messages(notices)
        self._dialogs = DialogStack()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown = False
        self._seen_at = float("inf")
        self._untold: type[Exception] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self.hands = Hands(self)
        self.front = Front(self, Artist(Palette(self.theme_now), glyphs), last_status)
        self.pane = self.front.pane

    # Life

    def compose(self) -> ComposeResult:
        """What `Front` has."""
        yield from self.front.widgets

    async def on_mount(self) -> None:
        """Begin to open the session, and give it the short time it needs where nothing is wrong."""
        opening = self.background(self._open())
        await asyncio.wait([opening], timeout=FIRST_PAINT_WAIT)
        self._shown = True
        self.set_interval(1.0, self._tick)
        self.refresh_all()
        self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        """What the first paint did not need to wait for."""
        self._seen_at = time.monotonic()
        # What lives now lives for the whole session: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        self.background(self._preload())

    async def _preload(self) -> None:
        await asyncio.sleep(PRELOAD_AFTER)
        for load in (*acts.loaders(), *panes.loaders()):
            load()
            await asyncio.sleep(0)

    async def _open(self) -> None:
        try:
            session = await self._opening()
        except Exception as error:
            # Whoever started the app reports it on the terminal that is then its own again.
            self.failure = error
            self.exit(return_code=70)
            return
        self.session = session
        session.keep_conn_unless(self._unfit)
        self._unsubscribe = session.subscribe(self.refresh_all)
        session.set_tab(self.tab)
        if self._shown:
            self.refresh_all()

    def _unfit(self) -> str:
        return "the terminal takes nothing" if self.guard is not None and self.guard.stalled else ""

    async def on_unmount(self) -> None:
        """The terminal is the user's again; now the session ends."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        self.settings.save()
        if self.session is not None:
            await self.session.aclose()

    async def before_stop(self) -> None:
        """Nobody steers from a console that is stopped."""
        if self.session is not None:
            await self.session.release_conn()

    def on_awake(self, slept: float) -> None:
        """What is on the screen is as old as the sleep, and so is what the operator knows."""
        self.say(f"This console stood still for {slept:.0f} s: look again before acting.", "warn")

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the screen; it is cancelled when the app ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What is shown

    @property
    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return self._clock()

    @property
    def live(self) -> Session:
        """The session. Only what `why_not` lets through may ask: it is open then."""
        assert self.session is not None
        return self.session

    @property
    def room(self) -> RoomView:
        """What was last shown of the launch. Only what `why_not` lets through may ask."""
        assert self.view is not None
        return self.view

    @property
    def rollout(self) -> RolloutView | None:
        """The rollout that the Rollout tab shows: what drafts, holds and the way back speak of."""
        rollouts = self.view.rollout.rollouts if self.view is not None else ()
        named = self.choices["rollout"].rollout
        return next((one for one in rollouts if one.id == named), rollouts[0] if rollouts else None)

    @property
    def glyphs(self) -> Glyphs:
        """The signs that this screen may use."""
        return self.front.artist.glyphs

    @property
    def pane_size(self) -> Size:
        """Columns and rows of the pane."""
        return Size(self.size.width, self.front.pane_height)

    @property
    def choice(self) -> Choices:
        """What the operator looks at on this tab."""
        return self.choices[self.tab]

    @property
    def too_small(self) -> bool:
        """Whether there is no room for a pane, and so no widening or editing."""
        return self.size.width < SMALLEST.width or self.size.height < SMALLEST.height

    @property
    def selected(self) -> tuple[str, str]:
        """(kind, id) of the selected row; two empty texts if there is none."""
        kind, _, identity = self.choice.cursor.partition(":")
        return kind, identity

    def choose(self, *, tab: str = "", follow: bool = False, **changes: Any) -> None:
        """Change what is looked at on a tab, this one by default; `follow` keeps the selected row in sight."""
        tab = tab or self.tab
        self.choices[tab] = replace(self.choices[tab], **changes)
        if tab == self.tab:
            self.refresh_pane(follow=follow)
            self.front.show_keys()

    def open_tab(self, tab: str) -> None:
        """Show another tab."""
        if tab == self.tab:
            return
        self.tab = tab
        self.settings.settings.tab = tab
        self.pane.top = 0
        if self.session is not None:
            self.session.set_tab(tab)
        self.refresh_all(follow=True)

    def say(self, text: str, role: str = "text") -> None:
        """Show a line in place of the keys for some seconds."""
        self.messages.say(text, role)
        if self._shown:
            self.front.show_keys()
            if self.too_small:
                self.refresh_pane()

    def save_settings(self) -> None:
        """Keep what was chosen for the next start."""
        problem = self.settings.save()
        if problem:
            self.say(problem, "warn")

    def use_theme(self, theme: Theme) -> None:
        """Draw everything in other colours."""
        self.theme_now = theme
        self.front.draw_with(Artist(Palette(theme), self.glyphs))

    def refresh_all(self, *, follow: bool = False) -> None:
        """Look at the session again and draw what changed."""
        session = self.session
        try:
            self.view = session.view() if session is not None else None
            forget_overtaken(self)
            self.front.show_frame()
        except Exception as error:
            # What was shown last stays, with its age, and so does the way back.
            if type(error) is not self._untold:
                self._untold = type(error)
                log.exception("the room cannot be told")
            self.say(f"NOT UP TO DATE: the room cannot be told: {type(error).__name__}: {error}", "bad")
            return
        self._untold = None
        self.refresh_pane(follow=follow)
        if self._dialogs:
            self.front.show_dialog()
        if session is not None:
            session.remember_status("".join(text for text, _ in self.front.status.line).rstrip())

    def refresh_pane(self, *, follow: bool = False) -> None:
        """Draw the pane again where something it shows has changed."""
        self.front.show_pane(follow=follow)

    def _tick(self) -> None:
        self.refresh_all()
        if self.session is not None:
            rollouts = self.view.rollout.rollouts if self.view is not None else ()
            due = [f"DUE in {one.title}: {one.due}" for one in rollouts if one.due]
            self.messages.notice([*self.session.notices, *due])
        if self.messages.move_on():
            self.front.show_keys()

    def on_resize(self, event: events.Resize) -> None:
        """Another size: everything is laid out again."""
        self.front.forget()
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self.refresh_all(follow=True)
        self.front.show_dialog()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        """Keys and pastes are taken here, before any widget: the registry decides what they do."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            if event.time < self._seen_at or time.monotonic() - event.time > LATE_KEY:
                self.hands.late(event)
            else:
                self.hands.take(event)
                # What a key opens has the keyboard when the next one comes, also where both arrived in one piece.
                await asyncio.sleep(0)
        else:
            await super().on_event(event)

    def on_late(self, event: events.Key | events.Paste) -> None:
        """Something was typed before the screen showed what it would have acted on."""
        self.hands.late(event)

    def perform(self, action: Action) -> None:
        """Do an action, or say why it cannot be done."""
        reason = why_not(self, action)
        if reason:
            self.say(f"{action.label}: {reason}", "warn")
            return
        running = self._busy.get(action.id)
        if running is not None and not running.done():
            self.say(f"{action.label}: still under way", "warn")
            return
        work = acts.start(action.id, self)
        if work is not None:
            self._busy[action.id] = self.background(self._guarded(action, work))

    async def _guarded(self, action: Action, work: Coroutine[Any, Any, None]) -> None:
        from repz_console.providers.base import ProviderError

        try:
            await work
        except (StoreError, ProviderError, ValueError) as error:
            self.say(f"{action.label}: {error}", "bad")
        except Exception as error:
            log.exception("%s failed", action.id)
            self.say(f"{action.label}: this should not have happened: {type(error).__name__}: {error}", "bad")

    def on_click(self, event: events.Click) -> None:
        """The mouse opens a tab or selects a row; it never changes anything."""
        if self.dialog is not None:
            return
        if event.widget is self.front.tabs:
            ends = accumulate(cell_width(text) for text, _ in self.front.tabs.line)
            self.open_tab(
                next((tab for (tab, _), end in zip(TABS, ends, strict=False) if event.screen_x < end), self.tab)
            )
        elif event.widget is self.pane:
            key = self.pane.key_at(event.screen_y - self.pane.region.y)
            if key:
                self.choose(cursor=key)

    # Dialogs

    async def ask(self, dialog: Dialog) -> Any:
        """Show a dialog and wait for its answer; None after a cancel. One opened meanwhile comes first."""
        answer = self._dialogs.push(dialog)
        self.front.show_dialog()
        given = await answer
        if given is None and dialog.parting:
            self.say(dialog.parting)
        return given

    def show(self, dialog: Dialog) -> None:
        """Show a dialog whose answer nobody waits for: what opened it is over and can be begun anew."""
        self._dialogs.push(dialog)
        self.front.show_dialog()

    def settle_dialogs(self) -> None:
        """Give the answers of dialogs that have closed, and show the one that is left."""
        self._dialogs.settle()
        self.front.show_dialog()

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that has the keyboard."""
        return self._dialogs.top
