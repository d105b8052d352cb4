"""What a process shows of itself, what it does with a plan that others adopted, and the ways out that do not exist."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from repz_console import cli
from repz_console.actions import ACTIONS
from repz_console.config import Loaded, load
from repz_console.engine.trust import withheld
from repz_console.events import PlanAdopted
from repz_console.process import child_environment
from repz_console.tui.app import ConsoleApp
from tests.support import sessions
from tests.support.commands import Commands, environment

TOKEN = "tk-process-6Fe1d00d"
PROBE = """
[source.status]
kind = "probe"
url = "https://127.0.0.1:9/"
headers = { Authorization = { secret = "token", prefix = "Bearer " } }
[secret.token]
file = "token"
"""


def run(code: str, **more: str) -> str:
    """What a program of its own says."""
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(), **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_the_program_makes_private_files_leaves_no_core_and_logs_no_tls_keys(tmp_path: Path) -> None:
    code = (
        "import os, resource, sys; sys.argv = ['repz-console', '--version']\n"
        "from repz_console import cli\n"
        "try: cli.main()\nexcept SystemExit: pass\n"
        "print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE), 'SSLKEYLOGFILE' in os.environ)"
    )
    said = run(code, SSLKEYLOGFILE=str(tmp_path / "keys"))
    assert said.splitlines()[-1] == "0o77 (0, 0) False"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize("hidden", [False, True])
def test_another_process_of_the_account_cannot_read_a_secret(hidden: bool) -> None:
    code = f"""
import ctypes, os
from repz_console.process import hide_memory
os.setgid(65534); os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # becoming somebody else hides it too
if {hidden}: assert hide_memory()
if os.fork() == 0:
    try: print("read" if b"OF_MINE" in open(f"/proc/{{os.getppid()}}/environ", "rb").read() else "empty", flush=True)
    except PermissionError: print("denied", flush=True)
    os._exit(0)
os.wait()
"""
    assert run(code, TOKEN_OF_MINE=TOKEN).strip() == ("denied" if hidden else "read")


def test_a_child_is_given_what_it_needs_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", TOKEN)
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example")
    given = child_environment(["VAULT_ADDR", "NOT_SET_AT_ALL"])
    assert {"PATH", "HOME", "VAULT_ADDR"} <= given.keys()
    assert not {"API_TOKEN", "NOT_SET_AT_ALL"} & given.keys()


def own(folder: Path, extra: str = "") -> Loaded:
    """A config of this user's own with a secret in a private file beside it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o600)
    config = folder / "config.toml"
    config.write_text(sessions.CONFIG + extra)
    return load(config)


@pytest.mark.parametrize(
    ("mine", "adopted", "why"),
    [
        (PROBE, PROBE + "\n", ""),
        (PROBE, PROBE.replace("127.0.0.1:9", "elsewhere.example"), "does not have this [source.status]"),
        (PROBE, PROBE.replace("Bearer ", "Basic "), "does not have this [source.status]"),
        (PROBE, PROBE.replace('file = "token"', 'command = ["steal"]'), "does not have [secret.token]"),
        ("", PROBE, "it uses the secret token"),
        ("", PROBE.replace("{ Authorization = { secret = \"token\", prefix = \"Bearer \" } }", "{}"), ""),
    ],
)  # fmt: skip
def test_an_adopted_plan_gets_a_secret_only_as_the_own_config_has_it(
    tmp_path: Path, mine: str, adopted: str, why: str
) -> None:
    said = withheld(own(tmp_path / "mine", mine), own(tmp_path / "theirs", adopted), "status")
    assert (why in said) if why else said == ""


def test_a_kind_that_is_not_built_in_is_used_only_as_the_own_config_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repz_console.providers import local

    table = '[source.more]\nkind = "local"\n'
    mine, theirs, same = (
        own(tmp_path / name, extra) for name, extra in (("a", ""), ("b", table), ("c", table + "# as b"))
    )
    assert withheld(mine, theirs, "more") == ""
    monkeypatch.setattr(local.Local, "own_config_only", True)
    assert "of the kind local" in withheld(mine, theirs, "more")
    assert withheld(same, theirs, "more") == ""


