"""The whole ramp as OpenFeature's own client sees it, and the way back without the console."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError

from repz_console.facts import Exposure
from repz_console.plan.exposure import is_nobody
from repz_console.providers.base import ProviderError
from repz_console.providers.flagd_document import parse, rejected
from tests.conftest import Figure
from tests.support.providers import FEATURES, change, flags
from tests.support.sessions import eventually

COUNTRY = {"us": "US", "ca": "CA", "english": "NZ", "world": "DE"}
PEOPLE = [f"person-{number}" for number in range(10_000)]
RAMP = (20.0, 40.0, 60.0, 80.0)


class Application:
    """One that watches the file itself, as the client does out of the box."""

    def __init__(self, path: Path) -> None:
        self.provider = FlagdProvider(
            resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=500
        )
        self.provider.initialize(EvaluationContext())

    def sees(self, person: str, country: str, feature: str = "core") -> bool:
        found = self.provider.resolve_boolean_details(
            f"repz.production.{feature}", False, EvaluationContext(person, {"country": country})
        )
        return found.value

    def seeing(self, country: str, people: int = len(PEOPLE)) -> set[str]:
        return {person for person in PEOPLE[:people] if self.sees(person, country)}

    def reload(self) -> None:
        self.provider.resolver.connector.safe_load_data()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flags.json"


@pytest.fixture
def applications() -> Iterator[list[Application]]:
    opened: list[Application] = []
    yield opened
    for each in opened:
        each.provider.shutdown()


@pytest.mark.figure
async def test_in_every_region_the_share_is_the_one_said_and_who_is_in_stays_in(
    tmp_path: Path, file: Path, applications: list[Application], figure: Figure
) -> None:
    people = figure.count(2_000, len(PEOPLE))
    console = flags(tmp_path)
    before: dict[str, set[str]] = {region: set() for region in COUNTRY}
    revision = "0"
    for number, percent in enumerate(RAMP):
        # the last region is behind the others, as a plan may have it
        said = {region: percent for region in COUNTRY if region != "world"} | {"world": percent / 2}
        revision = (await console.apply(change(f"op-{number}", said, "core", expect=revision))).revision
        if not applications:
            applications.append(Application(file))
        applications[0].reload()
        for region, country in COUNTRY.items():
            seeing = applications[0].seeing(country, people)
            expected = said[region]
            error = 5 * (expected * (100 - expected) / people) ** 0.5  # five standard deviations of a fair draw
            assert abs(len(seeing) / people * 100 - expected) <= error, (region, percent)
            assert before[region] <= seeing
            before[region] = seeing
    figure.say(
        f"{people:,} people in {len(COUNTRY)} regions through {len(RAMP)} stages: each share as said, nobody left"
    )


async def test_a_roll_back_is_seen_though_what_it_says_is_older(
    tmp_path: Path, file: Path, applications: list[Application]
) -> None:
    console = flags(tmp_path)
    low = await console.apply(change("low", {"us": 20}, "core"))
    application = Application(file)
    applications.append(application)
    few = application.seeing("US")
    high = await console.apply(change("high", {"us": 80}, "core", expect=low.revision))
    newcomer = next(person for person in PEOPLE if person not in few and flags_show(application, person))
    await console.apply(change("back", {"us": 20}, "core", expect=high.revision))
    await eventually(lambda: not application.sees(newcomer, "US"))
    assert application.seeing("US") == few


def flags_show(application: Application, person: str) -> bool:
    application.reload()
    return application.sees(person, "US")


async def test_whoever_reads_at_any_moment_finds_a_whole_file(tmp_path: Path, file: Path) -> None:
    console = flags(tmp_path)
    revision = (await console.apply(change("first", {"us": 1}, *FEATURES))).revision
    read: list[bytes] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            raw = file.read_bytes()
            if not read or raw != read[-1]:
                read.append(raw)

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for number in range(100):
            percent = {"us": number % 50, "world": (number * 7) % 100}
            revision = (await console.apply(change(f"op-{number}", percent, *FEATURES, expect=revision))).revision
            await asyncio.sleep(0)
    finally:
        done.set()
        reader.join()
    assert len(read) > 1
    for raw in read:
        assert rejected(parse(raw)) == {}


@pytest.mark.parametrize(
    ("weights", "share"),
    [([["on", 120], ["off", -20]], 100.0), ([["on", -5], ["off", 5]], 0.0), ([["on", 2], ["off", 2]], 50.0)],
)
async def test_weights_that_a_stranger_wrote_are_read_as_the_client_does(
    tmp_path: Path, file: Path, applications: list[Application], weights: Any, share: float
) -> None:
    await flags(tmp_path).apply(change("op", {"us": 20}, "core"))
    document = document_of(file)
    targeting = document["flags"]["repz.production.core"]["targeting"]
    targeting["if"][1]["if"][1]["fractional"][1:] = weights
    put(file, json.dumps(document))
    applications.append(Application(file))
    seen = len(applications[0].seeing("US")) / len(PEOPLE) * 100
    assert abs(seen - share) < 3
    state = await flags(tmp_path).read("production")
    assert state.exposure.percent.get("us", 0) == share


async def test_a_file_without_the_flags_is_nobody_to_clients_and_to_the_console(
    tmp_path: Path, file: Path, applications: list[Application]
) -> None:
    console = flags(tmp_path)
    await console.apply(change("op", {"us": 100}, "core"))
    applications.append(Application(file))
    put(file, '{"flags": {}}')
    with pytest.raises(FlagNotFoundError):
        flags_show(applications[0], PEOPLE[0])
    assert is_nobody((await console.read("production")).exposure)


@pytest.mark.parametrize("content", ["{}", '{"flags": {"repz.production.core": {}}}', "", "{"])
async def test_what_clients_may_still_hold_is_never_taken_for_nobody(tmp_path: Path, file: Path, content: str) -> None:
    console = flags(tmp_path)
    await console.apply(change("op", {"us": 100}, "core"))
    put(file, content)
    with pytest.raises(ProviderError):
        await console.read("production")


def put(file: Path, content: str) -> None:
    """Write it with a time that clients take for news."""
    at = file.stat().st_mtime + 5
    file.write_text(content)
    os.utime(file, (at, at))


def document_of(file: Path) -> Any:
    return json.loads(file.read_text())


def run(lines: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    return subprocess.run(
        ["sh"], input="\n".join(lines), env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("ahead", [0, 86_400])
async def test_the_card_is_obeyed_by_clients_and_leaves_others_alone(
    tmp_path: Path, applications: list[Application], ahead: float
) -> None:
    folder = tmp_path / "it's here"
    folder.mkdir()
    file = folder / "flags.json"
    console = flags(folder)
    state = await console.apply(change("op", {"us": 100, "world": 50}, "core", "full"))
    beta = await console.apply(change("op", {"us": 50}, "core", rollout="beta"))
    document = document_of(file)
    theirs = {"state": "DISABLED", "variants": {"é": 1}, "defaultVariant": None}
    neighbour = {"state": "ENABLED", "variants": {"on": True}, "metadata": {"repz.rollout": "production.eu"}}
    document["flags"] |= {"checkout": theirs, "repz.production.eu.core": neighbour}
    put(file, json.dumps(document))
    file.chmod(0o664)
    at = time.time() + ahead
    os.utime(file, (at, at))
    application = Application(file)
    applications.append(application)
    assert application.sees("anna", "US")
    done = await asyncio.to_thread(run, console.card("production"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 flags off\n", "")
    await eventually(lambda: not application.sees("anna", "US"))
    seen = await console.read("production")
    assert is_nobody(seen.exposure)
    assert seen.revision != state.revision
    assert not any("ignore" in note or "refuse" in note for note in seen.notes)
    assert (await console.read("beta")).exposure == beta.exposure
    document = document_of(file)
    assert (document["flags"]["checkout"], document["flags"]["repz.production.eu.core"]) == (theirs, neighbour)
    assert file.stat().st_mode & 0o777 == 0o664
    assert sorted(each.name for each in folder.iterdir() if not each.name.startswith(".")) == ["flags.json"]
    again = await console.apply(change("next", {"us": 10}, "core", expect=seen.revision))
    assert again.exposure == Exposure({"us": 10}, ("core",))


async def test_the_card_writes_nothing_over_a_file_that_is_no_json(tmp_path: Path, file: Path) -> None:
    await flags(tmp_path).apply(change("op", {"us": 100}, "core"))
    put(file, "{")
    done = await asyncio.to_thread(run, flags(tmp_path).card("production"))
    assert done.returncode != 0
    with pytest.raises(json.JSONDecodeError):
        document_of(file)


def test_the_calls_name_every_flag_and_what_it_will_be(tmp_path: Path) -> None:
    console = flags(tmp_path)
    lines = console.calls(change("op", {"us": 20, "ca": 12.34, "world": 0}, "core", expect="3-abc"))
    assert lines == (
        f"replace {tmp_path}/flags.json if production is at 3-abc, with",
        "  repz.production.adaptive: off for everybody",
        "  repz.production.core: ca 12.34 %, us 20 %",
        "  repz.production.full: off for everybody",
    )
    assert console.calls(change("op", {}, force=True))[0].endswith("at any revision, with")
