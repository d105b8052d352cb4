"""What a change would mean, as it is compared before it is applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repz_console.engine.rehearsal import Calls
from repz_console.facts import Exposure
from repz_console.plan.exposure import cells, rising_cells
from repz_console.room.views import RolloutView
from repz_console.room.what_if import Forecast
from repz_console.tui.dialogs.base import paragraphs
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import exposure_percent, percent, plain, regions_of


def comparison(rollout: RolloutView, would: Forecast, calls: Sequence[Calls], width: int, glyphs: Glyphs) -> list[Line]:
    """From and to, cell by cell; whom it meets; what stands in the way; what would be sent."""
    configured = rollout.configured.exposure
    stage = f"  stage {would.stage}" if would.stage else ""
    lines: list[Line] = [
        (("From  ", "muted"), (described(configured, rollout) if configured else "unknown", "text")),
        (("To    ", "muted"), (described(would.target, rollout), "strong"), (stage, "accent")),
    ]
    lines += _rising_and_falling(rollout, would.target, glyphs)
    lines += _entering(rollout, would)
    lines += paragraphs([f"{glyphs.warn} {jump}" for jump in would.jumps], width, "warn")
    if would.way != "widens":
        lines.append((("Nobody sees more than before: no gate is asked.", "ok"),))
    else:
        lines += paragraphs([f"{glyphs.bad} {said_once(line)}" for line in would.closed], width, "bad")
        # What a gate in the way says already is not said again.
        needs = [line for line in would.needs if not any(line.partition(": ")[2] in gate for gate in would.closed)]
        lines += paragraphs([f"Needs {line}" for line in needs], width, "text")
        passing = f"{would.gates - len(would.closed)} of {would.gates} gates let it pass."
        lines.append(((passing, "warn" if would.closed else "ok"),))
    lines += _people(would, glyphs)
    lines += paragraphs([f"Not known: {why}" for why in would.unknown], width, "muted")
    lines += _sent(calls, width)
    return lines


def said_once(line: str) -> str:
    """A gate's title and line, where the line begins with the title itself."""
    title, _, rest = line.partition(": ")
    return rest if rest.startswith(f"{title}: ") else line


def described(exposure: Exposure, rollout: RolloutView) -> str:
    """An exposure in words, its features by their titles."""
    titles = dict(rollout.features)
    features = ", ".join(titles.get(feature, feature) for feature in exposure.features) or "no feature"
    return f"{exposure_percent(exposure)}, {regions_of(exposure, rollout.regions)}: {features}"


def _rising_and_falling(rollout: RolloutView, draft: Exposure, glyphs: Glyphs) -> list[Line]:
    """Every cell whose share changes. Features that change alike in the same regions share a line."""
    configured = rollout.configured.exposure
    before, after = cells(configured) if configured else {}, cells(draft)
    rising = rising_cells(configured, draft)
    by_feature: dict[str, dict[tuple[float, float, bool], list[str]]] = {}
    for region, feature in sorted(before.keys() | after.keys() | rising.keys()):
        cell = (region, feature)
        was, will = before.get(cell, 0.0), after.get(cell, 0.0)
        if was != will or cell in rising:
            by_feature.setdefault(feature, {}).setdefault((was, will, cell in rising), []).append(region)
    alike: dict[tuple[float, float, bool, tuple[str, ...]], list[str]] = {}
    for feature, moves in by_feature.items():
        for (was, will, rises), regions in moves.items():
            alike.setdefault((was, will, rises, tuple(regions)), []).append(feature)
    titles = dict(rollout.features)
    return [
        (
            (f"{percent(was):>6} {glyphs.arrow} {percent(will):>6}  ", "warn" if rises else "info"),
            (f"{' '.join(regions)}: ", "muted"),
            (", ".join(titles.get(feature, feature) for feature in features), "text"),
        )
        for (was, will, rises, regions), features in sorted(alike.items())
    ]


def _entering(rollout: RolloutView, would: Forecast) -> Iterator[Line]:
    regions, features = dict(rollout.regions), dict(rollout.features)
    for word, names, titles, role in (
        ("Enters", would.regions_in, regions, "warn"),
        ("Leaves", would.regions_out, regions, "info"),
        ("New   ", would.features_in, features, "warn"),
        ("Gone  ", would.features_out, features, "info"),
    ):
        if names:
            yield ((f"{word}  ", "muted"), (", ".join(titles.get(name, name) for name in names), role))


def _people(would: Forecast, glyphs: Glyphs) -> Iterator[Line]:
    if would.people_after is not None and would.people_before is not None and would.people_total is not None:
        moves = f"{_whole(would.people_before)} {glyphs.arrow} {_whole(would.people_after)}"
        said = f"{moves} of {_whole(would.people_total)}"
        in_percent = would.people_total == 100
        if not in_percent and would.of_all_before is not None and would.of_all_after is not None:
            said += f", {plain(would.of_all_before)} {glyphs.arrow} {percent(round(would.of_all_after, 1))} of all"
        if would.people_affected is not None:
            said += f"; {_whole(would.people_affected)} see something else"
        yield (("People  ", "muted"), (said, "text"))
    if would.errors_hour is not None:
        burn = f", {plain(would.burn)} % of each hour's error budget ({would.budget})" if would.burn is not None else ""
        yield (("Errors  ", "muted"), (f"about {plain(would.errors_hour)} more an hour{burn}", "text"))
    elif would.burn is not None:
        yield (("Errors  ", "muted"), (f"{plain(would.burn)} % of each hour's budget ({would.budget})", "text"))


def _whole(number: float) -> str:
    return plain(number, 0 if number >= 100 else 1)


def _sent(calls: Sequence[Calls], width: int) -> Iterator[Line]:
    for call in calls:
        yield ((f"Would send to {call.controller}", "title"), (f": {call.why}" if call.why else "", "muted"))
        yield from paragraphs(call.lines, width, "muted")
