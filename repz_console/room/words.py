"""How the room words people, instants and exposures in its one-line explanations."""

from __future__ import annotations

from datetime import UTC, datetime

from repz_console.facts import Actor, Exposure
from repz_console.plan import exposure as exposures


def who(actor: Actor) -> str:
    """`user@host`."""
    return f"{actor.user}@{actor.host}"


def decided_by(by: str, actor: Actor) -> str:
    """`user@host`, or `automatic (user@host)` for what that one's process did without anybody."""
    return who(actor) if by == "person" else f"{by} ({who(actor)})"


def instant(at: datetime) -> str:
    """`2027-02-05 14:03:20 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def percent(share: float) -> str:
    """`20 %`, `12.5 %`."""
    return f"{round(share, 2):g} %"


def exposure(seen: Exposure) -> str:
    """`20 % of ca, us with core`, or `nobody`."""
    exposed = exposures.cells(seen)
    if not exposed:
        return "nobody"
    shares = {region: share for (region, _), share in exposed.items()}
    features = ", ".join(sorted(seen.features))
    if len(set(shares.values())) == 1:
        return f"{percent(next(iter(shares.values())))} of {', '.join(sorted(shares))} with {features}"
    each = ", ".join(f"{region} {percent(share)}" for region, share in sorted(shares.items()))
    return f"{each} with {features}"


def count(number: int, noun: str) -> str:
    """`1 bug`, `3 bugs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def named(title: str) -> str:
    """A title within a sentence: `error rate`, but `API response` and `P0 bugs`."""
    return title if title[:2].upper() == title[:2] else title[:1].lower() + title[1:]


def headline(seen: Exposure) -> str:
    """The exposure's one number: `20 %`, or `nobody`."""
    return "nobody" if exposures.is_nobody(seen) else percent(exposures.headline_percent(seen))
