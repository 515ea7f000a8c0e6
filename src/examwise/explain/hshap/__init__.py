"""h-Shap: exact Shapley values of a few parts, and of the parts of those that matter.

Teneggi, Luster and Sulam (2022, TPAMI) for images; Teneggi, Yi and Sulam (2023) for bags of slices.
"""
