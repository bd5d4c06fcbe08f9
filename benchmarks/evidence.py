"""How well the intervals hold the truth, by simulation, and how long aggregate and report take.

    python benchmarks/evidence.py coverage [specimens] [sets]
    python benchmarks/evidence.py speed

A known classifier names photos of simulated specimens. Specimens differ in how hard they are, so
photos of one specimen err together. The truth is the index on very many specimens; an interval of
95 % should hold it in about 95 % of the simulated sets.
"""

import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests"))

from simulated import simulate, truth  # noqa: E402
from thinsection.metrics import METRICS  # noqa: E402
from thinsection.seeds import generator  # noqa: E402
from thinsection.statistics import index_interval, resampled_counts, wilson_interval  # noqa: E402

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
    right = (outcomes.labels == outcomes.predicted).sum()
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


def _processor_seconds() -> float:
    """Of the programs run so far: unlike the clock it hardly minds a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def speed() -> None:
    from synthetic_runs import PARAMS, write_study
    from thinsection.params import load_params

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        photos = write_study(root, load_params(PARAMS), specimens=8, photos=8, size=(96, 144))
        (root / "params.yaml").write_bytes(PARAMS.read_bytes())
        (root / "data/paper").symlink_to(TOP / "data/paper")
        for stage in ("aggregate", "report"):
            start, busy = time.perf_counter(), _processor_seconds()
            subprocess.run([sys.executable, TOP / f"stages/{stage}.py"], cwd=root, check=True)
            took, used = time.perf_counter() - start, _processor_seconds() - busy
            print(f"{stage}: {took:.1f} s ({used:.1f} s of processor), {len(photos)} photos")
        size = (root / "reports/report.html").stat().st_size
        print(f"report.html: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    command, *numbers = sys.argv[1:] or ["speed"]
    {"coverage": coverage, "speed": speed}[command](*map(int, numbers))
