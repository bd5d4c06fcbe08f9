"""Fully connected networks of any depth, all folds of a depth trained side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu, softmax

from thinsection.crossval import FoldResult
from thinsection.examples import Examples, Vectors, as_vectors
from thinsection.folds import Fold
from thinsection.params import FcnnSettings, Params
from thinsection.progress import progress
from thinsection.seeds import torch_generator
from thinsection.training import check_finite, equal_batches, make_optimiser, prepare_device


def fit_folds(
    name: str, examples: Examples, folds: list[Fold], params: Params
) -> Iterator[FoldResult]:
    """
    Train the network with ``name`` hidden layers on every fold (crossval.FitFolds).

    The held-out photos are only looked at: training ends by the training loss alone.
    """
    device = prepare_device(params.compute)
    settings = params.fcnn
    vectors = as_vectors(examples, settings, params.embedding)
    sets = [training_set(vectors, fold).to(device) for fold in folds]
    depth = int(name)
    rngs = [torch_generator(params.seed, "fcnn", depth, f.repeat, f.fold) for f in folds]
    n_classes = len(examples.photos.classes)
    networks = StackedFcnn(sets[0].train.shape[1], settings.width, depth, n_classes, rngs)
    training = Training(depth, networks.to(device), folds, sets, settings, rngs)
    with progress(f"FCNN-{name}", settings.epochs) as report:
        for epoch in range(1, settings.epochs + 1):
            training.run_epoch(epoch)
            report.advance(training.status(epoch))
            if all(training.ended):
                break
    yield from training.results(networks.n_parameters_each)


@dataclass(frozen=True)
class TrainingSet:
    """
    The vectors of one fold, standardised by its own training part.

    Attributes
    ----------
    train : (n_train, n_features) float32; train_labels : (n_train,) int64
    held_out : (n_held_out, n_features) float32; held_out_labels : (n_held_out,) int64
    """

    train: Tensor
    train_labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor

    def to(self, device: torch.device) -> "TrainingSet":
        """The same on another device."""
        return TrainingSet(
            self.train.to(device),
            self.train_labels.to(device),
            self.held_out.to(device),
            self.held_out_labels.to(device),
        )


def training_set(vectors: Vectors, fold: Fold) -> TrainingSet:
    """One fold's vectors, photos and variants to learn from, photos alone held out."""
    train, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
    mean, std = standardisation(vectors.x[train])
    return TrainingSet(
        torch.from_numpy((vectors.x[train] - mean) / std),
        torch.from_numpy(vectors.labels[train]),
        torch.from_numpy((vectors.x[held_out] - mean) / std),
        torch.from_numpy(vectors.labels[held_out]),
    )


