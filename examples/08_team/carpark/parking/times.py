"""Times of day, as they stand on a ticket."""


def minutes_of(time: str) -> int:
    """Minutes since midnight of a time such as 08:30."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def stay(arrival: str, departure: str, nights: int = 0) -> int:
    """Minutes between two times; ``nights`` are those spent beyond the first."""
    return minutes_of(departure) - minutes_of(arrival) + nights * 24 * 60
