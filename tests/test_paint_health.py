"""The Health tab as it is seen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from repz_console.facts import Freshness
from repz_console.room.views import MetricView
from repz_console.tui.paint import health
from repz_console.tui.paint.base import Brush, Choices, Size
from tests.support.painting import EMPTY, METRICS, PANE, ROOM, picture

AT_80 = """\
 Health  ✖ 1 missed  ● 1 met  ▲ 3 blind                    ✖ DOWN as of 08:32:20
 Live monitors                           Value       Target      Trend Data
 ✖ MISSED  API response p95           212.4 ms     < 200 ms    ▁▂▃▃▅▆█ LIVE
 ● MET     Uptime                      99.98 %     > 99.9 %        ██▁ LIVE
 ▲ BLIND   Error rate                   0.04 %      < 0.1 %         ▁█ DOWN 31m
 Besides the plan
 · READ    host: cpu                    12.5 %                    ▁▂█▂ LIVE
 · READ    host: memory                   61 %                      ▁█ LIVE
 · READ    host: network.in           1.2 MB/s                         LIVE
 Beta
 ○ OFF     Net promoter score        no source         > 50            OFF (i)
 Monthly
 ○ OFF     Monthly recurring reven…  no source   >= $25,000            OFF (i)"""

AT_60 = """\
 Health  ✖ 1 missed  ● 1 met  ▲ 3 bli… ✖ DOWN as of 08:32:20
 Live monitors                  Value       Target Data
 ✖ MISSED  API response p…   212.4 ms     < 200 ms LIVE
 ● MET     Uptime             99.98 %     > 99.9 % LIVE
 ▲ BLIND   Error rate          0.04 %      < 0.1 % DOWN 31m
 Besides the plan
 · READ    host: cpu           12.5 %              LIVE
 · READ    host: memory          61 %              LIVE
 · READ    host: network.…   1.2 MB/s              LIVE
 Beta
 ○ OFF     Net promoter s…  no source         > 50 OFF (i)
 Monthly
 ○ OFF     Monthly recurr…  no source   >= $25,000 OFF (i)"""

BESIDE = """\
 Health  ✖ 1 missed  ● 1 met  ▲ 3 blind                                                            ✖ DOWN as of 08:32:20
 Live monitors                           Value       Target      Trend Data      │ API response p95
 ✖ MISSED  API response p95           212.4 ms     < 200 ms    ▁▂▃▃▅▆█ LIVE      │
 ● MET     Uptime                      99.98 %     > 99.9 %        ██▁ LIVE      │ state     ✖ MISSED
 ▲ BLIND   Error rate                   0.04 %      < 0.1 %         ▁█ DOWN 31m  │ value     212.4 ms
 Besides the plan                                                                │ as of     09:03:11 LIVE
 · READ    host: cpu                    12.5 %                    ▁▂█▂ LIVE      │ source    probe
 · READ    host: memory                   61 %                      ▁█ LIVE      │
 · READ    host: network.in           1.2 MB/s                         LIVE      │ ▁▂▃▃▅▆█
 Beta                                                                            │ from 180 to 212.4
 ○ OFF     Net promoter score        no source         > 50            OFF (i)   │
 Monthly                                                                         │ Targets
 ○ OFF     Monthly recurring reven…  no source   >= $25,000            OFF (i)   │ ✖ missed  < 200 ms  alpha
                                                                                 │ ● met     < 250 ms  launch criteria
                                                                                 │
                                                                                 │"""


def test_at_80_columns() -> None:
    assert picture(health.paint(ROOM, Brush(PANE))) == AT_80


def test_at_60_columns_the_trend_makes_room() -> None:
    size = Size(60, 15)
    assert picture(health.paint(ROOM, Brush(size)), size) == AT_60


def test_at_120_columns_the_selected_metric_stands_beside() -> None:
    size = Size(120, 16)
    assert picture(health.paint(ROOM, Brush(size, Choices(cursor="metric:latency"))), size) == BESIDE


LATENCY = METRICS[0]


@pytest.mark.parametrize(
    ("metric", "word"),
    [
        (LATENCY, "MISSED"),
        (METRICS[1], "MET"),
        (replace(LATENCY, freshness=Freshness.LATE), "MISSED"),
        (replace(LATENCY, freshness=Freshness.STALE), "BLIND"),
        (replace(LATENCY, freshness=Freshness.DOWN), "BLIND"),
        (replace(LATENCY, value=None), "BLIND"),
        (replace(LATENCY, freshness=Freshness.OFF), "OFF"),
        (replace(LATENCY, targets=()), "WATCH"),
        (replace(LATENCY, targets=(replace(LATENCY.targets[1], met=None),)), "BLIND"),
    ],
)
def test_the_word_for_a_metric(metric: MetricView, word: str) -> None:
    assert health.state(metric) == word


def test_no_value_is_never_drawn_as_zero() -> None:
    view = replace(ROOM, health=replace(ROOM.health, metrics=(replace(LATENCY, value=None),), box=()))
    assert "no data" in picture(health.paint(view, Brush(PANE)))
    assert " 0 ms" not in picture(health.paint(view, Brush(PANE)))


def test_the_filter_looks_at_titles_words_and_sources() -> None:
    def keys(words: str) -> list[str]:
        return [key for key in health.paint(ROOM, Brush(PANE, Choices(filter=words))).keys if key]

    assert keys("UPTIME") == ["metric:uptime"]
    assert keys("off") == ["metric:nps", "metric:mrr"]
    assert keys("probe missed") == ["metric:latency"]
    assert keys("host cpu") == ["box:host/cpu"]
    assert keys("nothing at all") == []


def test_a_plan_without_metrics_says_so() -> None:
    assert "The plan has no metric." in picture(health.paint(EMPTY, Brush(PANE)))


def test_a_clock_that_is_wrong_is_told_above_the_metrics() -> None:
    probe, *others = sorted(ROOM.sources.sources, key=lambda source: source.id != "probe")
    odd = replace(probe, notes=("the server's clock is 47 s ahead",))
    view = replace(ROOM, sources=replace(ROOM.sources, sources=(odd, *others)))
    drawn = picture(health.paint(view, Brush(PANE))).splitlines()
    assert drawn[1] == " ▲ probe: the server's clock is 47 s ahead"
    assert drawn[2].startswith(" Live monitors")
