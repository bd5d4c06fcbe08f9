"""Stop a release whose tag, code, citation and CHANGELOG name different versions."""

import re
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]


def named(top: Path) -> dict[str, str]:
    """The version that each file names; empty if it names none."""

    def found(file: str, pattern: str) -> str:
        match = re.search(pattern, (top / file).read_text(encoding="utf-8"), re.MULTILINE)
        return match[1] if match else ""

    return {
        "src/thinsection/__init__.py": found(
            "src/thinsection/__init__.py", r'^__version__ = "(.+)"$'
        ),
        "CITATION.cff": found("CITATION.cff", r"^version: (\S+)$"),
        "CHANGELOG.md": found("CHANGELOG.md", r"^## (?!Unreleased)\[?([^\s\]]+)"),
    }


def main(tag: str, top: Path = TOP) -> None:
    """Say what is wrong and exit with 1, or that all agree."""
    wrong = [
        f"  {file}: {version or 'none'}"
        for file, version in named(top).items()
        if f"v{version}" != tag
    ]
    if wrong:
        sys.exit("\n".join([f"{tag} is not the version in these files:", *wrong]))
    print(f"{tag}: code, citation and CHANGELOG agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
