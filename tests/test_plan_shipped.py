"""The shipped config holds the whole launch: counts and figures that a slip of the keyboard would change."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from repz_console import config
from repz_console.plan.exposure import cells, of_stage, widens
from repz_console.plan.lint import findings
from repz_console.plan.model import Automatic, Plan

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT.parent / "shared" / "repz-deployment-strategy.md"
_BAR = re.compile(r"^ {4}(\S[^:\n]*?)\s*:(\d{4}-\d\d-\d\d), (\d+)d$", re.MULTILINE)


@pytest.fixture(scope="module")
def repz() -> Plan:
    return config.load(ROOT / "config.toml").plan


def test_its_size(repz: Plan) -> None:
    parts = {
        name: len(getattr(repz, name))
        for name in (
            "seat",
            "phase",
            "task",
            "flag",
            "bug_rule",
            "escalation",
            "ritual",
            "risk",
            "milestone",
            "priorities",
        )
    }
    assert parts == {
        "seat": 6,
        "phase": 5,
        "task": 16,
        "flag": 4,
        "bug_rule": 5,
        "escalation": 4,
        "ritual": 2,
        "risk": 7,
        "milestone": 5,
        "priorities": 4,
    }
    assert all(len(seat.duties) == 3 for seat in repz.seat)
    assert [len(repz.beta.groups), len(repz.beta.incentives), len(repz.beta.feedback)] == [4, 4, 5]
    assert [sum(it.kind == kind for it in repz.announcement) for kind in ("channel", "event")] == [5, 3]
    assert [sum(it.audience == kind for it in repz.channel) for kind in ("internal", "external", "press")] == [5, 4, 1]
    assert [len(repz.launch.claims), len(repz.launch.success_factors)] == [5, 7]


def test_its_checklists(repz: Plan) -> None:
    items = {checklist.id: len(checklist.items) for checklist in repz.checklist}
    assert items == {
        "approval": 5,
        "infrastructure": 6,
        "integration": 6,
        "security": 6,
        "final-checks": 5,
        "scenarios": 8,
        "stabilization": 5,
    }
    owned = [checklist for checklist in repz.checklist if checklist.owner]
    assert sum(len(checklist.items) for checklist in owned) == 23
    assert [(it.owner, it.priority) for it in owned] == [
        ("DevOps Lead", "Critical"),
        ("Backend Developer", "High"),
        ("Security Lead", "Critical"),
        ("Project Manager", "High"),
    ]


def test_its_runbooks(repz: Plan) -> None:
    steps = {book.id: [len(part.steps) for part in book.parts] for book in repz.runbook}
    assert steps == {"staging": [4], "system-failure": [4, 5], "data-breach": [4, 5]}
    assert [part.limit_minutes for book in repz.runbook[1:] for part in book.parts] == [5, None, 15, None]
    assert all(step.command for part in repz.runbook[0].parts for step in part.steps)


def test_its_metrics(repz: Plan) -> None:
    def group(name: str) -> int:
        return sum(name in metric.groups for metric in repz.metric)

    counts = {name: group(name) for name in ("monitor", "alpha", "beta", "criteria", "daily", "weekly", "monthly")}
    assert counts == {"monitor": 5, "alpha": 5, "beta": 5, "criteria": 12, "daily": 5, "weekly": 5, "monthly": 5}
    said = [target.said for metric in repz.metric for target in metric.targets]
    assert {name: said.count(name) for name in set(said)} == {
        "alpha": 5,
        "post-launch": 6,
        "growth targets": 4,
        "launch criteria": 12,
    }


def test_its_rollouts(repz: Plan) -> None:
    assert list(repz.rollout) == ["production", "beta"]
    production, beta = repz.rollout.values()
    assert [stage.percent for stage in production.stage] == [20, 40, 60, 80, 100]
    assert [stage.percent_stated for stage in production.stage] == [True, True, True, True, False]
    assert [(stage.at.on.day, stage.percent) for stage in beta.stage] == [(17, 10), (19, 25), (21, 50), (23, 100)]
    for rollout in (production, beta):
        exposures = [of_stage(rollout, stage) for stage in rollout.stage]
        for before, after in pairwise(exposures):
            assert widens(before, after)
            assert not widens(after, before), "a later stage takes nothing away"
    assert cells(of_stage(production, production.stage[0])) == {("us", "core"): 20, ("canada", "core"): 20}
    assert {feature for stage in beta.stage for feature in stage.features} == {flag.id for flag in repz.flag if flag.on}


def test_what_its_stages_ask_for(repz: Plan) -> None:
    """Soft launch needs no source that is not there, and the beta little, so that both can be tried."""
    production, beta = repz.rollout.values()
    soft, *steps, full = production.stage
    assert all(stage.not_before for stage in production.stage)
    assert production.max_step == 20
    assert (soft.checklists, soft.poll, soft.metrics) == (("security", "final-checks"), "go", ())
    for stage in (*steps, full):
        assert [rule.metric for rule in stage.metrics] == ["error_rate", "api_p95"]
    assert (full.checklists, full.poll, full.approvals) == (("infrastructure", "integration", "scenarios"), "go", 1)
    assert [stage.bake.minutes for stage in production.stage] == [1440, 720, 720, 720, 0]
    assert not any(stage.not_before or stage.checklists or stage.poll or stage.approvals for stage in beta.stage)
    assert [stage.bake.minutes for stage in beta.stage] == [1440, 1440, 1440, 0]
    # Nothing measures the error rate yet, so that nothing could happen by itself.
    assert production.automatic == beta.automatic == Automatic()
    assert repz.freeze == ()


def test_its_poll_asks_every_role_what_it_answers_for(repz: Plan) -> None:
    (poll,) = repz.poll
    assert [(each.caller, [station.seat for station in each.station]) for each in poll.round] == [
        ("technical", ["qa", "support", "product", "marketing"]),
        ("director", ["technical", "director"]),
    ]
    duties = {seat.id: seat.duties for seat in repz.seat}
    assert {station.seat: station.criteria for each in poll.round for station in each.station} == duties


def test_its_bug_rules(repz: Plan) -> None:
    assert {rule.priority: rule.blocks_from for rule in repz.bug_rule} == {
        "P0": "always",
        "P1": "beta",
        "P2": "launch",
        "P3": "",
        "P4": "",
    }


def test_it_works_for_a_stranger(repz: Plan) -> None:
    """No person is named, nothing needs the network, and nothing is written beside a read-only default."""
    assert not any(seat.users or seat.deputies for seat in repz.seat)
    assert [seat.id for seat in repz.seat if seat.conn] == ["director", "technical"]
    assert {source.kind for source in repz.source.values()} == {"plan", "local", "ledger", "host", "flagd"}
    assert repz.source["flags"].options["path"] == "state:flags.json"
    assert {rollout.controller for rollout in repz.rollout.values()} == {"flags"}
    assert repz.store.path == ""
    assert repz.launch.environment == "PRODUCTION"


def test_its_commented_examples_are_sound() -> None:
    text = (ROOT / "config.toml").read_text()
    probe = text[text.index("# [source.site]") : text.index("[store]")]
    uncommented = text.replace(probe, re.sub(r"^# ?", "", probe, flags=re.MULTILINE))
    loaded = config.load_text(uncommented, {}, Path("config.toml"))
    assert loaded.plan.source["site"].kind == "probe"


def test_the_coverage_page_accounts_for_every_element() -> None:
    page = (ROOT / "docs" / "plan-coverage.md").read_text()
    covered: set[int] = set()
    for row in re.findall(r"^\| ([\d, -]+) \|", page, re.MULTILINE):
        for part in row.split(", "):
            first, _, last = part.partition("-")
            covered |= set(range(int(first), int(last or first) + 1))
    assert covered == set(range(1, 287))
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page))
    plan = config.load(ROOT / "config.toml").plan
    known = {finding.rule for finding in findings(plan, str, datetime(2030, 1, 1, tzinfo=UTC))}
    assert named <= known | {"range-vs-computed", "beta-rollout", "internal-testing", "post-launch"}


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the launch's document is not on this machine")
def test_its_bars_are_those_of_the_document(repz: Plan) -> None:
    bars = [(title, date.fromisoformat(start), int(days)) for title, start, days in _BAR.findall(DOCUMENT.read_text())]
    assert [(task.title, task.start, task.days) for task in repz.task] == bars
