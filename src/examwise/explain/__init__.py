"""Where a model saw what it says: explainers by name."""

from __future__ import annotations

from examwise.core.registry import Registry

IMAGE_EXPLAINERS = Registry(
    "image explainer",
    {
        "gradcam": "examwise.explain.methods.gradcam:GradCam",
        "hshap": "examwise.explain.methods.hshap:HShap",
        "integrated_gradients": "examwise.explain.methods.integrated_gradients:IntegratedGradients",
        "occlusion": "examwise.explain.methods.occlusion:Occlusion",
    },
)
"""Give a map of every slice."""

BAG_EXPLAINERS = Registry(
    "bag explainer",
    {
        "attention": "examwise.explain.methods.attention:Attention",
        "hshap_bag": "examwise.explain.methods.hshap_bag:HShapBag",
    },
)
"""Give a value to every slice of an exam."""