def standardisation(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each feature of the rows to learn from, (n_features,) each."""
    mean, std = x.mean(axis=0), x.std(axis=0)
    std[std < 1e-6] = 1  # a feature that never varies says nothing
    return mean, std


class StackedFcnn(nn.Module):
    """
    F networks of one shape as one: each layer a stack of matrices, one a network.

    ReLU after every hidden layer; weights drawn after He et al. (2015), biases zero. No
    network sees another: the gradient of a sum of their losses is each one's own.
    """

    def __init__(
        self, n_features: int, width: int, depth: int, n_classes: int, rngs: list[torch.Generator]
    ) -> None:
        super().__init__()
        sizes = [n_features, *[width] * depth, n_classes]
        stacks: list[list[Tensor]] = [[] for _ in sizes[1:]]
        for rng in rngs:
            for stack, n_in, n_out in zip(stacks, sizes, sizes[1:], strict=False):
                stack.append(torch.randn(n_in, n_out, generator=rng) * (2 / n_in) ** 0.5)
        self.weights = nn.ParameterList([torch.stack(stack) for stack in stacks])
        self.biases = nn.ParameterList([torch.zeros(len(rngs), 1, n) for n in sizes[1:]])
        self.n_parameters_each = sum(p.numel() for p in self.parameters()) // len(rngs)

    def forward(self, x: Tensor) -> Tensor:
        """(F, B, n_features) to logits (F, B, n_classes)."""
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = relu(x)
        return x

    def gradient_norms(self) -> Tensor:
        """(F, n_layers): Euclidean norm of the loss's gradient in each layer's weights."""
        grads = [weight.grad for weight in self.weights]
        return torch.stack([torch.linalg.vector_norm(g, dim=(1, 2)) for g in grads], 1)


class Training:
    """The epochs of a stack of networks, and what each of them leaves when it ends."""

    def __init__(
        self,
        depth: int,
        networks: StackedFcnn,
        folds: list[Fold],
        sets: list[TrainingSet],
        settings: FcnnSettings,
        rngs: list[torch.Generator],
    ) -> None:
        self.depth, self.networks, self.folds, self.sets = depth, networks, folds, sets
        self.settings, self.rngs = settings, rngs
        self.optimiser = make_optimiser(
            networks.parameters(), settings.learning_rate, settings.weight_decay
        )
        # the same number of steps for all, so that a larger fold is not trained longer
        self.n_steps = -(-max(len(s.train) for s in sets) // settings.batch_size)
        self.history: list[list[dict[str, float]]] = [[] for _ in folds]
        self.gradients: list[list[dict[str, float]]] = [[] for _ in folds]
        self.probabilities: list[np.ndarray] = [np.empty(0)] * len(folds)
        self.lowest = [float("inf")] * len(folds)
        self.waited = [0] * len(folds)
        self.ended = [False] * len(folds)

    def run_epoch(self, epoch: int) -> None:
        """One pass over every fold's training part, then one look at what is held out."""
        losses, correct, norms = self._learn()
        held_out = self._look()
        for i, fold in enumerate(self.folds):
            if self.ended[i]:
                continue
            check_finite(losses[i], f"FCNN-{self.depth}", fold, epoch, self.settings.learning_rate)
            labels = self.sets[i].held_out_labels
            self.probabilities[i] = softmax(held_out[i].double(), 1).cpu().numpy()
            self.history[i].append(
                {
                    "epoch": epoch,
                    "train_loss": losses[i],
                    "train_accuracy": correct[i],
                    "held_out_loss": cross_entropy(held_out[i], labels).item(),
                    "held_out_accuracy": (held_out[i].argmax(1) == labels).double().mean().item(),
                }
            )
            self.gradients[i] += [
                {"epoch": epoch, "layer": layer, "gradient_norm": norm}
                for layer, norm in enumerate(norms[i].tolist(), start=1)
            ]
            self.ended[i] = epoch == self.settings.epochs or self._falls_no_more(i, losses[i])

    def status(self, epoch: int) -> str:
        """The newest epoch in a few words: the mean over folds."""
        last = [rows[-1] for rows in self.history]
        mean = {key: float(np.mean([row[key] for row in last])) for key in last[0]}
        running = self.ended.count(False)
        return (
            f"epoch {epoch}, {running} of {len(self.folds)} folds running, "
            f"loss {mean['train_loss']:.3f}, accuracy {mean['train_accuracy']:.3f}, "
            f"held out {mean['held_out_accuracy']:.3f}"
        )

    def results(self, n_parameters: int) -> Iterator[FoldResult]:
        """Each fold as it was at its last epoch."""
        for i, fold in enumerate(self.folds):
            yield FoldResult(
                fold, self.probabilities[i], n_parameters, self.history[i], self.gradients[i]
            )

    def _learn(self) -> tuple[list[float], list[float], Tensor]:
        """Mean loss and accuracy of each fold over the epoch; (F, n_layers) gradient norms."""
        batches = [
            equal_batches(len(s.train), self.n_steps, rng)
            for s, rng in zip(self.sets, self.rngs, strict=True)
        ]
        total = torch.zeros(2, len(self.folds))
        norms = torch.zeros(len(self.folds), self.depth + 1)
        for step in zip(*batches, strict=True):
            x, labels, weights = self._stacked(step)
            logits = self.networks(x)
            each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
            loss = (each.view_as(weights) * weights).sum(1)  # (F,)
            self.optimiser.zero_grad(set_to_none=True)
            loss.sum().backward()
            self.optimiser.step()
            right = ((logits.argmax(2) == labels) * weights).sum(1)
            total += torch.stack([loss.detach(), right]).cpu()
            norms += self.networks.gradient_norms().cpu()
        loss_, right_ = (total / self.n_steps).tolist()
        return loss_, right_, norms / self.n_steps

    def _stacked(self, step: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """
        One batch of every fold, the shorter ones filled up with rows of weight 0.

        Returns x (F, B, n_features), labels (F, B), weights (F, B) that sum to 1 in each fold.
        """
        longest = max(len(rows) for rows in step)
        filled = [torch.cat([rows, rows.new_zeros(longest - len(rows))]) for rows in step]
        device = self.sets[0].train.device
        x = torch.stack([s.train[r.to(device)] for s, r in zip(self.sets, filled, strict=True)])
        labels = torch.stack(
            [s.train_labels[r.to(device)] for s, r in zip(self.sets, filled, strict=True)]
        )
        weights = torch.zeros(len(step), longest)
        for i, rows in enumerate(step):
            weights[i, : len(rows)] = 1 / len(rows)
        return x, labels, weights.to(device)

    @torch.inference_mode()
    def _look(self) -> list[Tensor]:
        """Logits of every fold's held-out photos, (n_held_out, n_classes) each."""
        sizes = [len(s.held_out) for s in self.sets]
        x = nn.utils.rnn.pad_sequence([s.held_out for s in self.sets], batch_first=True)
        return [logits[:n] for logits, n in zip(self.networks(x), sizes, strict=True)]

    def _falls_no_more(self, i: int, loss: float) -> bool:
        if loss < self.lowest[i] - self.settings.tolerance:
            self.lowest[i], self.waited[i] = loss, 0
        else:
            self.waited[i] += 1
        return self.waited[i] >= self.settings.patience
