"""
How long the comparison will take, told before anything is trained.

Each family says what its trainings cost (``Family.cost``), in operations; a probe measures how many
this machine does at present, next to whatever else it runs. Only NumPy is used: PyTorch takes
seconds to load.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from thinsection.base.cores import n_cores
from thinsection.base.places import DEMO
from thinsection.families import FAMILIES
from thinsection.families.family import Effort, Work, multiplications
from thinsection.families.run import Run
from thinsection.ingest.doubts import EXTENSIONS
from thinsection.ingest.sources import list_folder
from thinsection.params import Params

# numbers in an embedding; 2048 of any other network
N_FEATURES = {"lite0": 1280, "lite2": 1280, "resnet-18": 512, "resnet-34": 512}

REFERENCE = 100e9  # operations a second of the core that ``Effort.seconds`` are of
SHARED = (
    0.8  # of all cores' speed that is left where they work on one product and wait for each other
)
BUSY = 0.85  # share of the cores' time below which other programs are a hindrance
PROBE_S = 0.25
PROBE_SIDE = 256  # of the matrices, which stay in the cache
STAGE_S = 2.5  # for DVC and Python to start a stage
OTHER_STAGES = 12
EVIDENCE_S = 25.0  # tables, figures and report
COLOUR_TEXTURE_S, VARIANT_S = 3e-3, 2e-3  # for a photo


@dataclass(frozen=True)
class Speed:
    """
    Of this machine at present.

    Attributes
    ----------
    each : operations a second of one core in matrix products, while all are busy
    n_cores : that training uses
    share : of the cores' time that the probe got; other programs had the rest
    """

    each: float
    n_cores: int
    share: float = 1.0

    def seconds(self, effort: Effort) -> float:
        """How long something takes."""
        together = self.each * (self.n_cores * SHARED if self.n_cores > 1 else 1)
        return effort.products / together + effort.seconds * REFERENCE / self.each


@dataclass(frozen=True)
class Part:
    """
    A part of the comparison.

    Attributes
    ----------
    title : e.g. ``ResNets``
    seconds : it will take; None: not estimated
    detail : what of it takes longest, or why it isn't estimated
    megabytes : most memory of one of its stages; 0: not estimated
    """

    title: str
    seconds: float | None
    detail: str = ""
    megabytes: float = 0.0


def probe(cores: int, seconds: float = PROBE_S) -> Speed:
    """
    The speed of ``cores`` cores, measured for so many seconds.

    Every core multiplies matrices of its own, so that one that is slowed by another program holds
    up no other.
    """

    def multiplied(_: int) -> tuple[float, float]:
        matrix = np.ones((PROBE_SIDE, PROBE_SIDE), np.float32)
        product = matrix @ matrix  # loads what the first product loads
        started, worked, n = time.perf_counter(), time.thread_time(), 0
        while (passed := time.perf_counter() - started) < seconds or not n:
            np.matmul(matrix, matrix, out=product)
            n += 1
        return n * 2 * PROBE_SIDE**3 / passed, (time.thread_time() - worked) / passed

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as pool:
        speeds, shares = zip(*pool.map(multiplied, range(cores)), strict=True)
    return Speed(sum(speeds) / cores, cores, sum(shares) / cores)


def forecast(n_photos: int, params: Params, speed: Speed) -> list[Part]:
    """The parts of the comparison of so many photos, in the order in which they run."""
    per_run = {run: effort_of_training(run, n_photos, params) for run in params.runs}
    times = {
        run: _trainings(params) * speed.seconds(effort)
        for run, effort in per_run.items()
        if effort is not None
    }
    families = {run.family for run in params.runs}  # a family may have no run
    memory = {run: effort.megabytes for run, effort in per_run.items() if effort is not None}
    parts = [_of_family(key, times, memory, params) for key in FAMILIES if key in families]
    parts.append(Part("learning curve and leakage", _experiments(times, n_photos, params, speed)))
    final = {
        run: speed.seconds(effort)
        for run in params.runs
        if (effort := _final(run, n_photos, params)) is not None
        and params.final.select in ("best", run.model)
    }
    if final:
        slowest = max(final, key=lambda run: final[run])
        detail = f"if it is {slowest.title}" if len(final) > 1 else ""
        title = f"final model{', at most' * bool(detail)}"
        parts.append(Part(title, final[slowest], detail))
    else:
        parts.append(Part("final model", None, "its family says no cost"))
    n_stages = len(params.runs) + OTHER_STAGES
    other = Effort(seconds=STAGE_S * n_stages + EVIDENCE_S) + _preparation(n_photos, params)
    title = f"variants, vectors, tables and report, and the start of {n_stages} stages"
    parts.append(Part(title, speed.seconds(other)))
    return parts


def effort_of_training(
    run: Run, n_photos: int, params: Params, whole: bool = False
) -> Effort | None:
    """
    What one training of a run takes; None if it can't be estimated.

    Parameters
    ----------
    whole : the final fit, on all photos, rather than on the training part of a fold
    """
    cost, settings = FAMILIES[run.family].cost, params.family_settings(run.family)
    sizes = _vector_sizes(params)
    if cost is None or not set(settings.kinds) <= set(sizes):
        return None
    n_features = sum(sizes[kind] for kind in settings.kinds)
    held_out = n_photos if whole else n_photos / params.split.folds
    train = n_photos if whole else n_photos - held_out
    n_variants = params.augment.variants if settings.takes_variants else 0
    return cost(run.name, settings, Work(train, held_out, n_variants, n_features))


def _final(run: Run, n_photos: int, params: Params) -> Effort | None:
    """The final fit of a run, or of all members of an average; None if it can't be estimated."""
    whole = Effort()
    for member in params.members(run):
        effort = effort_of_training(member, n_photos, params, whole=True)
        if effort is None:
            return None
        whole += effort
    return whole


