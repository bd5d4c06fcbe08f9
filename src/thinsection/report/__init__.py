"""From tables to figures and one HTML page that opens offline. Nothing is computed here."""

from pathlib import Path

from thinsection.params import Params
from thinsection.report.evidence import read_evidence
from thinsection.report.page import render

__all__ = ["write_report"]


def write_report(params: Params, folder: Path, root: Path = Path()) -> None:
    """
    Write report.html and figures/ into ``folder``.

    Parameters
    ----------
    params : the settings of the run
    folder : replaced by the new report
    root : the project's top folder, which contains metrics/ and data/

    Raises
    ------
    InputError
        If a table that aggregate writes is missing.
    """
    evidence = read_evidence(params, root)
    page = render(evidence, folder / "figures")
    (folder / "report.html").write_text(page, encoding="utf-8", newline="\n")
