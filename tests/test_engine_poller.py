"""The poller, with a clock, a sleep and dice of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from repz_console.engine.poller import LONGEST_BACKOFF, LONGEST_RETRY_AFTER, Poller, backoff, sleep_to_beat
from repz_console.facts import Facts, Reading, Snapshot
from repz_console.providers.base import ProviderError

START = datetime(2027, 2, 1, 12, tzinfo=UTC)


def reading(value: float) -> Facts:
    return Facts(readings=(Reading("cpu", value, START),))


class Bench:
    """A poller whose pauses pass at once and whose source answers from a script."""

    def __init__(self, *answers: Facts | BaseException, before: Snapshot | None = None, deadline: float = 5) -> None:
        self.answers = list(answers)
        self.now = START
        self.pauses: list[float] = []
        self.seen: list[Snapshot] = []
        self.events: list[tuple[str, object]] = []
        self.done = asyncio.Event()
        self.fetch: Callable[[], Awaitable[Facts]] = self.answer
        self.poller = Poller(
            before or Snapshot("web", "probe", 30),
            lambda: self.fetch(),  # type: ignore[arg-type,return-value]
            self,
            deadline=deadline,
            now=lambda: self.now,
            sleep=self.sleep,
            chance=lambda: 1.0,
        )

    async def answer(self) -> Facts:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)
        if not self.answers:
            self.done.set()
            await asyncio.Event().wait()

    def polled(self, snapshot: Snapshot) -> None:
        self.seen.append(snapshot)

    def failed(self, snapshot: Snapshot) -> None:
        self.events.append(("failed", snapshot.error))

    def recovered(self, snapshot: Snapshot, since: datetime) -> None:
        self.events.append(("recovered", since))

    async def run(self) -> None:
        task = asyncio.create_task(self.poller.run())
        await asyncio.wait_for(self.done.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_polls_at_its_interval_and_keeps_equal_facts_as_the_same_object() -> None:
    bench = Bench(reading(1), reading(1), reading(2))
    await bench.run()
    assert bench.pauses == [30, 30, 30]
    first, second, third = bench.seen
    assert first.facts is second.facts
    assert third.facts == reading(2)
    assert [snapshot.last_ok_at for snapshot in bench.seen] == [START + timedelta(seconds=30 * n) for n in range(3)]
    assert not bench.events


async def test_a_failure_keeps_the_last_good_value_and_its_time() -> None:
    bench = Bench(reading(1), ProviderError("502 Bad Gateway"))
    await bench.run()
    broken = bench.seen[-1]
    assert broken.facts == reading(1)
    assert broken.last_ok_at == START
    assert broken.last_try_at == START + timedelta(seconds=30)
    assert broken.error == "502 Bad Gateway"


async def test_an_outage_is_told_once_and_its_end_once() -> None:
    failures = [ProviderError("down")] * 5
    bench = Bench(reading(1), *failures, reading(2), reading(3))
    await bench.run()
    assert bench.events == [("failed", "down"), ("recovered", START)]


async def test_a_single_lost_answer_is_no_news() -> None:
    bench = Bench(reading(1), ProviderError("blip"), reading(2), ProviderError("blip"), reading(3))
    await bench.run()
    assert bench.events == []


async def test_a_poller_that_takes_over_during_an_outage_tells_only_its_end() -> None:
    before = Snapshot("web", "probe", 30, reading(1), START - timedelta(hours=1), START, "down")
    bench = Bench(ProviderError("down"), ProviderError("down"), reading(2), before=before)
    await bench.run()
    assert bench.events == [("recovered", START - timedelta(hours=1))]


async def test_it_backs_off_to_a_minute_and_never_gives_up() -> None:
    bench = Bench(*[ProviderError("down")] * 12, reading(1))
    await bench.run()
    assert bench.pauses[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert bench.pauses[-1] == 30, "after an answer the interval is the source's own again"


async def test_after_five_failures_the_breaker_is_open_and_each_poll_a_single_try() -> None:
    bench = Bench(*[ProviderError("down")] * 7, reading(1), ProviderError("down"))
    bench.poller = Poller(
        bench.poller.snapshot, bench.answer, bench, now=lambda: bench.now, sleep=bench.sleep, chance=lambda: 0.0
    )
    await bench.run()
    assert bench.pauses == [1, 1, 1, 1, 15, 15, 15, 30, 1], "seldom while it is open, and closed by one answer"
    said = [snapshot.error for snapshot in bench.seen]
    assert said[:4] == ["down"] * 4
    assert set(said[4:7]) == {"down; asked seldom after 5 failures in a row"}
    assert said[7:] == ["", "down"]


async def test_a_person_s_wish_is_one_try_and_not_a_hail_of_them() -> None:
    bench = Bench(*[ProviderError("down")] * 20)
    for _ in range(5):
        await bench.poller.refresh()
    assert len(bench.seen) == 5, "a closed breaker keeps nobody from trying"
    for _ in range(10):
        assert (await bench.poller.refresh()).error.startswith("down; asked seldom")
    assert len(bench.seen) == 5
    bench.now += timedelta(seconds=5)
    await asyncio.gather(*(bench.poller.refresh() for _ in range(10)))
    assert len(bench.seen) == 6, "half open: a single try"


async def test_a_person_s_wish_does_not_break_the_peace_that_a_source_asked_for() -> None:
    bench = Bench(ProviderError("429", retry_after=90), reading(1))
    await bench.poller.poll()
    bench.now += timedelta(seconds=89)
    assert (await bench.poller.refresh()).error == "429"
    bench.now += timedelta(seconds=1)
    assert (await bench.poller.refresh()).facts == reading(1)


async def test_retry_after_is_honoured_up_to_a_cap_and_only_once() -> None:
    bench = Bench(
        ProviderError("429", retry_after=90), ProviderError("429", retry_after=1e9), ProviderError("down"), reading(1)
    )
    await bench.run()
    assert bench.pauses == [90, LONGEST_RETRY_AFTER, 8, 30]


async def test_a_nudge_ends_the_backing_off_and_not_the_outage() -> None:
    bench = Bench(*[ProviderError("down", retry_after=200)] * 6, before=Snapshot("web", "probe", 5))
    task = asyncio.create_task(bench.poller.run())
    await asyncio.wait_for(bench.done.wait(), 60)
    bench.done.clear()
    bench.answers = [ProviderError("down"), reading(1)]
    bench.poller.nudge()
    await asyncio.wait_for(bench.done.wait(), 60)
    assert bench.pauses[5:] == [200, 5, 2, 5], "one interval, then the shortest back-off again"
    assert bench.events == [("failed", "down"), ("recovered", START)]
    bench.poller.nudge()
    await asyncio.sleep(0)
    assert len(bench.pauses) == 9, "a source that answers is not asked any sooner"
    task.cancel()
    await asyncio.wait({task})


async def test_a_nudge_makes_no_pause_longer() -> None:
    bench = Bench(ProviderError("down"))
    task = asyncio.create_task(bench.poller.run())
    await asyncio.wait_for(bench.done.wait(), 60)
    bench.poller.nudge()
    await asyncio.sleep(0)
    assert bench.pauses == [2]
    assert not task.done()
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.parametrize("failures", [1, 2, 5, 1000])
def test_backoff_is_jittered_between_a_second_and_its_ceiling(failures: int) -> None:
    assert backoff(failures, None, 0.0) == 1.0
    assert backoff(failures, None, 1.0) == min(LONGEST_BACKOFF, 2.0**failures if failures < 10 else LONGEST_BACKOFF)


async def test_a_defect_of_the_provider_is_a_failure_with_its_name_made_safe() -> None:
    bench = Bench(KeyError("a\x1b[2Jb"), RecursionError("deep"))
    await bench.run()
    assert bench.seen[0].error.startswith("defect in the provider: KeyError")
    assert "\x1b" not in bench.seen[0].error
    assert "RecursionError" in bench.seen[1].error


async def test_a_provider_that_cancels_itself_does_not_end_the_poller() -> None:
    bench = Bench(asyncio.CancelledError(), reading(1))
    await bench.run()
    assert "cancelled itself" in bench.seen[0].error
    assert bench.seen[1].facts == reading(1)


async def test_an_answer_that_does_not_come_is_a_failure() -> None:
    bench = Bench(reading(1), deadline=0.01)

    async def hang() -> Facts:
        await asyncio.Event().wait()
        raise AssertionError

    bench.fetch = hang
    assert (await bench.poller.poll()).error == "no answer within 0.01 s"
    bench.fetch = bench.answer
    assert (await bench.poller.poll()).facts == reading(1)


async def test_a_source_that_cannot_be_cancelled_is_not_asked_twice_at_once() -> None:
    bench = Bench(reading(1), deadline=0.01)
    release = asyncio.Event()
    asked = 0

    async def stubborn() -> Facts:
        nonlocal asked
        asked += 1
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return reading(9)

    bench.fetch = stubborn
    await bench.poller.poll()
    assert "still hanging" in (await bench.poller.poll()).error
    assert asked == 1
    release.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.fetch = bench.answer
    assert (await bench.poller.poll()).facts == reading(1)


async def test_a_poll_joins_the_one_that_is_under_way() -> None:
    bench = Bench()
    gate = asyncio.Event()
    asked = 0

    async def slow() -> Facts:
        nonlocal asked
        asked += 1
        await gate.wait()
        return reading(1)

    bench.fetch = slow
    polls = [asyncio.create_task(bench.poller.poll()) for _ in range(3)]
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*polls)
    assert asked == 1
    assert answers[0] is answers[1] is answers[2]


@pytest.mark.parametrize(
    ("now", "asked", "slept"),
    [
        (100.005, 1.0, 0.995),
        (100.2, 1.0, 1.05),
        (100.11, 30.0, 29.89),
        (100.11, 0.4, 0.4),
    ],
)
async def test_polls_fall_on_a_common_beat(
    monkeypatch: pytest.MonkeyPatch, now: float, asked: float, slept: float
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("repz_console.engine.poller.time.monotonic", lambda: now)
    monkeypatch.setattr("repz_console.engine.poller.asyncio.sleep", sleep)
    await sleep_to_beat(asked)
    assert pauses == [pytest.approx(slept)]
