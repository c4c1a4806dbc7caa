"""The car park: times of stays, and what they cost."""
