"""The tables of the study, from the outcomes of its designs."""

from pathlib import Path

import numpy as np
import pandas as pd

from thinsection.base.arrays import Floats, Ints
from thinsection.base.seeds import generator
from thinsection.study.claims import Verdict, of_cause, of_cure, of_fall
from thinsection.study.effects import (
    Estimate,
    Resampled,
    estimate,
    factorial_effects,
    slope,
    specimens_needed,
)
from thinsection.study.settings import DesignSettings, StudySettings
from thinsection.study.training import Outcomes

FACTORS = {"initialisation": "he", "normalisation": "none", "shortcuts": False}
SWEEP = 3  # depths, from which on a trend is measured


class Study:
    """The outcomes of all designs that were trained, and draws of specimens for all alike."""

    def __init__(self, folder: Path, settings: StudySettings, group_of: Ints) -> None:
        self.settings, self.group_of = settings, group_of
        self.outcomes = {
            name: Outcomes(
                np.load(folder / name / "right.npy"), pd.read_csv(folder / name / "networks.csv")
            )
            for name in settings.designs
            if (folder / name / "right.npy").is_file()
        }
        self._draws: dict[str, Floats] = {}

    @property
    def n_specimens(self) -> int:
        """How many there are."""
        return int(self.group_of.max()) + 1

    def design(self, name: str) -> DesignSettings:
        """The settings of a design."""
        return self.settings.designs[name]

    def draws(self, name: str) -> Floats:
        """(1 + n_draws, n_depths) accuracies; those of designs with as many repeats from the same draws."""
        if name not in self._draws:
            right = self.outcomes[name].right
            rng = generator(self.settings.seed, "study", "draws")
            n_draws = self.settings.bootstrap_draws
            resampled = Resampled(self.group_of, right.shape[1], n_draws, rng)
            self._draws[name] = resampled.accuracies(right)
        return self._draws[name]

    def estimate(self, draws: Floats) -> Estimate:
        """With the study's confidence."""
        return estimate(draws, self.settings.confidence)


def trends(study: Study) -> pd.DataFrame:
    """Each sweep's change of held-out accuracy for each ten layers, and what would decide the paper's."""
    rows = []
    for name, outcomes in study.outcomes.items():
        depths = study.design(name).depths
        if len(depths) < SWEEP:
            continue
        found = study.estimate(slope(study.draws(name), depths))
        learned = outcomes.networks.groupby("depth")["train_accuracy"].mean()
        accuracies = study.draws(name)[0]
        rows.append(
            {
                "design": name,
                "slope": found.value,
                "low": found.low,
                "high": found.high,
                "shallowest": accuracies[0],
                "deepest": accuracies[-1],
                "learned_shallowest": learned.iloc[0],
                "learned_deepest": learned.iloc[-1],
                "specimens_needed": specimens_needed(
                    found, study.n_specimens, study.settings.claimed_fall, study.settings.confidence
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
    """The effect of first weights, normalisation and shortcuts, each as a mean over the others."""
    names = [name for name in study.outcomes if set(study.design(name).changes) == set(FACTORS)]
    if not names:
        return pd.DataFrame()
    factors = pd.DataFrame([study.design(name).changes for name in names], index=names)
    factors = factors[list(FACTORS)]
    by_design = {name: study.draws(name) for name in names}
    return factorial_effects(by_design, factors, study.settings.confidence)


def claims(study: Study) -> list[Verdict]:
    """Each claim of the paper that these designs can say something of."""
    settings = study.settings
    found = []
    for name, words in (
        ("paper", "as the paper's tables look, on pixels"),
        ("paper-variants", "the same with augmented photos"),
        ("paper-embedding", "the same on the embedding of a pretrained network"),
        ("mlp", "scikit-learn's MLPClassifier, on pixels"),
        ("product", "the network of this project, on pixels"),
    ):
        if name in study.outcomes:
            fall = study.estimate(slope(study.draws(name), study.design(name).depths))
            found.append(
                Verdict(
                    f"More hidden layers reduce accuracy ({words})",
                    f"{shown(fall, 3)} for each {10} layers",
                    of_fall(fall, settings.claimed_fall),
                )
            )
    plain, normal, past = "glorot-none", "glorot-batch", "glorot-none-shortcuts"
    if {plain, normal} <= set(study.outcomes):
        networks = study.outcomes[plain].networks
        deep = networks["depth"] == networks["depth"].max()
        left = float(np.exp(np.log(networks.loc[deep, "signal_first"].clip(1e-30)).mean()))
        kept = study.estimate(study.draws(normal)[:, -1] - study.draws(plain)[:, -1])
        found.append(
            Verdict(
                "... because the gradient vanishes (Glorot's first weights)",
                f"{left:.2g} of the signal is left at {networks['depth'].max()} layers; batch "
                f"normalisation, which keeps it, changes accuracy there by {shown(kept, 3)}",
                of_cause(kept, left < settings.faded),
            )
        )
    if {plain, past} <= set(study.outcomes):
        change = study.draws(past) - study.draws(plain)
        cured = study.estimate(change[:, -1] - change[:, 0])
        found.append(
            Verdict(
                "Shortcuts cure what depth does (in these networks)",
                f"they change the difference between the deepest and the shallowest by {shown(cured, 3)}",
                of_cure(cured, settings.claimed_fall),
            )
        )
    return found


def shown(found: Estimate, digits: int) -> str:
    """An estimate with its interval, signed."""
    return f"{found.value:+.{digits}f} ({found.low:+.{digits}f} to {found.high:+.{digits}f})"
