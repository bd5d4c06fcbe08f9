"""From tables to figures and one HTML page that opens offline. Nothing is computed here."""

from pathlib import Path

from thinsection.params import Params
from thinsection.report.drawing import without_png
from thinsection.report.evidence import read_evidence
from thinsection.report.page import render

__all__ = ["write_report"]

# The same for every report: the stage `final` names this file to run after the report, and so a final
# model that can't be made costs no report, and a new report fits no model again.
ABOUT = """\
report.html opens in any browser, without a network; everything it shows is within that one file.
figures/ has its figures as PNG and SVG, to paste elsewhere.
"""


def write_report(params: Params, folder: Path, root: Path = Path()) -> str:
    """
    Write report.html, figures/ and about.txt into ``folder``.

    A figure with letters that no font of this machine has is written as SVG alone, whose text a
    reader's own fonts show.

    Parameters
    ----------
    params : the settings of the run
    folder : replaced by the new report
    root : the project's top folder, which contains metrics/ and data/

    Returns
    -------
    A note that names the figures without PNG; empty if there are none.

    Raises
    ------
    InputError
        If a table that aggregate writes is missing.
    """
    evidence = read_evidence(params, root)
    page = render(evidence, folder / "figures")
    (folder / "report.html").write_text(page, encoding="utf-8", newline="\n")
    (folder / "about.txt").write_text(ABOUT, encoding="utf-8", newline="\n")
    return without_png(folder / "figures", evidence.dataset.classes)