def n_photos_to_come(params: Params) -> int | None:
    """
    How many photos there are to compare on, as far as can be told without opening them.

    Rendered photos by the settings, files of a folder by their names; None: an archive, or nothing.
    """
    path, render = Path(params.dataset.path), params.render
    if path == DEMO:
        in_lights = 1 + max(1, len(render.angles)) if render.lights == "together" else 1
        return len(render.minerals) * render.specimens * render.fields * in_lights
    if not path.is_dir():
        return None
    endings = {ending for known in EXTENSIONS.values() for ending in known}
    return sum(Path(file.name).suffix.lower() in endings for file in list_folder(path))


def told(n_photos: int, params: Params, measure: Callable[[int], Speed] = probe) -> list[str]:
    """The forecast in lines for the terminal."""
    speed = measure(params.compute.threads or n_cores())
    parts = forecast(n_photos, params, speed)
    total = sum(part.seconds or 0 for part in parts)
    each = f"{speed.each / 1e9:.0f} GFLOP/s"
    cores = f"{speed.n_cores} cores, {each} each" if speed.n_cores > 1 else f"1 core, {each}"
    trainings = len(params.runs) * _trainings(params)
    most = max(parts, key=lambda part: part.megabytes)
    lines = [
        f"The whole comparison of {n_photos} photos ({len(params.runs)} classifiers, {trainings} "
        f"trainings) will take about {in_words(total)} at this machine's present speed ({cores}); "
        f"half or twice as long is possible. It needs about {most.megabytes / 1000:.1f} GB of memory, for the "
        f"{most.title}:"
    ]
    for part in parts:
        time_of = "not estimated" if part.seconds is None else in_words(part.seconds)
        detail = f" ({part.detail})" if part.detail else ""
        lines.append(f"  {time_of:>13}  {part.title}{detail}")
    if speed.share < BUSY:
        lines.append(
            f"  Other programs have {1 - speed.share:.0%} of the cores. Networks lose more than that, for "
            "their threads wait for each other: expect up to several times as long."
        )
    if params.compute.device != "cpu" and (
        sys.platform == "darwin" or Path("/dev/nvidiactl").exists()
    ):
        lines.append("  A GPU is not counted; if PyTorch finds one, the networks take less.")
    return lines


def in_words(seconds: float) -> str:
    """
    A time in seconds, minutes or hours.

    Examples
    --------
    >>> in_words(3.2), in_words(95), in_words(760), in_words(8000)
    ('5 s', '1.6 min', '13 min', '2.2 h')
    """
    if seconds < 57.5:
        return f"{max(5, 5 * round(seconds / 5))} s"
    value, unit = (max(seconds / 60, 1), "min") if seconds < 5400 else (seconds / 3600, "h")
    return f"{value:.0f} {unit}" if value >= 9.5 else f"{value:.2g} {unit}"


def _trainings(params: Params) -> int:
    return params.split.folds * params.split.repeats


def _of_family(key: str, times: dict[Run, float], memory: dict[Run, float], params: Params) -> Part:
    family = FAMILIES[key]
    known = {run: seconds for run, seconds in times.items() if run.family == key}
    missing = [run for run in params.runs if run.family == key and run not in known]
    if missing:
        return Part(family.plural, None, "its cost is not known")
    slowest = max(known, key=lambda run: known[run])
    total = sum(known.values())
    much = len(known) > 1 and known[slowest] > max(0.4 * total, 10)
    detail = f"{slowest.title}: {in_words(known[slowest])}" if much else ""
    return Part(family.plural, total, detail, max(memory[run] for run in known))


def _experiments(times: dict[Run, float], n_photos: int, params: Params, speed: Speed) -> float:
    """Seconds of the learning curve, of the slowest run of each family, and of the leakage check."""
    shares = sum(params.evidence.learning_curve_shares)
    total = 0.0
    for key, family in FAMILIES.items():
        known = [seconds for run, seconds in times.items() if run.family == key]
        if family.learning_curve == "always" or params.evidence.learning_curve_resnet:
            total += shares * max(known, default=0)
    # a random and a grouped split
    n = 2 * params.evidence.leakage_repeats * params.split.folds
    if params.evidence.leakage_model == "best":  # which one is not known yet: at most the slowest
        return total + n / _trainings(params) * max(times.values(), default=0)
    model = Run("baseline", params.evidence.leakage_model)
    effort = effort_of_training(model, n_photos, params) or Effort()
    return total + n * speed.seconds(effort)


def _preparation(n_photos: int, params: Params) -> Effort:
    """Variants, and the vectors that some family asks for."""
    n_variants = n_photos * params.augment.variants
    rows = {"nothing": 0, "photos": n_photos, "photos and variants": n_photos + n_variants}
    plan, own = params.plan(), params.embedding
    n_described = max(n_photos, rows[plan["colour_texture"]["asked"]])
    n_embedded = own.views * rows[plan["embedding"]["asked"]]
    area = own.height * own.width / 224**2
    forward = 2 * multiplications(own.backbone) * area * n_embedded
    return Effort(forward, VARIANT_S * n_variants + COLOUR_TEXTURE_S * n_described)


def _vector_sizes(params: Params) -> dict[str, int]:
    """Kind of features -> numbers in a vector."""
    return {
        "pixels": 3 * params.pixels.height * params.pixels.width,
        "colour_texture": 126,
        "embedding": N_FEATURES.get(params.embedding.backbone, 2048),
    }
