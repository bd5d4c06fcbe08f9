"""Stage photos: what all designs learn from (study/data/photos)."""

from pathlib import Path

from thinsection.console.stage import run


def main() -> None:
    """Render or read the photos, and make their vectors."""
    # imported here, because every worker process imports the top level of this script
    from thinsection.params import load_params
    from thinsection.study.photos import write_photos
    from thinsection.study.settings import read_settings

    n_photos = write_photos(Path("study/data/photos"), read_settings(), load_params())
    print(f"{n_photos} photos")


if __name__ == "__main__":
    run(main)
