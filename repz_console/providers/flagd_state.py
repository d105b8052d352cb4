"""What a flag definition document says of one rollout, and the document that says something else. No I/O.

The metadata of a rollout's flags carry the change that wrote them and its revision, `NUMBER-DIGEST`. The number
counts the console's changes; the digest covers the flags as they are, so that anybody's edit is another revision.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from repz_console.facts import Change, Exposure, RolloutState
from repz_console.plan.model import Region
from repz_console.providers import flagd_rule as rules
from repz_console.providers.base import ProviderError
from repz_console.providers.flagd_document import Document
from repz_console.providers.flagd_file import Loaded
from repz_console.providers.shares import Shares, by_region, together
from repz_console.text import identifier, safe

NEVER_WRITTEN = "0"
"""The revision of a rollout that has no flags yet."""

_DEFAULT_KEY = "targetingKey"


class Layout(Struct, frozen=True):
    """How one rollout is laid out in a document."""

    rollout: str
    prefix: str
    attribute: str
    regions: tuple[Region, ...]
    """All regions of the plan, the rollout's own or not."""
    features: tuple[str, ...]
    """What the rollout's stages show, each with a flag even while it is off."""
    known: tuple[str, ...]
    """What may be shown: everything that the plan names."""

    def key(self, feature: str) -> str:
        """The flag's key."""
        return f"{self.prefix}{self.rollout}.{feature}"

    def flags(self, document: Document) -> dict[str, dict[str, Any]]:
        """Feature to definition, of every flag of this rollout that the document has."""
        start = self.key("")
        return {
            key.removeprefix(start): flag
            for key, flag in document["flags"].items()
            if key.startswith(start) and _metadata(flag).get("repz.rollout", self.rollout) == self.rollout
        }


def read(layout: Layout, loaded: Loaded) -> RolloutState:
    """The rollout as the file configures it.

    Where the file says more than an exposure can express, the exposure is the larger and a note tells. Raises
    `ProviderError` where who sees what cannot be known.
    """
    flags = layout.flags(loaded.document)
    notes = _file_notes(loaded)
    exposure, least = _exposure(layout, flags, notes)
    revision, stamp, clean = _stamp(flags)
    if flags:
        missing = sorted(set(layout.features) - set(flags))
        notes += [
            f"flag {identifier(layout.key(feature))} is missing: clients use their own default" for feature in missing
        ]
        if not clean:
            notes.append("changed by somebody outside this console" + (f" after revision {stamp}" if stamp else ""))
    metadata = _metadata(next(iter(flags.values()), {})) if clean else {}
    return RolloutState(
        rollout=layout.rollout,
        exposure=exposure,
        revision=revision,
        changed_by=safe(metadata.get("repz.actor", ""), 100),
        changed_at=_instant(metadata.get("repz.at")) or (loaded.modified if flags else None),
        op=identifier(metadata.get("repz.op", "")),
        notes=tuple(notes),
        least=least,
        epoch=max(map(_epoch, flags.values()), default=0),
    )


def write(layout: Layout, document: Document, change: Change, at: datetime) -> Document:
    """A copy of `document` in which the rollout's flags show `change.target`, under a number above those of the
    document and of the revision that the change expects. Raises `flagd_rule.Unwritable`.
    """
    old = layout.flags(document)
    features = sorted({*layout.features, *old, *change.target.features})
    rules.check(change.target, layout.regions, {*layout.known, *old})
    flags = {
        feature: rules.flag(layout.rollout, feature, change.target, layout.regions, layout.attribute)
        for feature in features
    }
    epoch = max(change.epoch, *map(_epoch, old.values()), 0)
    for feature, flag in flags.items():
        flag["metadata"] = {
            "repz.rollout": layout.rollout,
            "repz.feature": feature,
            "repz.op": change.op,
            "repz.actor": change.who,
            "repz.plan_hash": change.plan_hash,
            "repz.at": at.isoformat(),
            "repz.key": change.target.key,
        }
        if epoch:
            flag["metadata"]["repz.epoch"] = epoch
    number = max(_number_of(change.expect), *map(_number, old.values()), 0) + 1
    revision = f"{number}-{_digest(flags)}"
    for flag in flags.values():
        flag["metadata"]["repz.rev"] = revision
    new = copy.deepcopy(document)
    new["flags"].update({layout.key(feature): flag for feature, flag in flags.items()})
    return new


