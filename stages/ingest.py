"""Stage ingest: photos to data/ingested (photos.csv, pixels.npy, rejected.csv, warnings.csv)."""

from pathlib import Path

from thinsection.console.stage import run


def main() -> None:
    """Survey the data set given in params.yaml and write it."""
    # imported here, because every worker process imports the top level of this script
    from thinsection.base.files import write_json, writing_folder
    from thinsection.base.places import DEEP_RANGES, INGESTED, METRICS_FOLDER, TURNED
    from thinsection.base.tables import PHOTOS, REJECTED, WARNINGS, write_table
    from thinsection.ingest.pack import explain_full_disk, scratch_files, write_pixels
    from thinsection.ingest.summary import print_summary
    from thinsection.ingest.survey import pack_settings, survey
    from thinsection.ingest.watched import check_watched
    from thinsection.params import load_params

    params = load_params()
    check_watched(Path(params.dataset.path))
    with explain_full_disk(INGESTED), writing_folder(INGESTED) as folder:
        with scratch_files(folder) as scratch:
            found = survey(params.dataset, params.ingest, scratch)
            settings = pack_settings(params.ingest)
            write_pixels(scratch, found.rows, found.turned.pixels, settings, folder / "pixels.npy")
        write_table(found.table, folder / "photos.csv", PHOTOS)
        write_table(found.rejected, folder / "rejected.csv", REJECTED)
        write_table(found.warnings, folder / "warnings.csv", WARNINGS)
        if (
            params.ingest.deep_photos == "dataset"
        ):  # for the final model, which scales new photos so
            write_json(found.deep_ranges, folder / DEEP_RANGES.name)
        if found.turned.way is not None:  # for the final model, as well
            write_json({"turned": found.turned.way}, folder / TURNED.name)
    write_json(found.counts, METRICS_FOLDER / "ingest.json")
    print_summary(found)


if __name__ == "__main__":
    run(main)
