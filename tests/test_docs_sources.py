"""The sources of the docs are ones that the console takes."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import msgspec
import pytest

from repz_console.plan.secrets import SecretPlace, references, secret_problems
from repz_console.providers import registry, standard_webhooks


def blocks(root: Path) -> list[str]:
    found = re.findall(r"^```toml\n(.*?)^```", (root / "docs/providers.md").read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in found if "\n[source." in f"\n{block}"]


def test_every_source_is_one_and_names_only_secrets_that_stand_beside_it(root: Path) -> None:
    kinds = set()
    for block in blocks(root):
        table = tomllib.loads(block)
        secrets = msgspec.convert(table.get("secret", {}), dict[str, SecretPlace])
        assert not list(secret_problems(secrets))
        for source in table["source"].values():
            assert {name for _, name in references(source)} <= set(secrets)
            options = {key: value for key, value in source.items() if key not in ("kind", "every")}
            msgspec.convert(options, registry.load(source["kind"]).Options)
            kinds.add(source["kind"])
    assert kinds >= {"probe", "webhook", "vercel"}


def test_every_built_in_kind_is_in_the_table(root: Path) -> None:
    named = re.findall(r"^\| `(\w+)` \|", (root / "docs/providers.md").read_text(), re.MULTILINE)
    missing = set(registry.BUILT_IN) - set(named)
    assert not missing


def test_the_key_that_is_made_as_described_signs(root: Path) -> None:
    made = re.search(r"made by `(.+?)`", (root / "docs/providers.md").read_text())
    assert made is not None
    done = subprocess.run(["sh", "-c", made[1]], capture_output=True, text=True, timeout=60, check=True)
    assert len(standard_webhooks.keys(done.stdout)[0]) == 32


@pytest.mark.parametrize("kind", ["webhook", "vercel", "probe", "flagd"])
def test_every_option_is_in_the_table(root: Path, kind: str) -> None:
    row = next(line for line in (root / "docs/providers.md").read_text().splitlines() if line.startswith(f"| `{kind}`"))
    assert all(f"`{option}" in row for option in registry.load(kind).Options.__struct_fields__)
