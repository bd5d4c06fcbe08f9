"""How well intervals and tests hold when classifiers are trained again on other specimens.

    python benchmarks/refitting.py [sets, 300 by default] [specimens, by default 12 24 40]

benchmarks/evidence.py asks the same of trained classifiers that stay as they are. Here each simulated set
of specimens is cross-validated anew, with one repeat and with five, and the truth is what training on
such sets reaches on average: chance where labels mean nothing, otherwise the mean over all sets. An
interval of 95 % should hold it in 95 % of the sets, and a test at .05 find a difference between two
classifiers that are equally good in 5 %.

Three kinds of sets, of four classes and four photos of each specimen: labels that mean something
(signal), labels dealt at random to specimens without any order (noise), and to specimens that lie in four
clumps, as minerals do (clumps): there a classifier gives all specimens of a clump one name, rightly or not.
Naive Bayes, a linear classifier, a tree and a forest each run twice: the first two on other features of
the same specimens, equally good, the last two on the same features with other seeds.
"""

import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from thinsection.base.seeds import generator
from thinsection.evidence.estimates import estimate
from thinsection.evidence.metrics import Outcomes
from thinsection.evidence.statistics import sign_flip

N_CLASSES, PHOTOS, WIDTH, FOLDS, REPEATS = 4, 4, 12, 3, 5
DRAWS = 400
CLASSIFIERS = {
    "naive Bayes": lambda _: GaussianNB(),
    "linear": lambda _: LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2),
    "tree": lambda seed: DecisionTreeClassifier(min_samples_leaf=2, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(20, random_state=seed),
}
ON_OTHER_FEATURES = ("naive Bayes", "linear")
# how far classes, or clumps, lie apart in units of the spread of specimens
KINDS = {"signal": 0.8, "noise": 0.0, "clumps": 1.2}


def drawn(kind: str, n_specimens: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(2, n_photos, WIDTH) features of two kinds, and (n_specimens,) labels."""
    clump = np.arange(n_specimens) % N_CLASSES
    means = np.zeros((N_CLASSES, WIDTH))
    for number in range(N_CLASSES):
        means[number, number::N_CLASSES] = KINDS[kind]
    specimens = means[clump] + rng.normal(size=(2, n_specimens, WIDTH))
    photos = np.repeat(specimens, PHOTOS, axis=1)
    photos += 0.7 * rng.normal(size=photos.shape)
    return photos, clump if kind == "signal" else rng.permutation(clump)


def refitted(number: int, kind: str, n_specimens: int) -> list[list[Outcomes]]:
    """The outcomes of every classifier and repeat on one set."""
    warnings.simplefilter("ignore")  # of classes without a specimen in a fold
    rng = generator(number, "refitting", kind, n_specimens)
    features, of_specimens = drawn(kind, n_specimens, rng)
    labels, specimen = np.repeat(of_specimens, PHOTOS), np.repeat(np.arange(n_specimens), PHOTOS)
    found: list[list[Outcomes]] = [[] for _ in range(2 * len(CLASSIFIERS))]
    for _ in range(REPEATS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
        parts = [held for _, held in folds.split(of_specimens, of_specimens)]
        for place in range(len(found)):
            name = list(CLASSIFIERS)[place // 2]
            x = features[place % 2 if name in ON_OTHER_FEATURES else 0]
            chances = np.zeros((len(labels), N_CLASSES))
            for part in parts:
                held = np.isin(specimen, part)
                classifier = CLASSIFIERS[name](int(rng.integers(2**31)))
                classifier.fit(x[~held], labels[~held])
                chances[np.ix_(held, classifier.classes_)] = classifier.predict_proba(x[held])
            found[place].append(Outcomes(labels, chances.argmax(axis=1), chances))
    return found


def judged(number: int, kind: str, n_specimens: int) -> dict[int, tuple[np.ndarray, ...]]:
    """Number of repeats -> accuracies, ends of their intervals, and p-values of the pairs of alike ones."""
    outcomes = refitted(number, kind, n_specimens)
    groups = np.repeat(np.arange(n_specimens), PHOTOS).astype(str)
    found = {}
    for repeats in (1, REPEATS):
        used = [each[:repeats] for each in outcomes]
        rng = generator(number, "draws", kind, n_specimens)
        estimates = estimate(used, groups, DRAWS, rng, 1 / (FOLDS - 1))
        ends = np.array([estimates.interval("ca", place, 0.95) for place in range(len(used))])
        right = np.array([np.mean([o.right for o in each], axis=0) for each in used])
        by_specimen = right.reshape(len(used), n_specimens, PHOTOS).sum(axis=2)
        flips = sign_flip((by_specimen[::2] - by_specimen[1::2]).T, 2000, rng)
        pairs = [estimates.difference("ca", p, p + 1) for p in range(0, len(used), 2)]
        by_error = [estimates.p_of_sum("ca", pair) for pair in pairs]
        found[repeats] = estimates.values["ca"], ends, flips, np.array(by_error)
    return found


def main(n_sets: int, sizes: list[int]) -> None:
    for kind in KINDS:
        for n_specimens in sizes:
            run = partial(judged, kind=kind, n_specimens=n_specimens)
            with ProcessPoolExecutor(2) as pool:
                sets = list(pool.map(run, range(n_sets), chunksize=5))
            truth = np.mean([found[REPEATS][0] for found in sets], axis=0)
            if kind != "signal":
                truth[:] = 1 / N_CLASSES
            print(f"{kind}, {n_specimens} specimens, {n_sets} sets: accuracy "
                  + ", ".join(f"{name} {value:.2f}" for name, value in
                              zip(CLASSIFIERS, truth[::2], strict=True)))  # fmt: skip
            for repeats in (1, REPEATS):
                ends = np.array([found[repeats][1] for found in sets])
                held = ((ends[..., 0] <= truth) & (truth <= ends[..., 1])).mean(axis=0)
                print(f"  {repeats} repeats: 95 % intervals hold it in {held.mean():.1%} "
                      f"({held.min():.1%} to {held.max():.1%})")  # fmt: skip
                for test, place in (("sign flips", 2), ("used", 3)):
                    p_values = np.array([found[repeats][place] for found in sets])
                    shares = (p_values < 0.05).mean(axis=0)
                    if repeats > 1 or test == "sign flips":
                        print(f"    p < .05 by {test}: " + ", ".join(
                            f"{name} {share:.1%}" for name, share in
                            zip(CLASSIFIERS, shares, strict=True)))  # fmt: skip


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(given[0] if given else 300, given[1:] or [12, 24, 40])
