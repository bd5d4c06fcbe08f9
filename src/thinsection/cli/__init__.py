"""The ``thinsection`` command. Heavy libraries are imported by the commands that need them."""

# the order of the imports is that of the help: a file registers its commands as it is imported
from thinsection.cli import study, comparison, photos, new_photos  # isort: skip
from thinsection.cli.app import app, main

__all__ = ["app", "comparison", "main", "new_photos", "photos", "study"]
