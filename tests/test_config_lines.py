"""The line of every key, for any layout that TOML allows."""

from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from repz_console.resources import shipped
from repz_console.toml_lines import Lines, parent, written

LAYOUTS = '''\
# [not.a.table]
top = 1
"quoted key" = "a # that is no comment, and a ] and a }"
dotted.inner."deep key" = 'it''s'

text = """
[not.a.table]
x = 1
""" # after
raw = \'\'\'
[[neither]]
\'\'\'

[table]   # comment
a = { b = 1, c = [1, 2], "d e" = { f = 2024-01-01 09:00:00 } }
list = [
  # first
  { id = "one" },

  { id = "two", more = [
    "x",
    "y" ] },
]

[[array]]
id = 1
[[array.inner]]
id = "a"
[[array.inner]]
id = "b"
[array.single]
z = true
[[array]]
id = 2
[[array.inner]]
id = "c"
'''.replace("'it''s'", '"its"')

EXPECTED = {
    "top": 2,
    '"quoted key"': 3,
    'dotted.inner."deep key"': 4,
    "text": 6,
    "raw": 10,
    "table": 14,
    "table.a": 15,
    "table.a.c[1]": 15,
    'table.a."d e".f': 15,
    "table.list[0].id": 18,
    "table.list[1]": 20,
    "table.list[1].more[0]": 21,
    "table.list[1].more[1]": 22,
    "array[0]": 25,
    "array[0].inner[1].id": 30,
    "array[0].single.z": 32,
    "array[1].id": 34,
    "array[1].inner[0].id": 36,
}


def test_every_layout_has_its_lines() -> None:
    tomllib.loads(LAYOUTS)
    lines = Lines(LAYOUTS)
    assert {path: lines.line(path) for path in EXPECTED} == EXPECTED
    assert not any("neither" in path or path.startswith("not") for path in lines.paths())


def test_a_missing_key_gets_the_line_of_the_table_around_it() -> None:
    lines = Lines(LAYOUTS)
    assert lines.line("array[1].inner[0].missing.further") == 35
    assert lines.line("table.list[1].missing") == 20
    assert lines.line('table."no such".key') == 14
    assert lines.line("nothing[3].here") == 1


def test_a_path_is_written_and_shortened() -> None:
    assert written(("rollout", "production", "stage", 2, "percent")) == "rollout.production.stage[2].percent"
    assert written(("a b", 0, "c")) == '"a b"[0].c'
    assert parent('a."b.c"[2]') == 'a."b.c"'
    assert parent('a."b.c"') == "a"
    assert parent('"b.c"') == ""


keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
leaves = st.one_of(st.integers(-9, 9), st.booleans(), st.text("ab\"'#[]{}=,\n\\", max_size=8), st.dates())
documents = st.dictionaries(
    keys,
    st.recursive(
        leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3))
    ),
    max_size=4,
)


def leaf_paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in leaf_paths(inner, (*path, key))]
    if isinstance(value, list):
        return [found for index, inner in enumerate(value) for found in leaf_paths(inner, (*path, index))]
    return [path]


@given(documents)
def test_every_value_of_any_document_is_found(document: dict[str, Any]) -> None:
    text = tomli_w.dumps(document, multiline_strings=True)
    assert tomllib.loads(text) == document
    places = Lines(text)
    known = set(places.paths())
    for path in leaf_paths(document):
        assert written(path) in known


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_lines_are_those_of_the_text(gaps: list[int]) -> None:
    text, expected = "", {}
    for number, gap in enumerate(gaps):
        text += "\n# comment = 1" * gap + f"\n[[step]]\nid = {number}"
        expected[f"step[{number}].id"] = text.count("\n") + 1
    lines = Lines(text)
    assert {path: lines.line(path) for path in expected} == expected


def test_the_shipped_config_is_covered() -> None:
    text = shipped("config.toml").read_text()
    known = set(Lines(text).paths())
    assert {written(path) for path in leaf_paths(tomllib.loads(text))} <= known
