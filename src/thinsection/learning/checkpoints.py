"""Checkpoints on disk, so that interrupted training continues instead of starting again."""

import json
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

from thinsection.base.cores import n_cores
from thinsection.base.files import writing
from thinsection.dataset.folds import Fold
from thinsection.learning.examples.examples import Examples

if TYPE_CHECKING:
    from thinsection.learning.contract import FitSettings

CHECKPOINTS = Path("scratch/checkpoints")  # ignored by git and DVC: DVC would hash an output
CHUNK_BYTES = 1 << 26
NO_RESULT_DEPENDS_ON = tuple(
    f"thinsection.{room}" for room in ("cli", "console", "params", "settings", "setup")
)


class Checkpoint:
    """
    The file with the state of a training, replaced atomically each time.

    Parameters
    ----------
    path : the file; None saves nothing, for short trainings and experiments
    key : identifies what made the state (``key_of``); a file with another key is never used
    every_s : least seconds between two saves, so that short epochs don't save all the time
    """

    def __init__(self, path: Path | None = None, key: str = "", every_s: float = 0) -> None:
        self.path, self.key, self.every_s = path, key, every_s
        self._written = time.monotonic()

    def load(self) -> dict[str, Any]:
        """
        The state last saved, on the CPU; empty if there is none.

        A file that is damaged, or was made by other parameters, code or data, is renamed, with
        a message. Nothing in it is ever executed.
        """
        if self.path is None or not self.path.exists():
            return {}
        import torch  # imported only where needed: the baselines, which save nothing, do without

        try:
            with ZipFile(self.path) as archive:  # torch.load doesn't check the checksums
                damaged = archive.testzip()
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            problem = "" if kept["key"] == self.key else "made by other parameters, code or data"
            state: dict[str, Any] = kept["state"]
        except MemoryError:
            raise
        except Exception as error:  # a file with arbitrary bytes can raise anything
            damaged, problem = None, f"can't be read ({type(error).__name__})"
        if damaged or problem:
            aside = self.path.with_suffix(".set-aside")
            self.path.replace(aside)
            _say(
                f"{self.path}: {problem or 'damaged'}; renamed to {aside.name}, which you may "
                "delete. Training starts from the beginning."
            )
            return {}
        _say(f"{self.path}: training continues from this checkpoint")
        return state

    def due(self) -> bool:
        """Whether enough time has passed to save a new state."""
        return self.path is not None and time.monotonic() - self._written >= self.every_s

    def save(self, state: dict[str, Any]) -> None:
        """
        Save a state: tensors, numbers, texts, None, and lists and dictionaries of them.

        A disk that is full or can't be written does not stop training: the state last saved
        remains, and a warning is printed.
        """
        if self.path is None:
            return
        import torch

        try:
            with writing(self.path) as partial:
                torch.save({"key": self.key, "state": state}, partial)
        except (OSError, RuntimeError) as error:  # torch's writer turns the first into the second
            reason = " ".join(str(error).split())[:200]
            _say(
                f"WARNING: {self.path} can't be written ({reason}). Is the disk full? Training "
                "continues; if it is interrupted, it resumes from the last checkpoint written."
            )
        self._written = time.monotonic()

    def remove(self) -> None:
        """Remove the state, once the results are saved elsewhere."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


NOT_KEPT = Checkpoint()


def checkpoint_of(
    model: str, settings: "FitSettings", examples: Examples, folds: list[Fold]
) -> Checkpoint:
    """
    The checkpoint of one training, with a key of everything that its results depend on.

    Parameters
    ----------
    model : name of the file: what is trained, and for what, e.g. ``fcnn-2`` or ``final-fcnn-2``
    """
    return Checkpoint(
        CHECKPOINTS / f"{model}.pt",
        key_of(model, settings, examples, folds),
        settings.compute.checkpoint_s,
    )


def key_of(model: str, settings: "FitSettings", examples: Examples, folds: list[Fold]) -> str:
    """
    A hash of all that the results depend on: settings, given weights, code, data and machine.

    The device and the number of threads are included: they change the last digits of sums, and a
    run trained partly with each could not be reproduced.
    """
    import torch

    content = settings.content() | {
        "model": model,
        "machine": [settings.compute.device, settings.compute.threads or n_cores()],
        "versions": [torch.__version__, np.__version__, torch.cuda.is_available()],
    }
    digest = sha256(json.dumps(content, sort_keys=True).encode())
    for value in content["own"].values():  # a weights file is given by its path
        if isinstance(value, str) and Path(value).is_file():
            digest.update(Path(value).read_bytes())
    for module in loaded_modules():
        digest.update(module.read_bytes())
    photos, features = examples.photos, examples.features
    columns = photos.photos[["photo_id", "sample", "label", "light", "group"]]
    digest.update(columns.to_csv(index=False).encode())
    _add_array(digest, photos.pixels)
    if features is not None:
        _add_array(digest, features.x)
        _add_array(digest, features.parents)
    for fold in folds:
        digest.update(f"{fold.repeat} {fold.fold} ".encode())
        digest.update(fold.train.tobytes() + b" " + fold.held_out.tobytes())
    return digest.hexdigest()


def loaded_modules() -> list[Path]:
    """Source files of all our loaded modules that a result may depend on, in a fixed order."""
    named = sorted(
        name
        for name in sys.modules
        if name.split(".")[0] == "thinsection" and not name.startswith(NO_RESULT_DEPENDS_ON)
    )
    return [Path(file) for name in named if (file := sys.modules[name].__file__)]


def _add_array(digest: Any, array: np.ndarray) -> None:
    """Add an array part by part, since memory-mapped arrays may not fit into memory."""
    digest.update(repr(array.shape).encode())
    n = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), n):
        digest.update(np.ascontiguousarray(array[start : start + n]))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
