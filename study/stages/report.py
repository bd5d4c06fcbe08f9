"""Stage report: study/tables, and the page docs/study.md with its figure."""

from pathlib import Path

from thinsection.base.files import writing
from thinsection.console.stage import run
from thinsection.dataset.packed import read_dataset

TABLES, DOCS = Path("study/tables"), Path("docs")


def main() -> None:
    """Write the tables and the page from the designs that were trained."""
    from thinsection.study import tables
    from thinsection.study.page import draw, page
    from thinsection.study.photos import groups_of
    from thinsection.study.settings import read_settings

    settings = read_settings()
    groups = groups_of(read_dataset(Path("study/data/photos")))
    study = tables.Study(Path("study/data/designs"), settings, groups)
    found = {
        "trends": tables.trends(study),
        "depths": tables.depths(study),
        "factorial": tables.factorial(study),
    }
    TABLES.mkdir(exist_ok=True)
    for name, table in found.items():
        table.to_csv(TABLES / f"{name}.csv", index=False, float_format="%.6g")
    draw(study, found["depths"], DOCS / "figures/study-depth.png")
    text = page(study, found, tables.claims(study))
    with writing(DOCS / "study.md") as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    print(f"{DOCS / 'study.md'}: {len(study.outcomes)} of {len(settings.designs)} designs")


if __name__ == "__main__":
    run(main)
