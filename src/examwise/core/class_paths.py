"""Classes of the user's own, by their import paths."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examwise.core.errors import InputError


def import_class(path: str, *, base: type, where: str) -> type[Any]:
    """Import a class by ``package.module:Class`` or ``package.module.Class``.

    Modules in the working directory are found as well. Only classes of the wanted kind are
    returned, since a path may come from somebody else's file, and would otherwise call anything.

    Args:
        path: The path.
        base: What the class must be derived from.
        where: What the path is given by, for messages.

    Raises:
        InputError: If there is no such module or class, or it is something else.

    Example:
        >>> import_class("collections:OrderedDict", base=dict, where="example").__name__
        'OrderedDict'
        >>> import_class("os.system", base=dict, where="example")
        Traceback (most recent call last):
        examwise.core.errors.InputError: example: expected a class derived from dict, got os.system
    """
    module_name, _, attribute = path.rpartition(":" if ":" in path else ".")
    with _working_directory_importable():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            # Something that the module itself imports may be what is missing.
            got = f"no module {error.name}"
            raise _refusal(where, f"the path of a class, {path}", got) from None
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise _refusal(where, f"module {module_name} to be importable", got) from error
    found = getattr(module, attribute, None)
    if found is None:
        raise _refusal(where, f"a class {attribute} in module {module_name}", "none")
    if not (isinstance(found, type) and issubclass(found, base)):
        raise InputError(where=where, expected=f"a class derived from {base.__name__}", got=path)
    return found


def _refusal(where: str, expected: str, got: str) -> InputError:
    remedy = "check the spelling; the module must be installed or lie in the working directory"
    return InputError(where=where, expected=expected, got=got, remedy=remedy)


@contextlib.contextmanager
def _working_directory_importable() -> Iterator[None]:
    # The script ``examwise`` has its own folder on the path, where ``python -m`` has this one.
    folder = str(Path.cwd())
    if folder in sys.path or "" in sys.path:
        yield
        return
    # Last, so that no file there hides an installed module; left there, since classes may import
    # more of their modules when they are used.
    sys.path.append(folder)
    yield
