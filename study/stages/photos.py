"""Stage photos: a set of photos that designs learn from (<study>/data/photos/<name>)."""

from pathlib import Path

from thinsection.console.stage import run


def main(study: str, name: str) -> None:
    """Render or read the set of photos with this name in params.yaml of the study's folder."""
    # imported here, because every worker process imports the top level of this script
    from thinsection.params import load_params
    from thinsection.study.designs.photos import write_photos
    from thinsection.study.settings import read_settings

    settings = read_settings(Path(study)).photos[name]
    n_photos = write_photos(Path(study) / "data/photos" / name, settings, load_params())
    print(f"{n_photos} photos")


if __name__ == "__main__":
    run(main)
