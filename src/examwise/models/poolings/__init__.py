"""Poolings and normalizers by name: slices' embeddings, packed, to one embedding a bag."""

from __future__ import annotations

from examwise.core.registry import Registry

POOLINGS = Registry(
    "pooling",
    {
        "attention": "examwise.models.poolings.attention:AttentionPooling",
        "gated_attention": "examwise.models.poolings.gated_attention:GatedAttentionPooling",
        "smooth_attention": "examwise.models.poolings.smooth_attention:SmoothAttentionPooling",
        "transformer": "examwise.models.poolings.transformer:TransformerPooling",
        "mean": "examwise.models.poolings.mean:MeanPooling",
        "max": "examwise.models.poolings.maximum:MaximumPooling",
        "log_sum_exp": "examwise.models.poolings.log_sum_exp:LogSumExpPooling",
        "top_k": "examwise.models.poolings.top_k:TopKPooling",
    },
)
"""Each entry is called with ``embedding``, ``hidden``, ``normalizer``, ``dropout`` and options of
its own, and returns a ``Pooling``."""

NORMALIZERS = Registry(
    "normalizer",
    {
        "softmax": "examwise.models.segments:segment_softmax",
        "sparsemax": "examwise.models.normalizers:segment_sparsemax",
        "entmax15": "examwise.models.normalizers:segment_entmax15",
    },
)
"""Each entry is called with logits, shape (N,), and bag sizes, and returns weights that sum to one
over each bag."""
