"""Training of fully connected networks; all folds of one depth are trained side by side."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from thinsection.base.arrays import Floats
from thinsection.base.seeds import generator, torch_generator
from thinsection.console.live_curves import live_curves
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.dataset.parts import set_aside
from thinsection.families.fcnn import FcnnSettings
from thinsection.families.fcnn.architecture import Architecture
from thinsection.families.fcnn.networks import Fcnn, StackedFcnn
from thinsection.learning.checkpoints import NOT_KEPT, Checkpoint
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, Vectors, as_vectors
from thinsection.learning.training import (
    equal_batches,
    explain_out_of_memory,
    make_optimiser,
    prepare_device,
    stop_if_diverging,
)


def fit_folds(
    name: str,
    examples: Examples,
    folds: list[Fold],
    settings: FitSettings,
    checkpoint: Checkpoint = NOT_KEPT,
) -> Iterator[FoldResult]:
    """
    Train the network with ``name`` hidden layers on every fold (learning.contract.FitFolds).

    The held-out photos decide nothing: training ends by the training loss, or by the loss on a
    part of the training photos (``fcnn.early_stopping_share``).
    """
    model, own = f"FCNN-{name}", settings.own
    with explain_out_of_memory(model, "fcnn", own.batch_size, "fcnn.width"):
        training = start_training(name, examples, folds, settings)
        state = checkpoint.load()
        if state:
            training.restore(state)
        with (
            progress(model, own.epochs) as report,
            live_curves(settings.compute.dvclive, model.lower()) as curves,
        ):
            report.skip(training.epoch)
            for i, fold in enumerate(folds):
                for row in training.history[i]:
                    curves.log(fold.repeat, fold.fold, row)
            while not all(training.ended):
                running = [i for i, ended in enumerate(training.ended) if not ended]
                training.run_epoch()
                for i in running:
                    curves.log(folds[i].repeat, folds[i].fold, training.history[i][-1])
                report.advance(training.status())
                if checkpoint.due():
                    checkpoint.save(training.as_state())
    yield from training.results()


def start_training(
    name: str, examples: Examples, folds: list[Fold], settings: FitSettings
) -> "FcnnTraining":
    """The networks of all folds before their first step, with their training data."""
    device = prepare_device(settings.compute)
    own: FcnnSettings = settings.own
    vectors = as_vectors(examples)
    share = own.early_stopping_share
    sets = [training_set(vectors, fold, share, settings.seed).to(device) for fold in folds]
    depth = int(name)
    rngs = [torch_generator(settings.seed, "fcnn", depth, f.repeat, f.fold) for f in folds]
    n_classes = len(examples.photos.classes)
    shape = Architecture(depth, own.width, own.initialisation, own.normalisation, own.shortcuts)
    networks = StackedFcnn(vectors.x.shape[1], n_classes, shape, rngs)
    x, labels = torch.from_numpy(vectors.x).to(device), torch.from_numpy(vectors.labels).to(device)
    learned = (vectors.labels[s.train.cpu().numpy()] for s in sets)
    weights = [class_weights(each, n_classes, settings.training) for each in learned]
    known = [torch.from_numpy(each).to(device) for each in weights if each is not None]
    counts = torch.stack(known) if known else None
    return FcnnTraining(
        depth, networks.to(device), folds, sets,
        vectors=vectors, x=x, labels=labels, settings=own, rngs=rngs, class_weights=counts,
    )  # fmt: skip


@dataclass(frozen=True)
class TrainingSet:
    """
    The training and held-out rows of one fold; all folds share the vectors.

    Attributes
    ----------
    train : (n_train,) int64, photos and variants to learn from
    held_out : (n_held_out_photos,) int64, photos only
    aside : (n_aside,) int64
        Photos of the training part that are used for early stopping, not for learning; may be
        empty.
    mean, std : (n_features,) float32, of the training rows, used to standardise all rows
    """

    train: Tensor
    held_out: Tensor
    aside: Tensor
    mean: Tensor
    std: Tensor

    def to(self, device: torch.device) -> "TrainingSet":
        """The same on another device."""
        return TrainingSet(*(getattr(self, field.name).to(device) for field in fields(self)))


def training_set(
    vectors: Vectors, fold: Fold, early_stopping_share: float = 0, seed: int = 0
) -> TrainingSet:
    """
    The rows of one fold: photos and variants for training, photos only for testing.

    With a share for early stopping that part of the training groups is set aside, photos
    alone; their variants are not learned from either. Where no group can be spared, none is.
    """
    train, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
    aside = fold.train[:0]
    if early_stopping_share:
        rng = generator(seed, "fcnn", "early stopping", fold.repeat, fold.fold)
        first = np.unique(vectors.parents, return_index=True)[1][fold.train]
        labels, groups = vectors.labels[first], vectors.groups[first]
        chosen = fold.train[set_aside(labels, groups, early_stopping_share, rng)]
        train = train[~np.isin(vectors.parents[train], chosen)]
        aside = vectors.lights.photos_of(chosen)
    mean, std = standardisation(vectors.x[train])
    return TrainingSet(*map(torch.from_numpy, (train, held_out, aside, mean, std)))


def standardisation(x: Floats) -> tuple[Floats, Floats]:
    """Mean and spread of each feature of the training rows, (n_features,) each."""
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std < 1e-6] = 1  # a constant feature carries no information
    return mean, std


JUDGED_AT_ONCE = 2048  # photos of each fold, for prediction
# attributes saved unchanged in a checkpoint
STATE = ("history", "gradients", "lowest", "waited", "ended")


class FcnnTraining:
    """
    The epochs of a stack of networks, and the result of each when it ends.

    Parameters
    ----------
    vectors : shared by all folds; x, labels : (n_rows, n_features) float32 and (n_rows,) int64, of it
    sets : the rows of each fold, and its mean and spread
    class_weights : (F, n_classes), weight of a photo of each class; None: all the same
    """

    def __init__(
        self,
        depth: int,
        networks: StackedFcnn,
        folds: list[Fold],
        sets: list[TrainingSet],
        *,
        vectors: Vectors,
        x: Tensor,
        labels: Tensor,
        settings: FcnnSettings,
        rngs: list[torch.Generator],
        class_weights: Tensor | None = None,
    ) -> None:
        self.depth, self.networks, self.folds, self.sets = depth, networks, folds, sets
        self.vectors, self.x, self.labels = vectors, x, labels
        # (F, 1, n_features) each: batches are standardised when drawn, because a standardised
        # copy of all vectors for each fold would take F times the memory
        self.means = torch.stack([s.mean for s in sets])[:, None]
        self.stds = torch.stack([s.std for s in sets])[:, None]
        self.settings, self.rngs, self.class_weights = settings, rngs, class_weights
        self.optimiser = make_optimiser(
            networks.parameters(), settings.learning_rate, settings.weight_decay
        )
        # the same number of steps for all folds, so that a larger one is not trained longer
        self.n_steps = -(-max(len(s.train) for s in sets) // settings.batch_size)
        self.epoch = 0
        self.history: list[list[dict[str, float]]] = [[] for _ in folds]
        self.gradients: list[list[dict[str, float]]] = [[] for _ in folds]
        self.probabilities: list[np.ndarray] = [np.empty(0)] * len(folds)
        self.kept: list[Fcnn | None] = [None] * len(folds)  # the networks that gave these
        self.lowest = [float("inf")] * len(folds)
        self.waited = [0] * len(folds)
        self.ended = [False] * len(folds)

    def run_epoch(self) -> None:
        """One pass over every fold's training part, then predictions for its held-out photos."""
        self.epoch += 1
        losses, correct, layers = self._learn()
        held_out = self._logits([s.held_out for s in self.sets])
        aside = self._losses_aside()
        for i, fold in enumerate(self.folds):
            if self.ended[i]:
                continue
            labels = self.labels[self.sets[i].held_out]
            row = {
                "epoch": self.epoch,
                "train_loss": losses[i],
                "train_accuracy": correct[i],
                "held_out_loss": cross_entropy(held_out[i], labels).item(),
                "held_out_accuracy": (held_out[i].argmax(1) == labels).double().mean().item(),
                "set_aside_loss": aside[i],
                "learning_rate": self.settings.learning_rate,
            }
            self.history[i].append(row)
            self.gradients[i] += [
                {"epoch": self.epoch, "layer": layer + 1}
                | {name: values[i][layer] for name, values in layers.items()}
                for layer in range(self.depth + 1)
            ]
            stop_if_diverging(
                [row["train_loss"] for row in self.history[i]],
                held_out[i].shape[1],
                f"FCNN-{self.depth}",
                "fcnn",
                fold,
                self.settings.learning_rate,
            )
            has_aside = len(self.sets[i].aside) > 0
            falls = self._falls(i, aside[i] if has_aside else losses[i])
            waits_too_long = self.waited[i] >= self.settings.patience
            self.ended[i] = self.epoch == self.settings.epochs or waits_too_long
            best_so_far = falls or not has_aside or self.epoch == 1
            if best_so_far:
                self.probabilities[i] = softmax(held_out[i].double(), 1).cpu().numpy()
            # the stack goes on training for the other folds, so the network is copied; with
            # nothing set aside only the last epoch counts, and one copy is enough
            if best_so_far and (has_aside or self.ended[i]):
                self.kept[i] = self._single(i)

    def status(self) -> str:
        """The latest epoch in a few words, as mean over folds."""
        last = [rows[-1] for rows in self.history]
        mean = {key: float(np.mean([row[key] for row in last])) for key in last[0]}
        running = self.ended.count(False)
        judged = (
            "all photos"
            if self.folds[0].is_whole
            else f"{running} of {len(self.folds)} folds running"
        )
        held_out = "" if self.folds[0].is_whole else f", held out {mean['held_out_accuracy']:.3f}"
        return (
            f"epoch {self.epoch}, {judged}, loss {mean['train_loss']:.3f}, "
            f"accuracy {mean['train_accuracy']:.3f}{held_out}"
        )

    def results(self) -> Iterator[FoldResult]:
        """Each fold at its last epoch, or at its best epoch if photos were set aside."""
        device = self.x.device
        for i, fold in enumerate(self.folds):
            probabilities, one_light = self.vectors.of_samples(fold, self.probabilities[i])
            yield FoldResult(
                fold,
                probabilities,
                self.networks.n_parameters_each,
                self.history[i],
                self.gradients[i],
                # networks this small wait for memory, not for products: nothing to gain
                facts={"device": device.type, "precision": "float32"} | self._ended_otherwise(i),
                classifier=self._classifier(i),
                one_light=one_light,
            )

    def _ended_otherwise(self, i: int) -> dict[str, str]:
        """What is to be said of a fold that had nothing to set aside, though it was asked for."""
        if not self.settings.early_stopping_share or len(self.sets[i].aside):
            return {}
        return {"ended_by": "training loss, as no specimen of a fold could be set aside"}

    def _single(self, i: int) -> Fcnn:
        """A copy of the current network of fold ``i``."""
        return self.networks.single(i, self.sets[i].mean, self.sets[i].std)

    def _classifier(self, i: int) -> Classifier:
        network, own = self.kept[i], self.settings
        assert network is not None
        return Classifier(
            network.eval(),
            own.features,
            n_features=len(network.mean),
            lights=self.vectors.slots,
        )

    def as_state(self) -> dict[str, Any]:
        """Everything that the next epochs depend on, for a checkpoint."""
        return {
            "epoch": self.epoch,
            "networks": self.networks.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rngs": [rng.get_state() for rng in self.rngs],
            "probabilities": [torch.from_numpy(p) for p in self.probabilities],
            "kept": [None if each is None else each.state_dict() for each in self.kept],
            **{name: getattr(self, name) for name in STATE},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from ``state``."""
        self.epoch = state["epoch"]
        self.networks.load_state_dict(state["networks"])
        self.optimiser.load_state_dict(state["optimiser"])
        for rng, kept in zip(self.rngs, state["rngs"], strict=True):
            rng.set_state(kept)
        self.probabilities = [p.numpy() for p in state["probabilities"]]
        for i, weights in enumerate(state["kept"]):
            if weights is not None:
                network = self._single(i)
                network.load_state_dict(weights)
                self.kept[i] = network
        for name in STATE:
            setattr(self, name, state[name])

    def _learn(self) -> tuple[list[float], list[float], dict[str, list[list[float]]]]:
        """
        One epoch's steps.

        Returns mean loss and accuracy of each fold (F,), and by column of tables.GRADIENTS the values
        of each fold's layers (F, n_layers); the output layer has no dead units.
        """
        batches = [
            equal_batches(len(s.train), self.n_steps, rng)
            for s, rng in zip(self.sets, self.rngs, strict=True)
        ]
        total = torch.zeros(2, len(self.folds))
        norms = torch.zeros(len(self.folds), self.depth + 1)
        highest = torch.zeros(1, device=self.x.device)  # (F, depth, width) after a step
        signal, spread = None, torch.empty(0)  # of the first step
        for step in zip(*batches, strict=True):
            x, labels, weights = self._stacked(step)
            outputs = self.networks.all_layers(x, weights)
            *hidden, logits = outputs
            if signal is None:
                for output in outputs:
                    output.retain_grad()
            each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
            counts = weights
            if self.class_weights is not None:
                counts = weights * self.class_weights.gather(1, labels)
            loss = (each.view_as(weights) * counts).sum(1)  # (F,)
            self.optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
            if signal is None:
                signal = torch.stack([norm_of(output.grad) for output in outputs], 1).cpu()
                spread = torch.stack([output.detach().std((1, 2)) for output in outputs], 1).cpu()
            self.optimiser.step()
            right = ((logits.argmax(2) == labels) * weights).sum(1)
            total += torch.stack([loss.detach(), right]).cpu()
            norms += self.networks.gradient_norms().cpu()
            highest = torch.maximum(highest, torch.stack([h.detach().amax(1) for h in hidden], 1))
        loss_, right_ = (total / self.n_steps).tolist()
        dead = nn.functional.pad((highest == 0).float().mean(2), (0, 1))
        assert signal is not None
        layers = {
            "gradient_norm": norms / self.n_steps,
            "signal_norm": signal,
            "activation_spread": spread,
            "dead_share": dead,
        }
        return loss_, right_, {name: values.tolist() for name, values in layers.items()}

    def _stacked(self, step: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """
        One batch of every fold, shorter ones padded with their first row at weight 0.

        Returns x (F, B, n_features), labels (F, B), weights (F, B) that sum to 1 in each fold.
        """
        longest = max(len(rows) for rows in step)
        filled = [nn.functional.pad(r, (0, longest - len(r)), value=int(r[:1].sum())) for r in step]
        device = self.x.device
        rows = torch.stack([s.train[r.to(device)] for s, r in zip(self.sets, filled, strict=True)])
        x, labels = self._standardised(rows), self.labels[rows]
        weights = torch.zeros(len(step), longest)
        for i, part in enumerate(step):
            weights[i, : len(part)] = 1 / max(len(part), 1)
        return x, labels, weights.to(device)

    def _standardised(self, rows: Tensor) -> Tensor:
        """(F, B, n_features): the vectors of ``rows``, (F, B), standardised for each fold."""
        return self.x[rows].sub_(self.means).div_(self.stds)

    @torch.inference_mode()
    def _logits(self, parts: list[Tensor]) -> list[Tensor]:
        """Logits of the given rows of every fold, (n,) to (n, n_classes) each."""
        rows = nn.utils.rnn.pad_sequence(parts, batch_first=True)
        given = [self.networks(self._standardised(some)) for some in rows.split(JUDGED_AT_ONCE, 1)]
        logits = torch.cat(given, 1)
        return [each[: len(part)] for each, part in zip(logits, parts, strict=True)]

    def _losses_aside(self) -> list[float]:
        """Mean loss of what each fold sets aside, nan where it sets nothing aside."""
        if not any(len(s.aside) for s in self.sets):
            return [math.nan] * len(self.sets)
        logits = self._logits([s.aside for s in self.sets])
        counts = [None] * len(self.sets) if self.class_weights is None else self.class_weights
        return [
            cross_entropy(part, self.labels[s.aside], weight=count).item()
            if len(s.aside)
            else math.nan
            for part, s, count in zip(logits, self.sets, counts, strict=True)
        ]

    def _falls(self, i: int, loss: float) -> bool:
        """Whether the stopping loss of fold ``i`` has fallen; counts the epochs since it did."""
        falls = loss < self.lowest[i] - self.settings.tolerance
        self.lowest[i] = loss if falls else self.lowest[i]
        self.waited[i] = 0 if falls else self.waited[i] + 1
        return falls


def norm_of(gradient: Tensor | None) -> Tensor:
    """(F,) Euclidean norm of (F, B, n) of each network."""
    assert gradient is not None
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=(1, 2))
    return norms
