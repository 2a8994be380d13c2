"""What can go wrong with an embedded engine; `launch` prints the sentence and the hint."""


class EngineError(Exception):
    """An engine could not be started. `hint` is the next step."""

    def __init__(self, detail: str, hint: str) -> None:
        super().__init__(f"{detail} {hint}")
        self.detail = detail
        self.hint = hint


class DataFolderInUse(EngineError):
    """Another running process owns this data folder."""


class EngineFailed(EngineError):
    """The engine's program ended or never answered; the hint names its log."""
