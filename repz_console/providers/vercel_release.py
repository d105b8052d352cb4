"""What Vercel says of a rolling release, and what of it a rollout shows. No I/O.

Two units meet here: a release gives the duration of its stages in seconds, a project's configuration in minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from repz_console.facts import Exposure, RolloutState
from repz_console.plan.exposure import cells, headline_percent, is_nobody, nobody
from repz_console.text import identifier, safe

Percent = Annotated[float, Meta(ge=0, le=100)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e14)]
"""Since 1970."""

NO_RELEASE = "none"
"""The revision where there has been no release yet."""


class Deployment(Struct, frozen=True):
    """One build."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class Stage(Struct, frozen=True, rename="camel"):
    """A step of the release under way."""

    index: Annotated[int, Meta(ge=0, le=1000)]
    target_percentage: Percent
    is_final_stage: bool = False
    duration: float | None = None
    """Seconds after which Vercel goes on by itself, if the release advances automatically."""


class Release(Struct, frozen=True, rename="camel"):
    """The project's latest release, under way or over."""

    state: Literal["ACTIVE", "COMPLETE", "ABORTED"]
    canary_deployment: Deployment | None = None
    """The build that is being released."""
    current_deployment: Deployment | None = None
    """The build that everybody else gets, and that an abort goes back to."""
    active_stage: Stage | None = None
    next_stage: Stage | None = None
    advancement_type: str = "manual-approval"
    substate: str | None = None
    current_canary_percentage: Percent | None = None
    """What is served now, where a stage is approached little by little."""
    started_at: Milliseconds = 0
    updated_at: Milliseconds = 0


class Latest(Struct, frozen=True, rename="camel"):
    """The answer of `GET .../rolling-release`."""

    rolling_release: Release | None


class ConfigStage(Struct, frozen=True, rename="camel"):
    """A step that the next release will have."""

    target_percentage: Percent
    duration: float | None = None
    """Minutes, unlike `Stage.duration`."""


class ReleaseConfig(Struct, frozen=True, rename="camel"):
    """How the next release will go."""

    enabled: bool = True
    advancement_type: str = "manual-approval"
    stages: tuple[ConfigStage, ...] | None = None


class Config(Struct, frozen=True, rename="camel"):
    """The answer of `GET .../rolling-release/config`."""

    rolling_release: ReleaseConfig | None


class AliasRequest(Struct, frozen=True, rename="camel"):
    """The last time that a project's addresses were pointed at a build."""

    type: str
    job_status: str
    to_deployment_id: str
    requested_at: Milliseconds


class Project(Struct, frozen=True, rename="camel"):
    """What is asked of `GET /v9/projects/ID`."""

    last_alias_request: AliasRequest | None = None


def rolled_back(release: Release, project: Project) -> str:
    """`done` or `pending` where a release that was complete is taken back, else empty. The release itself stays
    COMPLETE then, and the project alone tells."""
    request = project.last_alias_request
    if request is None or request.type != "rollback" or request.requested_at < release.updated_at:
        return ""
    if release.canary_deployment is not None and request.to_deployment_id == release.canary_deployment.id:
        return ""
    return {"succeeded": "done", "pending": "pending", "in-progress": "pending"}.get(request.job_status, "")


class Whole(Struct, frozen=True):
    """All that one deployment carries: whoever gets it gets every feature, wherever they are."""

    rollout: str
    regions: tuple[str, ...]
    features: tuple[str, ...]
    """Sorted."""

    def shown(self, percent: float) -> Exposure:
        """The deployment at a share."""
        return Exposure(dict.fromkeys(self.regions, percent), self.features) if percent else nobody()


def share(target: Exposure, whole: Whole) -> float | str:
    """The one percent that a target comes to, or in one line why it comes to none."""
    if is_nobody(target):
        return 0.0
    shown = cells(target)
    wanted = {(region, feature) for region in whole.regions for feature in whole.features}
    if set(shown) != wanted:
        return "the whole deployment goes to everybody's share: regions and features cannot be told apart"
    return headline_percent(target) if len(set(shown.values())) == 1 else "all regions have the same share"


def state(release: Release | None, whole: Whole, deployment: str = "", back: str = "") -> RolloutState:
    """What a release shows. `deployment` is the build that the rollout means, any if empty; `back` what `rolled_back`
    says of it."""
    if release is None:
        note = "no rolling release has been started yet"
        return RolloutState(whole.rollout, nobody(), NO_RELEASE, notes=(note,))
    canary = release.canary_deployment.id if release.canary_deployment else ""
    notes: list[str] = []
    low = high = 0.0
    if deployment and canary != deployment:
        notes.append(f"the last rolling release is of {identifier(canary)}, not of {identifier(deployment)}")
        if release.state != "ACTIVE":
            canary = ""
    if release.state == "ACTIVE":
        low, high = _served(release)
        notes += _oddities(release, low, high)
    elif release.state == "COMPLETE" and canary:
        low = high = 0.0 if back == "done" else 100.0
        notes += ["it is being rolled back"] if back == "pending" else []
    exposure = whole.shown(high)
    stage = release.active_stage.index if release.active_stage else "-"
    marks = [release.state, str(stage), f"{release.started_at:.0f}", *([back] if back else [])]
    return RolloutState(
        rollout=whole.rollout,
        exposure=exposure,
        revision=":".join([release.canary_deployment.id if release.canary_deployment else "none", *marks]),
        changed_at=datetime.fromtimestamp(release.updated_at / 1000, UTC) if release.updated_at else None,
        notes=tuple(notes),
        least=whole.shown(low) if low != high else None,
    )


def _served(release: Release) -> tuple[float, float]:
    """The share now, and the one that the stage goes to; the larger last."""
    planned = release.active_stage.target_percentage if release.active_stage else 100.0
    now = release.current_canary_percentage
    return (planned, planned) if now is None else (min(now, planned), max(now, planned))


def _oddities(release: Release, low: float, high: float) -> list[str]:
    notes = []
    if release.active_stage is None:
        notes.append("Vercel does not say at which stage it is: taken for everybody")
    if release.substate:
        notes.append(f"Vercel says it is {safe(release.substate, 40)}")
    if low != high:
        notes.append(f"its share is moving, from {low:g} % to {high:g} %")
    if release.advancement_type != "manual-approval":
        wait = release.active_stage.duration if release.active_stage else None
        after = f" {wait / 60:g} min after the stage began" if wait else ""
        notes.append(f"it widens by itself{after}: Vercel is set to advance without approval")
    return notes
