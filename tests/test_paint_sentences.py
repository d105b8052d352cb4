"""What a journal entry says in one line."""

from __future__ import annotations

import typing
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from repz_console import events
from repz_console.facts import Exposure
from repz_console.tui.paint import journal
from repz_console.tui.paint.base import Brush, Choices, Size
from repz_console.tui.paint.sentences import exposed, sentence
from tests.support.painting import ROOM, entry, picture

LESS = Exposure({"us": 20.0, "ca": 20.0}, ("core",))
MORE = Exposure({"us": 40.0, "ca": 40.0, "uk": 40.0}, ("core",))
NOBODY = Exposure({})
AT = datetime(2027, 2, 1, 9, tzinfo=UTC)

SAID: list[tuple[events.AnyEvent, str]] = [
    (events.PlanAdopted("a1b2c3d4e5", "", "/etc/repz.toml"), "adopted the plan a1b2c3d4 from /etc/repz.toml"),
    (
        events.PlanRebased(datetime(2027, 2, 5, 14, 0, tzinfo=UTC), 1099, "a1"),
        "moved the plan by +1,099 days: full launch Fri 5 Feb 2027 14:00 UTC",
    ),
    (events.ItemTicked("infra/cdn", "done"), "ticked infra/cdn"),
    (events.ItemTicked("infra/sms", "n/a", "no SMS"), "marked not applicable infra/sms: no SMS"),
    (events.TaskProgressed("soft", 50.0), "put soft at 50 %"),
    (events.BugFiled("local", "12", "Checkout", "P0", "ana"), "filed P0 12 for ana: Checkout"),
    (
        events.BugChanged("local", "12", priority="P1", state="resolved", note="fixed"),
        "bug 12 resolved, priority P1: fixed",
    ),
    (events.BugChanged("local", "12", assignee=""), "bug 12 for nobody"),
    (
        events.SpendAdded("ledger", "s1", "ads", Decimal("1200.50"), "committed", date(2027, 2, 1), "first wave"),
        "committed 1,200.50 on ads (2027-02-01): first wave",
    ),
    (events.SpendVoided("ledger", "s1", "twice"), "took back spend s1: twice"),
    (
        events.ChangeIntended("op-1", "production", "set", MORE, LESS, "16", "on time"),
        "sets production from 20 % of ca us to 40 % of ca uk us: on time",
    ),
    (events.ChangeIntended("op-1", "production", "set", LESS, None, ""), "sets production to 20 % of ca us"),
    (
        events.ChangeIntended("op-2", "production", "kill", Exposure({}), MORE, "17"),
        "KILLS production, seen by 40 % of ca uk us",
    ),
    (
        events.ChangeIntended("op-2", "production", "rollback", LESS, MORE, "17"),
        "rolls production back from 40 % of ca uk us to 20 % of ca us",
    ),
    (events.ChangeSent("op-1"), "change op-1 was sent to the backend"),
    (events.ChangeEnded("op-1", "unknown", why="timed out"), "change op-1 UNKNOWN: timed out"),
    (events.ChangeEnded("op-1", "not_applied"), "change op-1 not applied"),
    (
        events.BackendFenced("op-3", "production", "17"),
        "writes production again as it is, so that nothing decided at revision 17 can still come",
    ),
    (events.RolloutHeld("production", "payments"), "HOLDS production: payments"),
    (events.RolloutHeld("production", "Errors is 3 %", "automatic"), "HOLDS production, AUTOMATIC: Errors is 3 %"),
    (events.RolloutResumed("production"), "resumed production"),
    (
        events.ChangeStepped("op-1", 2, 3, "flags", ("core",), "unknown", why="timed out"),
        "change op-1, step 2 of 3 at flags (core): UNKNOWN: timed out",
    ),
    (events.ChangeEnded("op-1", "partial", why="2 of 3 applied"), "change op-1 applied IN PART: 2 of 3 applied"),
    (
        events.ChangedElsewhere("production", "flags", "18", "mallory", AT, LESS, MORE),
        "found production CHANGED ELSEWHERE by mallory on 2027-02-01 09:00 UTC: from 20 % of ca us to 40 % of ca uk us",
    ),
    (
        events.ChangedElsewhere("production", "flags", "18", "", None, None, LESS),
        "found production CHANGED ELSEWHERE: to 20 % of ca us",
    ),
    (
        events.ExposureObserved("production", "cdn", LESS, AT),
        "saw 20 % of ca us of production at cdn, to be believed until 2027-02-01 09:00 UTC",
    ),
    (events.LineStopped("payments"), "STOPPED THE LINE: nobody widens any rollout: payments"),
    (events.LineStarted("fixed"), "started the line again: fixed"),
    (
        events.StageDue("production", "tuesday", AT),
        "production: the stage tuesday is due since 2027-02-01 09:00 UTC",
    ),
    (
        events.GateWaived("w1", "production", "tuesday", "metric:errors", "no data", "probe is being moved", AT),
        "asks to WAIVE gate metric:errors of production for tuesday until 2027-02-01 09:00 UTC (no data): "
        "probe is being moved",
    ),
    (events.WaiverSeconded("w1", solo=True), "agreed to waiver w1, SOLO"),
    (
        events.GateOverridden("production", "tuesday", "p1", "P1 bugs: 1 open", "known and harmless"),
        "OVERRIDES gate p1 of production for tuesday, which says: P1 bugs: 1 open: known and harmless",
    ),
    (events.SeatTaken("qa", "bo@jump", "lunch"), "took the seat qa from bo@jump: lunch"),
    (
        events.PollCalled("r1", "golive", "production", "tuesday", 0),
        "called round 1 of the poll golive for production tuesday",
    ),
    (events.VoteCast("r1", "qa", "NO-GO", "two P1 open"), "qa says NO-GO: two P1 open"),
    (
        events.VoteCast("r1", "qa", "GO-IF", "the fix is in", "bo", AT, verbal="cy"),
        "qa says GO-IF, told by cy: the fix is in, seen to by bo, until 2027-02-01 09:00 UTC",
    ),
    (events.ConditionAccepted("r1", "qa"), "takes the GO-IF of qa for a GO"),
    (events.PollClosed("r1", "not today"), "called the poll off: not today"),
    (
        events.ApprovalAsked("a1", "production", "tuesday", MORE, "17", "5e", reason="on time"),
        "asks to approve production going to 40 % of ca uk us (tuesday): on time",
    ),
    (events.ApprovalGiven("a1"), "approved what was asked (a1)"),
    (
        events.EmergencyImported((7, 8), "the disk is full"),
        "brought in entries 7 to 8, recorded while the journal could not be written: the disk is full",
    ),
    (events.ConnTaken(3, "bo@jump", "lunch"), "took the conn from bo@jump: lunch"),
    (events.ConnReleased(3, "nobody typed"), "the conn is free: nobody typed"),
    (events.CollectorTaken(2), "polls the sources for everyone"),
    (events.CollectorTaken(2, ("apm",), True), "polls the sources for everyone, as a recorder, without apm"),
    (events.CollectorTaken(3, ("apm", "jira")), "polls the sources for everyone, without apm, jira"),
    (events.SourceFailed("web", "refused"), "source web stopped answering: refused"),
    (events.SourceRecovered("web", 725.0), "source web answers again after 12m"),
    (events.NoteAdded("All well"), "noted: All well"),
    (events.ConsoleOpened("0.1.0"), "opened a console (0.1.0)"),
    (events.ConsoleClosed(), "closed a console"),
    (events.StoreCopied("/mnt/repz", 1204, "ab"), "copied the journal up to entry 1,204 to /mnt/repz"),
    (
        events.StoreRestored(1204, "ab", "jump1", "/var/lib/repz", datetime(2027, 2, 1, 9, tzinfo=UTC)),
        "RESTORED the journal from a copy of jump1 of 2027-02-01 09:00Z, which ended at entry 1,204",
    ),
    (events.StoreRetired("new box"), "RETIRED this store: new box"),
    (events.StoreSteers(7, "box lost"), "took the rollouts over: they are steered from this store: box lost"),
    (events.EntryErased(1204, "a token"), "erased what entry 1,204 said: a token"),
    (events.Unknown("note.added", {"erased": True}), "note.added, whose words were erased"),
    (events.Unknown("tea.made"), "tea.made, of a kind that this version does not know"),
]


