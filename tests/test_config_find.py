"""Which config is used, which one is refused, and how one is split over several files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from repz_console import config, resources
from repz_console.trusted_file import MOST_BYTES, _refusal, read_trusted
from tests.support.configs import SMALL, loaded, mistakes

OWNED = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(path: Path, text: str = SMALL, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(config.ConfigError) as caught:
        config.load(path)
    (mistake,) = caught.value.mistakes
    return str(mistake)


def test_the_places_are_tried_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.find() == (resources.shipped("config.toml"), "the packaged default")
    own = put(config.user_folder() / "config.toml")
    assert config.find() == (own, "the user's config folder")
    put(tmp_path / "config.toml")
    assert config.find() == (Path("config.toml"), "./config.toml")
    monkeypatch.setenv("REPZ_CONFIG", str(tmp_path / "named.toml"))
    assert config.find() == (tmp_path / "named.toml", "$REPZ_CONFIG")
    assert config.find(Path("given.toml")) == (Path("given.toml"), "--config")


def test_a_config_of_another_program_is_not_taken(tmp_path: Path) -> None:
    put(tmp_path / "config.toml", "[server]\nport = 80\n# [launch]\n")
    path, why = config.find()
    assert path == resources.shipped("config.toml")
    assert why == "the packaged default; ./config.toml has no [launch] table"


def test_a_broken_launch_in_the_working_folder_is_not_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "config.toml", "[launch]\nname = \n")
    with pytest.raises(config.ConfigError, match=r"config\.toml:2: found text that is not TOML"):
        config.load()


def test_a_named_file_that_is_missing_is_said_so(tmp_path: Path) -> None:
    assert refusal(Path("none.toml")) == "none.toml: found no such file; allowed: a readable config file"
    assert "found something that is not a file" in refusal(tmp_path)


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "found something that is not a file" in refusal(tmp_path / "pipe.toml")


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    huge = put(tmp_path / "huge.toml", "")
    os.truncate(huge, MOST_BYTES + 1)
    assert f"found {MOST_BYTES + 1} bytes" in refusal(huge)


def test_bytes_that_are_no_text_name_their_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"[launch]\nname = '\xff'\n")
    assert refusal(bad) == "bad.toml:2: found bytes that are not UTF-8; allowed: UTF-8 text"


@pytest.mark.parametrize("mode", [0o646, 0o666, 0o602])
def test_a_file_that_everyone_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    assert "found a file that everyone can write; allowed: " in refusal(put(tmp_path / "plan.toml", mode=mode))


def test_a_file_that_a_real_group_can_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = put(tmp_path / "plan.toml", mode=0o664)
    _name_group(monkeypatch, "launch-team", ["anna"])
    assert "found a file that the group launch-team can write" in refusal(shared)


def test_a_users_own_group_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    me = pwd.getpwuid(os.geteuid()).pw_name
    private = put(tmp_path / "plan.toml", mode=0o664)
    _name_group(monkeypatch, me, [])
    assert config.load(private).plan.launch.name == "small"
    _name_group(monkeypatch, me, ["anna"])
    assert f"found a file that the group {me} can write" in refusal(private)


@pytest.mark.parametrize(("mode", "trusted"), [(0o755, True), (0o1777, True), (0o777, False), (0o757, False)])
def test_a_file_that_everyone_can_replace_is_refused(tmp_path: Path, mode: int, trusted: bool) -> None:
    replaceable = put(tmp_path / "drop" / "plan.toml")
    replaceable.parent.chmod(mode)
    if trusted:
        assert config.load(replaceable).plan.launch.name == "small"
    else:
        folder = tmp_path / "drop"
        assert refusal(replaceable) == (
            f"drop/plan.toml: found a file in {folder}, a folder that everyone can write; "
            f"allowed: one that only its owner can: chmod go-w {folder}"
        )


def test_a_file_that_a_real_group_can_replace_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    shared = put(tmp_path / "drop" / "plan.toml")
    shared.parent.chmod(0o2775)
    _name_group(monkeypatch, "launch-team", ["anna"])
    assert f"found a file in {tmp_path / 'drop'}, a folder that the group launch-team can write" in refusal(shared)
    shared.parent.chmod(0o3775)
    assert config.load(shared).plan.launch.name == "small", "sticky: only the file's owner can replace it"
    shared.parent.chmod(0o775)
    _name_group(monkeypatch, pwd.getpwuid(os.geteuid()).pw_name, [])
    assert config.load(shared).plan.launch.name == "small", "as where each user has a group and a umask of 002"


@pytest.mark.parametrize("open_folder", ["links", "files"])
def test_neither_a_link_nor_what_it_leads_to_can_be_replaced_by_others(tmp_path: Path, open_folder: str) -> None:
    put(tmp_path / "files" / "plan.toml")
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "plan.toml"
    link.symlink_to("../files/plan.toml")
    assert config.load(link).plan.launch.name == "small"
    (tmp_path / open_folder).chmod(0o777)
    assert f"found a file in {tmp_path / open_folder}, a folder that everyone can write" in refusal(link)


def _name_group(monkeypatch: pytest.MonkeyPatch, name: str, members: list[str]) -> None:
    import grp

    def group_of(gid: int) -> grp.struct_group:
        return grp.struct_group((name, "x", gid, members))

    monkeypatch.setattr(grp, "getgrgid", group_of)


@OWNED
def test_a_strangers_file_is_refused(tmp_path: Path) -> None:
    theirs = put(tmp_path / "plan.toml")
    os.chown(theirs, 12345, -1)
    assert "found a file of user 12345; allowed: one owned by root, as" in refusal(theirs)


def test_a_file_of_root_is_trusted_by_everyone(tmp_path: Path) -> None:
    fields = list(put(tmp_path / "plan.toml").stat())
    fields[stat.ST_UID] = 0
    assert _refusal(os.stat_result(fields), ours=False) is None


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    put(tmp_path / "real.toml", mode=0o666)
    (tmp_path / "link.toml").symlink_to("real.toml")
    assert "everyone can write" in refusal(tmp_path / "link.toml")


def test_the_packaged_default_is_trusted_as_the_program_is(tmp_path: Path) -> None:
    assert read_trusted(put(tmp_path / "config.toml", mode=0o666), ours=True) == SMALL


def split(tmp_path: Path, **files: str) -> Path:
    names = ", ".join(f'"{name}.toml"' for name in files)
    main = put(tmp_path / "plan.toml", f"include = [{names}]\n{SMALL}")
    for name, text in files.items():
        put(tmp_path / f"{name}.toml", text)
    return main


PEOPLE = '# People\n[[seat]]\nid = "qa"\ntitle = "QA Lead"\n'
BUGS = '[source.bugs]\nkind = "local"\n'


def test_included_tables_are_added(tmp_path: Path) -> None:
    found = config.load(split(tmp_path, people=PEOPLE, bugs=BUGS))
    assert [seat.id for seat in found.plan.seat] == ["director", "qa"]
    assert list(found.plan.source) == ["flags", "bugs"]
    assert found.where("seat[0].title") == "plan.toml:11"
    assert found.where("seat[1].title") == "people.toml:4"
    assert found.where("seat[1].users") == "people.toml:2"
    assert found.where("source.bugs.kind") == "bugs.toml:2"
    assert found.where("source.flags.kind") == f"plan.toml:{SMALL.splitlines().index('[source.flags]') + 3}"


def test_a_name_with_a_dot_is_found_in_its_file(tmp_path: Path) -> None:
    found = config.load(split(tmp_path, bugs=BUGS.replace("source.bugs", 'source."bugs.local"')))
    assert found.where('source."bugs.local".kind') == "bugs.toml:2"


def test_a_mistake_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.load(split(tmp_path, people=PEOPLE.replace("title", "titel"), bugs=BUGS.replace("local", "locall")))
    assert [(it.file, it.line, it.path) for it in caught.value.mistakes] == [
        ("bugs.toml", 2, "source.bugs.kind"),
        ("people.toml", 2, "seat[1].title"),
        ("people.toml", 4, "seat[1].titel"),
    ]


def test_a_table_that_may_exist_once_comes_once(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.load(split(tmp_path, twice='[launch]\nname = "x"\n[source.flags]\nkind = "flagd"\n'))
    assert [str(it) for it in caught.value.mistakes] == [
        "twice.toml:1: launch: found a second table of this name; allowed: only the one in plan.toml",
        "twice.toml:3: source.flags: found a second table of this name; allowed: only the one in plan.toml",
    ]


def test_an_included_file_obeys_the_same_rules(tmp_path: Path) -> None:
    main = split(tmp_path, people=PEOPLE, bugs=BUGS)
    (tmp_path / "people.toml").chmod(0o666)
    (tmp_path / "bugs.toml").unlink()
    with pytest.raises(config.ConfigError) as caught:
        config.load(main)
    assert [(it.path, it.found) for it in caught.value.mistakes] == [
        ("include[0]", "a file that everyone can write"),
        ("include[1]", "no such file"),
    ]


@pytest.mark.parametrize("names", ["[1]", "['/etc/plan.toml']", "['']", "['a.toml', 'a.toml']", "'a.toml'"])
def test_what_cannot_be_included(tmp_path: Path, names: str) -> None:
    put(tmp_path / "a.toml", PEOPLE)
    with pytest.raises(config.ConfigError) as caught:
        config.load(put(tmp_path / "plan.toml", f"include = {names}\n{SMALL}"))
    assert len(caught.value.mistakes) == 1
    assert caught.value.mistakes[0].path.startswith("include")


@pytest.mark.parametrize("name", ["plan.toml", "./plan.toml", "link.toml"])
def test_a_config_does_not_include_itself(tmp_path: Path, name: str) -> None:
    (tmp_path / "link.toml").symlink_to("plan.toml")
    put(tmp_path / "people.toml", PEOPLE)
    main = put(tmp_path / "plan.toml", f'include = [\n  "people.toml",\n  "{name}",\n]\n{SMALL}')
    assert refusal(main) == (
        f'plan.toml:3: include[1]: found "{name}", which is this file itself; allowed: another file'
    )


def test_a_file_is_included_once_however_it_is_spelt(tmp_path: Path) -> None:
    put(tmp_path / "people.toml", PEOPLE)
    main = put(tmp_path / "plan.toml", f'include = ["people.toml", "./people.toml"]\n{SMALL}')
    assert 'include[1]: found "./people.toml" a second time; allowed: each file once' in refusal(main)


def test_an_included_file_includes_nothing(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError, match=r"people\.toml:1: include: found an include"):
        config.load(split(tmp_path, people='include = ["more.toml"]\n' + PEOPLE))


def test_the_hash_is_that_of_all_texts(tmp_path: Path) -> None:
    main = split(tmp_path, people=PEOPLE)
    first = config.load(main)
    assert first.hash == config.load(main).hash == loaded(first.text, **first.includes).hash
    put(tmp_path / "people.toml", PEOPLE + "# more\n")
    assert config.load(main).hash != first.hash
    assert loaded(SMALL).hash != loaded(SMALL + "\n").hash


def test_an_adopted_text_is_read_again_without_its_file(tmp_path: Path) -> None:
    found = config.load(split(tmp_path, people=PEOPLE))
    again = config.load_text(found.text, found.includes, Path("/gone/plan.toml"))
    assert again.plan == found.plan
    assert again.where("seat[1]") == "/gone/people.toml:2"


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    found = config.load(path)
    assert found.plan.launch.name == "small"
    assert found.where("launch.zone") == "plan.toml:5"


def test_text_of_no_config_is_no_launch() -> None:
    (line,) = mistakes("")
    assert line == "plan.toml:1: launch: found nothing; allowed: a table; the key is required"
