"""Training curves for DVCLive's viewers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from thinsection.base.errors import InputError

if TYPE_CHECKING:
    from dvclive import Live

LIVE_FOLDER = Path("scratch/dvclive")  # ignored by git and DVC


class LiveCurves:
    """Writes the rows of a history with DVCLive; without ``live`` it does nothing."""

    def __init__(self, live: "Live | None" = None) -> None:
        self._live = live

    def log(self, repeat: int, fold: int, row: dict[str, float]) -> None:
        """Write one epoch of one fold."""
        if self._live is None:
            return
        self._live.step = int(row["epoch"])
        for name, value in row.items():
            if name != "epoch" and value == value:  # NaN is not drawn
                self._live.log_metric(f"repeat-{repeat}-fold-{fold}/{name}", value)


@contextmanager
def live_curves(wanted: bool, model: str) -> Iterator[LiveCurves]:
    """
    A writer of the epochs of ``model`` to scratch/dvclive/<model>, if ``wanted``.

    Raises
    ------
    InputError
        If they are wanted and dvclive is not installed.
    """
    if not wanted:
        yield LiveCurves()
        return
    try:
        from dvclive import Live
    except ImportError:
        raise InputError(
            "params.yaml: compute.dvclive is true, but dvclive is not installed. Run "
            "`pip install 'thinsection[live]'` (here: pip install -c constraints.txt -e '.[live]'), or set "
            "it to false."
        ) from None
    # without these options DVCLive would write its own dvc.yaml and save an experiment
    with Live(
        str(LIVE_FOLDER / model),
        save_dvc_exp=False,
        dvcyaml=None,
        report=None,
        monitor_system=False,
    ) as live:
        yield LiveCurves(live)
