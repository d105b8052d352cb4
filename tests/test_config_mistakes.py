"""Every mistake at once, each with file, line, path, what was found, what is allowed and the nearest word."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from repz_console import config
from repz_console.mistakes import Mistake
from repz_console.plan import schedule
from repz_console.plan.lint import findings
from repz_console.plan.money import charges
from repz_console.plan.wrong import nearest
from tests.support.configs import SMALL, changed, loaded, mistakes

TEN = changed(
    SMALL,
    {
        'zone = "Europe/Berlin"': 'zone = "Europe/Berlinn"\nsolo = "no"',
        'environment = "PRODUCTION"\n': "",
        'users = ["anna"]': "user = ['anna']",
        'phase = "prepare"\n': 'phase = "prepair"\n',
        "days = 2\nowner": "days = 0\nowner",
        'controller = "flags"': 'controller = "flag"',
        "percent = 50": "percent = 140",
        "percent = 100": 'percent = "all"',
        "total = 400": "total = -1",
        'kind = "flagd"\npath = "flags.json"': 'kind = "flagd"\npaht = "flags.json"',
    },
)


def test_ten_mistakes_are_all_told() -> None:
    assert mistakes(TEN) == [
        "plan.toml:1: launch.environment: found nothing; allowed: a text; the key is required",
        'plan.toml:4: launch.zone: found "Europe/Berlinn"; allowed: an IANA zone such as America/New_York or UTC; '
        "did you mean Europe/Berlin?",
        'plan.toml:5: launch.solo: found "no"; allowed: true or false',
        "plan.toml:11: seat[0].user: found an unknown key; allowed: id, title, duties, users, groups, deputies or "
        "conn; did you mean users?",
        'plan.toml:25: task[0].phase: found "prepair"; allowed: prepare or launch; did you mean prepare?',
        "plan.toml:27: task[0].days: found 0; allowed: a whole number from 1 to 3660",
        "plan.toml:35: task[1].days: found 0; allowed: a whole number from 1 to 3660",
        'plan.toml:48: rollout.production.controller: found "flag"; allowed: flags; did you mean flags?',
        "plan.toml:56: rollout.production.stage[0].percent: found 140; allowed: a percent from 0 to 100",
        'plan.toml:64: rollout.production.stage[1].percent: found "all"; allowed: a number',
        "plan.toml:70: budget.total: found -1; allowed: a sum from 0 to a million million",
        "plan.toml:81: source.flags.path: found nothing; allowed: a text; the key is required",
        "plan.toml:83: source.flags.paht: found an unknown key; allowed: kind, every, "
        + ", ".join(OPTION_NAMES[:-1])
        + f" or {OPTION_NAMES[-1]}; did you mean path?",
    ]


def _option_names() -> list[str]:
    from repz_console.providers import registry

    return list(registry.load("flagd").Options.__struct_fields__)


OPTION_NAMES = _option_names()


def test_the_small_plan_is_sound() -> None:
    plan = loaded()
    assert mistakes(SMALL) == []
    assert plan.options["flags"].path == "flags.json"
    assert (
        plan.where("rollout.production.stage[1].percent")
        == f"plan.toml:{SMALL.splitlines().index('percent = 100') + 1}"
    )


WRONG = [
    ("percent = 50", "percent = 33.333", "rollout.production.stage[0].percent", "a percent in steps of 0.01"),
    ("percent = 50", "percent = nan", "rollout.production.stage[0].percent", "a percent from 0 to 100"),
    ('regions = ["world"]', "regions = []", "rollout.production.regions", "world"),
    ('regions = ["world"]', 'regions = ["mars"]', "rollout.production.regions[0]", "world"),
    ('id = "all"', 'id = "half"', "rollout.production.stage[1].id", "one that is not taken yet"),
    ('id = "go"', 'id = "build"', "task[1].id", "one that is not taken yet"),
    ('id = "go"', 'id = "go now"', "task[1].id", "a short word of letters, digits, dots, dashes and underscores"),
    ("start = 2027-06-10", "start = 3027-06-10", "task[1].start", "a day of the years 1970 to 2199"),
    ("start = 2027-06-10", "start = 10", "task[1].start", "a date such as 2027-02-05"),
    (", months = 2", "", "budget.category[0].line[0].months", "a whole number from 1 to 120"),
    ("monthly = 100.50", "monthly = 1, amount = 2", "budget.category[0].line[0].monthly", "one of the two"),
    ("amount = 199", "amount = 1.005", "budget.category[0].line[1].amount", "a sum with at most two decimals"),
    ("amount = 199", "amount = inf", "budget.category[0].line[1].amount", "a sum from 0 to a million million"),
    ('id = "setup"', 'id = "host"', "budget.category[0].line[1].id", "one that is not taken yet"),
    ("on = 2027-06-11, time = 09:00:00 }\npercent", "on = 2027-06-01 }\npercent", "rollout.production.stage[1].at.on",
     "a day not before 2027-06-10, that of the stage above it"),
    ('full_launch = { on = 2027-06-11, time = 09:00:00 }', "full_launch = { on = 2027-06-11 }",
     "launch.full_launch.time", "the time of day of full launch, the clock's zero"),
    ('kind = "flagd"', 'kind = "flagd"\nevery = 0', "source.flags.every", "seconds above 0, up to 86400"),
    ('environment = "PRODUCTION"', 'environment = " "', "launch.environment", "a text that is not empty"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "path", "allowed"), WRONG)
def test_one_mistake(old: str, new: str, path: str, allowed: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        loaded(SMALL.replace(old, new, 1))
    assert [(it.path, it.allowed) for it in caught.value.mistakes] == [(path, allowed)]


def test_regions_do_not_overlap() -> None:
    extra = """
