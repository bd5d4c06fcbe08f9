"""The tables of the study, from the outcomes of its designs."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Bools, Floats, Ints
from thinsection.base.seeds import generator
from thinsection.dataset.packed import read_dataset
from thinsection.learning.examples.examples import groups_of
from thinsection.study.designs.networks import Outcomes
from thinsection.study.designs.numbers import draws_of
from thinsection.study.findings.effects import (
    Estimate,
    Resampled,
    estimate,
    factorial_effects,
    slope,
    specimens_needed,
)
from thinsection.study.settings import DesignSettings, StudySettings

# factorial experiments, by what they vary
EXPERIMENTS = {
    "weights": ["initialisation", "normalisation", "shortcuts"],
    "stop": ["initialisation", "batch_size", "patience"],
}
CHOICE = ["learning_rate", "batch_size"]
SWEEP = 3  # hidden-layer depths, from which on a trend is measured


class Study:
    """
    The outcomes of all designs that were trained, and draws of specimens for all alike.

    Parameters
    ----------
    data : folder of photos, designs and numbers, as the stages write them
    """

    def __init__(self, data: Path, settings: StudySettings) -> None:
        self.settings = settings
        # (n_samples,) the specimen of each sample, for each set of photos
        self.groups: dict[str, Ints] = {}
        # classifier -> (n_numbers, n_draws, n_tested) whether each tested sample was named rightly
        self.by_number: dict[str, Bools] = {}
        for name in settings.photos:
            if (data / "photos" / name).is_dir():
                self.groups[name] = groups_of(read_dataset(data / "photos" / name))
        self.outcomes = {
            name: Outcomes(
                np.load(data / "designs" / name / "right.npy"),
                pd.read_csv(data / "designs" / name / "networks.csv"),
            )
            for name in settings.designs
            if (data / "designs" / name / "right.npy").is_file()
        }
        if settings.numbers:
            self.by_number = {
                name: np.load(data / "numbers" / name / "right.npy")
                for name in settings.numbers.runs
                if (data / "numbers" / name / "right.npy").is_file()
            }
            if self.by_number:
                photos = read_dataset(data / "photos" / settings.numbers.photos)
                seed = settings.photos[settings.numbers.photos].seed
                held_out = draws_of(photos, settings.numbers, seed)[0][0].held_out
                self.tested = np.unique(groups_of(photos)[held_out], return_inverse=True)[1]
        self._draws: dict[str, Floats] = {}

    def design(self, name: str) -> DesignSettings:
        """The settings of a design."""
        return self.settings.designs[name]

    def n_specimens(self, photos: str) -> int:
        """How many there are in a set of photos."""
        return int(self.groups[photos].max()) + 1

    def draws(self, name: str) -> Floats:
        """(1 + n_draws, n_depths) accuracies; those of designs on the same photos from the same draws."""
        if name not in self._draws:
            photos, right = self.design(name).photos, self.outcomes[name].right
            self._draws[name] = self._accuracies(photos, self.groups[photos], right)
        return self._draws[name]

    def number_draws(self, name: str) -> Floats:
        """(1 + n_draws, n_numbers) accuracies of a classifier trained on each number of specimens."""
        if name not in self._draws:
            assert self.settings.numbers
            photos, right = self.settings.numbers.photos, self.by_number[name]
            self._draws[name] = self._accuracies(photos, self.tested, right)
        return self._draws[name]

    def _accuracies(self, photos: str, group_of: Ints, right: Bools) -> Floats:
        rng = generator(self.settings.photos[photos].seed, "study", "draws")
        n_draws = self.settings.bootstrap_draws
        return Resampled(group_of, right.shape[1], n_draws, rng).accuracies(right)

    def estimate(self, draws: Floats) -> Estimate:
        """With the study's confidence."""
        return estimate(draws, self.settings.confidence)


def tables_of(study: Study) -> dict[str, pd.DataFrame]:
    """All tables but that of the claims, by name."""
    return {
        "trends": trends(study),
        "depths": depths(study),
        "factorial": factorial(study),
        "numbers": numbers(study),
        "choice": choice(study),
    }


