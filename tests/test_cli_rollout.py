"""`rollout`: widening needs revision, conn, gates and a person at a terminal; the way back needs nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from repz_console.facts import Actor
from repz_console.store.journal import Journal
from repz_console.store.leases import Leases
from tests.support.commands import Commands
from tests.support.steered import Launch, challenge


@pytest.fixture
def launch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Launch:
    return Launch(tmp_path, Commands(capsys))


def test_a_person_at_a_terminal_widens_to_a_stage_and_the_file_follows(launch: Launch) -> None:
    code, said = launch.widen("canary", "--reason", "on time")
    assert code == 0, said
    assert re.search(r"canary PRODUCTION [a-z]{2}", said)
    assert launch.percents() == {"home": 5.0}
    flags = json.loads((launch.store / "flags.json").read_text())
    assert [name for name in flags["flags"] if name.startswith("repz.production")]
    kinds = launch.kinds()
    steps = ("conn.taken", "change.intended", "change.sent", "change.ended", "conn.released")
    assert [kind for kind in kinds if kind in steps] == list(steps)


def test_a_wrong_challenge_changes_nothing_and_gives_the_conn_back(launch: Launch) -> None:
    terminal = launch.terminal("rollout", "set", "production", "canary", "--expect", launch.shown()["revision"])
    expected = challenge(terminal.wait_for("to go on:"))
    terminal.type(expected[:-1] + ("a" if expected[-1] != "a" else "b"))
    assert terminal.end() == 3
    assert "nothing was changed" in terminal.said
    assert launch.percents() == {}
    assert "change.intended" not in launch.kinds()
    assert json.loads(launch("status", "--json").out)["control"]["state"] == "FREE"


def test_ctrl_c_at_the_challenge_changes_nothing_and_gives_the_conn_back(launch: Launch) -> None:
    terminal = launch.terminal("rollout", "set", "production", "canary", "--expect", launch.shown()["revision"])
    terminal.wait_for("to go on:")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "Traceback" not in terminal.said
    assert launch.kinds()[-1] == "conn.released"
    assert launch.percents() == {}


def test_without_a_terminal_nothing_widens(launch: Launch) -> None:
    answer = launch("rollout", "set", "production", "canary", "--expect", launch.shown()["revision"])
    assert answer.code == 3
    assert "without a terminal nothing widens" in answer.err
    assert launch.percents() == {}


def test_widening_needs_the_revision_that_was_judged(launch: Launch) -> None:
    answer = launch("rollout", "set", "production", "canary")
    assert answer.code == 2
    assert f"--expect {launch.shown()['revision']}" in answer.err


def test_an_old_revision_is_refused(launch: Launch) -> None:
    old = launch.shown()["revision"]
    assert launch.widen("canary")[0] == 0
    terminal = launch.terminal("rollout", "set", "production", "50", "--expect", old)
    terminal.type(challenge(terminal.wait_for("to go on:")))
    assert terminal.end() == 3
    assert launch.percents() == {"home": 5.0}


def test_a_gate_in_the_way_refuses(launch: Launch) -> None:
    assert launch("bug", "add", "it burns", "-p", "P0").code == 0
    code, said = launch.widen("canary")
    assert code == 3
    assert "P0" in said
    assert launch.percents() == {}
    assert launch.kinds()[-2:] == ["note.added", "conn.released"]
    tried = json.loads(launch("journal", "export").out.splitlines()[-2])
    assert tried["event"]["text"].startswith("could not set production to 5 % of home with core: P0 bugs")


def test_somebody_elses_conn_is_not_taken(launch: Launch) -> None:
    revision = launch.shown()["revision"]
    journal = Journal.open(launch.store)
    assert Leases(journal).take("conn", Actor("alice", 1234, "box", console="1-abc"), 60.0) is not None
    terminal = launch.terminal("rollout", "set", "production", "canary", "--expect", revision)
    code = terminal.end()
    journal.close()
    assert code == 3
    assert "alice@box" in terminal.said


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        (("rollout", "resume", "production", "--reason", "fixed"), "resume"),
        (("rebase", "--full-launch", "2027-02-12T09:00"), "move the plan"),
    ],
)
def test_the_conn_stays_with_who_has_it_whatever_reason_a_command_is_given(
    launch: Launch, command: tuple[str, ...], verb: str
) -> None:
    assert launch("rollout", "hold", "production").code == 0
    journal = Journal.open(launch.store)
    assert Leases(journal).take("conn", Actor("alice", 1234, "box", console="1-abc"), 60.0) is not None
    answer = launch(*command)
    journal.close()
    assert answer.code == 3
    assert f"alice@box has the conn: only they can {verb}" in answer.err
    assert "reason" not in answer.err
    assert launch.shown()["hold"] is not None


def test_shrinking_needs_neither_terminal_nor_revision(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    assert launch.widen("50", "--feature", "core")[0] == 0
    answer = launch("rollout", "set", "production", "10")
    assert answer.code == 0, answer.err
    assert set(launch.percents().values()) == {10.0}


def test_one_region_can_be_set_and_the_others_stay(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    assert launch.widen("50", "--region", "rest")[0] == 0
    assert launch("rollout", "set", "production", "20", "--region", "rest").code == 0
    assert launch.percents() == {"home": 5.0, "rest": 20.0}


def test_roll_back_goes_to_the_last_good_exposure(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    assert launch.widen("full")[0] == 0
    answer = launch("rollout", "rollback", "production", "--reason", "errors rise")
    assert answer.code == 0, answer.err
    assert launch.percents() == {"home": 5.0}


def test_kill_asks_for_a_letter_and_only_that_letter_kills(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    for typed, code, left in (("", 3, {"home": 5.0}), ("k", 0, {})):
        terminal = launch.terminal("rollout", "kill", "production")
        terminal.wait_for("Type  k")
        terminal.type(typed)
        assert terminal.end() == code
        assert launch.percents() == left


def test_kill_without_a_terminal_needs_to_be_said_twice(launch: Launch) -> None:
    answer = launch("rollout", "kill", "production")
    assert answer.code == 3
    assert "say --yes" in answer.err
    assert launch("rollout", "kill", "production", "--yes").code == 0


def test_accepting_needs_a_letter_and_something_to_accept(launch: Launch) -> None:
    assert launch("rollout", "accept", "production").code == 3
    terminal = launch.terminal("rollout", "accept", "production")
    terminal.wait_for("Type  a")
    terminal.type("a")
    assert terminal.end() != 0
    assert "the outcome of every change is known" in terminal.said


def test_kill_works_on_a_damaged_backend(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    (launch.store / "flags.json").write_text("{ torn")
    answer = launch("rollout", "kill", "production", "--yes")
    assert answer.code == 0, answer.err
    assert launch.percents() == {}


def test_a_hold_keeps_everyone_from_widening_until_it_is_lifted(launch: Launch) -> None:
    assert launch("rollout", "hold", "production", "--reason", "looking").code == 0
    assert launch.widen("canary")[0] == 3
    assert launch("rollout", "resume", "production").code == 0
    assert launch.widen("canary")[0] == 0


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("canry", (), "did you mean canary?"),
        ("101", (), "0 to 100"),
        ("12.345", (), "0.01"),
        ("nan", (), "0 to 100"),
        ("10", ("--region", "mars"), "home, rest"),
        ("10", ("--feature", "tea"), "core"),
        ("10", (), "--feature"),
        ("canary", ("--region", "rest"), "leave them out"),
    ],
)
def test_a_target_that_makes_no_sense_is_bad_input(
    launch: Launch, target: str, options: tuple[str, ...], said: str
) -> None:
    answer = launch("rollout", "set", "production", target, *options)
    assert answer.code == 2
    assert said in answer.err


def test_an_unknown_rollout_is_bad_input_for_every_verb(launch: Launch) -> None:
    for verb in (("show",), ("set",), ("hold",), ("resume",), ("rollback",), ("kill", "--yes"), ("accept", "--yes")):
        target = ("5",) if verb == ("set",) else ()
        answer = launch("rollout", verb[0], "prod", *target, *verb[1:])
        assert answer.code == 2
        assert "production" in answer.err


def test_show_tells_the_truths_the_revision_and_the_gates(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    out = launch("rollout", "show").out
    assert re.search(r"configured +5 % of home with core +LIVE", out)
    assert launch.shown()["revision"] in out
    assert "INCONCLUSIVE" in out or "PASS" in out
    assert "Conn is yours" in out
