"""Made-up agents whose traffic tests and benchmarks look at. Nothing here knows how faults are found."""