def trends(study: Study) -> pd.DataFrame:
    """Each sweep's change of held-out accuracy for each ten layers, and what would decide the paper's."""
    rows = []
    for name, outcomes in study.outcomes.items():
        design = study.design(name)
        if len(design.depths) < SWEEP or design.family == "resnet":
            continue
        found = study.estimate(slope(study.draws(name), design.depths))
        learned = outcomes.networks.groupby("depth")["train_accuracy"].mean()
        accuracies = study.draws(name)[0]
        n_specimens = study.n_specimens(design.photos)
        rows.append(
            {
                "design": name,
                "specimens": n_specimens,
                "trainings": design.repeats * study.settings.folds,
                "slope": found.value,
                "low": found.low,
                "high": found.high,
                "shallowest": accuracies[0],
                "deepest": accuracies[-1],
                "learned_shallowest": learned.iloc[0],
                "learned_deepest": learned.iloc[-1],
                "specimens_needed": specimens_needed(
                    found, n_specimens, study.settings.claimed_fall, study.settings.confidence
                ),
            }
        )
    return pd.DataFrame(rows)


def depths(study: Study) -> pd.DataFrame:
    """Each design at each depth: accuracy with its interval, training accuracy, signals."""
    rows = []
    for name, outcomes in study.outcomes.items():
        facts = outcomes.networks.groupby("depth").mean(numeric_only=True)
        for place, depth in enumerate(study.design(name).depths):
            found = study.estimate(study.draws(name)[:, place])
            row = {"design": name, "depth": depth, "ca": found.value, "ca_low": found.low,
                   "ca_high": found.high}  # fmt: skip
            rows.append(row | facts.loc[depth].drop(["repeat", "fold"]).to_dict())
    return pd.DataFrame(rows)


def factorial(study: Study) -> pd.DataFrame:
    """The effect of each setting that an experiment varies, as a mean over all levels of the others."""
    found = []
    for experiment in EXPERIMENTS:
        if names := designs_of(study, experiment):
            factors = pd.DataFrame([study.design(name).changes for name in names], index=names)
            by_design = {name: study.draws(name) for name in names}
            effects = factorial_effects(by_design, factors, study.settings.confidence)
            found.append(effects.assign(experiment=experiment))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def designs_of(study: Study, experiment: str) -> list[str]:
    """The designs of a factorial experiment; none unless every combination of levels was trained."""
    factors = EXPERIMENTS[experiment]
    by_photos: dict[str, list[str]] = {}
    for name in study.outcomes:
        if list(study.design(name).changes) == factors:
            by_photos.setdefault(study.design(name).photos, []).append(name)
    for names in by_photos.values():
        levels = [{study.design(name).changes[factor] for name in names} for factor in factors]
        if len(names) == np.prod([len(each) for each in levels]) and len(names) > 1:
            return names
    return []


def numbers(study: Study) -> pd.DataFrame:
    """The accuracy of each classifier trained on each number of specimens of each mineral."""
    rows = []
    for name in study.by_number:
        assert study.settings.numbers
        for place, number in enumerate(study.settings.numbers.specimens):
            found = study.estimate(study.number_draws(name)[:, place])
            rows.append({"classifier": name, "specimens": number, "ca": found.value,
                         "ca_low": found.low, "ca_high": found.high})  # fmt: skip
    return pd.DataFrame(rows)


def choice(study: Study) -> pd.DataFrame:
    """
    The settings tried for the ResNets, and the one that the rule takes.

    The rule is that of one standard error (Breiman et al. 1984): of all settings whose mean accuracy
    over the depths is within one standard error, of the difference, of the best, those with the
    largest batch, which cost least, and of these the best.
    """
    names = [name for name in study.outcomes if list(study.design(name).changes) == CHOICE]
    if not names:
        return pd.DataFrame()
    draws = {name: study.draws(name).mean(axis=1) for name in names}
    best = max(names, key=lambda name: draws[name][0])
    rows = []
    for name in names:
        below = draws[best] - draws[name]
        rows.append({"design": name, **study.design(name).changes, "ca": draws[name][0],
                     "below_best": below[0], "standard_error": below[1:].std()})  # fmt: skip
    table = pd.DataFrame(rows)
    near = table[table["below_best"] <= table["standard_error"]]
    taken = near.sort_values(["batch_size", "ca"]).iloc[-1]["design"]
    return table.assign(taken=table["design"] == taken)
