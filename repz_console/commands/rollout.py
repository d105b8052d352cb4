"""`repz-console rollout`: show a rollout and steer it, by the same checks and into the same journal as the screen."""

from __future__ import annotations

import click

from repz_console.commands.lazy import Lazy

COMMANDS: dict[str, tuple[str, str]] = {
    "show": ("steer.look:show", "Show what is planned, desired, configured, and the gates."),
    "set": ("steer.change:set_", "Set it to a stage, a percent, or a percent a region."),
    "next": ("steer.change:next_", "Take it to its next planned stage."),
    "hold": ("steer.back:hold", "Hold it: nobody widens it until it is resumed."),
    "resume": ("steer.back:resume", "Lift its hold."),
    "rollback": ("steer.back:rollback", "Roll it back to its last good exposure."),
    "kill": ("steer.back:kill", "Take it, or one feature of it, to nobody."),
    "forward": ("steer.change:forward", "Go on with a change that was applied in part."),
    "accept": ("steer.back:accept", "Accept what the backend shows for an unknown change."),
    "observe": ("steer.consent:observe", "Say what a backend shows that cannot be asked."),
    "ask": ("steer.consent:ask", "Ask others to approve a step."),
    "approve": ("steer.consent:approve", "Approve what was asked."),
    "poll": ("steer.poll:group", "Hold the go/no-go poll for a stage."),
    "seat": ("steer.consent:seat", "Hold a seat from now on."),
    "waive": ("steer.consent:waive", "Ask to go on though a gate is INCONCLUSIVE."),
    "second": ("steer.consent:second", "Agree to a waiver."),
    "override": ("steer.consent:override", "Go on though a gate FAILs: the director alone."),
    "stop": ("steer.consent:stop", "Stop the line: nobody widens any rollout."),
    "start": ("steer.consent:start", "Start the line again."),
    "ready": ("steer.look:ready", "Look whether you could roll back and kill now."),
    "card": ("card", "Print the commands that do without the console."),
}
"""Command name to (where it is in `repz_console.commands`, help line)."""


@click.group(cls=Lazy, table=COMMANDS)
def command() -> None:
    """Show a rollout and steer it.

    Hold, roll back and kill need no conn, no gate and no terminal. Whatever widens needs all three.
    """
