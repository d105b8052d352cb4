"""A backend speaks of the rollouts that it has a part in, and of the features that it carries of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from repz_console.plan.model import Plan
from repz_console.plan.ramp import Part
from repz_console.providers import ours
from repz_console.providers.base import Context, Refused
from tests.support.providers import FEATURES, change, context, flags, plan


def parted() -> Plan:
    """`production` in two parts, `beta` in none."""
    whole = plan()
    parts = (Part(controller="servers", features=("core",)), Part(controller="flags"))
    return structs.replace(
        whole, rollout=whole.rollout | {"production": structs.replace(whole.rollout["production"], part=parts)}
    )


def of(folder: Path, source: str) -> Context:
    return context(folder, source, parted())


def test_a_source_has_the_rollouts_that_name_it(tmp_path: Path) -> None:
    assert ours.rollouts(of(tmp_path, "flags")) == ("beta", "production")
    assert ours.rollouts(of(tmp_path, "servers")) == ("production",)
    assert ours.rollouts(of(tmp_path, "other")) == ()


def test_a_source_carries_its_part_and_what_nobody_else_does(tmp_path: Path) -> None:
    assert ours.features(of(tmp_path, "servers"), "production") == ("core",)
    assert ours.features(of(tmp_path, "flags"), "production") == ("adaptive", "full")
    assert ours.features(of(tmp_path, "flags"), "beta") == FEATURES


def test_what_is_another_s_is_refused(tmp_path: Path) -> None:
    for source, rollout in (("servers", "beta"), ("flags", "no-such-rollout")):
        with pytest.raises(Refused, match=source):
            ours.rollout(of(tmp_path, source), rollout)


async def test_a_flag_file_has_flags_for_its_part_alone(tmp_path: Path) -> None:
    console = flags(tmp_path, of=parted())
    state = await console.apply(change("op", {"us": 20}, "full"))
    assert state.exposure.features == ("full",)
    assert [line.split(":")[0].strip() for line in console.calls(change("op", {}))[1:]] == [
        "repz.production.adaptive",
        "repz.production.full",
    ]
