"""The probe: what is up, what is down, how fast, and how long the certificate lasts."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repz_console.facts import Facts, Reading
from repz_console.providers import tls
from repz_console.providers.probe import Probe, ProbeOptions, percentile
from tests.support.providers import provider
from tests.support.web import response, serving


def reading(facts: Facts, name: str) -> Reading:
    return next(each for each in facts.readings if each.name == name)


async def look(probe: Probe) -> Facts:
    async with probe:
        return await probe.fetch()


async def test_a_site_that_answers_as_expected_is_up(tmp_path: Path) -> None:
    async with serving(response()) as url:
        facts = await look(provider("probe", tmp_path, url=url))
    assert [each.name for each in facts.readings] == ["up", "status", "latency", "latency.p50", "latency.p95"]
    assert (reading(facts, "up").value, reading(facts, "status").value) == (1, 200)
    assert reading(facts, "latency").value == reading(facts, "latency.p50").value
    assert {each.note for each in facts.readings} == {""}


async def test_another_status_is_down_and_says_which(tmp_path: Path) -> None:
    async with serving(response(status="503 Busy")) as url:
        facts = await look(provider("probe", tmp_path, url=url))
        expected = await look(provider("probe", tmp_path, url=url, expect=503))
    assert (reading(facts, "up").value, reading(facts, "up").note) == (0, "answered 503, expected 200")
    assert reading(facts, "status").value == 503
    assert reading(expected, "up").value == 1


async def test_a_redirect_is_down_and_says_where_to(tmp_path: Path) -> None:
    async with serving(response(status="302 Found", Location="https://login.example/?token=x")) as url:
        facts = await look(provider("probe", tmp_path, url=url))
    assert reading(facts, "up").note == "answered 302, a redirect to login.example, expected 200"


async def test_nobody_there_is_a_reading_and_keeps_the_percentiles(tmp_path: Path) -> None:
    async with serving(response()) as url:
        probe: Probe = provider("probe", tmp_path, url=url)
        before = await probe.fetch()
    facts = await probe.fetch()
    assert (reading(facts, "up").value, reading(facts, "status").value) == (0, None)
    assert reading(facts, "latency").value is None
    assert reading(facts, "up").note == "127.0.0.1: connection refused"
    assert reading(facts, "latency.p95").value == reading(before, "latency.p95").value
    fresh = await look(provider("probe", tmp_path, url=url))
    assert reading(fresh, "latency.p95").value is None
    assert reading(fresh, "latency.p95").note


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which makes the test's certificate, is not installed")
    made = tmp_path / "server.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    with made.open("ab") as file:
        file.write((tmp_path / "cert.pem").read_bytes())
    return made


async def test_the_days_that_a_certificate_has_left(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    async with serving(response(), server) as url:
        distrusted = await look(provider("probe", tmp_path, url=url))
        trusting = ssl.create_default_context(cafile=str(certificate))
        monkeypatch.setattr(tls, "context", lambda: trusting)
        facts = await look(provider("probe", tmp_path, url=url))
    assert (reading(facts, "up").value, reading(facts, "cert.days").value) == (1, 29)
    assert reading(distrusted, "up").value == 0
    assert "self-signed" in reading(distrusted, "up").note
    assert reading(distrusted, "cert.days").value is None


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ftp://example.org"},
        {"url": "example.org"},
        {"url": "https://"},
        {"url": "https://user:secret@example.org"},
        {"url": "http://[::1"},
        {"url": "http://example.org"},
        {"url": "http://127.0.0.1.example.org"},
        {"url": "https://example.org:99999"},
        {"url": "https://bücher.example"},
        {"url": "https://example.org", "proxy": "socks5://127.0.0.1"},
        {"url": "https://example.org", "proxy": "http://me:secret@127.0.0.1:3128"},
        {"url": "https://example.org", "expect": 42},
        {"url": "https://example.org", "timeout": 0},
        {"url": "https://example.org", "window": 0},
        {"url": "https://example.org", "body": "x"},
        {},
    ],
)
def test_options_that_no_check_could_answer_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, ProbeOptions)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found in [round(value, 1) for value in values]
    assert sum(round(value, 1) <= found for value in values) >= len(values) * percent / 100


def test_no_values_have_no_percentile() -> None:
    assert percentile([], 95) is None
