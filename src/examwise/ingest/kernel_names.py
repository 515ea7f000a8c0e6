"""Names of convolution kernels, told from anything else that may stand in their element.

ConvolutionKernel is free text: somebody's name or remark fits in. What a store keeps is a word that
makers use, or a code of few letters and a number.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    {
        *("ANGIO", "BODY", "BONE", "BONEPLUS", "BRAIN", "CEREBRUM", "CHEST", "CHST", "CRANIUM"),
        *("DETAIL", "EDGE", "HD", "HEAD", "HIGH", "INNER EAR", "LUNG", "MEDIUM", "NORMAL"),
        *("SHARP", "SKULL", "SMOOTH", "SOFT", "SPINE", "STAND", "STANDARD", "STD", "STND"),
        *("ULTRA", "UHR", "PBV", "PARA"),
    }
)
# H30s, Hr40f, FC21, B30, I31f; A to YD; 10 to 99. A plus sign or a digit may follow a word.
_CODE = re.compile(r"[A-Z]{1,3}\d{1,3}[A-Z]{0,2}|[A-Z]{1,2}|\d{1,3}")
_ENDING = re.compile(r"[ _]?(?:PLUS|HD|\+|\d{1,2})$")
_MOST_PARTS = 2


def kernel_name(text: str) -> str | None:
    r"""Return a kernel's name as it stands in the header; None if it may be anything else.

    Args:
        text: ConvolutionKernel; values of several parted by a backslash.

    Example:
        >>> kernel_name("Hr40f\\3"), kernel_name("BONEPLUS"), kernel_name("J. Doe")
        ('Hr40f\\3', 'BONEPLUS', None)
    """
    parts = text.split("\\")
    known = len(parts) <= _MOST_PARTS and all(_is_known(part.strip().upper()) for part in parts)
    return text if known else None


def _is_known(part: str) -> bool:
    word = _ENDING.sub("", part)
    return part in _WORDS or word in _WORDS or _CODE.fullmatch(part) is not None
