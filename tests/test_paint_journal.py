"""The Journal tab as it is seen."""

from __future__ import annotations

from msgspec.structs import replace

from repz_console import events
from repz_console.tui.paint import journal
from repz_console.tui.paint.base import Brush, Choices, Size
from tests.support.painting import ANA, EMPTY, ENTRIES, PANE, ROOM, TROUBLE, entry, picture

OPENED = """\
 Journal  41 entries  chain abababab                                      ● LIVE
 09:01:20 bo  noted: Support reports slow mails
 05:43:20 bo  filed P1 14: Password mail is late
 05:03:20 ana change op-9 confirmed at revision 17
 05:02:20 ana sets production from 20 % of ca us to 40 % of ca uk us: on time
   │ sets production from 20 % of ca us to 40 % of ca uk us: on time
   │ entry     38 change.intended
   │ at        Wed 3 Feb 2027 05:02:20 EST
   │ by        ana (1001) on jump pts/3, seat lead
   │ hash      000000000000000000000000000000000000000000000000000000000000002
   │           6
   │ op        op-9
   │ rollout   production
   │ action    set
   │ target    40 % of ca uk us, adaptive core, by targetingKey
   │ before    20 % of ca us, core, by targetingKey
   │ expect    16
   │ reason    on time
 04:53:20 ana took the conn from bo@jump: lunch
 04:03:20 ana source apm stopped answering: connection refused"""

BESIDE = """\
 Journal  41 entries  chain abababab                                                                              ● LIVE
 09:01:20 bo  noted: Support reports slow mails                                  │ sets production from 20 % of ca us to
 05:43:20 bo  filed P1 14: Password mail is late                                 │ 40 % of ca uk us: on time
 05:03:20 ana change op-9 confirmed at revision 17                               │ entry     38 change.intended
 05:02:20 ana sets production from 20 % of ca us to 40 % of ca uk us: on time    │ at        Wed 3 Feb 2027 05:02:20 EST
 04:53:20 ana took the conn from bo@jump: lunch                                  │ by        ana (1001) on jump pts/3,
 04:03:20 ana source apm stopped answering: connection refused                   │           seat lead
                                                                                 │ hash      000000000000000000000000000
                                                                                 │           000000000000000000000000000
                                                                                 │           0000000026
                                                                                 │ op        op-9
                                                                                 │ rollout   production
                                                                                 │ action    set
                                                                                 │ target    40 % of ca uk us, adaptive
                                                                                 │           core, by targetingKey"""


def test_an_entry_opens_below_its_row() -> None:
    assert picture(journal.paint(ROOM, Brush(PANE, Choices(open="journal:38")))) == OPENED


def test_at_120_columns_the_selected_entry_stands_beside() -> None:
    size = Size(120, 15)
    assert picture(journal.paint(ROOM, Brush(size, Choices(cursor="journal:38"))), size) == BESIDE


def test_the_filter_looks_at_sentences_kinds_and_names() -> None:
    def keys(words: str) -> list[str]:
        return [key for key in journal.paint(ROOM, Brush(PANE, Choices(filter=words))).keys if key]

    assert keys("conn") == ["journal:37", "journal:36"]
    assert keys("conn.taken") == ["journal:37"]
    assert keys("bo mails") == ["journal:41"]
    assert keys("nothing") == []


def test_an_adopted_plan_is_not_poured_out() -> None:
    adopted = entry(42, events.PlanAdopted("a1b2", "secret = 1\n" * 500, "/etc/repz.toml"))
    view = replace(ROOM, journal=replace(ROOM.journal, latest=(adopted, *ENTRIES)))
    text = picture(journal.paint(view, Brush(PANE, Choices(open="journal:42"))))
    assert "/etc/repz.toml" in text
    assert "secret" not in text


def test_a_shared_account_is_named_as_one() -> None:
    actor = replace(ANA, proven=False)
    view = replace(ROOM, journal=replace(ROOM.journal, latest=(entry(42, events.NoteAdded("hello"), actor),)))
    size = Size(100, 21)
    assert "a shared account" in picture(journal.paint(view, Brush(size, Choices(open="journal:42"))), size)


def test_a_journal_that_cannot_be_written_says_so() -> None:
    assert "✖ READ-ONLY" in picture(journal.paint(TROUBLE, Brush(PANE))).splitlines()[0]


def test_an_empty_journal() -> None:
    assert "Nothing has been decided yet." in picture(journal.paint(EMPTY, Brush(PANE)))


def test_a_journal_that_could_not_be_read_in_full_is_not_live() -> None:
    damaged = replace(ROOM, journal=replace(ROOM.journal, damage="journal.db is damaged: page 3"))
    assert "DOWN" in picture(journal.paint(damaged, Brush(size=PANE, choices=Choices())))
    assert "DOWN" not in picture(journal.paint(ROOM, Brush(size=PANE, choices=Choices())))


def test_nothing_is_told_of_a_journal_that_cannot_be_read() -> None:
    view = replace(EMPTY, journal=replace(EMPTY.journal, length=0, latest=(), damage="the disk is gone"))
    seen = picture(journal.paint(view, Brush(PANE)))
    assert "Journal  not known: it cannot be read" in seen
    assert " Not known: the disk is gone." in seen
    assert "0 entries" not in seen
    assert "decided" not in seen
