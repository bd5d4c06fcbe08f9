"""Whether a study folder is of the installed version: its results are those of that code."""

from hashlib import sha256
from pathlib import Path

from thinsection import __version__
from thinsection.base.errors import InputError

INSTALLED = Path("installed")  # of a study folder; a clone of the repository has src instead
VERSION = "version.txt"
PACKAGE = Path(__file__).parents[1]


def hashes_of(folder: Path, within: Path) -> dict[str, str]:
    """Path relative to ``within`` -> SHA-256 of every file in a folder (or of a file), in order."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    return {
        path.relative_to(within).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    }


def version_and_code() -> str:
    """What the file ``VERSION`` of a study folder says: the version, and a hash of all code."""
    hashes = hashes_of(PACKAGE, PACKAGE)
    lines = "\n".join(f"{name} {value}" for name, value in hashes.items())
    return f"{__version__}\n{sha256(lines.encode()).hexdigest()}\n"


def check_installed(study: Path = Path()) -> None:
    """
    Stop in a study folder that was made for another version than the installed one.

    Otherwise DVC would take results of the old code for results of the new.

    Raises
    ------
    InputError
        With both versions.
    """
    file = study / INSTALLED / VERSION
    if not file.is_file():
        return
    made_for = file.read_text(encoding="utf-8")
    if made_for != version_and_code():
        old = made_for.partition("\n")[0]
        changed = "" if old != __version__ else ", whose code has changed since"
        raise InputError(
            f"This study is set up for thinsection {old}, and {__version__} is installed{changed}. Run "
            "`thinsection upgrade`: it says what changes and which results will be made again."
        )
