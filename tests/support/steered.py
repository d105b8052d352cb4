"""A launch in a folder of its own, steered from the command line as people and scripts do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.commands import Answer, Commands, Terminal


class Launch:
    """A launch in a folder of its own, steered from the command line."""

    def __init__(self, folder: Path, repz: Commands) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.config = folder / "config.toml"
        self._repz = repz
        assert repz("init", str(self.config)).code == 0
        # What the starter's first stage asks for is tried where gates are; here it would hold every step.
        asked = ("checklists =", "bake =")
        lines = self.config.read_text().splitlines(keepends=True)
        self.config.write_text("".join(line for line in lines if not (line.startswith(asked) and "#" in line)))

    def edited(self, *pairs: tuple[str, str]) -> None:
        """Change the config's text."""
        text = self.config.read_text()
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        self.config.write_text(text)

    def __call__(self, *arguments: str) -> Answer:
        return self._repz("--config", str(self.config), *arguments)

    def terminal(self, *arguments: str) -> Terminal:
        return Terminal(["--config", str(self.config), *arguments], self.folder)

    def json(self, *arguments: str) -> tuple[int, Any]:
        """What a command says as data, whatever it exits with."""
        answer = self(*arguments, "--json")
        return answer.code, json.loads(answer.out)

    def flags(self) -> str:
        """The flag file; empty while there is none."""
        file = self.store / "flags.json"
        return file.read_text() if file.exists() else ""

    def shown(self) -> dict[str, Any]:
        answer = self("rollout", "show", "production", "--json")
        assert answer.code == 0, answer.err
        data: dict[str, Any] = json.loads(answer.out)
        return data

    def percents(self) -> dict[str, float]:
        exposure: dict[str, Any] = self.shown()["configured"]["exposure"]
        return dict(exposure["percent"])

    def widen(self, target: str, *options: str) -> tuple[int, str]:
        """As a person does it at a terminal."""
        terminal = self.terminal("rollout", "set", "production", target, *options, "--expect", self.shown()["revision"])
        said = terminal.wait_for("to go on:")
        terminal.type(challenge(said))
        return terminal.end(), terminal.said

    def kinds(self) -> list[str]:
        answer = self("journal", "export")
        return [json.loads(line)["kind"] for line in answer.out.splitlines()]


def challenge(said: str) -> str:
    found = re.search(r"Type  (.+?)  to go on:", said)
    assert found
    return found[1]
