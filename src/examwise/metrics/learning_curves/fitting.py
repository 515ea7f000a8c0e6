"""Many learning curves of one family fitted at once: a grid of shapes, then least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from examwise.metrics.learning_curves.families import Family, Floats, Scale

_ALIKE = 1e-9
"""A decay whose weighted variance is a smaller share of its square is constant."""


@dataclass(frozen=True)
class FamilyFit:
    """Curves of one family.

    Attributes:
        family: Which.
        scale: The budgets they were fitted to.
        place: Each curve's shape, as a row of the family's grid, shape (curves,).
        asymptote: Value with labels without end, at most 1, shape (curves,).
        drop: How much of the decay is missing from it, at least 0, shape (curves,).
    """

    family: Family
    scale: Scale
    place: npt.NDArray[np.intp]
    asymptote: Floats
    drop: Floats

    def at(self, labels: Floats) -> Floats:
        """Return the curves at these labels, shape (curves, n), between 0 and 1."""
        shapes, _ = self.family.places(self.scale)
        used, row = np.unique(self.place, return_inverse=True)
        decay = self.family.decay(labels, shapes[used], self.scale)
        return np.clip(self.asymptote[:, None] - self.drop[:, None] * decay[row], 0.0, 1.0)


def fit_family(
    family: Family,
    labels: npt.ArrayLike,
    values: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    prior_centres: Floats | None = None,
) -> FamilyFit:
    """Fit rising curves of a family by weighted least squares.

    For each shape on the family's grid asymptote and drop follow in closed form (variable
    projection, Golub and Pereyra, 1973), within ``asymptote <= 1`` and ``drop >= 0``; the shape is
    taken that has the least sum of squares, plus its squared distance from the centre of its prior
    in standard deviations. Centres that are themselves drawn from the prior, with values that are
    replicates, turn the best fits into draws that hold what the values leave open (randomise, then
    optimise: Bardsley, Solonen, Haario and Laine, 2014).

    Args:
        family: The family.
        labels: Labels of each budget, rising, above 0, shape (budgets,).
        values: A row for each curve, NaN where missing, shape (curves, budgets).
        weights: One over the variance of each budget's values, shape (budgets,).
        prior_centres: In standard deviations of the prior, shape (curves, 2); 0 if None. Families
            with fewer shape parameters use the first.

    Example:
        >>> from examwise.metrics.learning_curves.families import FAMILIES
        >>> m = np.array([10.0, 100.0, 1000.0, 10000.0])
        >>> fit = fit_family(FAMILIES[0], m, [0.9 - 0.3 * (m / 10) ** -0.5], np.full(4, 1e6))
        >>> fit.asymptote.round(2), fit.at(np.array([100000.0])).round(2)
        (array([0.9]), array([[0.9]]))
    """
    places_of = np.asarray(labels, dtype=np.float64)
    curves = np.atleast_2d(np.asarray(values, dtype=np.float64))
    seen = np.isfinite(curves)
    weight = np.where(seen, np.asarray(weights, dtype=np.float64), 0.0)
    y = np.where(seen, curves, 0.0)
    scale = Scale(float(places_of[0]), float(places_of[-1]))
    shapes, standard = family.places(scale)
    g = family.decay(places_of, shapes, scale)
    total = weight.sum(axis=1, keepdims=True)
    total_safe = np.where(total > 0, total, 1.0)
    sum_y = (weight * y).sum(axis=1, keepdims=True)
    sum_yy = (weight * y * y).sum(axis=1, keepdims=True)
    sum_g, sum_gg, sum_gy = weight @ g.T, weight @ (g * g).T, (weight * y) @ g.T

    def squares(asymptote: Floats, drop: Floats) -> Floats:
        return (
            sum_yy
            + asymptote * (asymptote * total - 2 * sum_y)
            + drop * (drop * sum_gg - 2 * asymptote * sum_g + 2 * sum_gy)
        )

    spread = sum_gg - sum_g**2 / total_safe
    varies = spread > _ALIKE * np.maximum(sum_gg, np.finfo(float).tiny)
    drop = np.where(varies, (sum_g * sum_y / total_safe - sum_gy) / np.where(varies, spread, 1), 0)
    asymptote = (sum_y + drop * sum_g) / total_safe
    inside = (drop >= 0) & (asymptote <= 1)
    # The problem is convex: outside its bounds the best lies on one of them.
    to_one = np.maximum((sum_g - sum_gy) / np.where(sum_gg > 0, sum_gg, 1.0), 0.0)
    flat = np.broadcast_to(np.minimum(sum_y / total_safe, 1.0), drop.shape)
    ones, zeros = np.ones_like(drop), np.zeros_like(drop)
    is_flat = squares(flat, zeros) <= squares(ones, to_one)
    asymptote = np.where(inside, asymptote, np.where(is_flat, flat, ones))
    drop = np.where(inside, drop, np.where(is_flat, zeros, to_one))

    centres = np.zeros((len(curves), 2)) if prior_centres is None else prior_centres
    centres = centres[:, : standard.shape[1]]
    # The squared norm of a centre is the same for all shapes.
    penalty = (standard**2).sum(axis=1) - 2 * centres @ standard.T
    place = np.argmin(squares(asymptote, drop) + penalty, axis=1)
    row = np.arange(len(curves))
    return FamilyFit(family, scale, place, asymptote[row, place], drop[row, place])
