"""A linear classifier on the embedding of a frozen network, and on colour and texture."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from thinsection.base.seeds import generator
from thinsection.console.progress import progress
from thinsection.dataset.folds import Fold
from thinsection.families.transfer import TITLES
from thinsection.families.transfer.logistic import Logistic, fit_logistic
from thinsection.learning.class_weights import class_weights
from thinsection.learning.contract import Classifier, FitSettings, FoldResult
from thinsection.learning.examples.examples import Examples, as_vectors


class LinearNetwork(nn.Module):
    """A logistic regression as a network, which takes vectors as they are."""

    mean: Tensor
    std: Tensor

    def __init__(self, fitted: Logistic) -> None:
        super().__init__()
        n_classes, n_features = fitted.weight.shape
        self.register_buffer("mean", torch.from_numpy(fitted.mean).float())
        self.register_buffer("std", torch.from_numpy(fitted.std).float())
        self.last = nn.Linear(n_features, n_classes)
        with torch.no_grad():
            self.last.weight.copy_(torch.from_numpy(fitted.weight))
            self.last.bias.copy_(torch.from_numpy(fitted.bias))

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, n_features) to logits (B, n_classes)."""
        logits: Tensor = self.last((vectors - self.mean) / self.std)
        return logits


def fit_folds(examples: Examples, folds: list[Fold], settings: FitSettings) -> Iterator[FoldResult]:
    """Fit a logistic regression on every fold (learning.contract.FitFolds)."""
    own = settings.own
    vectors = as_vectors(examples)
    with progress(TITLES["linear"], len(folds)) as report:
        for fold in folds:
            rows, held_out = vectors.train_rows(fold), vectors.held_out_rows(fold)
            labels = vectors.labels[rows]
            rng = generator(settings.seed, "transfer", "linear", fold.repeat, fold.fold)
            fitted = fit_logistic(
                vectors.x[rows],
                labels,
                vectors.groups[rows],
                own.linear.c,
                int(rng.integers(2**31)),
                sizes=vectors.sizes,
                weights=class_weights(labels, int(vectors.labels.max()) + 1, settings.training),
            )
            network = LinearNetwork(fitted).eval()
            with torch.inference_mode():
                logits = network(torch.from_numpy(vectors.x[held_out]))
            chances = softmax(logits.double(), 1).numpy()
            probabilities, one_light = vectors.of_samples(fold, chances)
            right = (probabilities.argmax(1) == vectors.labels_of(fold)).mean()
            judged = "all photos" if fold.is_whole else f"held out {right:.3f}"
            report.advance(f"repeat {fold.repeat}, fold {fold.fold}, c {fitted.c:g}, {judged}")
            yield FoldResult(
                fold,
                probabilities,
                vectors.n_parameters + sum(p.numel() for p in network.parameters()),
                classifier=Classifier(
                    network,
                    "+".join(own.kinds),
                    n_features=vectors.x.shape[1],
                    lights=vectors.slots,
                ),
                one_light=one_light,
            )
