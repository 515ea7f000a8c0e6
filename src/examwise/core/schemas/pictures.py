"""How a finished directory offers pictures to whoever shows them, a tracker or a page.

The directory holds ``pictures/NAME.png`` and ``pictures.json``:
``{"run_id": run or null, "pictures": [{"name": NAME, "caption": text}, …]}``.
"""

from __future__ import annotations

import re

PICTURES = "pictures.json"
"""What pictures there are, in the order in which to show them."""

PICTURE_FOLDER = "pictures"

PICTURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""Names of pictures: of pseudonyms and plain words."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
