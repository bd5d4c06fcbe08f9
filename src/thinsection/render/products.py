"""Alteration products of minerals."""

from dataclasses import dataclass

from thinsection.render.mineral import Triple


@dataclass(frozen=True)
class Product:
    """An alteration product: a fine aggregate, so little more than its optics. All [INV]."""

    name: str
    indices: Triple
    colours: tuple[Triple, Triple, Triple]


PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        Product("serpentine", (1.552, 1.556, 1.560), ((0.20, 0.10, 0.16),) * 3),
        Product("iddingsite", (1.700, 1.720, 1.735), ((2.4, 1.35, 0.42),) * 3),
        Product(
            "chlorite",
            (1.600, 1.603, 1.604),
            ((0.35, 0.20, 0.30), (0.85, 0.38, 0.75), (0.85, 0.38, 0.75)),
        ),
        Product(
            "uralite",
            (1.635, 1.645, 1.658),
            ((0.30, 0.12, 0.15), (0.70, 0.30, 0.50), (0.80, 0.35, 0.60)),
        ),
        Product("bastite", (1.552, 1.556, 1.562), ((0.22, 0.12, 0.18),) * 3),
        Product("glass", (1.52, 1.52, 1.52), ((0.9, 0.8, 0.6),) * 3),
    )
}
