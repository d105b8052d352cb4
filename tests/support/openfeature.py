"""What people see by OpenFeature's own Python client, which reads the flag file in its own process."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext

MANY = [f"person-{number}" for number in range(10_000)]
PEOPLE = MANY[:1000]


class Client:
    """An application that evaluates the file in its own process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.provider = FlagdProvider(
            resolver_type=ResolverType.FILE, offline_flag_source_path=str(path), deadline_ms=60_000
        )
        self.provider.initialize(EvaluationContext())

    def reload(self) -> None:
        """What the client's watching thread does on its next round."""
        self.provider.resolver.connector.safe_load_data()

    def sees(self, feature: str, person: str | None, country: str | None = "US") -> bool:
        attributes = {"country": country} if country else {}
        found = self.provider.resolve_boolean_details(
            f"repz.production.{feature}", False, EvaluationContext(person, attributes)
        )
        assert found.error_code is None
        return found.value

    def seeing(self, feature: str = "core", country: str | None = "US") -> Set[str]:
        return {person for person in PEOPLE if self.sees(feature, person, country)}
