"""How well the intervals hold the truth, by simulation, and what aggregate and report cost.

    python benchmarks/evidence.py coverage [specimens] [sets]
    python benchmarks/evidence.py selection [specimens] [sets]
    python benchmarks/evidence.py speed
    python benchmarks/evidence.py memory [photos]

A known classifier names photos of simulated specimens. Specimens differ in how hard they are, so
photos of one specimen err together. The truth is the index on very many specimens; an interval of
95 % should hold it in about 95 % of the simulated sets. ``selection`` picks one of nineteen such
classifiers as ``final.select: best`` does and asks what its own figure and interval are worth, and what selection.csv says.
``memory`` is of aggregate on photos each of which is its own specimen, the most that there can be.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))

from simulated import simulate, truth  # noqa: E402
from thinsection.base.seeds import generator  # noqa: E402
from thinsection.evidence.choice import BEST, chosen, smallest_of_the_best  # noqa: E402
from thinsection.evidence.metrics import METRICS  # noqa: E402
from thinsection.evidence.statistics import (  # noqa: E402
    expected_of_best,
    index_interval,
    resampled_counts,
    wilson_interval,
)

CONFIDENCE, DRAWS = 0.95, 1000


def used(draws: np.ndarray, value: float, jackknife: np.ndarray) -> tuple[float, float]:
    """The one that thinsection uses: bootstrap error on the log-odds, Student's t."""
    return index_interval(value, draws, len(jackknife), CONFIDENCE)


def percentile(draws: np.ndarray, value: float, jackknife: np.ndarray) -> tuple[float, float]:
    """Efron's plain percentile interval."""
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return low, high


def expanded(draws: np.ndarray, value: float, jackknife: np.ndarray) -> tuple[float, float]:
    """Percentiles further out, for few groups (Hesterberg 2015)."""
    n = len(jackknife)
    tail = stats.norm.cdf(-np.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))
    low, high = np.nanquantile(draws, [tail, 1 - tail])
    return low, high


def bca(draws: np.ndarray, value: float, jackknife: np.ndarray) -> tuple[float, float]:
    """Efron's bias-corrected and accelerated interval, jackknife over specimens."""
    share = np.clip(np.nanmean(draws < value) + np.nanmean(draws == value) / 2, 1e-3, 1 - 1e-3)
    bias = stats.norm.ppf(share)
    pull = np.nanmean(jackknife) - jackknife
    spread = np.nansum(pull**2) ** 1.5
    acceleration = np.nansum(pull**3) / (6 * spread) if spread else 0.0
    ends = bias + stats.norm.ppf([0.025, 0.975])
    tails = stats.norm.cdf(bias + ends / (1 - acceleration * ends))
    low, high = np.nanquantile(draws, tails)
    return low, high


def logit_t(draws: np.ndarray, value: float, jackknife: np.ndarray) -> tuple[float, float]:
    """Student's t on the log-odds, jackknife spread."""
    n = len(jackknife)
    squeezed = np.clip(value, 0.001, 0.999)
    spread = np.sqrt((n - 1) / n * np.nansum((jackknife - np.nanmean(jackknife)) ** 2))
    reach = stats.t.ppf(0.975, n - 1) * spread / (squeezed * (1 - squeezed))
    odds = np.log(squeezed / (1 - squeezed))
    return 1 / (1 + np.exp(-(odds - reach))), 1 / (1 + np.exp(-(odds + reach)))


INTERVALS = {
    "used": used,
    "percentile": percentile,
    "expanded": expanded,
    "BCa": bca,
    "jackknife": logit_t,
}


def holds(number: int, n_specimens: int, accuracy: str, real: dict[str, float]) -> dict:
    """Method and index -> whether the interval of one simulated set holds the truth."""
    rng = generator(number, "coverage", n_specimens)
    outcomes, groups = simulate(n_specimens, accuracy, rng)
    counts = resampled_counts(n_specimens, DRAWS, rng)[:, groups].astype(float)
    without = (groups != np.arange(n_specimens)[:, None]).astype(float)
    once = np.ones((1, len(groups)))
    held = {}
    for index, metric in METRICS.items():
        value = metric(outcomes, once)[0]
        draws, jackknife = metric(outcomes, counts), metric(outcomes, without)
        for name, interval in INTERVALS.items():
            low, high = interval(draws, value, jackknife)
            held[name, index] = low <= real[index] <= high
    right = outcomes.right.sum()
    low, high = wilson_interval(right, len(groups), CONFIDENCE)
    held["Wilson", "ca"] = low <= real["ca"] <= high
    return held


def coverage(n_specimens: int = 30, n_sets: int = 1000) -> None:
    for accuracy in ("fair", "good"):
        real = truth(accuracy)
        run = partial(holds, n_specimens=n_specimens, accuracy=accuracy, real=real)
        with ProcessPoolExecutor(2) as pool:
            held = list(pool.map(run, range(n_sets), chunksize=20))
        print(f"{n_specimens} specimens, {n_sets} sets, a {accuracy} classifier: truth "
              + ", ".join(f"{index} {value:.3f}" for index, value in real.items()))  # fmt: skip
        for name in [*INTERVALS, "Wilson"]:
            shares = {
                index: np.mean([one[name, index] for one in held])
                for index in METRICS
                if (name, index) in held[0]
            }
            print(f"  {name:12}", *(f"{index} {share:.1%}" for index, share in shares.items()))


