"""The kind `ledger`: spend entered in the console itself, kept in the journal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from msgspec import structs

from repz_console.events import AnyEvent, Entry, SpendAdded, SpendVoided
from repz_console.facts import Facts, Spend
from repz_console.plan.schedule import full_launch, plan_span
from repz_console.providers.base import Context, Provider, ProviderError
from repz_console.providers.keys import check_plain, new_key, settled_key
from repz_console.text import identifier, safe

MOST = Decimal(10) ** 9
"""An amount beyond this is a slip of the finger."""
FARTHEST = 366
"""Days before and after the plan and today beyond which a date is one too."""

_AMOUNT = re.compile(r"(?P<sign>-?)\$?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?P<cents>\.[0-9]{1,2})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class Ledger(Provider):
    """A spend book that needs no accounting system."""

    kind: ClassVar[str] = "ledger"
    own_config_only = False
    tells = frozenset({"spend"})

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._spend: dict[str, Spend] = {}
        self._facts: Facts | None = None

    def fold(self, entries: Sequence[Entry]) -> None:
        """Take in what was entered in this book and taken back. A taking back of nothing is passed over."""
        for entry in entries:
            event = entry.event
            if isinstance(event, SpendAdded) and event.source == self.context.source:
                if not event.amount.is_finite():  # one NaN would swallow the whole sum
                    continue
                key = settled_key(identifier(event.spend), entry.seq, self._spend)
                self._spend[key] = Spend(
                    id=f"{event.source}:{key}",
                    line=safe(event.line),
                    amount=event.amount,
                    kind=event.entry,
                    on=event.on,
                    note=safe(event.note),
                    who=identifier(entry.actor.user),
                )
                self._facts = None
            elif isinstance(event, SpendVoided) and event.source == self.context.source:
                spend = self._spend.get(identifier(event.spend))
                if spend is not None:
                    self._spend[identifier(event.spend)] = structs.replace(spend, voided=True)
                    self._facts = None

    def facts(self) -> Facts:
        """Every entry ever made, in that order; those taken back are marked `voided`."""
        if self._facts is None:
            self._facts = Facts(spend=tuple(self._spend.values()))
        return self._facts

    def added(self, line: str, amount: str, *, entry: str, on: str, today: date, note: str = "") -> AnyEvent:
        """The event that enters a spend on a budget line of the plan, on a day within `FARTHEST` of the plan or of
        `today`. Raises `ProviderError`.
        """
        return SpendAdded(
            source=self.context.source,
            spend=new_key("S", self._spend),
            line=self._line(line),
            amount=money(amount),
            entry=_entry(entry),
            on=self._day(on, today),
            note=safe(note).strip(),
        )

    def voided(self, spend: str, reason: str) -> AnyEvent:
        """The event that takes an entry back, named `SOURCE:KEY` or `KEY`. Raises `ProviderError` if there is none
        such, or it was taken back before.
        """
        key = safe(spend).strip().removeprefix(f"{self.context.source}:").upper()
        found = self._spend.get(key)
        if found is None:
            raise ProviderError(f"no entry {key or '(none named)'} in {self.context.source}")
        check_plain(key)
        if found.voided:
            raise ProviderError(f"{key} was taken back before")
        return SpendVoided(source=self.context.source, spend=key, reason=safe(reason).strip())

    def _line(self, raw: str) -> str:
        budget = self.context.plan.budget
        known = [line.id for category in budget.category for line in category.line] if budget else []
        line = raw.strip()
        if line in known:
            return line
        if not known:
            raise ProviderError("the plan has no budget lines to spend on")
        nearest = difflib.get_close_matches(line, known, n=1)
        hint = f"nearest is {nearest[0]}" if nearest else f"there are {', '.join(known)}"
        raise ProviderError(f"no budget line {safe(line) or '(none named)'}: {hint}")

    def _day(self, raw: str, today: date) -> date:
        day = _day(raw)
        plan = self.context.plan
        starts, ends = plan_span(plan)
        # A task ends with the first instant after its last day; full launch is an instant of its own day.
        ends = max(ends - timedelta(microseconds=1), full_launch(plan))
        first, last = (at.astimezone(ZoneInfo(plan.launch.zone)).date() for at in (starts, ends))
        if (min(first, today) - day).days > FARTHEST or (day - max(last, today)).days > FARTHEST:
            raise ProviderError(f"{day} is more than {FARTHEST} days from today and from the plan, {first} to {last}")
        return day


def money(raw: str) -> Decimal:
    """An amount as typed: `1250`, `1,250.00`, `$12.5`, `-30` for a refund. Raises `ProviderError` for anything else,
    for zero, and beyond `MOST`.
    """
    match = _AMOUNT.match(raw.strip().replace("$-", "-$", 1))
    if match is None:
        raise ProviderError(f"{safe(raw, 40)!r} is no amount: write it like 1250 or 1,250.00")
    amount = Decimal(match["sign"] + match["whole"].replace(",", "") + (match["cents"] or ""))
    if amount == 0:
        raise ProviderError("an amount of 0 enters nothing")
    if abs(amount) > MOST:
        raise ProviderError(f"{safe(raw, 40)} is more than {MOST:,}")
    return amount.quantize(Decimal("0.01"))


def _entry(raw: str) -> Literal["committed", "actual"]:
    word = raw.strip().lower()
    if word == "committed":
        return "committed"
    if word == "actual":
        return "actual"
    raise ProviderError(f"an entry is committed or actual, not {safe(raw, 40)!r}")


def _day(raw: str) -> date:
    text = raw.strip()
    try:
        if not _DATE.match(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ProviderError(f"{safe(raw, 40)!r} is no date: write it like 2027-02-05") from None
