"""Training of networks on photos, fold by fold, on fresh variants of the photos in each epoch."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from thinsection.base.arrays import Bytes, Floats, Ints
from thinsection.base.seeds import torch_generator
from thinsection.console.live_curves import live_curves
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.dataset.reduction import reduced
from thinsection.dataset.samples import Lights
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.backbones import Standardised
from thinsection.learning.examples.examples import Examples
from thinsection.learning.fusion import Chances, Fused
from thinsection.learning.gradcam import grad_cam_maps
from thinsection.learning.shown import DevicePhotos, ShownPhotos, ShownSamples
from thinsection.learning.training import (
    equal_batches,
    explain_out_of_memory,
    make_optimiser,
    mixed_precision,
    precision_of,
    prepare_device,
    stop_if_diverging,
)


@dataclass(frozen=True)
class Recipe:
    """
    How one network is trained.

    Attributes
    ----------
    title : e.g. ``ResNet-18``
    section : of params.yaml that ``own`` is from, for messages
    key : what tells its random numbers from those of other networks
    own : height, width, epochs, batch_size, learning_rate, weight_decay and precision
    new_network : photos (n, height, width, 3) uint8 at the network's size, a fold, and which photo
        shows which sample, or None where each photo is a sample -> the network before its first
        step, independent of earlier training; on samples a ``Fused`` one
    stages : the network, or the trunk of a ``Fused`` one -> its stages, the deepest first, for heat
        maps; empty: none are made
    frozen_statistics : whether the normalisation layers keep the mean and spread they came with
    n_views : turns and flips over which the final probabilities are averaged
    contains : as in ``Classifier``
    faster : changes a network for training on the CPU, given a photo (1, 3, height, width)
    """

    title: str
    section: str
    key: tuple[str | int, ...]
    own: Any
    new_network: Callable[[Bytes, Fold, Lights | None], Standardised | Fused]
    stages: Callable[[nn.Module], Sequence[nn.Module]]
    frozen_statistics: bool = False
    n_views: int = 1
    contains: str = ""
    faster: Callable[[nn.Module, Tensor], None] = lambda _network, _photo: None


def fit_networks(
    recipe: Recipe,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Iterator[FoldResult]:
    """Train a network on every fold, one after the other (learning.contract.FitFolds)."""
    state = checkpoint.load()
    finished = state.pop("finished", [])
    running = state.pop("running", None)  # removed from the state, so that its memory can be freed
    own = recipe.own
    smaller = f"{recipe.section}.height and {recipe.section}.width"
    with (
        explain_out_of_memory(recipe.title, recipe.section, own.batch_size, smaller),
        progress(recipe.title, len(folds) * own.epochs) as report,
        live_curves(settings.compute.dvclive, recipe.title.lower()) as curves,
    ):
        device = prepare_device(settings.compute)
        photos = reduced(examples.photos.pixels, own.height, own.width)
        labels = torch.from_numpy(examples.photos.labels)
        lights = examples.photos.lights if examples.photos.lights.together else None
        for fold, done in zip(folds, finished, strict=False):
            report.skip(own.epochs)
            for row in done["history"]:
                curves.log(fold.repeat, fold.fold, row)
            yield _result_of(done, fold)
        for fold in folds[len(finished) :]:
            network = recipe.new_network(photos, fold, lights).to(device)
            training = PhotoTraining(recipe, network, fold, photos, labels, settings, lights=lights)
            if running is not None:
                training.restore(running)
                running = None
            report.skip(len(training.history))
            for row in training.history:
                curves.log(fold.repeat, fold.fold, row)
            while len(training.history) < own.epochs:
                for _ in training.steps():
                    if checkpoint.due():
                        checkpoint.save({"finished": finished, "running": training.as_state()})
                report.advance(training.end_epoch())
                curves.log(fold.repeat, fold.fold, training.history[-1])
            result = training.result()
            if fold is folds[-1]:  # with its network, which the final model needs
                checkpoint.save({"finished": finished, "running": training.as_state()})
            else:
                finished.append(_state_of(result))
                checkpoint.save({"finished": finished, "running": None})
            yield result
            # free it before the next one is built: two networks need twice the memory
            del network, training, result


def _state_of(result: FoldResult) -> dict[str, Any]:
    """The result of a finished fold for a checkpoint: everything except the classifier."""
    maps = result.heatmaps
    return {
        "fold": [result.fold.repeat, result.fold.fold],
        "probabilities": torch.from_numpy(result.probabilities),
        "n_parameters": result.n_parameters,
        "history": result.history,
        "heatmaps": None if maps is None else torch.from_numpy(maps),
        "facts": result.facts,
        "one_light": {name: torch.from_numpy(said) for name, said in result.one_light.items()},
    }


def _result_of(state: dict[str, Any], fold: Fold) -> FoldResult:
    """The result from the ``state`` that ``_state_of`` returned."""
    assert state["fold"] == [fold.repeat, fold.fold]
    maps = state["heatmaps"]
    return FoldResult(
        fold,
        state["probabilities"].numpy(),
        state["n_parameters"],
        state["history"],
        heatmaps=None if maps is None else maps.numpy(),
        facts=state["facts"],
        one_light={name: said.numpy() for name, said in state["one_light"].items()},
    )


def weighted_loss(logits: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Mean cross-entropy of a batch, each sample multiplied by its class weight (n_classes,)."""
    if weights is None:
        return cross_entropy(logits, labels)
    return cross_entropy(logits, labels, weight=weights, reduction="sum") / len(labels)