# Standard deviations of what makes a photo hard: its specimen, for every model alike and for each
# model by itself; the photo, likewise.
SHARED_SPECIMEN, OWN_SPECIMEN, SHARED_PHOTO, OWN_PHOTO = 0.6, 0.4, 0.5, 0.6
SKILLS = {
    "19 equal models": np.full(19, 0.5),
    "19 models of CA 0.57 to 0.75": np.linspace(0.2, 0.7, 19),
    "19 models of CA 0.43 to 0.80": np.linspace(-0.2, 0.9, 19),
    "3 equal models": np.full(3, 0.5),
}
PHOTOS = 6  # of each specimen
ROPE = 0.02


def picked(number: int, n_specimens: int, skills: np.ndarray) -> tuple[float, float, bool, bool]:
    """Of the one picked of many: its own CA and the expected one above the truth; what holds it."""
    rng = generator(number, "selection", n_specimens)
    shape = len(skills), n_specimens, PHOTOS
    score = skills[:, None, None] + np.zeros(shape)
    score += SHARED_SPECIMEN * rng.normal(size=(1, n_specimens, 1))
    score += OWN_SPECIMEN * rng.normal(size=(*shape[:2], 1))
    score += SHARED_PHOTO * rng.normal(size=(1, *shape[1:]))
    score += OWN_PHOTO * rng.normal(size=shape)
    right = (score > 0).mean(axis=2)  # (n_models, n_specimens)
    counts = resampled_counts(n_specimens, DRAWS, rng)
    drawn, left_out = (_of_draws(right, weights) for weights in (counts, counts == 0))
    values = right.mean(axis=1)
    lows = [index_interval(value, of_model, n_specimens, CONFIDENCE).low
            for value, of_model in zip(values, drawn, strict=True)]  # fmt: skip
    # of sizes that have nothing to do with skill
    models = pd.DataFrame({"model": [f"{n:02}" for n in range(len(skills))], "ca": values,
                           "ca_low": lows, "n_parameters": rng.permutation(len(skills))})  # fmt: skip
    best = int(models.index[models["model"] == chosen(models, BEST, ROPE)["model"]][0])
    spread = np.hypot.reduce([SHARED_SPECIMEN, OWN_SPECIMEN, SHARED_PHOTO, OWN_PHOTO])
    real = stats.norm.cdf(skills[best] / spread)
    expected = expected_of_best(smallest_of_the_best(models, drawn, ROPE), left_out)
    own, honest = (
        index_interval(value, drawn[best], n_specimens, CONFIDENCE)
        for value in (values[best], expected)
    )
    return (
        values[best] - real,
        expected - real,
        own.low <= real <= own.high,
        honest.low <= real <= honest.high,
    )


def _of_draws(right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n_models, n_draws): the share of photos named rightly; NaN of a draw of none."""
    total = weights.sum(axis=1)
    return right @ weights.T / np.where(total > 0, total, np.nan)


def selection(n_specimens: int = 40, n_sets: int = 1000) -> None:
    print(f"{n_specimens} specimens, {n_sets} sets: the one picked, above its true CA, and how "
          "often its 95 % interval holds the truth")  # fmt: skip
    for name, skills in SKILLS.items():
        run = partial(picked, n_specimens=n_specimens, skills=skills)
        with ProcessPoolExecutor(2) as pool:
            found = list(pool.map(run, range(n_sets), chunksize=20))
        own, expected, holds_own, holds_expected = np.mean(found, axis=0)
        print(f"  {name:29} its own figure {own:+.3f}, {holds_own:.1%}; "
              f"selection.csv {expected:+.3f}, {holds_expected:.1%}")  # fmt: skip


def _study(root: Path, **sizes) -> int:
    """A study of runs that nobody trained, below ``root``; returns its number of photos."""
    from synthetic_runs import PARAMS, write_study
    from thinsection.params import load_params

    photos = write_study(root, load_params(PARAMS), **sizes)
    (root / "params.yaml").write_bytes(PARAMS.read_bytes())
    (root / "data/paper").symlink_to(TOP / "data/paper")
    return len(photos)


def _run(stage: str, root: Path) -> str:
    """Run a stage; what it took. Seconds of processor hardly mind a busy machine."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, TOP / f"stages/{stage}.py"], cwd=root)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"stage {stage} failed")
    took = time.perf_counter() - start
    peak = used.ru_maxrss / 1024  # Linux counts KiB
    return f"{stage}: {took:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of processor), {peak:.0f} MiB"


def speed() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        n_photos = _study(root, specimens=8, photos=8, size=(96, 144))
        for stage in ("aggregate", "report"):
            print(f"{_run(stage, root)}, {n_photos} photos")
        size = (root / "reports/report.html").stat().st_size
        print(f"report.html: {size / 1e6:.1f} MB")


def memory(n_photos: int = 4000) -> None:
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(1) as pool:
        root = Path(name)
        # by another process: what this one holds would count as the stage's, until it starts
        specimens = n_photos // 4  # of each of four classes
        n_photos = pool.submit(_study, root, specimens=specimens, photos=1).result()
        print(f"{_run('aggregate', root)}, {n_photos} photos, each its own specimen")


if __name__ == "__main__":
    command, *numbers = sys.argv[1:] or ["speed"]
    {"coverage": coverage, "selection": selection, "speed": speed, "memory": memory}[command](
        *map(int, numbers)
    )
