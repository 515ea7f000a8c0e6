"""From the name that a user gives to an augmentation, on the device or on the host."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from examwise.core.class_paths import import_class
from examwise.core.errors import InputError
from examwise.models.encoders import is_class_path
from examwise.training.augmentations import AUGMENTATIONS, HOST_AUGMENTATIONS, ON_HOST

if TYPE_CHECKING:
    from examwise.training.augmentations.protocol import Augmentation, HostAugmentation


def check_augmentation(name: str) -> None:
    """Refuse what is no augmentation, without importing any.

    Raises:
        InputError: If there is no such name, or no such file.
    """
    if name in AUGMENTATIONS or name in HOST_AUGMENTATIONS or _is_own(name):
        return
    if name.startswith(ON_HOST) and Path(name.removeprefix(ON_HOST)).suffix in {".yaml", ".yml"}:
        if not Path(name.removeprefix(ON_HOST)).is_file():
            raise InputError(
                where="augmentation",
                expected="a YAML file with TorchIO's transforms after 'torchio:'",
                got="no such file",
            )
        return
    names = ", ".join((*AUGMENTATIONS, *HOST_AUGMENTATIONS))
    raise InputError(
        where="augmentation",
        expected=f"one of {names}, torchio:FILE.yaml, or package.module:Class",
        got=name,
    )


def make_augmentation(name: str) -> Augmentation:
    """Return what is done on the device: nothing where a name stands for something on the host.

    Raises:
        InputError: As :func:`check_augmentation`.

    Example:
        >>> type(make_augmentation("torchio:teneggi2023")).__name__
        'NoAugmentation'
    """
    check_augmentation(name)
    if _is_own(name):
        found = import_class(name, base=object, where="training option augmentation")
        if not callable(getattr(found, "draw", None)):
            raise InputError(where="augmentation", expected="a class with a method draw", got=name)
        own: Augmentation = found()
        return own
    augmentation: Augmentation = AUGMENTATIONS.load(name if name in AUGMENTATIONS else "none")()
    return augmentation


def _is_own(name: str) -> bool:
    # "torchio:teneggi2023" looks like the path of a class as well.
    return is_class_path(name) and not name.startswith(ON_HOST)


def make_host_augmentation(name: str) -> HostAugmentation | None:
    """Return what is done on the host, None where a name stands for something on the device.

    Raises:
        InputError: As :func:`check_augmentation`; or if a file does not hold a pipeline that works.
    """
    check_augmentation(name)
    if name in AUGMENTATIONS or _is_own(name):
        return None
    if name in HOST_AUGMENTATIONS:
        made: HostAugmentation = HOST_AUGMENTATIONS.load(name)()
        return made
    # Importing TorchIO takes seconds.
    from examwise.training.augmentations.torchio_file import read_pipeline

    return read_pipeline(name.removeprefix(ON_HOST))


def recorded_name(name: str) -> str:
    """Return a name as it may be recorded: where a file lies may change, and may hold names.

    Example:
        >>> recorded_name("torchio:/data/DOE^JOHN/flip.yaml"), recorded_name("head")
        ('torchio:FILE', 'head')
    """
    is_file = name.startswith(ON_HOST) and name not in HOST_AUGMENTATIONS
    return f"{ON_HOST}FILE" if is_file else name


def augmentation_digest(name: str) -> str:
    """Return ``"sha256:…"`` of a pipeline's file, empty where a name says everything.

    A run that goes on is refused where this has changed.
    """
    check_augmentation(name)
    if not name.startswith(ON_HOST) or name in HOST_AUGMENTATIONS:
        return ""
    data = Path(name.removeprefix(ON_HOST)).read_bytes()
    return f"sha256:{sha256(data).hexdigest()}"