[[region]]
id = "dach"
title = "DACH"
countries = ["DE", "at", "CH"]
[[region]]
id = "central"
title = "Central"
countries = ["DE"]
[[region]]
id = "others"
title = "Others"
"""
    assert [line.split(": ", 1)[1] for line in mistakes(SMALL + extra)] == [
        'region[1].countries[1]: found "at"; allowed: an ISO 3166 code of two capital letters',
        'region[2].countries[0]: found "DE"; allowed: a country not in dach already',
        "region[3].countries: found no countries; allowed: countries by name, as world already has all others",
    ]


def test_a_misspelt_kind_names_the_nearest() -> None:
    (line,) = mistakes(SMALL.replace('kind = "flagd"', 'kind = "flagdd"'))
    assert line.startswith('plan.toml:82: source.flags.kind: found "flagdd"; allowed: ')
    assert line.endswith("did you mean flagd?")


def test_an_unknown_table_names_the_nearest() -> None:
    (line,) = mistakes(SMALL + '\n[[tasks]]\nid = "x"\n')
    assert "tasks: found an unknown key" in line
    assert line.endswith("did you mean task?")


def test_text_that_is_not_toml_names_its_line() -> None:
    (line,) = mistakes(SMALL.replace("days = 2", "days = = 2", 1))
    assert line.startswith(f"plan.toml:{SMALL.splitlines().index('days = 2') + 1}: found text that is not TOML")
    assert mistakes(SMALL + '\nx = "')[0].startswith(f"plan.toml:{SMALL.count(chr(10)) + 2}: ")


def test_brackets_without_end_are_a_mistake_and_not_a_defect() -> None:
    (line,) = mistakes(f"x = {'[' * 5000}{']' * 5000}")
    assert line.startswith("plan.toml:1: found brackets nested hundreds deep")


def test_titles_cannot_steer_the_terminal() -> None:
    plan = loaded(SMALL.replace('title = "Build"', r'title = "Bu\u001b[2Jild\u202e"')).plan
    assert plan.task[0].title == "Bu␛[2Jild\ufffd"
    (line,) = mistakes(SMALL.replace('phase = "prepare"', r'phase = "\u001b]0;x\u0007"', 1))
    assert line.isprintable()


def test_a_mistake_without_a_line_is_one_line() -> None:
    assert str(Mistake("a.toml", 0, "", "no such file", "a file")) == "a.toml: found no such file; allowed: a file"


def paths_into(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [found for inner in value.values() for found in paths_into(inner)]
    if isinstance(value, list):
        return [(value, index) for index in range(len(value))] + [found for it in value for found in paths_into(it)]
    return []


SPOILT = st.one_of(
    st.none(),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.booleans(),
    st.text(max_size=5),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(0, 1), max_size=2),
)


@settings(max_examples=40)
@given(st.data())
def test_whatever_is_spoilt_is_told_or_usable(data: st.DataObject) -> None:
    """No value anywhere makes validation, the schedule or the findings fail in another way."""
    document = tomllib.loads(SHIPPED)
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(paths_into(document)))
        new = data.draw(SPOILT)
        if new is None:
            del container[key]
        else:
            container[key] = new
    text = tomli_w.dumps(document)
    try:
        found = loaded(text)
    except config.ConfigError as error:
        told = [str(mistake) for mistake in error.mistakes]
    else:
        told = []
        _use(found)
    assert not any("\n" in line for line in told)


def _use(found: config.Loaded) -> None:
    now = datetime(2024, 2, 2, 14, tzinfo=UTC)
    findings(found.plan, found.where, now)
    charges(found.plan)
    schedule.happenings(found.plan, now, now.replace(month=3))
    schedule.moves(found.plan, schedule.rebase(found.plan, now.replace(year=2027)))


SHIPPED = (Path(__file__).parent.parent / "config.toml").read_text()


def test_only_what_is_nearly_the_same_word_is_taken_for_a_slip() -> None:
    known = ["kind", "every", "timeout", "options"]
    assert nearest("verify", known) == ""
    assert [nearest(word, known) for word in ("knid", "evry", "Timeouts")] == ["kind", "every", "timeout"]
