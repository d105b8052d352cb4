"""Secrets come from where the config says, or not at all; what is open to others is refused, and said."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import psutil
import pytest

from repz_console import secret_places, vault
from repz_console.config import ConfigError, load, load_text
from repz_console.plan.secrets import SecretPlace
from repz_console.vault import SecretError, Vault
from tests.support.sessions import CONFIG

VALUE = "tk-places-5d1fC0ffee"
PROBE = '[source.w]\nkind = "probe"\nurl = "https://x.example"\nheaders = { Authorization'


def fetched(place: SecretPlace, folder: Path) -> str:
    """The value that a vault with this one place gives."""
    return Vault({"it": place}, folder).fetch("it").reveal()


def refused(place: SecretPlace, folder: Path) -> str:
    """Why a vault with this one place gives nothing."""
    with pytest.raises(SecretError) as error:
        fetched(place, folder)
    assert VALUE not in str(error.value)
    return str(error.value)


def shell(line: str, **more: tuple[str, ...]) -> SecretPlace:
    """A command place that runs a line of shell."""
    return SecretPlace(command=("sh", "-c", line), **more)


def test_a_command_gives_what_it_prints(tmp_path: Path) -> None:
    assert fetched(shell(f"echo {VALUE}; echo told to a person >&2"), tmp_path) == VALUE


def test_a_command_is_not_run_by_a_shell(tmp_path: Path) -> None:
    assert fetched(SecretPlace(command=("echo", f"{VALUE}; $HOME")), tmp_path) == f"{VALUE}; $HOME"


def test_a_command_is_given_few_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_TOKEN", "another secret")
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.org")
    line = 'echo "[$OTHER_TOKEN] [$VAULT_ADDR] $(test -n "$PATH" && echo path)"'
    assert fetched(shell(line, inherit=("VAULT_ADDR",)), tmp_path) == "[] [https://vault.example.org] path"


def test_what_a_failing_command_says_is_not_shown(tmp_path: Path) -> None:
    why = refused(shell(f"echo {VALUE} >&2; echo {VALUE}; exit 3"), tmp_path)
    assert "exit code 3" in why


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no-such-program could not be run" in refused(SecretPlace(command=("no-such-program",)), tmp_path)


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_places, "COMMAND_SECONDS", 0.3)
    nap = f"61.{os.getpid()}"  # of this run alone
    started = time.monotonic()
    assert "did not end" in refused(shell(f"sleep {nap} & echo {VALUE}; sleep {nap}"), tmp_path)
    while any(one.info["cmdline"] == ["sleep", nap] for one in psutil.process_iter(["cmdline"])):
        assert time.monotonic() - started < 60, "they sleep on"
        time.sleep(0.05)


def test_a_command_that_prints_too_much_is_refused(tmp_path: Path) -> None:
    assert "8,192" in refused(shell("yes"), tmp_path)


def private(tmp_path: Path, mode: int = 0o600) -> Path:
    """A file that holds the value."""
    file = tmp_path / "token"
    file.write_text(f"{VALUE}\n")
    file.chmod(mode)
    return file


def test_a_private_file_gives_what_it_holds(tmp_path: Path) -> None:
    private(tmp_path)
    assert fetched(SecretPlace(file="token"), tmp_path) == VALUE


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    private(tmp_path, mode)
    assert "chmod 600" in refused(SecretPlace(file="token"), tmp_path)


def test_a_link_a_folder_and_a_pipe_are_no_secret_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(private(tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    assert "is a link" in refused(SecretPlace(file="link"), tmp_path)
    assert "not a plain file" in refused(SecretPlace(file="pipe"), tmp_path)
    assert "not a plain file" in refused(SecretPlace(file="folder"), tmp_path)


def test_a_file_in_a_folder_that_everyone_can_write_is_refused(tmp_path: Path) -> None:
    private(tmp_path)
    tmp_path.chmod(0o777)
    assert "everyone can write" in refused(SecretPlace(file="token"), tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(tmp_path: Path) -> None:
    os.chown(private(tmp_path), 65534, 65534)
    assert "uid 65534" in refused(SecretPlace(file="token"), tmp_path)


def test_a_credential_of_the_service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "CREDENTIALS_DIRECTORY is not set" in refused(SecretPlace(credential="token"), tmp_path)
    private(tmp_path, 0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert fetched(SecretPlace(credential="token"), tmp_path) == VALUE


def test_a_keyring_gives_what_it_holds_and_its_errors_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError(f"cannot unlock {VALUE}")
        return {("status", "ops"): VALUE}.get((service, user))

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=asked))
    assert fetched(SecretPlace(keyring="status/ops"), tmp_path) == VALUE
    assert "holds nothing for status/dev" in refused(SecretPlace(keyring="status/dev"), tmp_path)
    assert "RuntimeError" in refused(SecretPlace(keyring="locked/ops"), tmp_path)
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "not installed" in refused(SecretPlace(keyring="status/ops"), tmp_path)


def test_a_variable_leaves_the_environment_and_is_known_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_TOKEN", VALUE)
    assert fetched(SecretPlace(env="STATUS_TOKEN"), tmp_path) == VALUE
    assert "STATUS_TOKEN" not in os.environ
    assert fetched(SecretPlace(env="STATUS_TOKEN"), tmp_path) == VALUE
    assert "is not set" in refused(SecretPlace(env="NEVER_SET_TOKEN"), tmp_path)


def test_what_changes_something_gets_the_secret_of_that_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = private(tmp_path)
    kept = Vault({"it": SecretPlace(file="token")}, tmp_path)
    assert kept.watching("it").reveal() == VALUE
    file.write_text("tk-rotated-77777")
    assert kept.watching("it").reveal() == VALUE
    assert kept.fetch("it").reveal() == "tk-rotated-77777"
    assert kept.watching("it").reveal() == VALUE, "what is fetched for a change is not kept"
    file.write_text("tk-rotated-88888")
    monkeypatch.setattr(vault, "KEPT_SECONDS", 0.0)
    assert kept.watching("it").reveal() == "tk-rotated-88888"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[secret.a]\nfile = "x"\nenv = "Y"', "found file and env; allowed: exactly one of command"),
        ("[secret.a]", "found no place"),
        ('[secret.a]\ncredential = "../x"', "the credential's name alone"),
        ('[secret.a]\nkeyring = "service"', "service/user"),
        ('[secret.a]\nfile = "x"\ninherit = ["Y"]', "only with command"),
        ('[secret.a]\nvalue = "x"', "unknown key"),
        (f'{PROBE} = {{ secret = "tokn" }} }}\n[secret.token]\nfile = "x"', "did you mean token?"),
    ],
)
def test_a_secret_table_that_says_nothing_clear_is_a_mistake(tmp_path: Path, table: str, said: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"{CONFIG}\n{table}\n")
    with pytest.raises(ConfigError, match=r"config\.toml:") as error:
        load(config)
    assert said in str(error.value)


INLINE = {
    "a header": f'[source.w]\nkind = "probe"\nurl = "https://x.example"\nheaders = {{ X-Api-Key = "{VALUE}" }}',
    "a query": f'[source.w]\nkind = "probe"\nurl = "https://x.example/?a=b&token={VALUE}"',
    "a bearer": f'[source.w]\nkind = "probe"\nurl = "https://x.example"\nheaders = {{ X = "Bearer {VALUE}" }}',
    "a URL's user": f'[[channel]]\naudience = "internal"\nkind = "chat"\naddress = "https://bot:{VALUE}@chat.example"',
    "a known token": '[[channel]]\naudience = "internal"\nkind = "chat"\naddress = "use ghp_%s"' % ("a1B2" * 9),
}


@pytest.mark.parametrize("table", INLINE.values(), ids=INLINE.keys())
def test_a_secret_in_a_config_that_others_read_is_refused(tmp_path: Path, table: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"{CONFIG}\n{table}\n")
    for mode, reader in ((0o644, "everyone can read"), (0o600, "")):
        config.chmod(mode)
        if reader:
            with pytest.raises(ConfigError) as error:
                load(config)
            assert reader in str(error.value)
            assert "config.toml:" in str(error.value)
            assert VALUE not in str(error.value)
        else:
            assert len(load(config).inline) == 1


@pytest.mark.parametrize("address", ["https://user:$PASSWORD@x", "https://user:<password>@x", "https://x/?token=..."])
def test_what_a_reader_is_to_fill_in_is_no_secret(tmp_path: Path, address: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'{CONFIG}\n[[channel]]\naudience = "internal"\nkind = "chat"\naddress = "{address}"\n')
    assert load(config).inline == ()


def test_a_text_that_is_not_ones_own_file_has_no_vault(tmp_path: Path) -> None:
    text = f'{CONFIG}\n[secret.token]\nenv = "ADOPTED_TOKEN"\n'
    assert load_text(text, {}, tmp_path / "config.toml").vault is None


def test_several_that_want_a_secret_at_once_run_its_command_once(tmp_path: Path) -> None:
    for name, line in (("given", f"echo {VALUE}"), ("refused", "exit 3")):
        shelf = Vault({"it": shell(f"echo run >> {tmp_path / name}; sleep 0.2; {line}")}, tmp_path)

        def wanted(shelf: Vault = shelf) -> None:
            with suppress(SecretError):
                shelf.watching("it")

        threads = [Thread(target=wanted) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (tmp_path / name).read_text() == "run\n"
