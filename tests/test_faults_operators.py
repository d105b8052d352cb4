"""Several operators at one rollout, frozen at random: what they did is what one could have done, one after another."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.events import ChangeIntended, ChangeSent, ConnTaken, Entry
from repz_console.plan import exposure as exposures
from repz_console.store.journal import Journal
from tests.conftest import ROOT, Figure
from tests.support.linear import Operation, violations
from tests.support.operator_at_work import Line
from tests.support.sessions import launch

NAMES = ("ann", "ben", "cat")


def simulated(chance: random.Random, length: int, stale: float) -> list[Operation]:
    """A history of three operators at a register that now and then, with probability `stale`, shows what was before."""
    now, revision, value = 0.0, 1, "0"
    history: list[Operation] = []
    before = (revision, value)
    for number in range(length):
        invoked = now + chance.uniform(0, 1)
        now = invoked + chance.uniform(0, 1)
        # Those who wait for an answer overlap with whoever comes next.
        returned = now + chance.uniform(0, 0.5)
        if chance.random() < 0.5:
            before = (revision, value)
            expect, revision, value = revision, revision + 1, str(number)
            history.append(Operation(chance.choice(NAMES), True, invoked, returned, revision, value, expect))
        else:
            shown = before if chance.random() < stale else (revision, value)
            history.append(Operation(chance.choice(NAMES), False, invoked, returned, *shown))
        now = max(now, returned - 0.2)
    return history


@given(st.randoms(use_true_random=False))
def test_one_after_another_is_what_one_operator_could_have_done(chance: random.Random) -> None:
    assert violations(simulated(chance, 40, 0), (1, "0")) == []


@pytest.mark.parametrize("seed", range(20))
def test_a_register_that_shows_the_past_twice_in_a_hundred_is_caught(seed: int) -> None:
    assert violations(simulated(random.Random(seed), 3000, 0.02), (1, "0"))


def test_a_lost_write_is_caught() -> None:
    both = [Operation("ann", True, 0, 1, 2, "20", 1), Operation("ben", True, 0, 1, 2, "40", 1)]
    assert violations(both, (1, "0"))
    assert violations([Operation("ann", True, 0, 1, 5, "20", 1)], (1, "0"))


def test_writes_out_of_order_and_reads_of_what_was_never_written_are_caught() -> None:
    late = [Operation("ann", True, 5, 6, 2, "20", 1), Operation("ben", True, 0, 1, 3, "40", 2)]
    assert violations(late, (1, "0"))
    assert violations([late[0], Operation("ben", False, 7, 8, 2, "40")], (1, "0"))
    assert violations([late[0], Operation("ben", False, 1, 2, 2, "20")], (1, "0"))


def at_work(folder: Path, count: int, chance: random.Random) -> list[Line]:
    """What three operators did who were frozen at random while they worked."""
    outputs = {name: (folder / f"{name}.jsonl").open("w") for name in NAMES}
    operators = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.operator_at_work", folder, name, str(count), str(seed)],
            cwd=ROOT,
            stdout=outputs[name],
        )
        for seed, name in enumerate(NAMES)
    ]
    while any(operator.poll() is None for operator in operators):
        time.sleep(chance.uniform(0, 0.2))
        frozen = chance.choice(operators)
        if frozen.poll() is None:
            frozen.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(0, 0.3))
            frozen.send_signal(signal.SIGCONT)
    assert [operator.returncode for operator in operators] == [0, 0, 0]
    lines: list[Line] = []
    for name, output in outputs.items():
        output.close()
        told = (folder / f"{name}.jsonl").read_bytes().splitlines()
        lines += [msgspec.json.decode(line, type=Line) for line in told]
    return lines


def tokens(entries: list[Entry]) -> Iterator[tuple[str, int, str]]:
    """(op, token, console) of every widening that was sent, by the conn at that moment."""
    intents: dict[str, ChangeIntended] = {}
    holder, token = "", 0
    for entry in entries:
        match entry.event:
            case ConnTaken():
                holder, token = entry.actor.console, entry.event.token
            case ChangeIntended():
                intents[entry.event.op] = entry.event
            case ChangeSent():
                intent = intents[entry.event.op]
                if exposures.widens(intent.before, intent.target):
                    assert entry.actor.console == holder, f"{intent.op} was sent without the conn"
                    yield intent.op, token, holder


@pytest.mark.figure
def test_operators_frozen_at_random_write_nothing_stale(tmp_path: Path, figure: Figure) -> None:
    loaded = launch(tmp_path)
    each = figure.count(12, 1000)
    lines = at_work(tmp_path, each, random.Random(3))
    history = [line.operation for line in lines if line.state in ("read", "confirmed") and line.operation.revision]
    assert violations(history, (0, "0")) == []

    journal = Journal.open(loaded.path.parent / "store")
    entries = journal.entries()
    assert journal.verify().ok
    journal.close()
    made = {line.op: line.operation.revision for line in lines if line.op and line.state == "confirmed"}
    by_revision = sorted((made[op], token) for op, token, _ in tokens(entries) if op in made)
    held = [token for _, token in by_revision]
    assert held == sorted(held), "a widening was applied after one of somebody who had taken the conn from its author"
    states = Counter(line.state for line in lines if line.state != "read")
    assert states["confirmed"] >= each / 2
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
    figure.say(f"3 operators, {3 * each:,} operations, frozen at random: linearizable, 0 stale writes ({told})")
