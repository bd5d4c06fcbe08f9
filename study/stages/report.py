"""Stage report: the tables of a study, and its page in docs with figures."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from thinsection.base.files import writing
from thinsection.console.stage import run

DOCS = Path("docs")


def main(study: str) -> None:
    """Write the tables and the page from what was trained."""
    from thinsection.study.findings.page import draw_depths, draw_numbers, page
    from thinsection.study.findings.tables import Study, tables_of
    from thinsection.study.findings.verdicts import verdicts
    from thinsection.study.settings import read_settings

    settings = read_settings(Path(study))
    found = Study(Path(study) / "data", settings)
    claims = pd.DataFrame([asdict(each) for each in verdicts(found)])
    tables = tables_of(found) | {"claims": claims}
    folder = Path(study) / "tables"
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    draw_depths(tables["depths"], DOCS / f"figures/{settings.page}-depth.png")
    if settings.numbers:
        draw_numbers(tables["numbers"], DOCS / f"figures/{settings.page}-numbers.png")
    file = DOCS / f"{settings.page}.md"
    with writing(file) as partial:
        partial.write_text(page(found, tables, Path(study)), encoding="utf-8", newline="\n")
    print(f"{file}: {len(found.outcomes)} of {len(settings.designs)} designs")


if __name__ == "__main__":
    run(main)
