"""A run: one classifier of the comparison."""

from dataclasses import dataclass
from pathlib import Path

from thinsection.base.places import RUNS
from thinsection.families import FAMILIES


@dataclass(frozen=True)
class Run:
    """One classifier of the comparison, e.g. family ``fcnn`` and name ``2``."""

    family: str
    name: str

    @property
    def model(self) -> str:
        """The id in every table: ``fcnn-2``, ``resnet-18``, ``decision_tree``."""
        return f"{FAMILIES[self.family].run_prefix}{self.name}"

    @property
    def title(self) -> str:
        """The title: ``FCNN-2``, ``ResNet-18``, ``decision tree``."""
        return FAMILIES[self.family].run_title(self.name)

    @property
    def depth(self) -> int | None:
        """Hidden layers of an FCNN, layers of a ResNet, None for a classical classifier."""
        return int(self.name) if FAMILIES[self.family].depth else None

    @property
    def stage(self) -> str:
        """The stage of dvc.yaml that trains it."""
        return f"{self.family}@{self.name}"

    def folder(self, runs: Path = RUNS) -> Path:
        """The folder of the run's files."""
        return runs / self.family / self.name
