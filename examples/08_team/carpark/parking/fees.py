"""What a stay costs, in cents. The rules are in README.md."""

FREE = 10
HOUR = 250
DAY = 2000


def fee(minutes: int) -> int:
    """The price of a stay of so many minutes."""
    if minutes <= FREE:
        return 0
    hours = minutes // 60
    return min(hours * HOUR, DAY)
