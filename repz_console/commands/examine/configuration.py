"""Which config is used and why, whether it can be, and who may change it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from repz_console import config
from repz_console.commands.examine.answer import Answer
from repz_console.tui.paint.format import count

AREA = "config"


def examine(explicit: Path | None) -> tuple[list[Answer], config.Loaded | None]:
    """Every answer about the config, and the config itself if it can be used."""
    path, why = config.find(explicit)
    answers = [Answer(AREA, "file", "ok", f"{path} ({why})"), *_rights(path)]
    try:
        loaded = config.load(explicit)
    except config.ConfigError as error:
        return answers + [Answer(AREA, "mistake", "bad", str(mistake)) for mistake in error.mistakes], None
    plan = loaded.plan
    holds = [
        count(len(plan.task), "task"),
        count(len(plan.rollout), "rollout"),
        count(len(plan.source), "source"),
        count(len(plan.metric), "metric"),
    ]
    answers.append(Answer(AREA, "plan", "ok", f"{plan.launch.title}: {', '.join(holds)}"))
    return answers, loaded


def _rights(path: Path) -> list[Answer]:
    """Who may change the file. One that others could have written is refused when it is read."""
    try:
        status = path.stat()
    except OSError:
        return []
    owner = "you" if status.st_uid == os.getuid() else "root" if status.st_uid == 0 else f"uid {status.st_uid}"
    return [Answer(AREA, "rights", "ok", f"owner {owner}, mode {stat.S_IMODE(status.st_mode):04o}")]