async def test_a_withheld_source_is_told_and_its_secret_never_fetched(tmp_path: Path) -> None:
    theirs = own(tmp_path / "theirs", PROBE + "\n# theirs\n")
    async with sessions.opened(theirs) as session:
        await session.take_conn()
        assert await session.adopt() == ""
    mine = own(tmp_path / "mine", PROBE.replace("127.0.0.1:9", "127.0.0.1:8"))
    mine.path.write_text(mine.path.read_text().replace('path = "store"', f'path = "{tmp_path / "theirs" / "store"}"'))
    (tmp_path / "mine" / "token").unlink()
    async with sessions.opened(load(mine.path)) as session:
        with pytest.raises(ValueError, match="not used here: it uses the secret token"):
            await session.refresh("status")
        told = {source.id: source.error for source in session.view().sources.sources}
    assert "your own config does not have this [source.status]" in told["status"]


@pytest.mark.parametrize(
    "extra", ["[source.w]\nkind = 'probe'\nurl = 'https://x/'\nheaders = { X-Api-Key = '%s' }", "# %s"]
)
async def test_a_config_that_holds_a_secret_is_not_adopted(tmp_path: Path, extra: str) -> None:
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "own" / "config.toml").touch(0o600)
    loaded = own(tmp_path / "own", f"{PROBE}\n{extra % TOKEN}\n")
    assert loaded.vault is not None
    loaded.vault.fetch("token")
    async with sessions.opened(loaded) as session:
        await session.take_conn()
        assert "cannot be adopted" in await session.adopt()
        assert not [entry for entry in session.entries() if isinstance(entry.event, PlanAdopted)]
        assert TOKEN.encode() not in (session.folder / "journal.db").read_bytes()


def test_check_and_doctor_tell_of_secrets_without_showing_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inline = f"[source.w]\nkind = 'probe'\nurl = 'https://127.0.0.1:9/'\nheaders = {{ X-Api-Key = '{TOKEN}' }}\n"
    missing = "[secret.gone]\nfile = 'nowhere'\n"
    (tmp_path / "config.toml").touch(0o600)
    loaded = own(tmp_path, PROBE + inline + missing)
    commands = Commands(capsys)
    checked = commands("check", str(loaded.path), "--strict")
    assert checked.code == 1
    assert "warning  inline-secret: " in checked.out
    assert "source.w.headers.X-Api-Key" in checked.out
    examined = commands("doctor", "--config", str(loaded.path)).out
    lines = {line.split()[1]: line for line in examined.split("secrets")[1].splitlines() if len(line.split()) > 2}
    assert "file token, for source.status: can be had" in lines["token"]
    assert lines["gone"].strip().startswith("BAD")
    assert "stands in the config itself" in lines["source.w.headers.X-Api-Key"]
    assert TOKEN not in checked.out + checked.err + examined


def parameters(command: click.Command, path: str = "") -> Iterator[tuple[str, str]]:
    """Every option of the command line, with the command that it belongs to."""
    yield from ((path, name) for parameter in command.params for name in (*parameter.opts, parameter.name or ""))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from parameters(inner, f"{path} {name}")


def test_no_option_takes_a_secret_which_every_user_could_read_in_the_list_of_processes() -> None:
    taken = list(parameters(cli.command_line()))
    assert len(taken) > 40
    words = ("token", "secret", "password", "passphrase", "api", "key", "auth", "header", "bearer", "credential")
    assert [one for one in taken if any(word in one[1].lower() for word in words)] == []


def test_no_key_or_command_takes_a_picture_of_the_screen() -> None:
    """A picture would be a file with all that stands on the screen, which Textual makes for everyone to read."""
    assert ConsoleApp.ENABLE_COMMAND_PALETTE is False
    assert not [action.id for action in ACTIONS if "shot" in action.id]
    bound = [str(binding) for cls in ConsoleApp.__mro__ for binding in cls.__dict__.get("BINDINGS", [])]
    assert not [binding for binding in bound if "screenshot" in binding]
