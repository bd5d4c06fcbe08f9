"""Stage report: reports/report.html and reports/figures/, from the tables of aggregate."""

from pathlib import Path

from thinsection.base.files import writing_folder
from thinsection.console import stage
from thinsection.params import load_params
from thinsection.report import write_report


def main() -> None:
    """Write the whole folder."""
    with writing_folder(Path("reports")) as folder:
        if note := write_report(load_params(), folder):
            print(note)


if __name__ == "__main__":
    stage.run(main)
