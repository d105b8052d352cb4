"""The contract with Textual's private side: whatever an upgrade changes of what is leaned on, fails here by name.

Then read terminal.py line by line against the new version, and mend both.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from textual import _compositor, _xterm_parser, events
from textual.app import App
from textual.driver import Driver
from textual.geometry import Region, Size
from textual.message_pump import MessagePump

from repz_console.tui import terminal
from repz_console.tui.terminal import GuardDriver, GuardedApp
from tests.conftest import ROOT

TUI = Path(terminal.__file__).parent

APP = {
    "_batch_count": "self._batch_count += 1",
    "_color_system": None,
    "_disable_notifications": "self.app._disable_notifications",
    "_disable_tooltips": "self.app._disable_tooltips",
    "_driver": "driver = self._driver = self._build_driver(",
    "_exception": "self._exception = error",
    "_exception_event": "self._exception_event.set()",
    "_return_code": "self._return_code = return_code",
    "_sync_available": "self._sync_available = True",
    "_handle_exception": "self._handle_exception(error)",
    "_close_messages_no_wait": "self._close_messages_no_wait()",
    "_display": "app._display(self, ",
    "_running": "self._running = False",
    "_closed": "self._closed = True",
    "_pens": None,
    "_pen": None,
    "_set_pointer_shape": "self.app._set_pointer_shape(pointer_shape)",
    "_runs": None,
}
"""What `GuardedApp` uses of itself, and how Textual must still use it; None for what is its own."""

DRIVER = {
    "_app": "self._app = app",
    "_loop": "self._loop = asyncio.get_running_loop()",
    "_mouse": "self._mouse = mouse",
    "_size": "width, height = self._driver._size",
}
"""What `GuardDriver` shares with Textual's driver, and how Textual must still use it."""


def _used_of_self(name: str) -> set[str]:
    """The private names that a class of terminal.py reads, sets or defines."""
    tree = ast.parse(inspect.getsource(terminal))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    names = {
        node.attr for node in ast.walk(found)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }  # fmt: skip
    names |= {node.name for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {each for each in names if each.startswith("_") and not each.startswith("__")}


def _textual() -> str:
    """The source of what drives an app."""
    from textual import app as app_module
    from textual import message_pump, screen, widget

    return "".join(inspect.getsource(module) for module in (app_module, message_pump, screen, widget)) + (
        inspect.getsource(Driver)
    )


def test_it_is_pinned_to_the_version_that_was_read() -> None:
    assert version("textual").startswith("8.2.")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "textual==8.2.*" in project["dependencies"]


def test_every_private_name_that_is_used_is_in_this_contract() -> None:
    assert _used_of_self("GuardedApp") == set(APP)
    own = {name for name in _used_of_self("GuardDriver") if name not in vars(Driver)}
    inherited = set(re.findall(r"self\.(_\w+)", inspect.getsource(Driver))) | {"_size"}
    assert own & inherited == set(DRIVER)
    assert not [name for name in _used_of_self("GuardDriver") if name in vars(Driver)]


@pytest.mark.parametrize("name", [name for name, use in {**APP, **DRIVER}.items() if use])
def test_textual_still_uses_it_so(name: str) -> None:
    use = {**APP, **DRIVER}[name]
    assert use is not None
    assert use in _textual(), f"Textual's {name}"


@pytest.mark.parametrize("name", [name for name, use in APP.items() if use is None])
def test_what_is_our_own_hides_nothing_of_textual(name: str) -> None:
    assert not hasattr(App, name)
    assert f"self.{name} " not in inspect.getsource(App) + inspect.getsource(MessagePump)


def test_no_other_file_leans_on_what_is_private() -> None:
    for path in TUI.rglob("*.py"):
        if path.name == "terminal.py":
            continue
        modules = [
            node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
        ]
        assert not [module for module in modules if module.startswith("textual") and "._" in module], path.name


def test_the_methods_that_are_overridden_are_called_with_what_they_take() -> None:
    for base, ours in ((App, GuardedApp), (Driver, GuardDriver)):
        for name, method in vars(ours).items():
            if name in vars(base) and name != "__init__" and inspect.isfunction(method):
                theirs = inspect.signature(vars(base)[name])
                assert list(inspect.signature(method).parameters) == list(theirs.parameters), name
    assert {"driver_class", "ansi_color"} <= set(inspect.signature(App).parameters)
    assert list(inspect.signature(Driver).parameters) == ["app", "debug", "mouse", "size"]
    assert Driver.__abstractmethods__ == {
        "write", "start_application_mode", "disable_input", "stop_application_mode",
    }  # fmt: skip
    assert {"close", "flush", "process_message", "send_message", "is_headless", "is_inline"} <= set(vars(Driver))


def test_updates_have_the_shape_that_is_taken_apart() -> None:
    update = _compositor.ChopsUpdate([{0: None}], [(0, 0, 1)], [[1]])
    assert (update.chops, update.spans, update.chop_ends) == ([{0: None}], [(0, 0, 1)], [[1]])
    layout = _compositor.LayoutUpdate([], Region(0, 0, 1, 1))
    assert (layout.strips, layout.region) == ([], Region(0, 0, 1, 1))
    kinds = {each.__name__ for each in _compositor.CompositorUpdate.__subclasses__()}
    assert kinds == {"LayoutUpdate", "InlineUpdate", "ChopsUpdate"}, "another kind would be sent past the cells"


def test_the_parser_makes_keys_of_what_it_is_fed() -> None:
    parser = _xterm_parser.XTermParser(False)
    assert [event.key for event in parser.feed("a\x1b[A") if isinstance(event, events.Key)] == ["a", "up"]
    pasted = list(parser.feed("\x1b[200~two words\x1b[201~"))
    assert [event.text for event in pasted if isinstance(event, events.Paste)] == ["two words"]
    assert list(parser.tick()) == []


def test_the_terminal_is_given_back_before_the_app_closes_what_it_has() -> None:
    life = inspect.getsource(App._process_messages)
    assert life.index("driver.start_application_mode()") < life.index("run_process_messages()\n")
    assert life.index("run_process_messages()\n") < life.index("driver.stop_application_mode()")
    leaving = inspect.getsource(App._shutdown)
    assert leaving.index("driver.disable_input()") < leaving.index("events.Unmount()")
    assert leaving.index("events.Unmount()") < leaving.index("self._driver.close()")


def test_a_size_is_told_by_an_event() -> None:
    assert list(inspect.signature(events.Resize).parameters)[:2] == ["size", "virtual_size"]
    assert events.Resize(Size(1, 2), Size(1, 2)).size == Size(1, 2)
