"""Progress of a long stage: a live bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PLAIN_EVERY_S = 10.0  # between plain lines, so that a log stays readable


class Progress:
    """Displays the progress and the estimated time left."""

    def __init__(self, title: str, total: int) -> None:
        self.title = title
        self.total = total
        self.done = self._skipped = 0
        self._started = self._said = time.monotonic()

    def skip(self, steps: int) -> None:
        """Count ``steps`` as done earlier, without effect on the estimated time left."""
        self.done += steps
        self._skipped += steps

    def advance(self, status: str, steps: int = 1) -> None:
        """Count ``steps`` more as done; ``status`` says fold, epoch, loss, accuracy."""
        self.done += steps
        now = time.monotonic()
        if now - self._said >= PLAIN_EVERY_S or self.done >= self.total:
            self._said = now
            elapsed = now - self._started
            left = elapsed / max(self.done - self._skipped, 1) * (self.total - self.done)
            print(
                f"{self.title}  {self.done}/{self.total}  {status}  "
                f"{_clock(elapsed)} elapsed, {_clock(left)} left",
                flush=True,
            )


class _LiveProgress(Progress):
    def __init__(self, title: str, total: int) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        super().__init__(title, total)
        self._bars = Bars(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        self._bar = self._bars.add_task(title, total=total, status="")
        self._bars.start()

    def skip(self, steps: int) -> None:
        super().skip(steps)
        self._bars.update(self._bar, advance=steps)

    def advance(self, status: str, steps: int = 1) -> None:
        self.done += steps
        self._bars.update(self._bar, advance=steps, status=status)

    def close(self) -> None:
        self._bars.stop()


@contextmanager
def progress(title: str, total: int) -> Iterator[Progress]:
    """A ``Progress`` of ``total`` steps for the duration of the block."""
    if not sys.stdout.isatty():
        yield Progress(title, total)
        return
    live = _LiveProgress(title, total)
    try:
        yield live
    finally:
        live.close()


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