def without(document: Document, rejected: Collection[str]) -> Document:
    """A copy of `document` without the parts for which clients refuse it; an empty name stands for its metadata."""
    kept = {name: value for name, value in document.items() if name != "metadata" or "" not in rejected}
    kept["flags"] = {key: flag for key, flag in document["flags"].items() if key not in rejected}
    return kept


def _exposure(layout: Layout, flags: dict[str, dict[str, Any]], notes: list[str]) -> tuple[Exposure, Exposure | None]:
    """What the flags show, and what they show at least where shares differ within that."""
    shares: dict[str, Shares] = {}
    keys: set[str] = set()
    for feature, flag in flags.items():
        try:
            if not isinstance(flag, dict):
                raise rules.Unreadable("it is not an object")
            rule = rules.Rule(layout.rollout, flag, layout.attribute)
            shares[feature] = by_region(layout.regions, rule, layout.key(feature), notes)
        except rules.Unreadable as error:
            raise ProviderError(f"flag {identifier(layout.key(feature))}: {error}") from None
        keys |= rule.keys
        notes += [f"flag {identifier(layout.key(feature))}: {what}" for what in sorted(rule.odd)]
    if len(keys) > 1:
        raise ProviderError(
            f"{layout.rollout}: people are bucketed by {' and by '.join(map(identifier, sorted(keys)))}"
        )
    stamped = {_metadata(flag).get("repz.key") for flag in flags.values()}
    said = stamped.pop() if len(stamped) == 1 else None
    key = next(iter(keys), said if isinstance(said, str) else _DEFAULT_KEY)
    return together(layout.regions, shares, identifier(key), notes)


def _file_notes(loaded: Loaded) -> list[str]:
    notes = [
        f"clients refuse the whole file and stay with what they had: {safe(key) or 'its top level'} {reason}"
        for key, reason in loaded.rejected.items()
    ]
    if loaded.older:
        notes.append(
            "the file is older than the one written last, a restored backup perhaps: running clients ignore it"
        )
    return notes


def _stamp(flags: dict[str, dict[str, Any]]) -> tuple[str, str, bool]:
    """The revision, the stamped one as far as there is one, and whether they agree."""
    if not flags:
        return NEVER_WRITTEN, "", True
    stamped: Sequence[str] = sorted({str(_metadata(flag).get("repz.rev", "")) for flag in flags.values()})
    revision = f"{max(map(_number, flags.values()))}-{_digest(flags)}"
    return revision, safe(stamped[-1], 40), len(stamped) == 1 and stamped[0] == revision


def _number_of(revision: str) -> int:
    """The number in a revision, 0 if it has none."""
    number = revision.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def _number(flag: dict[str, Any]) -> int:
    return _number_of(str(_metadata(flag).get("repz.rev", "")))


def _epoch(flag: dict[str, Any]) -> int:
    """The highest epoch that wrote a flag. Kept through everybody's edits, as it is no part of what they mean."""
    epoch = _metadata(flag).get("repz.epoch", 0)
    return epoch if isinstance(epoch, int) else 0


def _digest(flags: dict[str, dict[str, Any]]) -> str:
    bare = copy.deepcopy(flags)
    for flag in bare.values():
        if isinstance(flag.get("metadata"), dict):
            flag["metadata"].pop("repz.rev", None)
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:8]


def _metadata(flag: Any) -> dict[str, Any]:
    """A flag's metadata as far as they are of the allowed types."""
    metadata = flag.get("metadata") if isinstance(flag, dict) else None
    if not isinstance(metadata, dict):
        return {}
    return {name: value for name, value in metadata.items() if isinstance(value, str | int | float)}


def _instant(raw: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None
