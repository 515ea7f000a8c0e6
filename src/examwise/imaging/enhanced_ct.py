"""Frames of enhanced CT objects, each seen as the single-frame image that it stands for.

Enhanced CT (and what was converted to it from single-frame images) keeps position, orientation,
pixel spacing, rescaling and type of its frames in functional groups: what all frames share once,
the rest for each frame (DICOM PS3.3, C.7.6.16 and C.8.15.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydicom

from examwise.imaging.reasons import ImageRefused

ENHANCED_CT_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
"""Enhanced CT Image Storage and Legacy Converted Enhanced CT Image Storage."""

# Keyword of a single-frame image to the functional group, and the keyword in it.
_PLACES = {
    "ImagePositionPatient": ("PlanePositionSequence", "ImagePositionPatient"),
    "ImageOrientationPatient": ("PlaneOrientationSequence", "ImageOrientationPatient"),
    "PixelSpacing": ("PixelMeasuresSequence", "PixelSpacing"),
    "SliceThickness": ("PixelMeasuresSequence", "SliceThickness"),
    "RescaleSlope": ("PixelValueTransformationSequence", "RescaleSlope"),
    "RescaleIntercept": ("PixelValueTransformationSequence", "RescaleIntercept"),
    "RescaleType": ("PixelValueTransformationSequence", "RescaleType"),
    "ConvolutionKernel": ("CTReconstructionSequence", "ConvolutionKernel"),
    "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
}
_FRAME_TYPE = "CTImageFrameTypeSequence"
_TYPE_KEYWORDS = (
    "FrameType",
    "PixelPresentation",
    "VolumetricProperties",
    "VolumeBasedCalculationTechnique",
)
# Where a converter puts what it found no group for.
_UNASSIGNED = (
    "UnassignedPerFrameConvertedAttributesSequence",
    "UnassignedSharedConvertedAttributesSequence",
)


class EnhancedFrame:
    """One frame's elements, by the keywords that they have in a single-frame image.

    What no functional group has is looked up in the object itself.

    Args:
        file: The object.
        groups: Functional groups, the frame's own before those that all frames share.
    """

    def __init__(self, file: pydicom.FileDataset, groups: tuple[pydicom.Dataset, ...]) -> None:
        self._file = file
        self._groups = groups

    @property
    def file_meta(self) -> Any:
        """The object's file meta information."""
        return self._file.file_meta

    def get(self, keyword: str, default: Any = None) -> Any:
        """Return an element's value.

        ``ImageType`` is the frame's type with what else says how it was calculated;
        ``ContrastBolusAgent`` is empty where contrast medium was not given before this frame.
        """
        if keyword == "NumberOfFrames":
            return 1
        if keyword == "ImageType":
            return self._types() or self._file.get(keyword, default)
        if keyword == "ContrastBolusAgent":
            return self._contrast_agent()
        if keyword in _PLACES:
            for item in self._items(_PLACES[keyword][0]):
                if item.get(_PLACES[keyword][1]) is not None:
                    return item.get(_PLACES[keyword][1])
            for name in _UNASSIGNED:
                for item in self._items(name):
                    if item.get(keyword) is not None:
                        return item.get(keyword)
        return self._file.get(keyword, default)

    def _items(self, name: str) -> Iterator[pydicom.Dataset]:
        for group in self._groups:
            yield from group.get(name) or ()

    def _types(self) -> list[str]:
        item = next(self._items(_FRAME_TYPE), None)
        if item is None:
            return []
        words: list[str] = []
        for keyword in _TYPE_KEYWORDS:
            value = item.get(keyword)
            several = isinstance(value, (list, pydicom.multival.MultiValue))
            words += map(str, value if several else [value or ""])
        return words

    def _contrast_agent(self) -> str:
        usage = [
            item.get("ContrastBolusAgentAdministered")
            for item in self._items("ContrastBolusUsageSequence")
        ]
        if usage and "YES" not in usage:
            return ""
        named = [str(self._file.get("ContrastBolusAgent") or "")]
        agents = self._file.get("ContrastBolusAgentSequence") or ()
        named += [str(agent.get("CodeMeaning") or agent.get("CodeValue") or "") for agent in agents]
        return " ".join(filter(None, named)) or ("agent" if usage else "")


def enhanced_frames(file: pydicom.FileDataset) -> tuple[EnhancedFrame, ...]:
    """Return the frames of an enhanced CT object; none if the object is something else.

    Their number is that of the functional groups present, so a header that declares more frames
    than it describes makes nobody wait or make room.

    Args:
        file: Its header, functional groups included.

    Raises:
        ImageRefused: ``damaged`` if the declared number of frames is another one.
    """
    if str(file.get("SOPClassUID", "")) not in ENHANCED_CT_CLASSES:
        return ()
    shared = tuple(file.get("SharedFunctionalGroupsSequence") or ())[:1]
    own = file.get("PerFrameFunctionalGroupsSequence") or ()
    number = int(file.get("NumberOfFrames") or 1)
    if not own:
        return (EnhancedFrame(file, shared),) if shared and number == 1 else ()
    if len(own) != number:
        raise ImageRefused("damaged")
    return tuple(EnhancedFrame(file, (item, *shared)) for item in own)
