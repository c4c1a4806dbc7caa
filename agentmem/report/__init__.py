"""Makes the report's page: what each turn's context was made of, what was cached, where it was lost, what it cost."""
