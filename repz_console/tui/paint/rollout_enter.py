"""What Enter would do now, in one line; the act that follows is in `tui/acts`."""

from __future__ import annotations

from typing import NamedTuple

from repz_console.facts import Exposure, Verdict
from repz_console.plan.exposure import headline_percent, is_nobody, same
from repz_console.room.views import RolloutView
from repz_console.tui.paint.base import Choices, Glyphs
from repz_console.tui.paint.format import cell_width, percent, plain
from repz_console.tui.paint.rollout_gates import station_of


class Target(NamedTuple):
    """What would be compared with what is configured."""

    exposure: Exposure
    stage: str
    """Id of the planned stage; empty where it is none."""


def target_of(rollout: RolloutView, choices: Choices) -> Target | None:
    """The draft; without one the stage that is selected, else the next one."""
    if choices.draft is not None:
        return Target(choices.draft, choices.draft_stage)
    kind, _, identity = choices.cursor.partition(":")
    chosen = next((stage for stage in rollout.stages if kind == "stage" and stage.id == identity), rollout.next)
    if chosen is None:
        return None
    configured = rollout.configured.exposure
    key = configured.key if configured is not None else chosen.exposure.key
    return Target(Exposure(chosen.exposure.percent, chosen.exposure.features, key), chosen.id)


def what_enter_does(rollout: RolloutView, choices: Choices, width: int, glyphs: Glyphs) -> str:
    """One sentence, in names of regions where they fit, else in ids."""
    kind, _, identity = choices.cursor.partition(":")
    special = _row(rollout, kind, identity)
    if special:
        return f"Enter: {special}"
    target = target_of(rollout, choices)
    if target is None:
        return "Enter: nothing, no stage is left; the arrows draft a percent"
    for names in ({**dict(rollout.regions), **dict(rollout.features)}, {}):
        said = f"Enter: {_comparison(rollout, target, names, glyphs)}"
        if cell_width(said) <= width:
            break
    return said


def _row(rollout: RolloutView, kind: str, identity: str) -> str:
    """What it does on a row that is not about the target; empty where it is."""
    if kind == "gate":
        gate = next((gate for gate in rollout.gates if gate.id == identity), None)
        if gate is None:
            return ""
        offer = ""
        if gate.verdict is Verdict.INCONCLUSIVE and gate.waivable and not gate.excused:
            offer = ", and can ask to waive it"
        elif gate.verdict is Verdict.FAIL and not gate.excused:
            offer = ", and what can be done"
        return f"shows what {gate.title} stands on{offer}"
    if kind == "station":
        station = station_of(rollout.poll, identity)
        if station is not None:
            return f"answers for {station.title}" if station.mine else f"shows what {station.title} said"
    if kind == "poll" and rollout.poll is not None:
        return f"opens {rollout.poll.title}"
    if kind == "approval" and rollout.approval is not None:
        return "shows what is to be approved"
    if kind == "waiver":
        return "shows the waiver, to agree to it"
    if kind == "override":
        return "shows the override"
    if kind == "change" and rollout.change is not None and rollout.change.op == identity:
        return "shows each step of the change"
    return ""


def _comparison(rollout: RolloutView, target: Target, names: dict[str, str], glyphs: Glyphs) -> str:
    before = rollout.configured.exposure
    after = target.exposure
    if before is not None and same(before, after):
        return "nothing, that is configured already"
    stage = next((f"{stage.title}, " for stage in rollout.stages if stage.id == target.stage), "")
    if before is None:
        return f"compares {stage}{percent(headline_percent(after))}, with what nobody knows"
    if is_nobody(after):
        return f"compares {percent(headline_percent(before))} with nobody"
    had = before.percent if before.features else {}
    moves: dict[tuple[float, float], list[str]] = {}
    for region, _ in rollout.regions:
        was, will = had.get(region, 0.0), after.percent.get(region, 0.0) if after.features else 0.0
        if was != will:
            moves.setdefault((was, will), []).append(names.get(region, region))
    said = []
    for (was, will), regions in moves.items():
        where = ", ".join(regions)
        if was == 0:
            said.append(f"{where} {'enter' if len(regions) > 1 else 'enters'} at {percent(will)}")
        elif will == 0:
            said.append(f"{where} {'leave' if len(regions) > 1 else 'leaves'}")
        else:
            said.append(f"{plain(was, 2)} {glyphs.arrow} {percent(will)} in {where}")
    said += [f"+{names.get(each, each)}" for each in after.features if each not in before.features]
    said += [f"-{names.get(each, each)}" for each in before.features if each not in after.features]
    return f"compares {stage}{'; '.join(said) or 'other features'}"
