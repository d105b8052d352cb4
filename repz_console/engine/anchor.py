"""Notes the journal's head elsewhere, where the config names a place: whoever polls for everyone does it.

It never stands in the journal's way: it has a task of its own, its deadlines, and a file on a disk that hangs is left
to a thread. What could not be noted is said and tried again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from repz_console.config import Loaded
from repz_console.engine.known import Known
from repz_console.engine.storage import Storage
from repz_console.plan import model
from repz_console.providers.base import Context, ProviderError
from repz_console.providers.threads import in_thread
from repz_console.store import anchor
from repz_console.store.errors import StoreError
from repz_console.text import safe

Result = TypeVar("Result")

DEADLINE = 5.0
"""Seconds that a place has to take a line."""
LOOK_EVERY = 1.0
"""Seconds between looks whether it is this console that polls."""
LOOK_AT = 256_000
"""Bytes of the newest lines that the journal is compared with when a console opens; `journal verify` takes them all."""
_TAMPERED = "anchor"


class Anchor:
    """Compares once, then notes."""

    def __init__(self, storage: Storage, known: Known, own: Loaded, spec: model.Anchor) -> None:
        """`own` is this console's config and `spec` what it says of anchors, whatever plan was adopted."""
        self._storage = storage
        self._known = known
        self._spec = spec
        self._base = own.path.parent
        self._file: Path | None = None
        self._launch = own.plan.launch.name
        self._context = Context(source="anchor", plan=own.plan, folder=own.path.parent, vault=own.vault)
        self._found = known.length
        """Entries that were there when this console opened: what it writes itself needs no proof."""
        self._noted: dict[str, str] = {}
        self._hangs = False

    async def run(self) -> None:
        """Compare the journal with what was noted, then note it whenever it has grown, until cancelled."""
        try:
            self._file = anchor.located(self._spec.file, self._base)
        except StoreError as error:
            self._known.notice("anchor file", f"the journal's head cannot be noted elsewhere: {error}")
        if self._file is not None:
            await self._compare(self._file)
        while True:
            lease = self._known.collector
            if lease is not None and lease.holder.console == self._known.actor.console:
                await self._note()
                await asyncio.sleep(self._spec.every)
            else:
                await asyncio.sleep(LOOK_EVERY)

    async def _compare(self, file: Path) -> None:
        try:
            heads, garbage = await self._in_thread(
                lambda: anchor.read(file, self._launch, newest=LOOK_AT) if file.exists() else ([], 0)
            )
            found = await self._storage.run(
                lambda stores: None if stores.journal.damage else anchor.compare(stores.journal, heads)
            )
        except (StoreError, ProviderError) as error:
            self._known.notice(_TAMPERED, f"the journal cannot be compared with the heads noted elsewhere: {error}")
            return
        if found is None:
            return
        if found.why:
            self._known.notice(_TAMPERED, f"{found.why} (in {safe(file)}): `journal verify` tells more")
        elif garbage:
            self._known.notice(_TAMPERED, f"{safe(file)} has lines that are no heads: look who writes there")
        elif not heads and self._found:
            line = f"{safe(file)} has no head of this journal: what is in it already is not proven"
            self._known.notice(_TAMPERED, line)
        if heads:
            self._noted["file"] = heads[-1].hash

    async def _note(self) -> None:
        at = self._known.clock()
        try:
            line = await self._storage.run(
                lambda stores: anchor.head(stores.journal, self._launch, os.uname().nodename, at)
            )
        except StoreError:  # said by whoever follows the journal
            return
        if line is None:
            return
        for place, send in (("file", self._append), ("webhook", self._post)):
            named = self._file if place == "file" else self._spec.webhook
            if named and self._noted.get(place) != line.hash:
                try:
                    await send(line)
                except ProviderError as error:
                    said = f"entry {line.seq:,} is not noted elsewhere: {error.fault.what}; it is tried again"
                    self._known.notice(f"anchor {place}", said)
                else:
                    self._noted[place] = line.hash
                    self._known.notice(f"anchor {place}", "")

    async def _append(self, line: anchor.Head) -> None:
        file = self._file
        assert file is not None
        try:
            await self._in_thread(lambda: anchor.append(file, line))
        except OSError as error:
            raise ProviderError(f"{safe(file)}: {safe(error.strerror or error)}") from error

    async def _post(self, line: anchor.Head) -> None:
        from repz_console.providers.headers import check_headers, revealed  # only a webhook pays for these
        from repz_console.providers.net import Client

        url = self._spec.webhook
        try:
            client = Client(url)
            check_headers(self._spec.headers)
        except ValueError as error:
            raise ProviderError(f"webhook: {error}") from None
        headers = await revealed(self._spec.headers, self._context)
        answer = await client.fetch(
            "POST",
            url,
            deadline=DEADLINE,
            headers={"Content-Type": "application/json", **headers},
            content=anchor.encode(line),
            whole=False,
        )
        if not 200 <= answer.status < 300:
            raise ProviderError(f"the webhook {answer.said}")

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        if self._hangs:
            raise ProviderError(f"{safe(self._spec.file)} does not answer: its disk may hang")

        def work() -> Result:
            try:
                return call()
            finally:
                self._hangs = False

        self._hangs = True
        return await in_thread(work, deadline=DEADLINE, what=safe(self._spec.file))
