"""Scanners by type: what they write into a header, and how their images look."""

from __future__ import annotations

from dataclasses import dataclass

from examwise.phantom.scanner.holder import HolderShape
from examwise.phantom.scanner.kernel import Kernel


@dataclass(frozen=True)
class ScannerModel:
    """A scanner and the protocol that it is used with.

    Attributes:
        manufacturer: As written to headers; invented, like the model.
        model: As written to headers.
        soft_kernel: The soft-tissue kernel.
        sharp_kernel: The kernel for bone.
        kvp: Tube voltage.
        tube_current_ma: Typical tube current.
        thickness_mm: Slice thicknesses of plain scans, one a choice.
        thin_mm: Slice thicknesses of thin series, one a choice.
        two_spacings_fraction: Fraction of exams with thin slices low and thick ones above.
        uneven_fraction: Fraction of exams whose slices overlap or leave gaps.
        thin_only_fraction: Fraction of exams of which only a thin series was kept.
        tilted_fraction: Fraction of exams scanned with a tilted gantry.
        field_of_view_mm: Smallest and largest.
        noise_hu: Smallest and largest standard deviation of the noise with the soft kernel, at
            5 mm and pixels of 0.5 mm, in the middle of a head of water.
        hardening_hu: Density error between thick bones.
        water_hu: What it makes of water, on the mean over its exams.
        holder: The head holder.
    """

    manufacturer: str
    model: str
    soft_kernel: Kernel
    sharp_kernel: Kernel
    kvp: int
    tube_current_ma: int
    thickness_mm: tuple[float, ...]
    thin_mm: tuple[float, ...]
    two_spacings_fraction: float
    uneven_fraction: float
    thin_only_fraction: float
    tilted_fraction: float
    field_of_view_mm: tuple[float, float]
    noise_hu: tuple[float, float]
    hardening_hu: float
    water_hu: float
    holder: HolderShape

    @property
    def kernel(self) -> str:
        """Name of the soft kernel."""
        return self.soft_kernel.name

    @property
    def bone_kernel(self) -> str:
        """Name of the sharp kernel."""
        return self.sharp_kernel.name


_DEEP_TROUGH = HolderShape(
    radius_mm=92.0,
    arms_mm=52.0,
    wall_mm=4.5,
    wall_hu=300.0,
    core_hu=300.0,
    gap_mm=(6.0, 16.0),
    foam_mm=14.0,
    foam_hu=-938.0,
    skin_hu=-880.0,
    wave_mm=0.0,
    widening_mm=0.0,
)

_SHALLOW_BOWL = HolderShape(
    radius_mm=100.0,
    arms_mm=-27.0,
    wall_mm=5.0,
    wall_hu=180.0,
    core_hu=120.0,
    gap_mm=(12.0, 22.0),
    foam_mm=18.0,
    foam_hu=-945.0,
    skin_hu=-800.0,
    wave_mm=6.0,
    widening_mm=0.0,
)

_OPEN_RAILS = HolderShape(
    radius_mm=98.0,
    arms_mm=44.0,
    wall_mm=3.5,
    wall_hu=340.0,
    core_hu=340.0,
    gap_mm=(24.0, 36.0),
    foam_mm=0.0,
    foam_hu=-1000.0,
    skin_hu=-1000.0,
    wave_mm=14.0,
    widening_mm=4.0,
)

_SANDWICH_TRAY = HolderShape(
    radius_mm=118.0,
    arms_mm=-25.0,
    wall_mm=9.0,
    wall_hu=-150.0,
    core_hu=-880.0,
    gap_mm=(14.0, 24.0),
    foam_mm=22.0,
    foam_hu=-950.0,
    skin_hu=-860.0,
    wave_mm=0.0,
    widening_mm=0.0,
)

PREMIUM_SPIRAL = ScannerModel(
    manufacturer="Northlight Imaging",
    model="Aurora 128",
    soft_kernel=Kernel("H31s", 0.46),
    sharp_kernel=Kernel("H70s", 0.27, 0.6),
    kvp=120,
    tube_current_ma=260,
    thickness_mm=(5.0, 4.8, 3.0),
    thin_mm=(1.5, 1.25),
    two_spacings_fraction=0.0,
    uneven_fraction=0.05,
    thin_only_fraction=0.02,
    tilted_fraction=0.35,
    field_of_view_mm=(218.0, 240.0),
    noise_hu=(2.0, 3.1),
    hardening_hu=9.0,
    water_hu=0.5,
    holder=_DEEP_TROUGH,
)

FAST_TRAUMA = ScannerModel(
    manufacturer="Harbor Medical",
    model="Swift 64",
    soft_kernel=Kernel("STANDARD", 0.44, 0.06),
    sharp_kernel=Kernel("BONE", 0.25, 0.7),
    kvp=120,
    tube_current_ma=220,
    thickness_mm=(5.0, 5.0, 2.5, 4.0),
    thin_mm=(1.25, 2.5),
    two_spacings_fraction=0.1,
    uneven_fraction=0.08,
    thin_only_fraction=0.055,
    tilted_fraction=0.5,
    field_of_view_mm=(220.0, 250.0),
    noise_hu=(2.6, 3.9),
    hardening_hu=13.0,
    water_hu=-1.0,
    holder=_SHALLOW_BOWL,
)

OLD_SEQUENTIAL = ScannerModel(
    manufacturer="Kestrel Systems",
    model="Sequence 4",
    soft_kernel=Kernel("UB", 0.42),
    sharp_kernel=Kernel("EC", 0.30, 0.5),
    kvp=120,
    tube_current_ma=180,
    thickness_mm=(5.0, 5.0, 4.0),
    thin_mm=(2.5,),
    two_spacings_fraction=0.5,
    uneven_fraction=0.12,
    thin_only_fraction=0.0,
    tilted_fraction=0.9,
    field_of_view_mm=(230.0, 255.0),
    noise_hu=(2.8, 4.2),
    hardening_hu=24.0,
    water_hu=1.5,
    holder=_OPEN_RAILS,
)

SMALL_SPIRAL = ScannerModel(
    manufacturer="Meridian Health",
    model="Compact 16",
    soft_kernel=Kernel("FC26", 0.50, 0.08),
    sharp_kernel=Kernel("FC30", 0.28, 0.6),
    kvp=120,
    tube_current_ma=200,
    thickness_mm=(5.0,),
    thin_mm=(2.0, 1.25),
    two_spacings_fraction=0.0,
    uneven_fraction=0.0,
    thin_only_fraction=0.0,
    tilted_fraction=0.2,
    field_of_view_mm=(225.0, 260.0),
    noise_hu=(2.6, 4.0),
    hardening_hu=17.0,
    water_hu=-1.5,
    holder=_SANDWICH_TRAY,
)
