"""What happened: the journal and the telemetry."""
