"""What the status line says of rollouts: how far it is, what is wrong with it, whether it could be killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from repz_console.room.views import RolloutView, RoomView
from repz_console.tui.paint.base import Glyphs, Line
from repz_console.tui.paint.format import count, cut, exposure_percent
from repz_console.tui.paint.words import TRUSTED, kill_chip, stage_name

SPARE = 8
"""How long a part is kept that is shown only where it costs no other part a word."""


class Part(NamedTuple):
    """One answer of the status line: its wordings from the shortest to the longest, and how much it matters."""

    keep: int
    """Lower stays longer when room is short."""
    grow: int
    """Lower gets a longer wording first."""
    forms: tuple[Line, ...]
    wanted: int = 0
    """The wording that matters more than air between the parts."""


def stage(rollout: RolloutView | None, glyphs: Glyphs) -> Part:
    """How far the main rollout is."""
    if rollout is None:
        return Part(2, 0, ())
    configured = rollout.configured
    if configured.exposure is None:
        return Part(2, 0, ((("?%", "bad"),), (("exposure unknown", "bad"),)))
    trusted = configured.freshness in TRUSTED
    role, doubt = ("accent", "") if trusted else ("warn", "?")
    share = exposure_percent(configured.exposure) + doubt
    name = stage_name(rollout.current)
    forms: list[Line] = [((share.replace(" ", ""), role),)]
    forms += [((f"{cut(name, length, glyphs.ellipsis)} ", "text"), (share, role)) for length in (8, 12, 24)]
    if rollout.next is not None:
        following = f" {glyphs.arrow} {cut(rollout.next.title, 20, glyphs.ellipsis)}"
        forms.append((*forms[-1], (following, "muted")))
    return Part(2, 0, tuple(forms), wanted=1)


def alarms(view: RoomView, glyphs: Glyphs) -> Iterator[Part]:
    """What nobody may miss, of any rollout. Those that are kept first stand on the smallest screen as well."""
    rollouts = view.rollout.rollouts
    unknown = sum(len(rollout.unknown) for rollout in rollouts)
    yield _alarm("UNKNOWN", count(unknown, "change") if unknown else "", glyphs)
    overrides = sum(len(rollout.overrides) for rollout in rollouts)
    yield _alarm("OVERRIDE", count(overrides, "gate") if overrides else "", glyphs)
    partial = [rollout.change for rollout in rollouts if rollout.change and rollout.change.state == "partial"]
    for change in partial[:1]:
        done = sum(step.state == "applied" for step in change.steps)
        yield _alarm("PARTIAL", f"{done}/{len(change.steps)}", glyphs)
    if any(rollout.unarmed for rollout in rollouts):
        yield Part(5, 0, (((f"{glyphs.warn} UNARMED", "warn"),),))
    if any(rollout.due for rollout in rollouts):
        yield Part(4, 0, (((f"{glyphs.warn} DUE", "warn.reverse"),),))


def _alarm(word: str, more: str, glyphs: Glyphs) -> Part:
    if not more:
        return Part(1, 0, ())
    return Part(1, 0, tuple(((f"{glyphs.bad} {text}", "bad.reverse"),) for text in (word, f"{word} {more}")))


def kill(view: RoomView, glyphs: Glyphs) -> Part:
    """Whether every backend could be killed from here now. That it could gives way to what is wrong elsewhere."""
    readiness = {each.controller: each for rollout in view.rollout.rollouts for each in rollout.readiness}
    chip = kill_chip(tuple(readiness.values()), glyphs)
    if not chip:
        return Part(SPARE, 9, ())
    return Part(SPARE if chip[0][1] == "ok" else 3, 9, (chip,))
