"""The plan in force: the adopted one if the journal holds one, else this console's own file, on its rebased dates."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from repz_console.config import ConfigError, Loaded, load_text
from repz_console.plan import schedule
from repz_console.plan.model import Plan
from repz_console.room.decisions import Decisions
from repz_console.room.room import Origin
from repz_console.room.words import instant, who
from repz_console.text import safe


class Effective(Struct, frozen=True):
    """A plan, where it came from, and what there is to say about that."""

    loaded: Loaded
    """The config that it was made from: its sources are the ones that run."""
    plan: Plan
    origin: Origin
    notice: str = ""
    """Empty, or why the adopted plan is not the one in force."""


def effective(own: Loaded, decisions: Decisions, before: Effective | None = None) -> Effective:
    """What is in force after `decisions`. `before` spares reading an adopted text that was read already."""
    loaded, differs, notice = own, _difference(own, decisions), ""
    if decisions.adopted is not None:
        adopted = decisions.adopted.event
        try:
            if before is not None and before.loaded.hash == adopted.hash:
                loaded = before.loaded
            elif own.hash != adopted.hash:
                loaded = load_text(adopted.text, adopted.includes, Path(adopted.path))
        except ConfigError as error:
            # Another version of the program adopted it: better the own plan, said plainly, than none.
            reason = next(iter(str(error).splitlines()), "")
            notice = f"the adopted plan cannot be read by this version, so your own file is shown: {safe(reason)}"
    source = "adopted" if decisions.adopted is not None and not notice else "file"
    rebased = decisions.rebase_of(loaded.hash)
    plan, days = loaded.plan, 0
    if rebased is not None:
        try:
            plan = schedule.rebase(loaded.plan, rebased.event.full_launch)
            days = schedule.shift_days(loaded.plan, rebased.event.full_launch)
        except (ValueError, OverflowError) as error:
            notice = f"the dates are shown as written, for the move in the journal cannot be followed: {safe(error)}"
    return Effective(loaded, plan, Origin(loaded.hash, source, differs, days), notice)


def _difference(own: Loaded, decisions: Decisions) -> str:
    adopted, moved = decisions.adopted, decisions.rebased
    if adopted is None:
        if moved is None or moved.event.plan_hash == own.hash:
            return ""
        by = f"{who(moved.actor)} {instant(moved.at)}"
        return f"{by} moved the dates of another plan than your {safe(own.path.name)}: here they are not moved"
    if adopted.event.hash == own.hash:
        return ""
    parts = sorted(_changed_tables(own, adopted.event.text, adopted.event.includes))
    what = f" in {', '.join(parts[:3])}{' ...' if len(parts) > 3 else ''}" if parts else ""
    by = f"{who(adopted.actor)} adopted {instant(adopted.at)}"
    return f"your {safe(own.path.name)} differs{what} from the plan that {by}"


def _changed_tables(own: Loaded, text: str, includes: dict[str, str]) -> set[str]:
    """Names of the top-level tables that differ; empty if the other text is not one that can be read."""
    try:
        other = load_text(text, includes, own.path)
    except ConfigError:
        return set()
    return {name for name in Plan.__struct_fields__ if getattr(own.plan, name) != getattr(other.plan, name)}
