"""Stage train: a backbone from one start (pretrain/data/<start>)."""

from pathlib import Path

from thinsection.base.files import write_json, writing_folder
from thinsection.console.stage import run


def main(start: str) -> None:
    """Train and write the weights, and their mean with those of ImageNet."""
    import torch

    from thinsection.pretrain.rendered import Fields
    from thinsection.pretrain.settings import read_settings
    from thinsection.pretrain.training import imagenet_backbone, pretrain, write_backbone

    settings = read_settings(Path("pretrain/params.yaml"))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fields = Fields.read(Path("pretrain/data/fields"))
    backbone, history = pretrain(start, fields, settings.train, settings.seed, device)
    with writing_folder(Path("pretrain/data") / start) as folder:
        write_backbone(backbone, folder / "renders.safetensors")
        if start == "imagenet":
            write_backbone(backbone, folder / "mean.safetensors", imagenet_backbone(settings.train))
        write_json({"history": history}, folder / "history.json")


if __name__ == "__main__":
    run(main)