MAPPED_AT_ONCE = (
    8  # photos at a time for heat maps: more would need more memory than a training step
)
STATE = ("history", "left", "total", "learning_rate")  # attributes saved unchanged in a checkpoint


class PhotoTraining:
    """
    The epochs of one network on one fold, under a one-cycle schedule (Smith 2018).

    Parameters
    ----------
    network : as ``recipe.new_network`` made it, with the same ``lights``
    photos : (n_photos, height, width, 3) uint8
    labels : (n_samples,) int64
    lights : which photo shows which sample; None where each photo is a sample

    Attributes
    ----------
    history : one row for each complete epoch
    left : remaining batches of the current epoch, as indices into ``fold.train``; None
        between epochs
    """

    def __init__(
        self,
        recipe: Recipe,
        network: Standardised | Fused,
        fold: Fold,
        photos: Bytes,
        labels: Tensor,
        settings: FitSettings,
        *,
        lights: Lights | None = None,
    ) -> None:
        self.recipe, self.network, self.fold = recipe, network, fold
        self.body = network.trunk if isinstance(network, Fused) else network
        self.labels = labels
        n_classes = int(labels.max()) + 1
        weights = class_weights(labels[fold.train].numpy(), n_classes, settings.training)
        self.settings = recipe.own
        self.operators = settings.operators
        self.rng = torch_generator(settings.seed, *recipe.key, fold.repeat, fold.fold, "batches")
        self.device = next(network.parameters()).device
        on_device = DevicePhotos(photos, self.device)
        self.shown = ShownPhotos(on_device) if lights is None else ShownSamples(on_device, lights)
        self.class_weights = None if weights is None else torch.from_numpy(weights).to(self.device)
        in_step = self.shown.n_samples(fold.train, self.settings.batch_size)
        self.n_steps = -(-len(fold.train) // in_step)
        self.precision = precision_of(self.device, self.settings.precision)
        if self.device.type == "cpu":
            recipe.faster(self.body, torch.zeros(1, 3, *photos.shape[1:3]))
        self.optimiser = make_optimiser(
            network.parameters(), self.settings.learning_rate, self.settings.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=self.settings.learning_rate,
            total_steps=self.n_steps * self.settings.epochs,
        )
        self.history: list[dict[str, float]] = []
        self.probabilities: Floats = np.empty(0)  # as _look judges
        self.left: list[Tensor] | None = None
        self.learning_rate = 0.0  # of the latest step
        self.total = torch.zeros(
            2, device=self.device
        )  # sums of loss and of correct answers in the epoch

    def steps(self) -> Iterator[None]:
        """One pass over the (remaining) training samples; yields after each step."""
        self._set_to_train()
        if self.left is None:
            self.left = equal_batches(len(self.fold.train), self.n_steps, self.rng)
            self.total = torch.zeros(2, device=self.device)
        while self.left:
            self._step(self.fold.train[self.left.pop(0).numpy()])
            yield

    def run_epoch(self) -> str:
        """Run one epoch; returns its result in a few words."""
        for _ in self.steps():
            pass
        return self.end_epoch()

    def end_epoch(self) -> str:
        """Evaluate on the held-out samples and record the epoch; returns it in a few words."""
        self.left = None
        loss, accuracy = (self.total / len(self.fold.train)).tolist()
        looked = self._look(self.network)
        self.probabilities = softmax(looked.double(), 2).numpy()
        logits, labels = looked[0], self.labels[self.fold.held_out]
        held_out_accuracy = (logits.argmax(1) == labels).double().mean().item()
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "train_loss": loss,
                "train_accuracy": accuracy,
                "held_out_loss": cross_entropy(logits, labels).item(),
                "held_out_accuracy": held_out_accuracy,
                "set_aside_loss": math.nan,
                "learning_rate": self.learning_rate,
            }
        )
        stop_if_diverging(
            [row["train_loss"] for row in self.history],
            logits.shape[1],
            self.recipe.title,
            self.recipe.section,
            self.fold,
            self.settings.learning_rate,
        )
        reached = f"epoch {len(self.history)}, loss {loss:.3f}, accuracy {accuracy:.3f}"
        if self.fold.is_whole:
            return f"all photos, {reached}"
        place = f"repeat {self.fold.repeat}, fold {self.fold.fold}"
        return f"{place}, {reached}, held out {held_out_accuracy:.3f}"

    def result(self) -> FoldResult:
        """The result after the last epoch; with heat maps only in the first repeat."""
        size, n_views = (self.settings.height, self.settings.width), self.recipe.n_views
        stages = self.recipe.stages(self.body)
        wants_maps = bool(stages) and self.fold.repeat == 0 and not self.fold.is_whole
        judged: nn.Module = self.network
        if n_views > 1:
            judged = Chances(self.network, n_views)
            self.probabilities = softmax(self._look(judged, n_views).double(), 2).numpy()
        together, *alone = self.probabilities
        return FoldResult(
            self.fold,
            together,
            sum(p.numel() for p in self.network.parameters()),
            self.history,
            heatmaps=self._where_it_looked(stages) if wants_maps else None,
            facts={"device": self.device.type, "precision": self.precision},
            classifier=Classifier(
                judged.cpu().eval(),
                "photos",
                *size,
                contains=self.recipe.contains,
                lights=self.shown.slots,
            ),
            one_light=dict(zip(self.shown.alone, alone, strict=True)),
        )

    def as_state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, for a checkpoint."""
        return {
            "fold": [self.fold.repeat, self.fold.fold],
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": self.rng.get_state(),
            "probabilities": torch.from_numpy(self.probabilities),
            **{name: getattr(self, name) for name in STATE},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        assert state["fold"] == [self.fold.repeat, self.fold.fold]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.rng.set_state(state["rng"])
        self.probabilities = state["probabilities"].numpy()
        for name in STATE:
            setattr(self, name, state[name])
        self.total = self.total.to(self.device)

    def _where_it_looked(self, stages: Sequence[nn.Module]) -> Bytes:
        """(n_held_out, h, w) uint8: a heat map of each held-out sample, on its first photo."""
        batches = self.shown.as_they_are(self.fold.held_out, MAPPED_AT_ONCE)
        maps = grad_cam_maps(self.network, stages, batches)
        return maps[self.shown.first_photos(self.fold.held_out)]

    def _set_to_train(self) -> None:
        self.network.train()
        if self.recipe.frozen_statistics:
            for layer in self.network.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()

    def _step(self, chosen: Ints) -> None:
        """Learn from one batch: the samples in the rows ``chosen``."""
        given, of = self.shown.variants(chosen, self.operators, self.rng)
        labels = self.labels[of].to(self.device)
        with mixed_precision(self.device, self.settings.precision):
            logits = self.network(*given)
        loss = weighted_loss(logits.float(), labels, self.class_weights)
        loss.backward()
        self.learning_rate = self.optimiser.param_groups[0]["lr"]
        self.optimiser.step()
        self.optimiser.zero_grad(
            set_to_none=True
        )  # frees the gradients before the next activations
        self.schedule.step()
        right = (logits.argmax(1) == labels)[: len(chosen)].sum()  # by all photos of each sample
        self.total += torch.stack([loss.detach() * len(chosen), right])

    @torch.inference_mode()
    def _look(self, network: nn.Module, n_views: int = 1) -> Tensor:
        """
        (n_ways, n_held_out, n_classes) logits of the held-out samples, not augmented.

        By all of their photos, then by a part of them, as in ``ShownPhotos.alone``.
        """
        network.eval()
        n_ways = 1 + len(self.shown.alone)
        # no more views at a time than need the memory of a training step
        n = max(1, 4 * self.settings.batch_size // n_views)
        batches = self.shown.in_each_way(self.fold.held_out, n)
        parts = [network(*given).float().cpu().unflatten(0, (n_ways, -1)) for given in batches]
        return torch.cat(parts, dim=1)
