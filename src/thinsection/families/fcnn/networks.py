"""Fully connected networks: a stack of many with the same shape, and a single one."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, relu

from thinsection.families.fcnn.architecture import Architecture, Initialisation

EPSILON = 1e-5  # added to a variance, as PyTorch does
MOMENTUM = 0.1  # of the running mean and variance of batch normalisation, as PyTorch's


def drawn_weights(n_in: int, n_out: int, how: Initialisation, rng: torch.Generator) -> Tensor:
    """(n_in, n_out) initial weights, as ``Architecture.initialisation``."""
    if how == "he":
        weights: Tensor = torch.randn(n_in, n_out, generator=rng) * (2 / n_in) ** 0.5
    elif how == "orthogonal":
        weights = torch.empty(n_in, n_out)
        nn.init.orthogonal_(weights, gain=2**0.5, generator=rng)
    else:
        bound = (6 / (n_in + n_out) if how == "glorot" else 1 / n_in) ** 0.5
        weights = (2 * torch.rand(n_in, n_out, generator=rng) - 1) * bound
    return weights


Linear = Callable[[int, Tensor], Tensor]  # number of a layer and its input, to its output
Normal = Callable[[int, Tensor], Tensor]  # number of a hidden layer and what it gives


def all_layers(x: Tensor, shape: Architecture, linear: Linear, normal: Normal) -> list[Tensor]:
    """Output of each layer, of the hidden ones after the ReLU; logits last."""
    given: list[Tensor] = []
    for layer in range(shape.depth):
        x = normal(layer, linear(layer, x))
        if shape.joins(layer):
            x = x + given[layer - 2]
        x = relu(x)
        given.append(x)
    return [*given, linear(shape.depth, x)]


class StackedFcnn(nn.Module):
    """
    F networks of the same shape as one module: each layer is a stack of F matrices.

    The networks are independent: in the gradient of the sum of their losses, each network's weights
    depend on its own loss only.
    """

    def __init__(
        self, n_features: int, n_classes: int, shape: Architecture, rngs: Sequence[torch.Generator]
    ) -> None:
        super().__init__()
        self.shape = shape
        sizes = shape.sizes(n_features, n_classes)
        stacks: list[list[Tensor]] = [[] for _ in sizes[1:]]
        for rng in rngs:
            for stack, (n_in, n_out) in zip(stacks, pairwise(sizes), strict=True):
                stack.append(drawn_weights(n_in, n_out, shape.initialisation, rng))
        self.weights = nn.ParameterList([torch.stack(stack) for stack in stacks])
        self.biases = nn.ParameterList([torch.zeros(len(rngs), 1, n) for n in sizes[1:]])
        normalised = [] if shape.normalisation == "none" else sizes[1:-1]
        self.gains = nn.ParameterList([torch.ones(len(rngs), 1, n) for n in normalised])
        self.offsets = nn.ParameterList([torch.zeros(len(rngs), 1, n) for n in normalised])
        # (F, depth, 2, width): running mean and variance of what each hidden layer gives
        batch = shape.normalisation == "batch"
        running = torch.stack([torch.zeros(shape.width), torch.ones(shape.width)])
        n_running = shape.depth if batch else 0
        self.register_buffer("running", running.repeat(len(rngs), n_running, 1, 1))
        self.n_parameters_each = sum(p.numel() for p in self.parameters()) // len(rngs)

    running: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(F, B, n_features) to logits (F, B, n_classes), as in prediction."""
        return self.all_layers(x)[-1]

    def all_layers(self, x: Tensor, weights: Tensor | None = None) -> list[Tensor]:
        """
        Output of each layer: (F, B, width) for hidden ones, then logits (F, B, n_classes).

        Parameters
        ----------
        weights : (F, B) of the rows of a training batch, summing to 1 in each network; None in prediction
        """

        def linear(layer: int, given: Tensor) -> Tensor:
            return torch.baddbmm(self.biases[layer], given, self.weights[layer])

        return all_layers(x, self.shape, linear, lambda n, given: self._normal(n, given, weights))

    def _normal(self, layer: int, given: Tensor, weights: Tensor | None) -> Tensor:
        how = self.shape.normalisation
        if how == "none":
            return given
        if how == "layer":
            given = layer_norm(given, given.shape[-1:], eps=EPSILON)
        elif weights is None:
            mean, variance = self.running[:, layer, :, None].unbind(1)
            given = (given - mean) * torch.rsqrt(variance + EPSILON)
        else:
            share = weights[..., None]
            mean = (given * share).sum(1, keepdim=True)
            variance = ((given - mean) ** 2 * share).sum(1, keepdim=True)
            with torch.no_grad():
                n = (weights > 0).sum(1)[:, None, None].clamp_min(2)
                seen = torch.cat([mean, variance * n / (n - 1)], 1)
                self.running[:, layer].lerp_(seen, MOMENTUM)
            given = (given - mean) * torch.rsqrt(variance + EPSILON)
        normal: Tensor = given * self.gains[layer] + self.offsets[layer]
        return normal

    def gradient_norms(self) -> Tensor:
        """(F, n_layers): Euclidean norm of the loss's gradient in each layer's weights."""
        grads = [weight.grad for weight in self.weights]
        return torch.stack([torch.linalg.vector_norm(g, dim=(1, 2)) for g in grads], 1)

    def single(self, place: int, mean: Tensor, std: Tensor) -> "Fcnn":
        """A copy of the network at ``place``, on the CPU, unaffected by further training."""

        def own(tensors: nn.ParameterList) -> list[Tensor]:
            return [each.detach()[place].cpu().clone() for each in tensors]

        weights, biases, gains, offsets = map(
            own, (self.weights, self.biases, self.gains, self.offsets)
        )
        if (
            self.shape.normalisation == "batch"
        ):  # in prediction it is linear, so weights can hold it
            for layer, (middle, variance) in enumerate(self.running[place].cpu()):
                scale = gains[layer] * torch.rsqrt(variance + EPSILON)
                weights[layer] = weights[layer] * scale
                biases[layer] = (biases[layer] - middle) * scale + offsets[layer]
            gains, offsets = [], []
        return Fcnn(self.shape, mean.cpu(), std.cpu(), weights, biases, gains, offsets)


class Fcnn(nn.Module):
    """
    A single network that standardises its features itself.

    Parameters
    ----------
    mean, std : (n_features,) float32
    weights, biases : of each layer, (n_in, n_out) and (1, n_out)
    gains, offsets : (1, width) of each hidden layer where layers are normalised; else none
    """

    mean: Tensor
    std: Tensor

    def __init__(  # noqa: PLR0917
        self,
        shape: Architecture,
        mean: Tensor,
        std: Tensor,
        weights: list[Tensor],
        biases: list[Tensor],
        gains: Sequence[Tensor] = (),
        offsets: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)
        self.gains = nn.ParameterList(gains)
        self.offsets = nn.ParameterList(offsets)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_features) to logits (B, n_classes)."""
        x = (x - self.mean) / self.std

        def linear(layer: int, given: Tensor) -> Tensor:
            return torch.addmm(self.biases[layer], given, self.weights[layer])

        def normal(layer: int, given: Tensor) -> Tensor:
            if not len(self.gains):
                return given
            given = layer_norm(given, given.shape[-1:], eps=EPSILON)
            scaled: Tensor = given * self.gains[layer] + self.offsets[layer]
            return scaled

        return all_layers(x, self.shape, linear, normal)[-1]
