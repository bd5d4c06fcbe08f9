"""Names of models in sentences."""

from thinsection.families import FAMILIES
from thinsection.report.evidence import Evidence
from thinsection.report.wording import (
    in_words,
)

FEW = 3  # up to this many models of a family are listed one by one


def named(evidence: Evidence, models: list[str]) -> list[str]:
    """Titles of models; those of a family of many depths are combined."""
    family_of = evidence["models"].set_index("model")["family"]
    together = [
        key
        for key, family in FAMILIES.items()
        if family.depth and sum(family_of[model] == key for model in models) > FEW
    ]
    single = [evidence.titles[model] for model in models if family_of[model] not in together]
    return [*single, *(_of_family(evidence, key, models) for key in together)]


def _of_family(evidence: Evidence, key: str, models: list[str]) -> str:
    """Many models of one family in a few words, shallow to deep."""
    family = FAMILIES[key]
    every = [str(row["model"]) for _, row in evidence["models"].iterrows() if row["family"] == key]
    named = [model for model in every if model in models]
    rest = [evidence.titles[model] for model in every if model not in models]
    if not rest:
        return f"all {len(every)} {family.short_plural}"
    depths = ", ".join(str(evidence.runs[model].depth) for model in named)
    assert family.depth is not None
    which = f"all but {in_words(rest)}" if len(rest) <= 2 else f"with {depths} {family.depth.title}"
    return f"{len(named)} of {len(every)} {family.short_plural} ({which})"
