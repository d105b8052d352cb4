"""JSON: what two readers could take for two things is taken for nothing."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.providers.strict_json import DEEPEST, NotStrict, decode, parse
from tests.conftest import Figure
from tests.support.meter import Page

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_json_is_read_as_it_was_written(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff", "it is not UTF-8 text"),
        (b"\xef\xbb\xbf <html>", "it is a web page or XML, not JSON"),
        (b'{"a": 1', "it is not strict JSON: "),
        (b'{"a": 1} {"a": 2}', "it is not strict JSON: Extra data"),
        (b'{"a": {"b": 1, "b": 2}}', "a member is given twice"),
        (b"[NaN]", "NaN is no JSON number"),
        (b"[-1e400]", "a number is too large"),
        (b"9" * 31, "a whole number is too long"),
        (b"9" * 5000, "a whole number is too long"),
        (b"[" * 101 + b"]" * 101, f"nested more than {DEEPEST} levels"),
        (b"[" * 100_000, "nested more than 100 levels"),
    ],
)
def test_why_it_is_not_taken_is_one_plain_line(raw: bytes, said: str) -> None:
    with pytest.raises(NotStrict) as caught:
        parse(raw)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 160
    assert str(caught.value).isprintable()


def test_as_deep_as_is_allowed() -> None:
    parse(b"[" * DEEPEST + b"]" * DEEPEST)


def test_equal_members_may_be_let_pass() -> None:
    assert parse(b'{"a": 1, "a": 2}', unique=False) == {"a": 2}


@pytest.mark.parametrize("value", ['"1"', "true", "null", "[1]", "{}", '"NaN"'])
def test_nothing_else_counts_as_a_number(value: str) -> None:
    with pytest.raises(NotStrict, match=r"it is not what was expected: .*error_rate"):
        decode(b'{"error_rate": %b}' % value.encode(), Page)


BAD_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1E+400", "9" * 400, "9" * 5000, "1e", "01", "+1", ".5", "0x1")
BAD_VALUES = ('"0"', "true", "false", "null", "[]", "[0]", "{}", '{"value": 0}', '"NaN"', '""')


def _bad(dice: random.Random) -> str:
    """A document about an error rate that must not be believed."""
    good = f"{dice.uniform(0, 100):.3f}"
    others = [f'"m{n}": {dice.choice((good, "[1, 2]", "null", "{}"))}' for n in range(dice.randrange(4))]
    rate = f'"error_rate": {good}'
    match dice.randrange(6):
        case 0:
            members = [*others, f'"error_rate": {dice.choice(BAD_NUMBERS)}']
        case 1:
            members = [*others, f'"error_rate": {dice.choice(BAD_VALUES)}']
        case 2:
            members = [*others, rate, dice.choice((rate, '"error_rate": 0', r'"error\u005frate": 0'))]
        case 3:
            members = [*others, rate, f'"more": {dice.choice(BAD_NUMBERS)}']
        case 4:
            depth = dice.choice((101, 500, 5000))
            members = [*others, rate, f'"deep": {"[" * depth}{"]" * depth}']
        case _:
            members = [*others, f'"error_rates": {good}']
    dice.shuffle(members)
    space = dice.choice(("", " ", "\n\t"))
    text = "{" + ("," + space).join(members) + "}"
    return text if dice.random() < 0.9 else text[: dice.randrange(len(text))]


@pytest.mark.figure
def test_no_document_with_a_trap_in_it_is_believed(figure: Figure) -> None:
    tried = figure.count(300, 10_000)
    dice = random.Random(20270201)
    believed = []
    for _ in range(tried):
        text = _bad(dice)
        try:
            page = decode(text.encode(), Page)
        except NotStrict:
            continue
        believed.append((text[:200], page))
        assert math.isfinite(page.error_rate)
    assert not believed
    figure.say(f"{tried:,} JSON documents with NaN, infinity, equal members, depth or a wrong type: 0 believed")
