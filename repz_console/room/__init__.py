"""What is going on: pure functions of the plan, the journal, the snapshots and the moment."""