@pytest.mark.parametrize(("event", "text"), SAID, ids=[type(event).__name__ for event, _ in SAID])
def test_every_kind_has_its_sentence(event: events.AnyEvent, text: str) -> None:
    assert sentence(event) == text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            events.ChangeIntended("op-2", "production", "kill", NOBODY, NOBODY, "17"),
            "KILLS production, seen by nobody",
        ),
        (
            events.ChangeIntended("op-2", "production", "rollback", LESS, MORE, "17", "errors", by="dead man"),
            "rolls production back from 40 % of ca uk us to 20 % of ca us, DEAD MAN: errors",
        ),
        (events.ChangeIntended("op-2", "production", "kill", NOBODY, None, ""), "KILLS production"),
        (
            events.ChangeIntended("op-3", "production", "set", replace(LESS, features=("core", "chat")), LESS, "17"),
            "sets production to 20 % of ca us with core chat",
        ),
        (events.BugFiled("bugs", "BPMAM", "Late mail", "P2"), "filed P2 BPMAM: Late mail"),
    ],
)
def test_nothing_is_said_twice(event: events.AnyEvent, text: str) -> None:
    assert sentence(event) == text


@pytest.mark.parametrize("event", [event for event, _ in SAID], ids=[type(event).__name__ for event, _ in SAID])
def test_every_kind_opens_in_the_journal_pane(event: events.AnyEvent) -> None:
    one = replace(ROOM.journal, latest=(entry(7, event),))
    view = replace(ROOM, journal=one)
    shown = picture(journal.paint(view, Brush(Size(120, 24), Choices(cursor="journal:7"))), Size(120, 24))
    assert sentence(event)[:20] in shown


def test_no_kind_is_left_out() -> None:
    assert {type(event) for event, _ in SAID} == set(typing.get_args(events.AnyEvent))


def test_an_exposure_that_nobody_knows_is_not_called_nobody() -> None:
    assert exposed(None) == "an unknown exposure"
    assert exposed(Exposure({"us": 50.0}, ())) == "nobody"
