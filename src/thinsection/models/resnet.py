"""torchvision's residual networks, trained fold by fold on fresh variants each epoch."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from thinsection import heatmaps
from thinsection.augment import as_batch, draw_variants
from thinsection.crossval import FoldResult
from thinsection.examples import Examples
from thinsection.folds import Fold
from thinsection.params import Params
from thinsection.progress import progress
from thinsection.reduction import reduced
from thinsection.seeds import torch_generator, torch_seeded
from thinsection.training import check_finite, equal_batches, make_optimiser, prepare_device
from thinsection.vision import IMAGENET_MEAN, IMAGENET_STD, build_resnet


def fit_folds(
    name: str, examples: Examples, folds: list[Fold], params: Params
) -> Iterator[FoldResult]:
    """Train ResNet-``name`` on every fold, one after the other (crossval.FitFolds)."""
    device = prepare_device(params.compute)
    size = params.resnet.height, params.resnet.width
    photos = reduced(examples.photos.pixels, *size)
    labels = torch.from_numpy(examples.photos.labels)
    n_classes = len(examples.photos.classes)
    with progress(f"ResNet-{name}", len(folds) * params.resnet.epochs) as report:
        for fold in folds:
            network = new_network(int(name), photos, fold, n_classes, params).to(device)
            training = Training(name, network, fold, photos, labels, params)
            for epoch in range(1, params.resnet.epochs + 1):
                report.advance(training.run_epoch(epoch))
            n_parameters = sum(p.numel() for p in network.parameters())
            yield FoldResult(
                fold,
                training.probabilities,
                n_parameters,
                training.history,
                heatmaps=training.where_it_looked() if fold.repeat == 0 else None,
            )
            del network, training  # before the next one is built: two at once need twice the memory


def new_network(
    depth: int, photos: np.ndarray, fold: Fold, n_classes: int, params: Params
) -> "Standardised":
    """The network of one fold before its first step: no fold goes on where another ended."""
    weights = params.resnet.weights
    with torch_seeded(params.seed, "resnet", depth, fold.repeat, fold.fold):
        network = build_resnet(depth, weights, n_classes)
    return Standardised(network, *_colour(photos[fold.train], weights))


def _colour(photos: np.ndarray, weights: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each colour that the network is to count from, (3,) each."""
    if weights != "none":  # as the network saw colours when its weights were made
        return torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    mean = photos.mean(axis=(0, 1, 2)) / 255
    std = photos.std(axis=(0, 1, 2)) / 255
    return torch.from_numpy(mean).float(), torch.from_numpy(np.maximum(std, 1e-6)).float()


class Standardised(nn.Module):
    """A network that takes photos as they are, 0..1, and standardises their colours itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        # channels last: the layout in which convolutions of small photos are fastest
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("mean", mean.view(3, 1, 1))
        self.register_buffer("std", std.view(3, 1, 1))

    def forward(self, photos: Tensor) -> Tensor:
        """(B, 3, H, W), 0..1, to logits (B, n_classes)."""
        standardised = (photos - self.mean) / self.std
        return self.network(standardised.contiguous(memory_format=torch.channels_last))


class Training:
    """The epochs of one network on one fold, under a one-cycle schedule (Smith 2018)."""

    def __init__(
        self,
        name: str,
        network: Standardised,
        fold: Fold,
        photos: np.ndarray,
        labels: Tensor,
        params: Params,
    ) -> None:
        self.model, self.network, self.fold = f"ResNet-{name}", network, fold
        self.photos, self.labels = photos, labels
        self.settings, self.operators = params.resnet, params.augment
        self.rng = torch_generator(
            params.seed, "resnet", int(name), fold.repeat, fold.fold, "batches"
        )
        self.device = network.mean.device
        self.n_steps = -(-len(fold.train) // self.settings.batch_size)
        self.optimiser = make_optimiser(
            network.parameters(), self.settings.learning_rate, self.settings.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=self.settings.learning_rate,
            total_steps=self.n_steps * self.settings.epochs,
        )
        self.history: list[dict[str, float]] = []
        self.probabilities = np.empty(0)

    def run_epoch(self, epoch: int) -> str:
        """One pass over the training photos, one look at what is held out; said in a few words."""
        loss, accuracy = self._learn()
        check_finite(loss, self.model, self.fold, epoch, self.settings.learning_rate)
        logits = self._look()
        labels = self.labels[self.fold.held_out]
        self.probabilities = softmax(logits.double(), 1).numpy()
        held_out_accuracy = (logits.argmax(1) == labels).double().mean().item()
        self.history.append(
            {
                "epoch": epoch,
                "train_loss": loss,
                "train_accuracy": accuracy,
                "held_out_loss": cross_entropy(logits, labels).item(),
                "held_out_accuracy": held_out_accuracy,
            }
        )
        return (
            f"repeat {self.fold.repeat}, fold {self.fold.fold}, epoch {epoch}, loss {loss:.3f}, "
            f"accuracy {accuracy:.3f}, held out {held_out_accuracy:.3f}"
        )

    def where_it_looked(self) -> np.ndarray:
        """(n_held_out, h, w) uint8: a map of each held-out photo (heatmaps.py)."""
        photos = as_batch(self.photos[self.fold.held_out]).to(self.device)
        return heatmaps.where_it_looked(self.network, self.network.network, photos)

    def _learn(self) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's batches."""
        self.network.train()
        total = torch.zeros(2, device=self.device)
        for rows in equal_batches(len(self.fold.train), self.n_steps, self.rng):
            chosen = self.fold.train[rows.numpy()]
            photos = as_batch(self.photos[chosen]).to(self.device)
            labels = self.labels[chosen].to(self.device)
            logits = self.network(draw_variants(photos, self.operators, self.rng))
            loss = cross_entropy(logits, labels)
            loss.backward()
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)  # no gradients beside the next activations
            self.schedule.step()
            right = (logits.argmax(1) == labels).sum()
            total += torch.stack([loss.detach() * len(chosen), right])
        loss_, right_ = (total / len(self.fold.train)).tolist()
        return loss_, right_

    @torch.inference_mode()
    def _look(self) -> Tensor:
        """(n_held_out, n_classes) logits of the held-out photos, as they are."""
        self.network.eval()
        rows = torch.from_numpy(self.fold.held_out).split(4 * self.settings.batch_size)
        photos = (as_batch(self.photos[r.numpy()]).to(self.device) for r in rows)
        return torch.cat([self.network(batch).float().cpu() for batch in photos])
