"""DICOM files of one series: what they share is encoded once, the rest a file at a time."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import config as pydicom_config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.uid import UID, CTImageStorage

IMPLEMENTATION = UID("2.25.191520341283290834212478061547268331871")
"""Names this writer in file headers."""

_PREAMBLE = bytes(128) + b"DICM"


class SeriesFiles:
    """Makes the files of a series, in explicit VR little endian or a coding that goes with it.

    Writing a whole data set for each slice costs several times as much. The class of all files is
    CT Image Storage.

    Args:
        header: Elements that all files share.
        transfer_syntax: How pixels are coded.
    """

    def __init__(self, header: Dataset, transfer_syntax: UID) -> None:
        self._shared = {int(element.tag): _encoded(element) for element in header}
        meta = Dataset()
        meta.FileMetaInformationVersion = b"\x00\x01"
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.TransferSyntaxUID = transfer_syntax
        meta.ImplementationClassUID = IMPLEMENTATION
        self._meta = {int(element.tag): _encoded(element) for element in meta}

    def file(self, stored_as: str, own: Iterable[DataElement]) -> bytes:
        """Return the bytes of one file.

        Args:
            stored_as: MediaStorageSOPInstanceUID, a valid UID.
            own: Elements of this file alone.
        """
        instance = DataElement("MediaStorageSOPInstanceUID", "UI", stored_as)
        meta = _joined(self._meta, (instance,))
        length = DataElement("FileMetaInformationGroupLength", "UL", len(meta))
        return b"".join((_PREAMBLE, _encoded(length), meta, _joined(self._shared, own)))


def decimals(values: Iterable[float]) -> list[str]:
    """Return numbers as decimal strings of at most 16 characters, without a negative zero.

    Example:
        >>> decimals([-1e-9, 1 / 3])
        ['0.000000', '0.333333']
    """
    return [f"{round(value, 6) + 0.0:.6f}" for value in values]


def unchecked(keyword: str, vr: str, value: str) -> DataElement:
    """Return an element whose value breaks the rules of its type, as some archives' do."""
    return DataElement(keyword, vr, value, validation_mode=pydicom_config.IGNORE)


def _joined(shared: dict[int, bytes], own: Iterable[DataElement]) -> bytes:
    elements = {**shared, **{int(element.tag): _encoded(element) for element in own}}
    return b"".join(elements[tag] for tag in sorted(elements))


def _encoded(element: DataElement) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = False
    write_data_element(buffer, element)
    return bytes(buffer.getvalue())
