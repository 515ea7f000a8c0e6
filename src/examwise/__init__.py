"""Examwise: should experts label individual images, or entire examinations?"""

__version__ = "0.1.0"
