"""A rollout of several backends in memory, each failing as it is told to: the kind `several`, one backend a source."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec.structs import replace

from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan.parts import combined
from tests.support.faulty import Backend, Faulty
from tests.support.sessions import CONFIG

REFERENCE = "tests.support.several:Several"
SOURCES = ("base", "edge", "web")
"""In the order in which widening goes; each carries the feature of its name."""


class Orchestra:
    """What all of them did, in order."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Change]] = []
        self.backends = {source: Recorded(source, self.log) for source in SOURCES}

    def __getitem__(self, source: str) -> Recorded:
        return self.backends[source]

    @property
    def shown(self) -> dict[str, float]:
        """Source to the highest share that it shows."""
        return {source: max(one.state.exposure.percent.values(), default=0) for source, one in self.backends.items()}

    def ops(self, source: str) -> list[str]:
        """What was written to a source, in order."""
        return [change.op for name, change in self.log if name == source]


class Recorded(Backend):
    """One of them."""

    def __init__(self, source: str, log: list[tuple[str, Change]]) -> None:
        super().__init__()
        self._source, self._log = source, log

    def write(self, change: Change) -> RolloutState:
        before = len(self.applied)
        state = super().write(change)
        self._log += [(self._source, one) for one in self.applied[before:]]
        return state


class Several(Faulty):
    """Answers from the backend of its source."""

    kind: ClassVar[str] = "several"
    orchestra: ClassVar[Orchestra]

    @property
    def backend(self) -> Backend:  # type: ignore[override]
        """Its own."""
        return self.orchestra[self.context.source]


class Stepped(Several):
    """One source with all of the backends, which takes a change for one of its features at a time."""

    kind: ClassVar[str] = "stepped"

    @property
    def backend(self) -> Backend:  # type: ignore[override]
        """The one that fails for all where none of them can be read."""
        return self.orchestra[SOURCES[0]]

    def scopes(self, rollout: str) -> tuple[tuple[str, ...], ...]:
        """One for each feature."""
        return tuple((source,) for source in SOURCES)

    async def read(self, rollout: str) -> RolloutState:
        await super().read(rollout)
        return combined([replace(self.orchestra[source].state, scope=(source,)) for source in SOURCES])

    async def apply(self, change: Change) -> RolloutState:
        (feature,) = change.scope
        alone = Several(self.options, replace(self.context, source=feature))
        return replace(await alone.apply(change), scope=change.scope)


def everywhere(percent: float, *features: str) -> Exposure:
    """An exposure of the launch of several backends, with all its features unless some are named."""
    return Exposure({"us": percent, "world": percent}, tuple(sorted(features or SOURCES)))


def config(kind: str = "several", option: str = "") -> str:
    """The small launch, moved by three backends at once. `option` is a line for each source, `{source}` its id."""
    tables = "".join(f'[source.{one}]\nkind = "{kind}"\nevery = 1\n{option.format(source=one)}\n' for one in SOURCES)
    features = "".join(f'[[feature]]\nid = "{one}"\ntitle = "{one}"\n' for one in SOURCES)
    parts = ", ".join(f'{{ controller = "{one}", features = ["{one}"] }}' for one in SOURCES)
    listed = ", ".join(f'"{one}"' for one in SOURCES)
    return (
        CONFIG.replace('[source.flags]\nkind = "flagd"\nevery = 1\npath = "flags.json"\n', tables)
        .replace('[[feature]]\nid = "core"\ntitle = "Core"\n', features)
        .replace('controller = "flags"\n', f"part = [{parts}]\n")
        .replace('features = ["core"]', f"features = [{listed}]")
    )


def stepped() -> str:
    """The small launch, moved by one backend in three steps."""
    tables = "".join(f'[source.{one}]\nkind = "several"\nevery = 1\n\n' for one in SOURCES)
    listed = ", ".join(f'{{ controller = "{one}", features = ["{one}"] }}' for one in SOURCES)
    return (
        config()
        .replace(tables, '[source.flags]\nkind = "stepped"\nevery = 1\n')
        .replace(f"part = [{listed}]", 'controller = "flags"')
    )


def install(monkeypatch: Any) -> Orchestra:
    """Make the kind known, with fresh backends."""
    from repz_console.providers import registry

    monkeypatch.setitem(registry.BUILT_IN, "several", REFERENCE)
    monkeypatch.setitem(registry.BUILT_IN, "stepped", "tests.support.several:Stepped")
    Several.orchestra = Orchestra()
    return Several.orchestra
