"""The meter: what every request used and cost, and what that says about the run."""
