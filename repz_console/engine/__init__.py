"""Who keeps it moving: sources polled, decisions applied, the room kept current."""
