"""The mean of the probabilities of all runs of another family."""

from collections.abc import Sequence
from typing import ClassVar

from thinsection.families.family import Effort, Family
from thinsection.settings import FamilySettings, Name


class AverageSettings(FamilySettings):
    """Averages: one run for each family named, which needs two runs or more."""

    RUN_LIST: ClassVar[str] = "of"
    MAY_BE_EMPTY: ClassVar[bool] = True
    of: list[Name]  # keys of FAMILIES


def _title(family: str) -> str:
    from thinsection.families import FAMILIES  # of which this is one

    return f"mean of the {FAMILIES[family].short_plural}"


def _colours(names: Sequence[str]) -> list[str]:
    return ["#0b3c5d"] * len(names)


FAMILY = Family(
    title="average",
    plural="averages",
    short_plural="averages",
    section="average",
    settings=AverageSettings,
    module=__name__,  # without fit_folds: its members are trained as they are
    run_title=_title,
    run_prefix="average-",
    colours=_colours,
    colour="#0b3c5d",
    mark=("*", "stars"),
    learns_from=lambda settings: f"the probabilities of: {', '.join(settings.of)}",
    exported_as="mean",
    keeps_state=False,
    cost=lambda _name, _settings, _work: Effort(),
    learning_curve="never",
)
