"""The report as a page: what each turn's context was made of, what was cached, where it was lost, what it cost."""
