"""What one sees below a cell while a run is going on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlops.engine.events import Event

__all__ = ["LineProgress"]


class LineProgress:
    """Prints a line when a step begins, fails and is tried again, and ends."""

    def handle(self, event: Event) -> None:
        """Take notice of an event of the run."""
        from jupyter_mlops.engine import events

        if isinstance(event, events.StepStarted):
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            print(f"  {event.name} …{again}", flush=True)
        elif isinstance(event, events.StepRetrying):
            print(f"  {event.name}: attempt {event.attempt} of {event.attempts} failed; again", flush=True)
        elif isinstance(event, events.StepFinished):
            took = f" in {event.result.seconds:.1f} s" if event.result.status in ("succeeded", "failed") else ""
            print(f"  {event.result.name}: {event.result.status}{took}", flush=True)
