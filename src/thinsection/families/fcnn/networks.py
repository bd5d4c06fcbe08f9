"""Fully connected networks: a stack of many with the same shape, and a single one."""

import torch
from torch import Tensor, nn
from torch.nn.functional import relu


class StackedFcnn(nn.Module):
    """
    F networks of the same shape as one module: each layer is a stack of F matrices.

    ReLU after every hidden layer; weights initialised after He et al. (2015), biases zero. The
    networks are independent: in the gradient of the sum of their losses, each network's weights
    depend on its own loss only.
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
        return self.all_layers(x)[-1]

    def all_layers(self, x: Tensor) -> list[Tensor]:
        """Output of each layer: (F, B, width) for hidden ones, then logits (F, B, n_classes)."""
        given = []
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = relu(x)
            given.append(x)
        return given

    def gradient_norms(self) -> Tensor:
        """(F, n_layers): Euclidean norm of the loss's gradient in each layer's weights."""
        grads = [weight.grad for weight in self.weights]
        return torch.stack([torch.linalg.vector_norm(g, dim=(1, 2)) for g in grads], 1)

    def single(self, place: int, mean: Tensor, std: Tensor) -> "Fcnn":
        """A copy of the network at ``place``, on the CPU, unaffected by further training."""
        return Fcnn(
            mean.cpu(),
            std.cpu(),
            [weight.detach()[place].cpu().clone() for weight in self.weights],
            [bias.detach()[place].cpu().clone() for bias in self.biases],
        )


class Fcnn(nn.Module):
    """
    A single network that standardises its features itself.

    Parameters
    ----------
    mean, std : (n_features,) float32
    weights, biases : of each layer, (n_in, n_out) and (1, n_out)
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, mean: Tensor, std: Tensor, weights: list[Tensor], biases: list[Tensor]
    ) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_features) to logits (B, n_classes)."""
        x = (x - self.mean) / self.std
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.addmm(bias, x, weight)
            if layer < last:
                x = relu(x)
        return x
