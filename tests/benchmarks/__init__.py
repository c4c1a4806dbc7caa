"""What measures: each module runs as `python -m tests.benchmarks.NAME` and exits non-zero below its target."""
