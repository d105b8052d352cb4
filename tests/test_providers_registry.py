"""Kinds are found without being imported, and a stranger's kind works like a built-in one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from repz_console.plan.model import Source
from repz_console.providers import registry
from repz_console.providers.base import Provider
from tests.support.providers import context

SAMPLE = Path(__file__).parent / "plugin_sample"


def run(code: str, *places: Path) -> str:
    """What `code` prints in a fresh interpreter that sees this checkout and `places`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (SAMPLE.parent.parent, *places)))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_built_in_kinds_are_there_in_a_checkout() -> None:
    assert set(registry.kinds()) >= {"plan", "local", "ledger", "host", "probe", "flagd"}


@pytest.mark.parametrize("kind", registry.BUILT_IN)
def test_a_built_in_kind_names_itself(kind: str) -> None:
    assert issubclass(registry.load(kind), Provider)
    assert registry.load(kind).kind == kind


def test_entry_points_and_table_agree(root: Path) -> None:
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["repz_console.providers"] == registry.BUILT_IN


def test_a_misspelt_kind_is_told_the_nearest() -> None:
    with pytest.raises(registry.UnknownKind) as caught:
        registry.load("flagdd")
    assert caught.value.nearest == "flagd"
    assert "nearest is 'flagd'" in str(caught.value)


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        registry.create("s", Source(kind="host", options={"colour": "red"}), None, context(tmp_path))


def test_a_provider_knows_its_own_source(tmp_path: Path) -> None:
    made = registry.create("box", Source(kind="host"), None, context(tmp_path, "another"))
    assert made.context.source == "box"


def test_a_kind_costs_nothing_until_it_is_named() -> None:
    loaded = run(
        "import sys; from repz_console.providers import registry; registry.load('plan');"
        "heavy = ('httpx', 'httpcore', 'anyio', 'psutil', 'ssl', 'importlib.metadata', 'textual');"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert loaded == "[]"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample package, installed by pip in a folder of its own."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the sample package, is not installed")
    folder = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source")
    for file in SAMPLE.iterdir():
        if file.is_file():
            (source / file.name).write_bytes(file.read_bytes())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"),
            *("--target", str(folder), str(source)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_a_stranger_s_kind_works_once_its_package_is_installed(installed: Path) -> None:
    code = """
import asyncio
from pathlib import Path
from repz_console.plan.model import Source
from repz_console.providers import registry
from tests.support.providers import context

async def main():
    assert "sample" in registry.kinds()
    async with registry.create("queue", Source(kind="sample", options={"jobs": 7}), None, context(Path("."))) as sample:
        facts = await sample.fetch()
    print(sample.context.source, [(reading.name, reading.value) for reading in facts.readings])

asyncio.run(main())
"""
    assert run(code, installed) == "queue [('queue.length', 7.0)]"


@pytest.mark.parametrize(("kind", "why"), [("broken", "AttributeError"), ("stranger", "not a subclass")])
def test_a_stranger_s_broken_kind_is_named(installed: Path, kind: str, why: str) -> None:
    code = f"""
from repz_console.providers import registry
try:
    registry.load({kind!r})
except registry.BrokenKind as error:
    print(error)
"""
    said = run(code, installed)
    assert kind in said
    assert why in said
