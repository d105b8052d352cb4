"""What a plan that is to be adopted would leave exposed with nothing in it that could take it back."""

from __future__ import annotations

from repz_console.engine.known import Known
from repz_console.plan import exposure as exposures
from repz_console.plan import parts
from repz_console.plan.model import Plan
from repz_console.room import words
from repz_console.text import safe


def stranded(known: Known, plan: Plan) -> str:
    """The first rollout that shows somebody something which `plan` does not know of, and what to do; empty if none
    does. What is configured counts, or where that is not known what was last decided."""
    for rollout in dict.fromkeys((*known.plan.rollout, *known.decisions.rollouts)):
        ramp, desired = known.plan.rollout.get(rollout), known.decided(rollout).desired
        state = known.state(rollout) if ramp is not None else None
        shown = state.exposure if state is not None else desired.intent.target if desired is not None else None
        if shown is None or exposures.is_nobody(shown):
            continue
        kept = plan.rollout.get(rollout)
        missing = [f"no rollout {rollout}"]
        if kept is not None:
            carried = {feature for part in parts.parts_of(kept) for feature in part.features}
            missing = [f"no feature {feature} in it" for feature in shown.features if feature not in carried]
            before = parts.controllers(ramp) if ramp is not None else ()
            gone = [one for one in before if one not in parts.controllers(kept)]
            missing += [f"no controller {controller} of it" for controller in gone]
        if missing:
            has = f"{rollout} has {words.exposure(shown)}"
            return safe(f"{has}, and your config has {missing[0]}, so nothing could take that back: kill it first")
    return ""
