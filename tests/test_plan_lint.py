"""What is found in the shipped plan, word for word, and that nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from repz_console import config
from repz_console.plan.lint import findings
from repz_console.plan.schedule import rebase

SHIPPED = Path(__file__).parent.parent / "config.toml"
THEN = datetime(2024, 12, 7, tzinfo=UTC)

GOLDEN = [
    (
        "error",
        "plan-in-past",
        "Every date of the plan is past, the last one by 281 days: choose a new full launch with a rebase.",
    ),
    (
        "error",
        "document-after-plan",
        "The document is 309 days younger than the full launch it plans: the year may be wrong.",
    ),
    ("error", "phase-week-mismatch", "Optimization is said to take week 6+, and its bars lie in weeks 5 to 9."),
    (
        "error",
        "mixed-timezones",
        "The launch is timed in America/New_York and UTC; its bars have no zone and are read in America/New_York.",
    ),
    ("error", "local-day-mismatch", "Monday 2024-01-29 in UTC is still Sunday in America/New_York."),
    ("error", "calendar-collision", "Daily standup is under way in the minute of full launch."),
    ("error", "gate-without-gap", "Soft launch starts 5 hours before Beta ends: no time is left to decide."),
    (
        "error",
        "terminal-stage-missing",
        "Production is never said to reach 100 %: the plan states no stage, and no time, for it.",
    ),
    ("error", "unresolved-reference", "Production switches features that none of the plan's flags is named after."),
    ("error", "missing-rollback", "A runbook says to roll back, and none has the command that does it."),
    ("error", "sum-mismatch", "Infrastructure is stated as $2,000 and its lines add up to $1,827: $173 left over."),
    ("error", "sum-mismatch", "The total is stated as $10,000 and all lines add up to $9,827: $173 left over."),
    ("error", "milestone-vs-budget", "Supabase Pro is paid for from the first day, and bought at 1000 users."),
    ("error", "conflicting-target", "Monthly recurring revenue has targets that disagree: >= $25,000 and >= $10,000."),
    ("error", "conflicting-target", "Churn has targets that disagree: < 5 % and < 10 %."),
    ("error", "budget-vs-escalation", "Level 3 (CTO) is called when 149% of a week's allowed downtime is gone."),
    ("error", "undefined-role", "DevOps Lead has no seat."),
    ("error", "undefined-role", "Backend Developer has no seat."),
    ("error", "undefined-role", "Security Lead has no seat."),
    ("error", "undefined-role", "Project Manager has no seat."),
    ("error", "undefined-role", "Dev on-call has no seat."),
    ("error", "undefined-role", "Tech lead has no seat; the seat may be Technical Lead."),
    ("error", "undefined-role", "CTO has no seat."),
    ("error", "conflicting-channel", "Slack has 2 channels for the team: #launch-day and #launch-central."),
    ("error", "either-or", "Where bugs are tracked is left open: Linear/Jira."),
    (
        "error",
        "escalation-conflict",
        "Critical system failure calls everybody within 5 minutes, the escalation only after 30.",
    ),
    (
        "warning",
        "weekend-work",
        "18 of the 68 days of work fall on a Saturday or Sunday; nothing but weekend: Final Checks, Bug Fixes.",
    ),
    ("warning", "time-without-zone", "Daily standup and Weekly review name no zone; read as America/New_York."),
    (
        "warning",
        "fixed-offset-abbrev",
        "EST is a fixed offset; it is read as America/New_York, which leaves it in another season.",
    ),
    ("warning", "calendar-collision", "Weekly review meets 5 hours after full launch, while the command centre sits."),
    (
        "warning",
        "stage-without-time",
        "Production: no time is stated for Progressive 40 %, Progressive 60 % and Progressive 80 %; read as 00:00.",
    ),
    (
        "warning",
        "stage-without-time",
        "Beta: no time is stated for Beta day 1, Beta day 3, Beta day 5 and Beta day 7; read as 00:00.",
    ),
    (
        "warning",
        "undefined-set",
        "The plan does not say which countries Other English-speaking are; the list here is a guess.",
    ),
    ("warning", "region-jump", "Progressive 40 % takes UK from 0 to 40 % at once."),
    ("warning", "region-jump", "Progressive 60 % takes Other English-speaking from 0 to 60 % at once."),
    ("warning", "region-jump", "Progressive 80 % takes Rest of the world from 0 to 80 % at once."),
    (
        "warning",
        "people-not-stated",
        "Production: the plan does not say how many visitors live in which region; the figures here are a guess.",
    ),
    (
        "warning",
        "metric-without-source",
        "Production rests on Error rate and API response (p95), and no source measures that: INCONCLUSIVE until one "
        "does.",
    ),
    ("warning", "range-vs-total", "The total is the very top of the promised range: $0 of headroom."),
    ("warning", "unpriced-lines", "Reserve does not say how it is split over 3 purposes."),
    ("warning", "recurrence-vs-span", "3 monthly charges cover 91 days, and the plan runs for 61."),
    ("warning", "unowned", "12 of 16 tasks have no owner."),
    ("warning", "empty-seat", "6 of 6 seats name no person: who may decide hangs on unix groups alone."),
    ("warning", "either-or", "A choice is left open: Vercel/Netlify production account."),
    ("warning", "risk-without-plan", "6 of 7 risks have no runbook."),
    ("info", "risky-weekday", "Full launch is on a Friday: the next working day is Monday."),
    (
        "info",
        "region-jump",
        "Beta day 7 takes US, Canada, UK, Other English-speaking and Rest of the world from 50 to 100 % at once.",
    ),
]


@pytest.fixture(scope="module")
def repz() -> config.Loaded:
    return config.load(SHIPPED)


def test_the_shipped_plans_findings(repz: config.Loaded) -> None:
    found = findings(repz.plan, repz.where, THEN)
    assert [(finding.severity, finding.rule, finding.text) for finding in found] == GOLDEN


def test_every_finding_says_what_stands_against_what_and_where(repz: config.Loaded) -> None:
    lines = SHIPPED.read_text().splitlines()
    for finding in findings(repz.plan, repz.where, THEN):
        assert finding.figures
        assert finding.where
        for place in finding.where:
            position, path = place.split(" ", 1)
            key = path.rsplit(".", 1)[-1].split("[")[0]
            line = lines[int(position.rsplit(":", 1)[1]) - 1]
            assert key in line or line.lstrip().startswith(("{", '"')), place


def test_both_figures_stand_in_the_file(repz: config.Loaded) -> None:
    by_rule = {finding.rule: finding for finding in reversed(findings(repz.plan, repz.where, THEN))}
    assert by_rule["sum-mismatch"].figures == ("$2,000 stated", "$1,827 in its lines")
    assert by_rule["conflicting-target"].figures == (">= $25,000 (growth targets)", ">= $10,000 (launch criteria)")
    assert by_rule["budget-vs-escalation"].figures == ("99.9 % uptime: 10.08 min a week", "level 3: 15 min")
    assert by_rule["plan-in-past"].figures == ("last day 2024-03-01", "today 2024-12-07")
    assert by_rule["local-day-mismatch"].figures[1] == "Sunday 2024-01-28 19:00 America/New_York"


def test_figures_that_are_repeated_alike_are_no_conflict(repz: config.Loaded) -> None:
    conflicts = [it for it in findings(repz.plan, repz.where, THEN) if it.rule == "conflicting-target"]
    assert {path.rsplit(" ", 1)[1].split(".")[0] for it in conflicts for path in it.where} == {
        f"metric[{index}]" for index, metric in enumerate(repz.plan.metric) if metric.id in ("mrr", "churn")
    }


def rules_after(repz: config.Loaded, launch: datetime, now: datetime) -> set[str]:
    return {finding.rule for finding in findings(rebase(repz.plan, launch), repz.where, now)}


def test_a_rebase_by_whole_weeks_settles_the_past_and_nothing_else(repz: config.Loaded) -> None:
    before = {rule for _, rule, _ in GOLDEN}
    after = rules_after(repz, datetime(2025, 2, 7, 14, tzinfo=UTC), THEN)
    assert after == before - {"plan-in-past", "document-after-plan"}


def test_a_rebase_to_other_weekdays_is_told(repz: config.Loaded) -> None:
    moved = rebase(repz.plan, datetime(2025, 2, 2, 14, tzinfo=UTC))
    told = [it.text for it in findings(moved, repz.where, THEN) if it.rule == "weekday-mismatch"]
    assert told == [
        "2025-02-02 is a Sunday, and the plan says Friday.",
        "2025-01-29 is a Wednesday, and the plan says Monday.",
        "2025-01-30 is a Thursday, and the plan says Tuesday.",
        "2025-01-31 is a Friday, and the plan says Wednesday.",
        "2025-02-01 is a Saturday, and the plan says Thursday.",
        "2025-02-02 is a Sunday, and the plan says Friday.",
    ]


def test_est_in_summer_is_an_hour_off(repz: config.Loaded) -> None:
    moved = rebase(repz.plan, datetime(2025, 7, 11, 9, tzinfo=ZoneInfo("America/New_York")))
    (told,) = [it for it in findings(moved, repz.where, THEN) if it.rule == "fixed-offset-abbrev"]
    assert told.severity == "error"
    assert told.text == "EST is not the time that America/New_York keeps on 2025-07-11: that is EDT."


def test_the_plan_is_past_only_when_all_of_it_is(repz: config.Loaded) -> None:
    for now, past in ((datetime(2024, 3, 2, 4, 59, tzinfo=UTC), False), (datetime(2024, 3, 2, 5, tzinfo=UTC), True)):
        assert ("plan-in-past" in {it.rule for it in findings(repz.plan, repz.where, now)}) is past
