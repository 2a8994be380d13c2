"""Time that a test moves by hand (kit.clock)."""

from datetime import UTC, datetime, timedelta


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """By timedelta's own arguments: `move(seconds=30)`."""
        self.at += timedelta(**by)


class MovedClock:
    """Real time, plus what a test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)
