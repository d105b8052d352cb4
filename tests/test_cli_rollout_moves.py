"""`rollout next`, `forward`, a percent a region, a feature alone, `--dry-run`, `--json`: by what the backend has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Commands
from tests.support.steered import Launch, challenge

OUTCOME = {"state", "line", "op", "revision", "journaled", "exit"}
TWO_FEATURES = (
    ('[[feature]]\nid = "core"', '[[feature]]\nid = "extra"\ntitle = "Extra"\n\n[[feature]]\nid = "core"'),
    ('percent = 100\nfeatures = ["core"]', 'percent = 100\nfeatures = ["core", "extra"]'),
)


@pytest.fixture
def launch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Launch:
    return Launch(tmp_path, Commands(capsys))


def shares(launch: Launch) -> dict[str, Any]:
    """What is configured: region to percent, and the features."""
    exposure = launch.shown()["configured"]["exposure"]
    return {**exposure["percent"], "features": exposure["features"]}


def test_next_goes_stage_by_stage_until_none_is_left(launch: Launch) -> None:
    for stage in ("canary", "full"):
        terminal = launch.terminal("rollout", "next", "production", "--expect", launch.shown()["revision"])
        said = challenge(terminal.wait_for("to go on:"))
        assert said.startswith(f"{stage} PRODUCTION ")
        terminal.type(said)
        assert terminal.end() == 0, terminal.said
    assert launch.percents() == {"home": 100.0, "rest": 100.0}
    answer = launch("rollout", "next", "production", "--expect", "x")
    assert answer.code == 3
    assert "no stage left" in answer.err


def test_each_region_takes_its_own_percent(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    terminal = launch.terminal(
        "rollout", "set", "production", "--region", "home=30", "--region", "rest=10", "--feature", "core",
        "--expect", launch.shown()["revision"],
    )  # fmt: skip
    said = terminal.wait_for("to go on:")
    assert "rest core: 0 % -> 10 %" in said
    assert "home core: 5 % -> 30 %" in said
    assert challenge(said).startswith("30 PRODUCTION ")
    terminal.type(challenge(said))
    assert terminal.end() == 0, terminal.said
    assert launch.percents() == {"home": 30.0, "rest": 10.0}
    assert launch("rollout", "set", "production", "--region", "home=5").code == 0
    assert launch.percents() == {"home": 5.0, "rest": 10.0}
    assert launch("rollout", "set", "production", "1", "--region", "home", "--region", "rest=0").code == 0
    assert launch.percents() == {"home": 1.0}


def test_one_feature_is_killed_and_the_others_stay(launch: Launch) -> None:
    launch.edited(*TWO_FEATURES)
    assert launch.widen("canary")[0] == 0
    assert launch.widen("full")[0] == 0
    assert launch("rollout", "kill", "production", "--feature", "extra").code == 3
    assert shares(launch) == {"home": 100, "rest": 100, "features": ["core", "extra"]}
    assert launch("rollout", "kill", "production", "--feature", "extra", "--yes").code == 0
    assert shares(launch) == {"home": 100, "rest": 100, "features": ["core"]}
    assert launch("rollout", "kill", "production", "--feature", "core", "--yes").code == 0
    assert shares(launch) == {"features": []}


def test_nothing_is_rolled_forward_where_nothing_is_partial(launch: Launch) -> None:
    answer = launch("rollout", "forward", "production")
    assert answer.code == 3
    assert "nothing to roll forward" in answer.err


@pytest.mark.parametrize("target", [("canary",), ("full",), ("7", "--feature", "core"), ("--region", "rest=3")])
def test_a_dry_run_changes_nothing_and_needs_nothing(launch: Launch, target: tuple[str, ...]) -> None:
    if "--region" in target:
        assert launch.widen("canary")[0] == 0
    flags, length = launch.flags(), len(launch.kinds())
    answer = launch("rollout", "set", "production", *target, "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == "nothing was changed: this was a dry run"
    code, told = launch.json("rollout", "set", "production", *target, "--dry-run")
    assert (code, told["forecast"]["way"]) == (0, "widens")
    assert [call["controller"] for call in told["calls"]] == ["flags"]
    assert launch.flags() == flags
    assert not [kind for kind in launch.kinds()[length:] if not kind.startswith("collector")]


def test_a_dry_run_says_what_is_then_sent(launch: Launch) -> None:
    _, told = launch.json("rollout", "set", "production", "canary", "--dry-run")
    revision = launch.shown()["revision"]
    file = launch.store / "flags.json"
    assert told["calls"][0]["lines"] == [
        f"replace {file} if production is at {revision}, with",
        "  repz.production.core: home 5 %",
    ]
    assert launch.widen("canary")[0] == 0
    assert list(json.loads(launch.flags())["flags"]) == ["repz.production.core"]
    _, again = launch.json("rollout", "set", "production", "canary", "--dry-run")
    assert again["forecast"]["way"] == "changes nothing"
    assert (again["calls"][0]["lines"], again["calls"][0]["why"]) == ([], "it has that already")


def test_a_dry_run_of_next_and_of_what_shrinks(launch: Launch) -> None:
    _, told = launch.json("rollout", "next", "production", "--dry-run")
    assert (told["forecast"]["stage"], told["forecast"]["typed"]) == ("canary", "canary PRODUCTION")
    assert launch.widen("canary")[0] == 0
    _, less = launch.json("rollout", "set", "production", "2", "--dry-run")
    assert (less["forecast"]["way"], less["forecast"]["typed"], less["forecast"]["closed"]) == ("shrinks", "", [])
    assert launch.percents() == {"home": 5.0}


def test_every_deed_is_told_as_data_with_the_same_keys(launch: Launch) -> None:
    assert launch.widen("canary")[0] == 0
    for arguments in (
        ("set", "production", "3"),
        ("hold", "production", "--reason", "looking"),
        ("resume", "production"),
        ("resume", "production"),
        ("rollback", "production"),
        ("kill", "production", "--yes"),
        ("accept", "production", "--yes"),
        ("stop", "--reason", "fire"),
        ("start", "--reason", "out"),
        ("seat", "director"),
        ("ask", "production"),
        ("approve", "production"),
        ("second", "production"),
        ("waive", "production", "p0", "--reason", "x", "--minutes", "5"),
        ("observe", "production", "5", "--region", "home", "--feature", "core"),
        ("poll", "call", "production"),
        ("poll", "vote", "production", "director", "GO"),
        ("poll", "accept", "production", "director"),
        ("poll", "close", "production", "--reason", "x"),
    ):
        code, told = launch.json("rollout", *arguments)
        assert set(told) == OUTCOME, arguments
        assert told["exit"] == code, arguments
        assert code == (0 if told["state"] == "confirmed" else 3), (arguments, told)
        assert told["line"], arguments


def test_show_as_data_keeps_its_keys(launch: Launch) -> None:
    shown = launch.shown()
    assert {
        "id", "title", "controller", "backend", "cohort", "regions", "features", "stages", "current", "next",
        "planned", "desired", "configured", "measured", "revision", "drift", "hold", "change", "unknown",
        "last_good", "gates", "verdict", "where", "of_all", "parts", "poll", "approval", "waivers", "overrides",
        "readiness", "due", "settles_at", "automatic", "unarmed", "cannot",
    } <= set(shown)  # fmt: skip
    status = json.loads(launch("status", "--json").out)
    assert set(status["rollout"]["rollouts"][0]) == set(shown)


def test_ready_tells_whether_a_kill_would_work(launch: Launch) -> None:
    code, told = launch.json("rollout", "ready")
    assert (code, told[0]["rollout"], told[0]["readiness"][0]["state"]) == (0, "production", "ready")
    assert launch.widen("canary")[0] == 0
    file = launch.store / "flags.json"
    file.unlink()
    file.mkdir()
    answer = launch("rollout", "ready", "production")
    assert answer.code == 3
    assert "production on flags: NOT READY" in answer.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("set", "production"), 2, "say where to"),
        (("set", "production", "--region", "home"), 2, "what home is to become"),
        (("set", "production", "--region", "home=x"), 2, "'x' is no percent"),
        (("set", "production", "--region", "home=101"), 2, "0 to 100"),
        (("set", "production", "--region", "home=-1"), 2, "0 to 100"),
        (("set", "production", "--region", "home=inf"), 2, "0 to 100"),
        (("set", "production", "--region", "hom=5"), 2, "did you mean home?"),
        (("set", "production", "--region", "home=5", "--region", "home=6"), 2, "named twice"),
        (("set", "production", "20", "--region", "home=5", "--feature", "core"), 2, "20 is for no region"),
        (("set", "production", "1e3"), 2, "0 to 100"),
        (("set", "production", ""), 2, "neither a percent nor a stage"),
        (("kill", "production", "--feature", "cor", "--yes"), 2, "did you mean core?"),
        (("ask", "production", "canry"), 2, "did you mean canary?"),
        (("seat", "directr"), 2, "did you mean director?"),
        (("waive", "production", "p9", "--reason", "x", "--minutes", "5"), 2, "has no gate 'p9'"),
        (("waive", "production", "p0", "--reason", "x", "--minutes", "0"), 2, "0.0"),
        (("waive", "production", "p0", "--reason", "x", "--minutes", "x"), 2, "not a valid float"),
        (("waive", "production", "p0", "--minutes", "5"), 2, "--reason"),
        (("waive", "production", "p0", "--reason", "x", "--minutes", "5", "--stage", "ful"), 2, "did you mean full?"),
        (("override", "production", "p9", "--reason", "x"), 2, "has no gate 'p9'"),
        (("override", "production", "p0", "--reason", "x"), 3, "on a terminal"),
        (("observe", "production", "101"), 2, "0 to 100"),
        (("observe", "production", "5", "--controller", "flag"), 2, "did you mean flags?"),
        (("observe", "production", "5"), 2, "--feature"),
        (("start", "--reason", "x"), 3, "the line is not stopped"),
        (("approve", "production"), 3, "nothing is asked"),
        (("second", "production"), 3, ""),
        (("poll", "call", "production", "ful"), 2, "did you mean full?"),
        (("poll", "vote", "production", "directr", "GO"), 2, "did you mean director?"),
        (("poll", "vote", "production", "director", "MAYBE"), 2, "MAYBE"),
        (("poll", "vote", "production", "director", "GO-IF", "--due", "soon"), 2, "soon"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_changes_nothing(
    launch: Launch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = launch("rollout", *arguments)
    assert (answer.code, answer.out) == (code, ""), answer
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert launch.flags() == ""


def test_an_unknown_rollout_is_bad_input_for_every_deed(launch: Launch) -> None:
    for arguments in (
        ("next",), ("forward",), ("ask",), ("approve",), ("waive", "p0", "--reason", "x", "--minutes", "5"),
        ("second",), ("override", "p0", "--reason", "x"), ("observe", "5"), ("ready",), ("card",),
    ):  # fmt: skip
        answer = launch("rollout", arguments[0], "prodution", *arguments[1:])
        assert answer.code == 2, arguments
        assert "did you mean production?" in answer.err, arguments
    for arguments in (
        ("show",),
        ("call",),
        ("vote", "director", "GO"),
        ("accept", "director"),
        ("close", "--reason", "x"),
    ):
        answer = launch("rollout", "poll", arguments[0], "prodution", *arguments[1:])
        assert (answer.code, "did you mean production?" in answer.err) == (2, True), arguments


def test_a_backend_that_people_operate_is_changed_by_hand_and_then_observed(launch: Launch) -> None:
    told = 'every = 5\ninstructions = "set {percent} in {regions}"\nkill = "switch it off"'
    launch.edited(('kind = "flagd"', 'kind = "manual"'), ('every = 5\npath = "state:flags.json"', told))
    seen = launch("rollout", "observe", "production", "5", "--region", "home", "--feature", "core")
    assert seen.code == 0, seen.err
    assert shares(launch) == {"home": 5, "features": ["core"]}
    assert (
        launch("rollout", "observe", "production", "--region", "rest=2", "--feature", "core", "--minutes", "1").code
        == 0
    )
    assert launch.shown()["configured"]["exposure"]["percent"]["rest"] == 2
    assert launch("rollout", "observe", "production", "0").code == 0
    assert launch.percents() == {}


def test_the_stopped_line_keeps_everyone_from_widening(launch: Launch) -> None:
    assert launch("rollout", "stop", "--reason", "payments fail").code == 0
    code, said = launch.widen("canary")
    assert code == 3
    assert "payments fail" in said
    assert launch.percents() == {}
    assert launch("rollout", "start", "--reason", "fixed").code == 0
    assert launch.widen("canary")[0] == 0


def test_a_stage_out_of_order_is_held_and_noted(launch: Launch) -> None:
    code, said = launch.widen("full")
    assert code == 3
    assert "Canary comes first" in said
    assert launch.percents() == {}
    assert launch.kinds()[-2:] == ["note.added", "conn.released"]
