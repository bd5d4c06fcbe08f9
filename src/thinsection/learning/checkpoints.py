"""What a training has reached, kept on disk, so that a killed one goes on instead of anew."""

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
from thinsection.examples.examples import Examples

if TYPE_CHECKING:
    from thinsection.learning.contract import FitSettings

CHECKPOINTS = Path("scratch/checkpoints")  # git and DVC ignore it: an output would be hashed
CHUNK_BYTES = 1 << 26
NO_RESULT_DEPENDS_ON = ("thinsection.console", "thinsection.params", "thinsection.settings")


class Checkpoint:
    """
    The one file in which a training keeps its state, replaced whole each time.

    Parameters
    ----------
    path : the file; None keeps nothing, for trainings that are short or tried on the side
    key : what made the state (``key_of``); a file of another key is never continued
    every_s : least seconds between two writings, so that small epochs don't write all the time
    """

    def __init__(self, path: Path | None = None, key: str = "", every_s: float = 0) -> None:
        self.path, self.key, self.every_s = path, key, every_s
        self._written = time.monotonic()

    def load(self) -> dict[str, Any]:
        """
        The state last kept, on the CPU; empty where there is none.

        A file that is damaged, or was made by other parameters, code or data, is renamed and
        said so. Nothing in it is ever executed.
        """
        if self.path is None or not self.path.exists():
            return {}
        import torch  # in the functions that need it: the baselines, which keep nothing, do without

        try:
            with ZipFile(self.path) as archive:  # torch.load doesn't look at the checksums
                damaged = archive.testzip()
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            problem = "" if kept["key"] == self.key else "made by other parameters, code or data"
            state: dict[str, Any] = kept["state"]
        except MemoryError:
            raise
        except Exception as error:  # whatever a file of any bytes brings about
            damaged, problem = None, f"can't be read ({type(error).__name__})"
        if damaged or problem:
            aside = self.path.with_suffix(".set-aside")
            self.path.replace(aside)
            _say(
                f"{self.path}: {problem or 'damaged'}; set aside as {aside.name}, which may be "
                "deleted. Training begins anew."
            )
            return {}
        _say(f"{self.path}: training continues from there")
        return state

    def due(self) -> bool:
        """Whether enough time has passed to keep a new state."""
        return self.path is not None and time.monotonic() - self._written >= self.every_s

    def save(self, state: dict[str, Any]) -> None:
        """
        Keep a state: tensors, numbers, texts, None, and lists and dictionaries of them.

        A disk that is full, or can't be written, stops no training: the state last kept stays,
        and a line says so.
        """
        if self.path is None:
            return
        import torch

        try:
            with writing(self.path) as partial:
                torch.save({"key": self.key, "state": state}, partial)
        except (OSError, RuntimeError) as error:  # torch's writer makes the second of the first
            reason = " ".join(str(error).split())[:200]
            _say(
                f"WARNING: {self.path} can't be written ({reason}). Is the disk full? Training goes "
                "on; if it is killed, it goes on from the last checkpoint that was written."
            )
        self._written = time.monotonic()

    def remove(self) -> None:
        """Forget the state, once its results are kept elsewhere."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


NOT_KEPT = Checkpoint()


def checkpoint_of(
    model: str, settings: "FitSettings", examples: Examples, folds: list[Fold]
) -> Checkpoint:
    """
    The checkpoint of one training, keyed by all that its results depend on.

    Parameters
    ----------
    model : what is trained and what for, e.g. ``fcnn-2`` or ``final-fcnn-2``: the name of the file
    """
    return Checkpoint(
        CHECKPOINTS / f"{model}.pt",
        key_of(model, settings, examples, folds),
        settings.compute.checkpoint_s,
    )


def key_of(model: str, settings: "FitSettings", examples: Examples, folds: list[Fold]) -> str:
    """
    A hash of what a training's results depend on: settings, given weights, code, data and machine.

    The device and the number of threads count too: they change the last digits of sums, and a run
    that was half trained on each could not be had again.
    """
    import torch

    own = settings.own.of_each_run()
    content = {
        "model": model,
        "seed": settings.seed,
        "own": own,
        "training": settings.training.model_dump(),
        # how many variants are stored is seen in the data
        "operators": settings.operators.model_dump(exclude={"variants"}),
        "machine": [settings.compute.device, settings.compute.threads or n_cores()],
        "versions": [torch.__version__, np.__version__, torch.cuda.is_available()],
    }
    digest = sha256(json.dumps(content, sort_keys=True).encode())
    for value in own.values():  # a file of weights is named by its path
        if isinstance(value, str) and Path(value).is_file():
            digest.update(Path(value).read_bytes())
    for module in loaded_modules():
        digest.update(module.read_bytes())
    photos, variants = examples.photos, examples.variants
    columns = photos.table[["photo_id", "label", "group"]]
    digest.update(columns.to_csv(index=False).encode())
    _add_array(digest, photos.pixels)
    if variants is not None:
        _add_array(digest, variants.pixels)
        digest.update(variants.parents.tobytes())
    if examples.features is not None:
        _add_array(digest, examples.features)
    for fold in folds:
        digest.update(f"{fold.repeat} {fold.fold} ".encode())
        digest.update(fold.train.tobytes() + b" " + fold.held_out.tobytes())
    return digest.hexdigest()


def loaded_modules() -> list[Path]:
    """The source of every loaded module of ours that a result may depend on, in one order."""
    named = sorted(
        name
        for name in sys.modules
        if name.split(".")[0] == "thinsection" and not name.startswith(NO_RESULT_DEPENDS_ON)
    )
    return [Path(file) for name in named if (file := sys.modules[name].__file__)]


def _add_array(digest: Any, array: np.ndarray) -> None:
    """A part at a time: memory-mapped arrays may be more than fit into memory."""
    digest.update(repr(array.shape).encode())
    n = max(1, CHUNK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(array), n):
        digest.update(np.ascontiguousarray(array[start : start + n]))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
