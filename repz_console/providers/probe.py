"""The kind `probe`: whether one web address answers as it should, how fast, and how long its certificate lasts."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec import field

from repz_console.facts import Facts, Reading
from repz_console.providers.address import check_proxy, check_url
from repz_console.providers.base import Context, Options, Provider, ProviderError, reading_time
from repz_console.providers.headers import Headers, check_headers, revealed
from repz_console.providers.net import Answer, Client

TOO_MANY = 429
"""The status by which a server turns away who asks too often."""
_DAY = 86_400


class ProbeOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source.NAME]` with `kind = "probe"`."""

    url: str
    """`https://`, without a user name or password; `http://` on this machine only."""
    expect: int = 200
    """The status that counts as up. Redirects are not followed: one is expected by its own status."""
    timeout: float = 5
    """Seconds for the whole check."""
    window: int = 60
    """How many of the latest answered checks the percentiles are taken over."""
    proxy: str = ""
    """An HTTP proxy to go through, `http://HOST:PORT`. The environment's proxies are not used."""
    headers: Headers = field(default_factory=dict)
    """Sent with each check. A secret is named: `{ Authorization = { secret = "NAME", prefix = "Bearer " } }`."""

    def __post_init__(self) -> None:
        """Refuse what no check could ever answer."""
        check_url(self.url)
        if self.proxy:
            check_proxy(self.proxy)
        check_headers(self.headers)
        if not 100 <= self.expect <= 599:
            raise ValueError("expect must be an HTTP status from 100 to 599")
        if not 0 < self.timeout <= 60:
            raise ValueError("timeout must be more than 0 and at most 60 seconds")
        if not 1 <= self.window <= 10_000:
            raise ValueError("window must be from 1 to 10000 checks")


class Probe(Provider):
    """Readings `up` (1 or 0), `status`, `latency`, `latency.p50`, `latency.p95` (ms), over HTTPS `cert.days`.

    An address that is down is a reading, not a failure of the probe: it looked, and found nobody.
    """

    kind: ClassVar[str] = "probe"
    own_config_only = False
    Options = ProbeOptions
    options: ProbeOptions

    def __init__(self, options: Any, context: Context) -> None:
        super().__init__(options, context)
        self._client = Client(self.options.url, proxy=self.options.proxy)
        self._latencies: deque[float] = deque(maxlen=self.options.window)

    async def fetch(self) -> Facts:
        """One check over a fresh connection. Raises `ProviderError` where the server turned the check itself away:
        that tells nothing about whether it is up."""
        options = self.options
        headers = await revealed(options.headers, self.context)
        try:
            answer = await self._client.fetch(
                "GET", options.url, deadline=options.timeout, headers=headers, whole=False
            )
        except ProviderError as error:
            return self._readings(None, error.fault.what)
        if answer.status == TOO_MANY and self.options.expect != TOO_MANY:
            raise ProviderError(f"it {answer.said}: checked too often", retry_after=answer.retry_after)
        self._latencies.append(answer.seconds * 1000)
        return self._readings(answer, self._complaint(answer))

    def _complaint(self, answer: Answer) -> str:
        if answer.status == self.options.expect:
            return ""
        return f"{answer.said}, expected {self.options.expect}"

    def _readings(self, answer: Answer | None, trouble: str) -> Facts:
        at = reading_time(datetime.now(UTC))
        none_yet = "" if self._latencies else "no check was answered yet"
        readings = [
            Reading("up", 0.0 if trouble else 1.0, at, note=trouble),
            Reading("status", float(answer.status) if answer else None, at, note="" if answer else trouble),
            Reading(
                "latency", round(answer.seconds * 1000, 1) if answer else None, at, "ms", "" if answer else trouble
            ),
            Reading("latency.p50", percentile(self._latencies, 50), at, "ms", none_yet),
            Reading("latency.p95", percentile(self._latencies, 95), at, "ms", none_yet),
        ]
        if urlsplit(self.options.url).scheme == "https":
            until = answer.certificate_until if answer else None
            days = math.floor((until - at).total_seconds() / _DAY) if until else None
            readings.append(Reading("cert.days", days, at, "days", "" if until else trouble or "no certificate seen"))
        return Facts(readings=tuple(readings), notes=self._client.notes)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest of `values` that at least `percent` of them do not exceed; None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)], 1)
