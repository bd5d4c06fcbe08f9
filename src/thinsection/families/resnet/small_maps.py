"""Convolutions with small output maps as plain matrix products, for training on the CPU."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

MOST_CELLS = 24  # of a small map (docs/training.md)


def use_matrix_products(network: nn.Module, photo: Tensor) -> None:
    """
    Compute convolutions with small outputs as matrix products during training.

    With photos of the default size, maps have 2 x 3 cells in a ResNet's last stage. There nearly
    half of the multiplications of PyTorch's convolution (oneDNN) are with padding, and it
    rearranges weights that are larger than the map. Parameters keep their names, shapes and
    values; evaluation is computed as before. The choice depends on shapes only, not on timings.

    Parameters
    ----------
    network : on the CPU
    photo : (1, 3, H, W) float32, of the size used in training
    """
    cells: dict[nn.Conv2d, int] = {}

    def note(layer: Any, _inputs: Any, output: Tensor) -> None:
        cells[layer] = output.shape[2] * output.shape[3]

    layers = [m for m in network.modules() if type(m) is nn.Conv2d and _is_plain(m)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    was_training = network.training
    with torch.no_grad():
        network.eval()(photo)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    for layer in layers:
        if cells.get(layer, MOST_CELLS + 1) <= MOST_CELLS:
            layer.__class__ = SmallMapConv2d  # its contents stay the same
            # one matrix for each kernel position, contiguous in memory
            matrices = layer.weight.detach().permute(2, 3, 0, 1).contiguous()
            layer.weight.data = matrices.permute(2, 3, 0, 1)


def _is_plain(layer: nn.Conv2d) -> bool:
    return (
        layer.bias is None
        and layer.groups == 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


class SmallMapConv2d(nn.Conv2d):
    """A convolution without bias, groups or dilation, as matrix products in training."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, O, h, w), as nn.Conv2d."""
        if not self.training:
            return super().forward(x)
        assert not isinstance(self.padding, str)
        if self.kernel_size == self.stride == (1, 1) and self.padding == (0, 0):
            return linear(x.permute(0, 2, 3, 1), self.weight[:, :, 0, 0]).permute(0, 3, 1, 2)
        weight = self.weight
        if torch.is_autocast_enabled(x.device.type):
            kind = torch.get_autocast_dtype(x.device.type)
            x, weight = x.to(kind), weight.to(kind)
        out: Tensor = _Products.apply(x, weight, self.stride, self.padding)  # type: ignore[no-untyped-call]
        return out


class _Products(torch.autograd.Function):
    """
    A convolution as one matrix product for each kernel position, over the cells that it covers.

    Cells come first in memory and photos after them, so that the cells of one position in a row
    of the map form a matrix without a copy; products are accumulated in place.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        sizes = zip(x.shape[2:], weight.shape[2:], stride, padding, strict=True)
        places, (h, w) = zip(*(_meetings(*axis) for axis in sizes), strict=True)
        ctx.places = places
        cells = _cells_first(x)
        out = x.new_zeros(h, w, len(x), len(weight), dtype=_of_sums(x))
        for ky, kx, (to_y, from_y), (to_x, from_x) in _pairs(places):
            _add_product(out[to_y, to_x], cells[from_y, from_x], weight[:, :, ky, kx].t())
        return _photos_first(out.to(x.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        of_out = _cells_first(gradient)
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_cells = x.new_zeros(*x.shape[2:], *x.shape[:2], dtype=_of_sums(x))
            for ky, kx, (to_y, from_y), (to_x, from_x) in _pairs(ctx.places):
                _add_product(of_cells[from_y, from_x], of_out[to_y, to_x], weight[:, :, ky, kx])
            of_x = _photos_first(of_cells.to(x.dtype))
        if ctx.needs_input_grad[1]:
            cells = _cells_first(x)
            # in the memory order in which use_matrix_products stores weights
            matrices = weight.new_zeros(*weight.shape[2:], *weight.shape[:2])
            for ky, kx, (to_y, from_y), (to_x, from_x) in _pairs(ctx.places):
                torch.mm(
                    _matrix(of_out[to_y, to_x]).t(),
                    _matrix(cells[from_y, from_x]),
                    out=matrices[ky, kx],
                )
            of_weight = matrices.permute(2, 3, 0, 1)
        return of_x, of_weight, None, None


def _of_sums(x: Tensor) -> torch.dtype:
    """The type in which products of ``x`` are added up: bfloat16 would lose too many digits."""
    return torch.float32 if x.dtype == torch.bfloat16 else x.dtype


def _add_product(total: Tensor, cells: Tensor, matrix: Tensor) -> None:
    """
    Add the products of cells (h, w, B, n) and a matrix (n, m) to ``total`` (h, w, B, m).

    In place, row by row, which need no copy. In bfloat16, whose sums are of float32, all rows are one
    product, because each product rearranges the matrix.
    """
    if cells.dtype != total.dtype:
        total += (_matrix(cells) @ matrix).view_as(total)
        return
    for row, given in zip(total, cells, strict=True):
        if row.is_contiguous():
            _matrix(row).addmm_(_matrix(given), matrix)
        else:  # every second cell
            row += (_matrix(given) @ matrix).view_as(row)


Meeting = tuple[slice, slice]  # output cells, and the input cells that they see


def _meetings(size: int, kernel: int, stride: int, padding: int) -> tuple[list[Meeting], int]:
    """For each kernel position along one axis, the cells it connects; and the output size."""
    n_out = (size + 2 * padding - kernel) // stride + 1
    meetings = []
    for place in range(kernel):
        offset = place - padding  # output i sees input i * stride + offset
        first = max(0, -(offset // stride))
        last = max(first, min(n_out, (size - 1 - offset) // stride + 1))
        start = first * stride + offset
        seen = slice(start, start + (last - first) * stride, stride) if last > first else slice(0)
        meetings.append((slice(first, last), seen))
    return meetings, n_out


def _pairs(places: Any) -> list[tuple[int, int, Meeting, Meeting]]:
    """Every kernel position that covers more than padding."""
    down, across = places
    return [
        (ky, kx, rows, columns)
        for ky, rows in enumerate(down)
        for kx, columns in enumerate(across)
        if rows[0].start < rows[0].stop and columns[0].start < columns[0].stop
    ]


def _cells_first(x: Tensor) -> Tensor:
    """(B, C, H, W) to (H, W, B, C)."""
    return x.permute(2, 3, 0, 1).contiguous()


def _photos_first(cells: Tensor) -> Tensor:
    """(H, W, B, C) to (B, C, H, W), channels last in memory, like the other layers."""
    return cells.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)


def _matrix(cells: Tensor) -> Tensor:
    """(..., C) to (n, C); copies only if the cells are not contiguous."""
    return cells.reshape(-1, cells.shape[-1])
