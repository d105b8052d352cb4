"""Each rule on a small plan: silent on a sound one, and heard where it should be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from repz_console.plan.lint import findings
from repz_console.plan.model import Plan
from tests.support.configs import SMALL, changed, loaded, small

BEFORE = datetime(2027, 1, 1, tzinfo=UTC)


def told(plan: Plan, now: datetime = BEFORE) -> dict[str, str]:
    return {finding.rule: finding.text for finding in findings(plan, lambda path: "plan.toml:1", now)}


def test_a_sound_plan_has_only_what_is_worth_knowing() -> None:
    assert told(small()) == {
        "recurrence-vs-span": "2 monthly charges cover 61 days, and the plan runs for 5.",
        "region-jump": "All takes World from 50 to 100 % at once.",
        "risky-weekday": "Full launch is on a Friday: the next working day is Monday.",
    }


def test_an_empty_plan_does_not_trip_any_rule() -> None:
    text = SMALL[: SMALL.index("[[seat]]")]
    assert set(told(loaded(text).plan)) == {"risky-weekday"}
    assert "plan-in-past" in told(loaded(text).plan, datetime(2030, 1, 1, tzinfo=UTC))


CASES = [
    ("total = 400", "total = 300", "sum-mismatch",
     "The total is stated as 300 EUR and the categories add up to 400 EUR: 100 EUR too much."),
    ("amount = 400", "amount = 500", "sum-mismatch",
     "The total is stated as 400 EUR and the categories add up to 500 EUR: 100 EUR too much."),
    ("monthly = 100.50", "monthly = 100", "sum-mismatch",
     "The total is stated as 400 EUR and all lines add up to 399 EUR: 1 EUR left over."),
    ("amount = 199 ", "", "unpriced-lines", "Cloud does not say how it is split over 1 purpose."),
    ("months = 2", "months = 5", "recurrence-vs-span", "5 monthly charges cover 153 days, and the plan runs for 5."),
    ("percent = 100", "percent = 90", "terminal-stage-missing",
     "Production is never said to reach 100 %: the plan states no stage, and no time, for it."),
    ("2027-06-10, time = 12:00:00", "2027-06-10", "stage-without-time",
     "Production: no time is stated for Half; read as 00:00."),
    ("time = 12:00:00 }", 'time = 12:00:00, zone = "Asia/Tokyo" }', "mixed-timezones",
     "The launch is timed in Europe/Berlin and Asia/Tokyo; its bars have no zone and are read in Europe/Berlin."),
    ("time = 12:00:00 }", 'time = 23:00:00, zone = "America/Lima" }', "local-day-mismatch",
     "Thursday 2027-06-10 in America/Lima is already Friday in Europe/Berlin."),
    ("time = 12:00:00 }", 'time = 12:00:00, written = "noon CET" }', "fixed-offset-abbrev",
     "CET is not the time that Europe/Berlin keeps on 2027-06-10: that is CEST."),
    ("time = 12:00:00 }", 'time = 12:00:00, written = "friday noon" }', "weekday-mismatch",
     "2027-06-10 is a Thursday, and the plan says Friday."),
    ("on = 2027-06-10, time = 12:00:00 }", "on = 2027-06-08, time = 18:00:00 }", "gate-without-gap",
     "Half starts 6 hours before Prepare ends: no time is left to decide."),
    ('owner = "director"', 'owner = "Launch dir"', "undefined-role",
     "Launch dir has no seat; the seat may be Launch Director."),
    ('owner = "director"', 'owner = "Lunch Director"', "undefined-role", "Lunch Director has no seat."),
    ('owner = "director"', "", "unowned", "2 of 2 tasks have no owner."),
    ('users = ["anna"]', 'groups = ["leads"]', "empty-seat",
     "1 of 1 seats name no person: who may decide hangs on unix groups alone."),
    ('title = "Launch"\n', 'title = "Launch"\nweeks = "2"\n', "phase-week-mismatch",
     "Launch is said to take week 2, and its bars lie in week 1."),
    ("start = 2027-06-07\ndays = 2", "start = 2027-06-06\ndays = 1", "weekend-work",
     "1 of the 3 days of work fall on a Saturday or Sunday; nothing but weekend: Build."),
    ('name = "small"', 'name = "small"\ntimeline_weeks = [4, 6]', "range-vs-computed",
     "Full launch comes 0.6 weeks after the plan's first day, outside the promised range."),
    ('name = "small"', 'name = "small"\nbudget_range = [100, 400]', "range-vs-total",
     "The total is the very top of the promised range: 0 EUR of headroom."),
    ('name = "small"', 'name = "small"\nbudget_range = [500, 900]', "range-vs-total",
     "The total lies outside the promised range."),
    ('name = "small"', 'name = "small"\ndocument_date = 2027-06-12', "document-after-plan",
     "The document is 1 day younger than the full launch it plans: the year may be wrong."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rule", "text"), CASES)
def test_a_rule_is_heard(old: str, new: str, rule: str, text: str) -> None:
    if old == "amount = 199 ":
        old = ", amount = 199"
    assert told(loaded(changed(SMALL, {old: new})).plan)[rule] == text


RITUAL = """
[[ritual]]
id = "standup"
title = "Standup"
every = "{every}"
time = {time}
zone = "{zone}"
minutes = 30
[command_centre]
location = "Here"
team = "All"
hours = 6
"""


@pytest.mark.parametrize(
    ("every", "time", "zone", "text"),
    [
        ("day", "09:00:00", "Europe/Berlin", "Standup is under way in the minute of full launch."),
        ("friday", "08:45:00", "Europe/Berlin", "Standup is under way in the minute of full launch."),
        ("day", "07:00:00", "UTC", "Standup is under way in the minute of full launch."),
        ("day", "08:30:00", "Europe/Berlin", None),
        ("day", "10:30:00", "Europe/Berlin",
         "Standup meets 1.5 hours after full launch, while the command centre sits."),
        ("day", "15:00:00", "Europe/Berlin", None),
        ("monday", "09:00:00", "Europe/Berlin", None),
        ("day", "09:00:00", "UTC", "Standup meets 2 hours after full launch, while the command centre sits."),
    ],
)  # fmt: skip
def test_meetings_and_the_launch_minute(every: str, time: str, zone: str, text: str | None) -> None:
    plan = small(RITUAL.format(every=every, time=time, zone=zone))
    assert told(plan).get("calendar-collision") == text


def test_two_channels_of_one_kind() -> None:
    channel = '\n[[channel]]\naudience = "{}"\nkind = "{}"\naddress = "{}"\n'
    two = channel.format("internal", "Slack", "#a") + channel.format("internal", "slack", "#b")
    assert told(small(two))["conflicting-channel"] == "Slack has 2 channels for the team: #a and #b."
    apart = channel.format("internal", "Slack", "#a") + channel.format("external", "Slack", "#b")
    assert "conflicting-channel" not in told(small(apart + channel.format("internal", "Slack", "#a")))


UPTIME = """
[[metric]]
id = "uptime"
title = "Uptime"
unit = "%"
targets = [{{ said = "criteria", op = ">", value = {value} }}]
[[escalation]]
level = 1
from_minute = 0
to_minute = 15
who = "director"
[[escalation]]
level = 2
from_minute = 15
who = "Launch Director"
"""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99.9, "Level 2 (Launch Director) is called when 149% of a week's allowed downtime is gone."),
        (100, "Level 2 (Launch Director) is called when all of a week's allowed downtime is gone."),
        (99, None),
    ],
)
def test_escalation_against_the_error_budget(value: float, text: str | None) -> None:
    assert told(small(UPTIME.format(value=value))).get("budget-vs-escalation") == text


TARGETS = '\n[[metric]]\nid = "churn"\ntitle = "Churn"\nunit = "%"\ntargets = [{}]\n'


@pytest.mark.parametrize(
    ("targets", "heard"),
    [
        ('{ said = "a", op = "<", value = 5 }, { said = "b", op = "<", value = 10 }', True),
        ('{ said = "a", op = "<", value = 5 }, { said = "b", op = "<", value = 5 }', False),
        ('{ said = "a", op = "<", value = 5 }, { said = "b", op = "<=", value = 5 }', True),
        ('{ said = "a", op = "<", value = 5 }, { said = "b", op = ">", value = 1 }', False),
        ('{ said = "a", op = "<", value = 5 }, { said = "b", op = "<", value = 9, window = "month 2" }', False),
    ],
)
def test_targets_that_disagree(targets: str, heard: bool) -> None:
    assert ("conflicting-target" in told(small(TARGETS.format(targets)))) is heard


RUNBOOK = """
[[runbook]]
id = "failure"
title = "Failure"
[[runbook.parts]]
title = "At once"
limit_minutes = 5
steps = [{{ title = "Alert all team members" }}, {{ title = "Fix or roll back", command = "{command}" }}]
[[escalation]]
level = 4
from_minute = {minute}
who = "Full team"
"""


def test_who_is_called_first_and_how_to_get_back() -> None:
    both = told(small(RUNBOOK.format(command="", minute=30)))
    assert both["escalation-conflict"] == "Failure calls everybody within 5 minutes, the escalation only after 30."
    assert both["missing-rollback"] == "A runbook says to roll back, and none has the command that does it."
    neither = told(small(RUNBOOK.format(command="vercel rollback", minute=5)))
    assert not {"escalation-conflict", "missing-rollback", "undefined-role"} & set(neither)


def test_choices_left_open() -> None:
    checklist = '\n[[checklist]]\nid = "c"\ntitle = "C"\nphase = "prepare"\nitems = [{{ id = "i", title = "{}" }}]\n'
    assert told(small(checklist.format("Vercel/Netlify account")))["either-or"] == (
        "A choice is left open: Vercel/Netlify account."
    )
    assert "either-or" not in told(small(checklist.format("GDPR/CCPA reviewed, go/no-go")))
    assert told(loaded('trackers = ["Linear/Jira"]\n' + SMALL).plan)["either-or"] == (
        "Where bugs are tracked is left open: Linear/Jira."
    )


def test_what_is_bought_twice_guessed_or_unnamed() -> None:
    extra = """
[[milestone]]
users = 500
actions = ["Upgrade to hosting"]
[[risk]]
title = "Rain"
probability = "Low"
impact = "High"
mitigation = "Umbrella"
[[flag]]
id = "other"
title = "Other"
on = true
"""
    heard = told(small(extra, **{'title = "World"': 'title = "World"\ncountries_stated = false'}))
    assert heard["milestone-vs-budget"] == "Hosting is paid for from the first day, and bought at 500 users."
    assert heard["risk-without-plan"] == "1 of 1 risks have no runbook."
    assert heard["undefined-set"] == "The plan does not say which countries World are; the list here is a guess."
    assert heard["unresolved-reference"] == (
        "Production switches features that none of the plan's flags is named after."
    )
