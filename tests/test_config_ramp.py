"""Mistakes in what a stage needs, in freezes and in polls: each with its place and what is allowed."""

from __future__ import annotations

import pytest

from tests.support.configs import SMALL, mistakes

STAGE = "percent = 50\n"
TABLES = """
[[metric]]
id = "rate"
title = "Error rate"
targets = [{ said = "alpha", op = "<", value = 0.1 }]
[[metric]]
id = "bare"
title = "Bare"
"""
FREEZE = """
[[freeze]]
id = "f"
title = "F"
start = { on = 2027-02-05, time = 17:00:00 }
minutes = 60
"""
POLL = """
[[poll]]
id = "go"
title = "Go"
"""


def asks(stations: str) -> str:
    return f'round = [{{ title = "R", caller = "director", station = [{stations}] }}]'


@pytest.mark.parametrize(
    ("needs", "tables", "said"),
    [
        ('checklists = ["none"]', "", 'checklists[0]: found "none"'),
        ('metrics = [{ metric = "none" }]', "", 'metrics[0].metric: found "none"; allowed: rate or bare'),
        ('metrics = [{ metric = "bare" }]', "", "which has no targets; allowed: a metric with targets"),
        ('metrics = [{ metric = "rate", said = "beta" }]', "", 'said: found "beta"; allowed: alpha'),
        ('metrics = [{ metric = "rate", samples = 9 }]', "", "counted_by: found nothing"),
        ('metrics = [{ metric = "rate", max_age = -1 }]', "", "max_age: found -1"),
        ("bake = { requests = 10 }", "", "bake.counted_by: found nothing"),
        ("bake = { minutes = -1 }", "", "bake.minutes: found -1"),
        ('poll = "none"', "", 'poll: found "none"'),
        ("approvals = -1", "", "approvals: found -1"),
        ("shares = { nowhere = 5 }", "", 'shares.nowhere: found "nowhere"'),
        ("shares = { world = 101 }", "", "shares.world: found 101; allowed: a percent from 0 to 100"),
        ("", FREEZE + 'rule = "FREQ=SECONDLY"', "freeze[0].rule: found"),
        ("", FREEZE + 'rollouts = ["none"]', 'freeze[0].rollouts[0]: found "none"'),
        ("", FREEZE + 'except_stages = ["production.none"]', "freeze[0].except_stages[0]: found"),
        ("", FREEZE.replace(", time = 17:00:00", ""), "freeze[0].start.time: found nothing"),
        ("", POLL + "round = []", "poll[0].round: found no rounds"),
        ("", POLL + 'round = [{ title = "R", caller = "none", station = [] }]', 'round[0].caller: found "none"'),
        ("", POLL + asks(""), "round[0].station: found no stations"),
        ("", POLL + asks('{ seat = "none" }'), 'station[0].seat: found "none"; allowed: director'),
        ("", POLL + asks('{ seat = "director", gates = ["p9"] }'), 'station[0].gates[0]: found "p9"'),
        ("", POLL + asks('{ seat = "director" }, { seat = "director" }'), 'station[1].seat: found "director" again'),
    ],
)
def test_each_is_told(needs: str, tables: str, said: str) -> None:
    assert any(said in line for line in mistakes(SMALL.replace(STAGE, f"{STAGE}{needs}\n", 1) + TABLES + tables))


def test_what_is_in_order_is_taken() -> None:
    rule = 'rule = "FREQ=WEEKLY;BYDAY=FR,SA"'
    needs = 'metrics = [{ metric = "rate" }]\nbake = { minutes = 60 }\nshares = { world = 5 }'
    assert mistakes(SMALL.replace(STAGE, f"{STAGE}{needs}\n", 1) + TABLES + FREEZE + rule) == []


def test_who_agrees_needs_a_seat_that_decides() -> None:
    nobody = SMALL.replace('zone = "Europe/Berlin"', 'zone = "Europe/Berlin"\ndirector = "boss"')
    assert mistakes(nobody) == [], "nothing is asked of anybody"
    for needs in ("approvals = 1\n", 'poll = "go"\n'):
        text = nobody.replace(STAGE, f"{STAGE}{needs}", 1) + POLL + asks('{ seat = "director" }')
        assert any('launch.director: found "boss"; allowed: director' in line for line in mistakes(text))
