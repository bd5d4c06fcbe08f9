"""
What changed in parameters and metrics since a version, as Markdown: ``python .ci/changes.py main``.

Metrics are read from git, where dvc.yaml leaves them, so no cache and no remote is needed.
"""

import subprocess
import sys

LONGEST = 60_000  # characters; GitHub refuses a comment of more than 65,536


def main(since: str) -> None:
    """Print both tables, folded, or that nothing changed."""
    parts = [f"### What changes since `{since[:12]}`"]
    for title, kind in (("Parameters", "params"), ("Metrics", "metrics")):
        rows = _diff(kind, since)
        # a table of two lines is a head without rows
        parts.append(
            f"<details><summary>{title}: {len(rows) - 2} changed</summary>\n\n"
            + "\n".join(_shortened(rows))
            + "\n\n</details>"
            if len(rows) > 2
            else f"{title}: none changed."
        )
    print("\n\n".join(parts))


def _diff(kind: str, since: str) -> list[str]:
    command = [sys.executable, "-m", "dvc", kind, "diff", "--md", since]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if ran.returncode:
        sys.exit(f"dvc {kind} diff {since}: {ran.stderr.strip()}")
    return ran.stdout.split("\n\n")[0].strip().splitlines()


def _shortened(rows: list[str]) -> list[str]:
    """As many rows as half a comment holds, and a line that says how many are missing."""
    room = LONGEST // 2
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            return [*kept, "", f"and {len(rows) - len(kept)} more"]
        kept.append(row)
    return kept


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
