"""A drawing before it is put on a page or into files of its own."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from examwise.core.storage import Storage
from examwise.reporting.contents import Figure as PageFigure
from examwise.reporting.svg import to_page_svg, to_png, to_svg_file


@dataclass(frozen=True)
class Drawing:
    """What is drawn, and what is said of it.

    Attributes:
        figure: Drawn in the placeholder colours of :mod:`examwise.reporting.svg`.
        caption: What it shows, and by which rules.
        description: The same values as text, for those who do not see it.
        source: Tables of the evaluation that the numbers stand in.
    """

    figure: Figure
    caption: str
    description: str
    source: str

    def on_page(self, figure_id: str, *, alone: bool = False) -> PageFigure:
        """Return it for a page.

        Args:
            figure_id: Unique within the page.
            alone: Whether it has a row of its own.
        """
        return PageFigure(
            id=figure_id,
            caption=self.caption,
            svg=to_page_svg(self.figure, prefix=figure_id, description=self.description),
            source=self.source,
            alone=alone,
        )

    def write(self, storage: Storage, name: str) -> None:
        """Write ``NAME.svg`` and ``NAME.png``, in colours of their own on white."""
        storage.write(f"{name}.svg", to_svg_file(self.figure, title=self.description))
        storage.write(f"{name}.png", to_png(self.figure))
