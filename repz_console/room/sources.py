"""How fresh every source of the plan is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from repz_console.facts import Freshness, Snapshot
from repz_console.plan.model import Plan
from repz_console.room.freshness import freshness, next_change, soonest, worst
from repz_console.room.views import SourcesView, SourceView


def build(plan: Plan, snapshots: Mapping[str, Snapshot], now: datetime) -> SourcesView:
    """Every source in the plan's order; one that has not answered yet is DOWN."""
    views = []
    for source_id, source in plan.source.items():
        snapshot = snapshots.get(source_id)
        views.append(
            SourceView(
                id=source_id,
                kind=source.kind,
                interval=snapshot.interval if snapshot is not None else source.every,
                freshness=freshness(snapshot, now),
                last_ok_at=snapshot.last_ok_at if snapshot is not None else None,
                error=snapshot.error if snapshot is not None else "",
                notes=snapshot.facts.notes if snapshot is not None and snapshot.facts is not None else (),
            )
        )
    return SourcesView(
        sources=tuple(views),
        worst=worst(view.freshness for view in views),
        next_change=soonest(next_change(snapshots.get(source_id), now) for source_id in plan.source),
    )


def shows_the_same(old: SourcesView, new: SourcesView) -> bool:
    """Whether only the time of the last good answer of live sources moved: nothing that a screen would draw."""
    return _quiet(old) == _quiet(new)


def _quiet(view: SourcesView) -> SourcesView:
    return SourcesView(
        sources=tuple(
            replace(source, last_ok_at=None) if source.freshness is Freshness.LIVE else source
            for source in view.sources
        ),
        worst=view.worst,
        next_change=None,
    )
