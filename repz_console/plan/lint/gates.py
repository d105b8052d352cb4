"""Rules about what holds a rollout, and what goes on without a person: where either could never happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from repz_console.plan.lint.finding import Finding
from repz_console.plan.model import Plan, Rollout
from repz_console.plan.wrong import listed


def automatic_without_effect(plan: Plan, now: datetime) -> Iterator[Finding]:
    """What is to happen without a person has nothing that starts it, or what starts it does nothing."""
    for name, rollout in plan.rollout.items():
        automatic = rollout.automatic
        does = [word for word, armed in (("hold", automatic.hold), ("roll back", automatic.roll_back)) if armed]
        if bool(does) == bool(automatic.watch):
            continue
        text = (
            f"{rollout.title} is to {listed(does, 'and')} by itself, and watches no metric: it never will."
            if does
            else f"{rollout.title} watches metrics, and does nothing when they fail."
        )
        watched = listed([rule.metric for rule in automatic.watch], "and")
        yield Finding(
            "automatic-without-effect",
            "error",
            text,
            (f"watches {watched}", f"does {listed(does, 'and')}"),
            (f"rollout.{name}.automatic",),
        )


def shrinks_by_itself(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A rollout may go down without a person, which everybody on duty should know."""
    for name, rollout in plan.rollout.items():
        automatic, place = rollout.automatic, f"rollout.{name}.automatic"
        whens: list[tuple[str, str]] = []
        if automatic.roll_back and automatic.watch:
            metrics = listed(list(dict.fromkeys(rule.metric for rule in automatic.watch)))
            whens.append((f"{metrics} fails", f"{place}.roll_back"))
        if automatic.dead_man_minutes > 0:
            whens.append((f"nobody is there for {automatic.dead_man_minutes:g} min", f"{place}.dead_man_minutes"))
        if whens:
            yield Finding(
                "shrinks-by-itself",
                "info",
                f"{rollout.title} goes back to its last good stage without a person, if a `record` process runs.",
                tuple(f"when {when}" for when, _ in whens),
                tuple(path for _, path in whens),
            )


def metric_without_source(plan: Plan, now: datetime) -> Iterator[Finding]:
    """Gates, or what is to happen without a person, rest on metrics that nothing measures."""
    metrics = {metric.id: metric for metric in plan.metric}
    for name, rollout in plan.rollout.items():
        blind: dict[str, str] = {}
        for metric, path in _asked(rollout, f"rollout.{name}"):
            if metric in metrics and not metrics[metric].source:
                blind.setdefault(metric, path)
        if blind:
            titles = listed([metrics[metric].title for metric in blind], "and")
            yield Finding(
                "metric-without-source",
                "warning",
                f"{rollout.title} rests on {titles}, and no source measures that: INCONCLUSIVE until one does.",
                tuple(f"{metric} has no source" for metric in blind),
                tuple(blind.values()),
            )


def _asked(rollout: Rollout, path: str) -> Iterator[tuple[str, str]]:
    """Ids of the metrics that a rollout's gates and its automatic rules read, with where they are named."""
    for index, rule in enumerate(rollout.automatic.watch):
        yield rule.metric, f"{path}.automatic.watch[{index}]"
    for number, stage in enumerate(rollout.stage):
        for index, rule in enumerate(stage.metrics):
            yield rule.metric, f"{path}.stage[{number}].metrics[{index}]"
            if rule.samples:
                yield rule.counted_by, f"{path}.stage[{number}].metrics[{index}]"
        if stage.bake.requests:
            yield stage.bake.counted_by, f"{path}.stage[{number}].bake"


def poll_without_stage(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A poll is planned, and nothing waits for it."""
    asked = {stage.poll for rollout in plan.rollout.values() for stage in rollout.stage}
    for index, poll in enumerate(plan.poll):
        if poll.id not in asked:
            yield Finding(
                "poll-without-stage",
                "warning",
                f"{poll.title} holds no stage: nobody will be asked.",
                (f'no stage has poll = "{poll.id}"',),
                (f"poll[{index}]",),
            )


def director_not_asked(plan: Plan, now: datetime) -> Iterator[Finding]:
    """A go/no-go poll can be GO without the seat that decides it."""
    for index, poll in enumerate(plan.poll):
        seats = [station.seat for each in poll.round for station in each.station]
        if plan.launch.director not in seats:
            yield Finding(
                "director-not-asked",
                "warning",
                f"{poll.title} can be GO without the director's seat.",
                (f"asked: {listed(seats, 'and')}", f"director: {plan.launch.director}"),
                (f"poll[{index}]",),
            )


RULES = (
    automatic_without_effect,
    shrinks_by_itself,
    metric_without_source,
    poll_without_stage,
    director_not_asked,
)
