"""The kind `vercel`: a rolling release of one Vercel project, moved forward stage by stage and aborted.

It carries a whole deployment, to a share of all visitors: no regions, no features, and no way to a lower share than the
one before but to nobody.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, ClassVar
from urllib.parse import urlencode

from repz_console.facts import Abilities, Change, Facts, RolloutState
from repz_console.plan.exposure import same
from repz_console.plan.secrets import SecretRef
from repz_console.providers import break_glass, ours
from repz_console.providers import vercel_release as releases
from repz_console.providers.address import check_proxy, check_url, host_of, without_query
from repz_console.providers.base import Conflict, Context, Grade, Options, Provider, ProviderError, Refused
from repz_console.providers.headers import Headers, revealed
from repz_console.providers.net import Client
from repz_console.providers.taken import check_taken
from repz_console.text import safe

_ID = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


class VercelOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "vercel"`."""

    project: str
    """The project's id, `prj_...`: an abort takes no name."""
    token: SecretRef
    """`{ secret = "NAME" }`: an access token that may change the project."""
    team: str = ""
    """The team's id, `team_...`, where the project belongs to one."""
    deployment: str = ""
    """`dpl_...`: the build that may be started from here. Leave it out where deploying to production starts the release
    already: a start can come late and release once more what was aborted, so that with it the backend is blind."""
    api: str = "https://api.vercel.com"
    """Where Vercel answers."""
    propagation: float = 60
    """Seconds until every visitor may be expected to get the deployment that is meant for them."""
    timeout: float = 3
    """Seconds for each request; a change makes three, and the console waits ten seconds for it."""
    proxy: str = ""
    """An HTTP proxy to go through, `http://HOST:PORT`. The environment's proxies are not used."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        check_url(self.api, "api")
        if not self.project.startswith("prj_") or not _ID.match(self.project):
            raise ValueError("project must be the project's id, prj_..., from its settings")
        if self.team and not (self.team.startswith("team_") and _ID.match(self.team)):
            raise ValueError("team must be the team's id, team_..., from its settings")
        if self.deployment and not (self.deployment.startswith("dpl_") and _ID.match(self.deployment)):
            raise ValueError("deployment must be a deployment's id, dpl_...")
        if self.proxy:
            check_proxy(self.proxy)
        if not 0 <= self.propagation <= 3600:
            raise ValueError("propagation must be from 0 to 3600 seconds")
        if not 0 < self.timeout <= 10:
            raise ValueError("timeout must be more than 0 and at most 10 seconds")


class Vercel(Provider):
    """Reads a project's rolling release, approves its next stage, completes and aborts it."""

    kind: ClassVar[str] = "vercel"
    own_config_only = False
    tells = frozenset({"rollouts"})
    Options = VercelOptions
    options: VercelOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._client = Client(self.options.api, proxy=self.options.proxy)
        self._server = safe(host_of(self.options.api), 100)
        self._release: releases.Release | None = None
        """As it was seen last: a kill must know where to go back to even where it cannot ask any more."""

    async def fetch(self) -> Facts:
        """The release as the state of every rollout that this source controls."""
        release, back = await self._latest()
        states = tuple(self._state(name, release, back) for name in ours.rollouts(self.context))
        return Facts(rollouts=states, notes=self._client.notes)

    async def read(self, rollout: str) -> RolloutState:
        """The release as the state of one rollout, read afresh."""
        ours.rollout(self.context, rollout)
        return self._state(rollout, *await self._latest())

    async def apply(self, change: Change) -> RolloutState:
        """Approve the next stage, complete the release, start it or abort it, whichever leads to the target; then look.

        A forced change aborts, and does nothing else.
        """
        wanted = releases.share(change.target, self._whole(change.rollout))
        if isinstance(wanted, str):
            raise Refused(wanted)
        if change.force and wanted:
            raise Refused("a forced change may only take it to nobody: its one way back is to abort")
        try:
            release, back = await self._latest()
        except ProviderError as error:
            if not change.force or self._release is None:
                raise Refused(f"nothing was sent, for {error.fault.what}") from None
            release = self._release
        else:
            before = self._state(change.rollout, release, back)
            if not change.force and before.revision != change.expect:
                raise Conflict(f"{change.rollout} is at revision {before.revision}, not at {safe(change.expect, 80)}")
            ends = change.force and release is not None and release.state == "ACTIVE"
            if same(before.exposure, change.target) and not ends:
                return before
        path, body = self._step(release, wanted) if wanted else self._abort(release)
        if path.endswith("/start"):
            await self._check_first_stage(wanted)
        await self._post(path, body, force=change.force)
        after = await self.read(change.rollout)
        if not same(after.exposure, change.target):
            raise ProviderError(f"{self._server} took it, but does not show it yet")
        return after

    def grade(self) -> Grade:
        """What an approval names, a canary and a stage, can only come about once, so that one that comes late widens
        nothing; a start is bound to nothing."""
        return "blind" if self.options.deployment else "compared"

    def propagation(self) -> float:
        """Seconds until every visitor may be expected to get the deployment that is meant for them."""
        return self.options.propagation

    def abilities(self) -> Abilities:
        """Forward by the release's own stages, or back to nobody."""
        return Abilities(
            percent="stages",
            step=1,
            regions=False,
            features=False,
            kill="abort",
            compares="stale",
            dry_run=True,
            propagation=self.options.propagation,
            reversible=False,
            sticky="a cookie of the visitor's",
            cannot="only forward, to the release's next stage; the one way back is to abort, which leaves nobody: "
            "a rolling release of Vercel has no step back, no regions and no features",
        )

    async def ready(self) -> str:
        """Empty if Vercel answers with this token. Whether it may also change the project, only a change can tell."""
        try:
            await self._latest()
        except ProviderError as error:
            return error.fault.what
        return ""

    def calls(self, change: Change) -> tuple[str, ...]:
        """The one change between two looks, as far as it is known from the last look."""
        look = f"GET {without_query(self._url(self._releases))}"
        wanted = releases.share(change.target, self._whole(change.rollout))
        try:
            if isinstance(wanted, str):
                raise Refused(wanted)
            path, body = self._step(self._release, wanted) if wanted else self._abort(self._release)
        except Refused as error:
            return (look, f"# then nothing: {error.fault.what}")
        project = f"GET {without_query(self._url(self._project))}"
        over = self._release is not None and self._release.state == "COMPLETE"
        before = [look, *([project] if over else [])]
        if path.endswith("/start"):
            before.append(f"GET {without_query(self._url(f'{self._releases}/config'))}")
        after = [look, *([project] if path.endswith("/complete") or (over and not wanted) else [])]
        return (*before, f"POST {without_query(self._url(path))} {json.dumps(body)}", *after)

    def card(self, rollout: str) -> tuple[str, ...]:
        """What asks for the build that was there before, and points everybody at it."""
        token = break_glass.variable(self.options.token.secret)
        header = break_glass.printed(self._headers)
        look = f"{{ {header}; }} | curl -sS --max-time 30 -H @- {shlex.quote(self._url(self._releases))}"
        back = self._url(self._back_to("@STABLE@"))
        find = 'import json, sys; print(json.load(sys.stdin)["rollingRelease"]["currentDeployment"]["id"])'
        return (
            f"# Takes {rollout} to nobody: aborts the release of {self.options.project}. Needs curl and python3.",
            *break_glass.needs(self.options.token),
            f'STABLE="$({look} | python3 -c {shlex.quote(find)})" && echo "back to $STABLE"',
            f'BACK="$(printf %s {shlex.quote(back)} | sed "s/@STABLE@/$STABLE/")"',
            f"{{ {header}; }} | {break_glass.CURL} -X POST -H @- -H 'content-type: application/json'"
            " --data '{}' \"$BACK\"",
            "# Vercel documents this as rolling back to a build, the one before. Its own command posts it to /v9:",
            f'# vercel rolling-release abort --dpl="$STABLE" --token="${token}"',
            "# Then look: its state is to be ABORTED.",
            f"{look}; echo",
        )

    @property
    def _headers(self) -> Headers:
        return {"authorization": SecretRef(secret=self.options.token.secret, prefix="Bearer ")}

    @property
    def _project(self) -> str:
        return f"/v9/projects/{self.options.project}"

    @property
    def _releases(self) -> str:
        return f"/v1/projects/{self.options.project}/rolling-release"

    def _back_to(self, deployment: str) -> str:
        return f"/v1/projects/{self.options.project}/rollback/{deployment}"

    def _url(self, path: str) -> str:
        query = f"?{urlencode({'teamId': self.options.team})}" if self.options.team else ""
        return f"{self.options.api.rstrip('/')}{path}{query}"

    def _whole(self, rollout: str) -> releases.Whole:
        """What a release shows whom. Raises `Refused` for a rollout of another controller."""
        regions = ours.rollout(self.context, rollout).regions
        return releases.Whole(rollout, regions, ours.features(self.context, rollout))

    def _state(self, name: str, release: releases.Release | None, back: str) -> RolloutState:
        return releases.state(release, self._whole(name), self.options.deployment, back)

    async def _latest(self) -> tuple[releases.Release | None, str]:
        """The project's latest release, and what `rolled_back` says of it."""
        deadline, headers = self.options.timeout, await revealed(self._headers, self.context)
        url = self._url(self._releases)
        release = (await self._client.read(url, releases.Latest, deadline=deadline, headers=headers)).rolling_release
        self._release = release or self._release
        if release is None or release.state != "COMPLETE":
            return release, ""
        url = self._url(self._project)
        project = await self._client.read(url, releases.Project, deadline=deadline, headers=headers)
        return release, releases.rolled_back(release, project)

    def _step(self, release: releases.Release | None, wanted: float) -> tuple[str, dict[str, Any]]:
        """The request that widens to `wanted`. Raises `Refused` with what is possible."""
        mine = self.options.deployment
        if release is None or release.state != "ACTIVE":
            if not mine:
                raise Refused("no rolling release is under way: deploy to production, which starts one")
            return f"{self._releases}/start", {"canaryDeploymentId": mine}
        canary = release.canary_deployment
        if canary is None or (mine and canary.id != mine):
            raise Refused(f"the release under way is not of {safe(mine or 'any deployment', 100)}")
        following = release.next_stage
        if following is None:
            raise Refused("the release has no next stage")
        share = 100.0 if following.is_final_stage else following.target_percentage
        if wanted != share:
            raise Refused(f"of a rolling release only its next stage is possible, {share:g} %, or nobody")
        if following.is_final_stage:
            return f"{self._releases}/complete", {"canaryDeploymentId": canary.id}
        body = {"nextStageIndex": following.index, "canaryDeploymentId": canary.id}
        return f"{self._releases}/approve-stage", body

    def _abort(self, release: releases.Release | None) -> tuple[str, dict[str, Any]]:
        if release is None or release.current_deployment is None:
            raise Refused("Vercel does not say which deployment there was before: choose it in its dashboard")
        return self._back_to(release.current_deployment.id), {}

    async def _check_first_stage(self, wanted: float) -> None:
        """Raises `Refused` unless a start leads to `wanted` and stays there until somebody approves."""
        url, headers = self._url(f"{self._releases}/config"), await revealed(self._headers, self.context)
        try:
            answer = await self._client.read(url, releases.Config, deadline=self.options.timeout, headers=headers)
        except ProviderError as error:
            raise Refused(f"nothing was sent, for {error.fault.what}") from None
        config = answer.rolling_release
        if config is None or not config.enabled or not config.stages:
            raise Refused("rolling releases are not enabled for the project: a start would be for everybody")
        if config.advancement_type != "manual-approval":
            raise Refused("the project's releases advance by themselves: set its advancementType to manual-approval")
        first = config.stages[0].target_percentage
        if wanted != first:
            raise Refused(f"of a rolling release only its first stage is possible now, {first:g} %")

    async def _post(self, path: str, body: dict[str, Any], *, force: bool) -> None:
        try:
            headers = dict(await revealed(self._headers, self.context, fresh=True))
        except ProviderError as error:
            raise Refused(error.fault.what) from None
        headers["content-type"] = "application/json"
        content = json.dumps(body).encode()
        answer = await self._client.fetch(
            "POST", self._url(path), deadline=self.options.timeout, headers=headers, content=content, whole=False
        )
        check_taken(answer, self._server, force=force)
