"""A real sshd on loopback for one test, and a tmux of its own in which its client runs."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.consoles import AGAIN

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""
MISSING = [
    name for name, there in (("sshd", SSHD), ("ssh", shutil.which("ssh")), ("tmux", shutil.which("tmux"))) if not there
]
"""What of it this machine lacks."""

_START = 60.0
_ENDED = "ended with"
_SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
# The keys lie below a folder that everybody may write to.
StrictModes no
PermitRootLogin prohibit-password
"""


@contextmanager
def server(folder: Path) -> Iterator[list[str]]:
    """Runs sshd with its keys in `folder`; gives the command of a client that logs in with a terminal."""
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host_key", "client_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = _free_port()
    config = folder / "sshd_config"
    config.write_text(_SERVER.format(port=port, folder=folder))
    log = folder / "sshd.log"
    daemon = subprocess.Popen([SSHD, "-D", "-f", config, "-E", log], stdin=subprocess.DEVNULL)
    try:
        _until(lambda: _listens(port) or daemon.poll() is not None)
        assert daemon.poll() is None, log.read_text()
        options = {
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
        }
        settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        who = f"{getpass.getuser()}@127.0.0.1"
        yield ["ssh", "-tt", "-F", "none", *settings, "-i", str(folder / "client_key"), "-p", str(port), who]
    finally:
        daemon.terminate()
        daemon.wait(_START)


class Tmux:
    """A tmux server without anybody's settings, one window of 80x24 in it."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet; its socket will lie in `folder`."""
        self._base = ["tmux", "-S", str(folder / "tmux"), "-f", "/dev/null"]

    def start(self, command: list[str]) -> None:
        """Run `command` in the window, which stays when that ends and says how."""
        # tmux itself does not always learn the exit code.
        shown = f"{shlex.join(command)}; echo {_ENDED} $?; exec sleep 3600"
        self._tmux("new-session", "-d", "-x", "80", "-y", "24", shown)

    def send(self, *keys: str) -> None:
        """Press keys by tmux's names; a text is typed letter by letter."""
        self._tmux("send-keys", *keys)

    def press(self, seen: str, *keys: str) -> None:
        """Press keys and wait for what they do; again, as a person would, where the console says it dropped them."""
        self.send(*keys)
        while seen not in self.until(lambda screen: seen in screen or AGAIN.search(screen) is not None):
            self.until(lambda screen: AGAIN.search(screen) is None)
            self.send(*keys)

    def screen(self) -> str:
        """What the window shows."""
        return self._tmux("capture-pane", "-p")

    def until(self, seen: str | Callable[[str], bool], seconds: float = 60.0) -> str:
        """The screen, once it shows that text or satisfies that test."""
        satisfied = (lambda screen: seen in screen) if isinstance(seen, str) else seen
        deadline = time.monotonic() + seconds
        while not satisfied(screen := self.screen()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not seen: {seen!r}\n{screen}")
            time.sleep(0.05)
        return screen

    def quiet(self, gap: float = 0.4, seconds: float = 60.0) -> str:
        """The screen, once nothing on it changed for `gap` seconds."""
        screen, since, deadline = self.screen(), time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < min(since + gap, deadline):
            time.sleep(0.05)
            if (now := self.screen()) != screen:
                screen, since = now, time.monotonic()
        return screen

    def ended(self) -> int | None:
        """The exit code of the window's command, None while it runs."""
        found = re.search(rf"^{_ENDED} (\d+)$", self.screen(), re.MULTILINE)
        return int(found[1]) if found else None

    def pid(self) -> int:
        """The process of the window's command."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        """End everything in it."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run([*self._base, *arguments], check=True, capture_output=True, text=True).stdout


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.02)
