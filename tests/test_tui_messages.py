"""The line in place of the keys: one message at a time, and of notices only those that hold."""

from __future__ import annotations

from repz_console.tui.messages import Messages


def test_a_notice_that_holds_no_more_is_neither_said_nor_left_standing() -> None:
    messages = Messages(["hello"])
    messages.notice(["7 entries wait", "polling alone"])
    said = []
    while messages.move_on() and messages.now is not None:
        said.append(messages.now[0])
        messages._until = 0.0
    assert said == ["hello", "7 entries wait", "polling alone"]
    messages.notice(["8 entries wait", "9 entries wait", "polling alone"])
    assert messages.move_on()
    assert messages.now is not None
    assert messages.now[0] == "8 entries wait"
    messages.notice(["polling alone"])
    assert messages.move_on()
    assert messages.now is None
    assert not messages.move_on()
    messages.say("killed", "ok")
    messages.notice([])
    assert messages.now == ("killed", "ok")
