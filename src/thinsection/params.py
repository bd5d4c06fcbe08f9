"""params.yaml as typed, frozen settings. No other module opens the file."""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast, get_args

import yaml
from pydantic import BaseModel, NonNegativeInt, ValidationError, create_model, model_validator

from thinsection.base.errors import InputError
from thinsection.families import FAMILIES
from thinsection.families.run import Run
from thinsection.learning.contract import FitSettings
from thinsection.settings import (
    AugmentSettings,
    BackboneSettings,
    ComputeSettings,
    DatasetSettings,
    EmbeddingSettings,
    EvidenceSettings,
    FamilySettings,
    Features,
    FinalSettings,
    IngestSettings,
    PixelSettings,
    RenderSettings,
    Settings,
    SplitSettings,
    TrainingSettings,
)

PARAMS_FILE = Path("params.yaml")


class Params(Settings):
    """
    The whole of params.yaml.

    In addition to the fields below it has one for the section of each family (``_with_families``).
    """

    seed: NonNegativeInt
    dataset: DatasetSettings
    render: RenderSettings
    ingest: IngestSettings
    split: SplitSettings
    augment: AugmentSettings
    training: TrainingSettings
    pixels: PixelSettings
    embedding: EmbeddingSettings
    evidence: EvidenceSettings
    final: FinalSettings
    compute: ComputeSettings

    if TYPE_CHECKING:

        def __getattr__(self, section: str) -> Any:
            """Return the section of a family."""

    @model_validator(mode="after")
    def _lists_name_runs(self) -> Self:
        for family in FAMILIES.values():
            settings = getattr(self, family.section)
            runs = getattr(settings, settings.RUN_LIST)
            too_few = not runs and not settings.MAY_BE_EMPTY
            if too_few or len(set(runs)) != len(runs):
                raise ValueError(
                    f"{family.section}.{settings.RUN_LIST} is {runs}; allowed: one or more "
                    "entries, each once"
                )
        return self

    @model_validator(mode="after")
    def _averages_have_members(self) -> Self:
        for key in self.average.of:
            several = [k for k, f in FAMILIES.items() if len(getattr(self, f.section).runs) > 1]
            allowed = [k for k in several if FAMILIES[k].exported_as != "mean"]
            if key not in allowed:
                raise ValueError(
                    f"average.of is {self.average.of}, but {key!r} is no family with two runs or more "
                    f"to average; allowed: {', '.join(allowed)}, or [] for no average"
                )
        return self

    def family_settings(self, family: str) -> FamilySettings:
        """The section of a family, by its name in ``FAMILIES``."""
        return cast(FamilySettings, getattr(self, FAMILIES[family].section))

    def fit_settings(self, family: str) -> FitSettings:
        """The settings that the training of a family's classifiers depends on."""
        return FitSettings(
            self.seed, self.family_settings(family), self.training, self.augment, self.compute
        )

    @property
    def runs(self) -> list[Run]:
        """All runs in the families' lists, family by family."""
        return [
            Run(family, name) for family in FAMILIES for name in self.family_settings(family).runs
        ]

    def members(self, run: Run) -> list[Run]:
        """The runs that are trained for a run: those that it is the mean of, or itself."""
        if FAMILIES[run.family].exported_as != "mean":
            return [run]
        return [Run(run.name, name) for name in self.family_settings(run.name).runs]

    @property
    def backbones(self) -> dict[str, BackboneSettings]:
        """Key -> settings of each pretrained network that this comparison needs."""
        sections = {f.section: getattr(self, f.section) for f in FAMILIES.values()}
        used = {
            f"{section}.{name}": getattr(settings, name, None)
            for section, settings in sections.items()
            for name in settings.runs
        }
        found = {key: own for key, own in used.items() if isinstance(own, BackboneSettings)}
        if any("embedding" in settings.kinds for settings in sections.values()):
            found["embedding"] = self.embedding
        return found

    @property
    def early_stopping(self) -> dict[str, float]:
        """Key -> share of the training specimens to set aside, of each family that does so."""
        name = "early_stopping_share"
        sections = {f.section: getattr(self, f.section) for f in FAMILIES.values()}
        return {
            f"{key}.{name}": getattr(s, name) for key, s in sections.items() if hasattr(s, name)
        }

    def plan(self) -> dict[str, Any]:
        """
        The content of params.yaml in the parts that stages depend on (data/plan), by name.

        ``valid``: that it was checked. ``runs``: the classifiers there are. ``averages``: those
        whose mean is one too. ``families``: all that
        the training of each family depends on. ``leakage``: the same of the family that the stage
        leakage trains, of all where that depends on the ranking. And for each kind of features its settings, and
        of what the families ask for it: nothing, photos, or photos and variants.
        """
        sections = {key: self.family_settings(key) for key in FAMILIES}
        asked = dict.fromkeys(get_args(Features), "nothing")
        for of_photos in (s for s in sections.values() if not s.takes_variants):
            asked |= dict.fromkeys(of_photos.kinds, "photos")
        for of_both in (s for s in sections.values() if s.takes_variants):
            asked |= dict.fromkeys(of_both.kinds, "photos and variants")
        families = {key: self.fit_settings(key).content() for key in FAMILIES}
        # a cheap one learns from no variants
        cheap = {k: v for k, v in families["baseline"].items() if k != "operators"}
        measured = families if self.evidence.leakage_model == "best" else {"baseline": cheap}
        return {
            "valid": True,
            "runs": [run.model for run in self.runs],
            "averages": {key: self.family_settings(key).runs for key in self.average.of},
            "families": families,
            "leakage": measured,
        } | {
            kind: {"asked": of_what} | (self.model_dump(mode="json").get(kind) or {})
            for kind, of_what in asked.items()
        }


def load_params(path: Path = PARAMS_FILE) -> Params:
    """
    The settings of a run.

    Raises
    ------
    InputError
        With every unknown key, missing key and value out of range.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file. Run from the top folder of the project, where params.yaml is."
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML. {error}") from None
    try:
        return params_of(raw)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise InputError.of_all(str(path), problems) from None


def params_of(content: Any) -> Params:
    """
    The settings from the parsed YAML of a params.yaml.

    Raises
    ------
    pydantic.ValidationError
        With every problem.
    """
    return _with_families().model_validate(content)


def _with_families() -> type[Params]:
    sections: dict[str, Any] = {f.section: (f.settings, ...) for f in FAMILIES.values()}
    return create_model("Params", __base__=Params, **sections)


def _explain(problem: Any) -> str:
    """One line for the user: the key, its value, what is allowed."""
    where = [part for part in problem["loc"] if not str(part).startswith("function-after[")]
    key = ".".join(str(part) for part in where) or "the file"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        close = get_close_matches(str(where[-1]), known, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        return (
            f"{key} is not a known key. {hint}Known here: {', '.join(known)}. Remove or rename it."
        )
    if problem["type"] == "missing":
        return f"{key} is missing. Add it; `git diff params.yaml` shows what was changed."
    if problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
        return f"{key} is {message}" if where else message
    allowed = problem["msg"].removeprefix("Input should be ")
    return f"{key} is {problem['input']!r}; allowed: {allowed}. Correct it."


def _known_keys(where: list[Any]) -> list[str]:
    settings: type[BaseModel] = _with_families()
    for part in where:
        field = settings.model_fields.get(str(part))
        annotation = field.annotation if field else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        settings = annotation
    return list(settings.model_fields)
