"""No test sees this machine's own config, state, colours or clock zone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.consoles import Consoles
    from tests.support.unleash import Unleash

ROOT = Path(__file__).resolve().parent.parent
FULL = "--full"
BACKEND = "--backend"
LONGEST_NAME = 60
"""Characters of a parameter that name its test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`: the tests marked `figure` run as often as the promise says, and not a sample of it, and properties with
    many examples. `--backend`: the contract suite of rollout backends is run with one of somebody else's, too."""
    parser.addoption(FULL, action="store_true", help="run figures and properties with their full counts")
    parser.addoption(
        BACKEND, action="append", default=[], metavar="MODULE:NAME", help="hold this rollout backend to the suite, too"
    )


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test by the beginning of a long text: what a test is called becomes part of its environment, too."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return f"{val[:LONGEST_NAME]!a}..."
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Properties are tried with a sample of examples, for `--full` with many; no slowness of the machine fails one."""
    slow = [HealthCheck.too_slow]
    settings.register_profile("sample", max_examples=50, deadline=None, suppress_health_check=slow)
    settings.register_profile("full", max_examples=1000, deadline=None, suppress_health_check=slow)
    settings.load_profile("full" if config.getoption(FULL) else "sample")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a server comes first: work is stolen from the end, so that one worker alone starts it."""
    items.sort(key=lambda item: item.get_closest_marker("real") is None)


class Figure:
    """How often a promise is tried in this run, and what came of it."""

    def __init__(self, full: bool, properties: list[tuple[str, object]]) -> None:
        self.full = full
        """Whether the promise is tried as often as it is made."""
        self._properties = properties

    def count(self, quick: int, full: int) -> int:
        """How often to try: `full` with `--full`, else `quick`."""
        return full if self.full else quick

    def say(self, line: str) -> None:
        """A line for the end of the run, such as `1,000 kills of 3 writers: 0 of 28,894 entries lost`."""
        self._properties.append(("figure", line))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """The counts of a test marked `figure`."""
    return Figure(request.config.getoption(FULL), request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every figure with its count."""
    lines = list(_figures(terminalreporter))
    if lines:
        terminalreporter.section("figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)


def _figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            if report.when == "call":
                yield from (f"{line} [{outcome}]" for name, line in report.user_properties if name == "figure")


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    for name in ("REPZ_CONFIG", "NO_COLOR", "COLORTERM", "TEXTUAL", "TEXTUAL_THEME", "TEXTUAL_PRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def consoles(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Consoles:
    """A small launch of this test's own, to open consoles on."""
    # Here: most tests need no terminal.
    from tests.support.consoles import Consoles

    return Consoles(tmp_path, tmp_path_factory.getbasetemp() / "bytecode")


@pytest.fixture(scope="session")
def unleash() -> Iterator[Unleash]:
    """A real Unleash of version 8 for all tests; each has flags of its own."""
    from tests.support.unleash import server

    with server("8") as running:
        yield running


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can get to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
