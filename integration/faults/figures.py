"""Results of a run, for people and programs."""

from pathlib import Path

from pydantic import BaseModel

from integration.faults.fault_trials import RECOVERY

FILE = Path("build/faults.json")


class Figures(BaseModel):
    """The figures of a run; times in seconds."""

    seed: int
    minutes: float
    trials: int = 0
    operations: int = 0
    acknowledged_pushes: int = 0
    #: Uploads that were given up in the middle, on purpose.
    abandoned_uploads: int = 0
    #: Promises that were not kept, and what was shown as complete that nobody had confirmed.
    lost_or_corrupt: int = 0
    #: Of clients that try again.
    failed_operations: int = 0
    retries: int = 0
    worst_recovery_s: float = 0
    #: The longest time until the service was back, by what went wrong.
    recovery_s: dict[str, float] = {}
    #: How many trials there were of it, alone or with another.
    trials_of: dict[str, int] = {}
    #: What was not as it must be, in words.
    complaints: list[str] = []

    def add(self, faults: list[str], seconds: float) -> None:
        """Count a trial and the time until the service was back."""
        seconds = round(seconds, 1)
        self.trials += 1
        self.worst_recovery_s = max(self.worst_recovery_s, seconds)
        name = " and ".join(faults)
        if len(faults) == 1:
            self.recovery_s[name] = max(self.recovery_s.get(name, 0), seconds)
        for fault in faults:
            self.trials_of[fault] = self.trials_of.get(fault, 0) + 1

    @property
    def holds(self) -> bool:
        """Return whether all checks passed."""
        return (
            self.trials > 0
            and self.acknowledged_pushes > 0
            and self.worst_recovery_s <= RECOVERY
            and not (self.lost_or_corrupt or self.failed_operations or self.complaints)
        )
