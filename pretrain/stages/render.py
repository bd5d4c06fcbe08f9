"""Stage render: fields of view to learn from (pretrain/data/fields)."""

from pathlib import Path

from thinsection.console.stage import run


def main() -> None:
    """Render the fields that pretrain/params.yaml describes."""
    # imported here, because every worker process imports the top level of this script
    from thinsection.base.cores import n_cores
    from thinsection.base.files import writing_folder
    from thinsection.pretrain.rendered import render_fields
    from thinsection.pretrain.settings import read_settings

    settings = read_settings(Path("pretrain/params.yaml"))
    fields = render_fields(settings.seed, settings.render, n_cores())
    with writing_folder(Path("pretrain/data/fields")) as folder:
        fields.write(folder)
    print(f"{len(fields.labels)} fields, {2 * len(fields.labels)} photos")


if __name__ == "__main__":
    run(main)
