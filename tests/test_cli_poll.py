"""`rollout poll`: who said go, by exit code, and what that lets people do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import Commands
from tests.support.steered import Launch

POLL = """
[[poll]]
id = "go"
title = "Launch poll"

[[poll.round]]
title = "The director's poll"
caller = "director"

[[poll.round.station]]
seat = "director"
criteria = ["Everybody is ready"]

[[poll.round.station]]
seat = "ops"
"""
SEAT = '[[seat]]\nid = "ops"\ntitle = "Operations"\n\n[[seat]]'


@pytest.fixture
def launch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Launch:
    """One person holds every seat, and the first stage needs a poll."""
    launch = Launch(tmp_path, Commands(capsys))
    launch.edited(
        ("solo = false ", "solo = true "), ("[[seat]]", SEAT), ('id = "canary"', 'id = "canary"\npoll = "go"')
    )
    with launch.config.open("a") as file:
        file.write(POLL)
    return launch


def vote(launch: Launch, seat: str, *answer: str) -> int:
    return launch("rollout", "poll", "vote", "production", seat, *answer).code


def test_a_poll_goes_from_incomplete_to_go_and_lets_the_stage_be_entered(launch: Launch) -> None:
    show = ("rollout", "poll", "show", "production")
    answer = launch(*show)
    assert answer.code == 4
    assert "Launch poll for canary" in answer.out
    assert launch.widen("canary")[0] == 3
    assert launch("rollout", "poll", "call", "production").code == 0
    assert launch(*show).code == 4
    assert vote(launch, "director", "GO") == 0
    assert launch(*show).code == 4
    assert launch.widen("canary")[0] == 3
    assert launch.percents() == {}
    assert vote(launch, "ops", "go") == 0
    code, told = launch.json(*show)
    assert (code, told["exit"], told["poll"]["verdict"], told["hold"]) == (0, 0, "GO", None)
    assert set(told) == {"rollout", "poll", "hold", "exit"}
    assert launch.widen("canary")[0] == 0
    assert launch.percents() == {"home": 5.0}


def test_a_no_go_and_a_hold_are_held(launch: Launch) -> None:
    show = ("rollout", "poll", "show", "production")
    assert launch("rollout", "poll", "call", "production", "canary").code == 0
    assert vote(launch, "director", "NO-GO") == 3
    assert vote(launch, "director", "NO-GO", "--reason", "the disk is full") == 0
    answer = launch(*show)
    assert answer.code == 3
    assert "the disk is full" in answer.out
    assert vote(launch, "director", "GO") == 0
    assert vote(launch, "ops", "GO") == 0
    assert launch(*show).code == 0
    assert launch("rollout", "hold", "production", "--reason", "wait").code == 0
    answer = launch(*show)
    assert answer.code == 3
    assert "HELD" in answer.out


def test_a_condition_counts_once_it_is_accepted(launch: Launch) -> None:
    assert launch("rollout", "poll", "call", "production").code == 0
    assert vote(launch, "director", "GO") == 0
    condition = ("--reason", "the mail works", "--owner", "bo", "--due", "2099-01-01T09:00")
    assert vote(launch, "ops", "GO-IF", *condition[:2]) == 3
    assert vote(launch, "ops", "GO-IF", *condition) == 0
    assert launch("rollout", "poll", "show", "production").code == 4
    assert launch("rollout", "poll", "accept", "production", "ops").code == 0
    assert launch("rollout", "poll", "show", "production").code == 0


def test_a_poll_that_is_called_off_lets_nothing_pass(launch: Launch) -> None:
    assert launch("rollout", "poll", "call", "production").code == 0
    assert launch("rollout", "poll", "close", "production", "--reason", "another day").code == 0
    assert launch("rollout", "poll", "show", "production").code == 4
    assert vote(launch, "director", "GO") == 3
    kinds = launch.kinds()
    assert [kind for kind in kinds if kind.startswith("poll.")] == ["poll.called", "poll.closed"]


def test_show_and_the_dry_run_name_the_poll(launch: Launch) -> None:
    assert "Launch poll for canary" in launch("rollout", "show").out
    answer = launch("rollout", "next", "production", "--dry-run")
    assert "needs: go/no-go poll go for canary" in answer.out
