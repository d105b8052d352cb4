"""What the console is started on: refused with what to do where there is no terminal, right wherever there is one."""

from __future__ import annotations

import pytest

from tests.support.consoles import PATIENCE, Consoles, opened
from tests.support.pty import Terminal, console

NO_TERMINAL = 64


@pytest.mark.parametrize("redirected", ["</dev/null", "<&-", "< <(sleep 9)", "| cat", ">/dev/null", "<&- 2>/dev/null"])
def test_without_a_terminal_it_is_refused_with_what_to_do(consoles: Consoles, redirected: str) -> None:
    script = f'set -o pipefail; "$@" {redirected}; echo "CODE $?"'
    command = ["bash", "-c", script, "bash", *console("--config", str(consoles.config))]
    with Terminal(command, columns=200, env=consoles.environment, cwd=consoles.folder) as terminal:
        terminal.until(f"CODE {NO_TERMINAL}", PATIENCE)
        if "2>" not in redirected:
            assert "repz-console status" in terminal.text()
            assert "ssh, add -t" in terminal.text()
        assert b"\x1b" not in terminal.raw
    assert not consoles.store.exists()


def test_errors_may_be_sent_elsewhere(consoles: Consoles) -> None:
    errors = consoles.folder / "errors"
    with consoles.open(under=["sh", "-c", f'exec "$0" "$@" 2>{errors}']) as terminal:
        opened(terminal)
        terminal.send("5")
        terminal.until("[5 Bugs]", PATIENCE)
        terminal.send("q")
        assert terminal.wait(PATIENCE) == 0
    assert errors.read_text() == ""


@pytest.mark.parametrize(
    "odd",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:replace", "PYTHONUTF8": "0"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda odd: " ".join(odd),
)
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_no_setting_of_the_interpreter_garbles_the_screen(consoles: Consoles, odd: dict[str, str], locale: str) -> None:
    with consoles.open(env={**odd, "LANG": locale, "LC_ALL": locale}) as terminal:
        opened(terminal) if locale == "C.UTF-8" else terminal.until("! WAY BACK", PATIENCE)
        terminal.quiet()
        terminal.raw.decode()
        assert "\\u" not in terminal.text()
        assert "\ufffd" not in terminal.text()
        assert terminal.text().isascii() == (locale == "C")
