"""`repz-console journal`: what was decided and observed, read straight from the file and never changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import click
import msgspec

from repz_console.commands.common import (
    config_option,
    json_text,
    loaded,
    print_json,
    print_line,
    refuse_damaged,
)
from repz_console.commands.exits import Exit, Stop
from repz_console.commands.spreadsheet import csv_line
from repz_console.events import Entry
from repz_console.room import words
from repz_console.store import anchor as anchors
from repz_console.store import place
from repz_console.store.journal import Journal
from repz_console.tui.paint.format import count
from repz_console.tui.paint.sentences import sentence

_FOLLOW_EVERY = 0.25
"""Seconds between two looks for new entries."""

_CHUNK = 1000
_COLUMNS = ("entry", "time", "who", "seat", "kind", "what", "hash")
"""Of `export --csv`; columns are only ever added, at the end."""


@click.group
def command() -> None:
    """Read, export and verify what was decided. Every subcommand opens the journal for reading only."""


@command.command()
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help="How many entries.")
@click.option("-f", "--follow", is_flag=True, help="Go on printing new entries until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@config_option
@click.pass_context
def tail(ctx: click.Context, lines: int, follow: bool, as_json: bool) -> None:
    """Print the newest entries, oldest first."""
    with _opened(ctx) as journal:
        newest = journal.entries(limit=lines, newest=True)[::-1]
        _print_lines(newest, as_json)
        refuse_damaged(journal.damage)
        if not follow:
            return
        last = newest[-1].seq if newest else journal.head()[0]
        while True:
            time.sleep(_FOLLOW_EVERY)
            journal.data_version()
            fresh = journal.entries(after=last)
            _print_lines(fresh, as_json)
            refuse_damaged(journal.damage)
            last = fresh[-1].seq if fresh else last


@command.command()
@click.argument("seq", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print it as data.")
@config_option
@click.pass_context
def show(ctx: click.Context, seq: int, as_json: bool) -> None:
    """Print everything about entry SEQ."""
    with _opened(ctx) as journal:
        entry = journal.entry(seq)
        length = journal.head()[0]
        damage = journal.damage
    if entry is None:
        refuse_damaged(damage)
        raise Stop(Exit.INPUT, f"there is no entry {seq}: the journal has {length:,}")
    if as_json:
        print_json(entry)
    else:
        for line in _detail(entry):
            print_line(line)
    refuse_damaged(damage)


@command.command(short_help="Print every entry as JSON or as a table.")
@click.option("--after", type=click.IntRange(min=0), default=0, show_default=True, help="Only entries after this one.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table for a spreadsheet, without what JSON has beside.")
@click.option("--json", is_flag=True, expose_value=False, help="Accepted for symmetry: JSON unless --csv is given.")
@config_option
@click.pass_context
def export(ctx: click.Context, after: int, as_csv: bool) -> None:
    """Print every entry as one JSON object a line, oldest first; with --csv as a table of sentences."""
    with _opened(ctx) as journal:
        if as_csv:
            _print_row(_COLUMNS)
        while chunk := journal.entries(after=after, limit=_CHUNK):
            if as_csv:
                for entry in chunk:
                    _print_row(_cells(entry))
            else:
                _print_lines(chunk, as_json=True)
            after = chunk[-1].seq
        refuse_damaged(journal.damage)


@command.command(short_help="Check that the journal is what was written.")
@click.option("--head", help="SEQ:HASH noted earlier, which the journal must still contain.")
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Heads noted elsewhere, which it must still contain; otherwise the file of [store.anchor].",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as data.")
@config_option
@click.pass_context
def verify(ctx: click.Context, head: str | None, anchor: Path | None, as_json: bool) -> int:
    """Check the whole chain; exits 1 and names the first broken entry if it is not what was written.

    Entries cut off at the end, or a journal that was written anew, leave a chain that is whole: only heads noted
    elsewhere show that. Name a file of such heads, or note the one that is printed and give it next time.
    """
    known = _head(head) if head else None
    with _opened(ctx) as journal:
        answer = journal.verify(known)
        seq, digest = journal.head()
        compared = _compared(ctx, journal, anchor)
    if as_json:
        data = {**msgspec.to_builtins(answer), "head": f"{seq}:{digest}"}
        print_json({**data, "anchor": msgspec.to_builtins(compared)} if compared is not None else data)
    elif answer.ok:
        noted = f"; head {seq}:{digest}" if seq else ""
        print_line(f"{count(answer.length, 'entry', 'entries')}, the chain is whole{noted}")
    else:
        broken = f"entry {answer.broken} is broken: " if answer.broken else ""
        print_line(f"{broken}{answer.why}; {answer.length:,} good before it")
    if compared is not None and not as_json:
        print_line(anchor_line(compared))
    return Exit.DONE if answer.ok and (compared is None or compared.ok) else Exit.FOUND


def _compared(ctx: click.Context, journal: Journal, named: Path | None) -> anchors.Found | None:
    """The journal against heads noted elsewhere; None where there is no such file to compare it with."""
    config = loaded(ctx)
    spec = config.plan.store.anchor
    file = named or (anchors.located(spec.file, config.path.parent) if spec is not None else None)
    return anchors.look(file, journal, config.plan.launch.name) if file is not None else None


def anchor_line(found: anchors.Found) -> str:
    """What a comparison with heads noted elsewhere gave, in one line."""
    if found.why:
        return found.why
    behind = f"; {count(found.left_behind, 'entry', 'entries')} noted after the copy that it was restored from are not"
    return f"{count(found.heads, 'head')} noted elsewhere: all in it" + (behind + " in it" if found.left_behind else "")


@contextmanager
def _opened(ctx: click.Context) -> Iterator[Journal]:
    config = loaded(ctx)
    journal = Journal.open(place.folder(config.plan.store.path, config.path.parent), read_only=True)
    try:
        yield journal
    finally:
        journal.close()


def _head(text: str) -> tuple[int, str]:
    seq, _, digest = text.partition(":")
    if not seq.isdigit() or not digest:
        raise click.UsageError(f"{text!r} is no head: write it like 120:9f86d0…, as `journal verify` prints it")
    return int(seq), digest


def _print_lines(entries: list[Entry], as_json: bool) -> None:
    for entry in entries:
        if as_json:
            print_json(entry, indent=0)
        else:
            print_line(line(entry))


def _print_row(cells: Iterable[object]) -> None:
    click.echo(csv_line(cells).encode(), nl=False)


def _cells(entry: Entry) -> tuple[object, ...]:
    """An entry's `_COLUMNS`."""
    at = entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return entry.seq, at, words.who(entry.actor), entry.actor.seat, entry.kind, sentence(entry.event), entry.hash


def line(entry: Entry) -> str:
    """An entry as one line: number, time, who, what."""
    return f"{entry.seq:>6}  {entry.at:%Y-%m-%d %H:%M:%S}Z  {words.who(entry.actor)}  {sentence(entry.event)}"


def _detail(entry: Entry) -> Iterator[str]:
    yield f"entry  {entry.seq}  {entry.kind}"
    yield f"at     {entry.at.isoformat()}"
    who = f"{words.who(entry.actor)} (uid {entry.actor.uid})"
    seat = f", seat {entry.actor.seat}" if entry.actor.seat else ""
    shared = "" if entry.actor.proven else ", a shared account: the name proves nobody"
    yield f"by     {who}{f' on {entry.actor.tty}' if entry.actor.tty else ''}{seat}{shared}"
    yield f"hash   {entry.hash}"
    yield f"what   {sentence(entry.event)}"
    yield from json_text(entry.event).splitlines()
