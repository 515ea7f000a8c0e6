"""What the exam server answers, apart from HTTP: a page, a list, records, slices."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

import numpy as np
from markupsafe import Markup

from examwise.core.errors import ExamwiseError
from examwise.reporting.exam_viewer.payload import to_json
from examwise.reporting.exam_viewer.records import exam_record
from examwise.reporting.exam_viewer.section import viewer_script, viewer_style
from examwise.reporting.exam_viewer.shelf import ExamShelves
from examwise.reporting.templates import render_template

API = "/api/"

_EXAM = re.compile(r"exams/([0-9]+-[A-Za-z0-9_.-]+)")
_SLICE = re.compile(_EXAM.pattern + r"/slices/([0-9]{1,6})")
_TOKEN_BYTES = 24
_PAGE = "exam_viewer/page.html.j2"


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP status.
        kind: Content type.
        body: Content.
        policy: Content security policy, of a page.
    """

    status: int
    kind: str
    body: bytes
    policy: str = "default-src 'none'"


@dataclass(frozen=True)
class ExamAnswers:
    """Answers about some exams, to whoever has the token.

    Attributes:
        shelves: The exams.
        token: What a page must know; a new one for each server.
    """

    shelves: ExamShelves
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES))
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False)

    @cached_property
    def _list(self) -> bytes:
        return to_json(self.shelves.exam_list(predicted_only=False)).encode()

    def page(self, given: str) -> Answer:
        """Return the page to whoever knows the token."""
        if not self.knows(given):
            return refusal(403)
        nonce = secrets.token_urlsafe(16)
        html = render_template(
            _PAGE,
            title="Exam viewer",
            subtitle="From this machine alone; end it with Ctrl-C where it was begun.",
            attributes=Markup(' data-base="{}" data-token="{}"').format(API, self.token),
            nonce=nonce,
            viewer_style=viewer_style(),
            viewer_script=viewer_script(),
        )
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        return Answer(200, "text/html; charset=utf-8", html.encode(), policy)

    def about(self, path: str, given: str) -> Answer:
        """Return what the page asks for.

        Args:
            path: What follows :data:`API`: ``exams``, ``exams/ID`` or ``exams/ID/slices/INDEX``.
            given: The token that came with it.
        """
        if not self.knows(given):
            return refusal(403)
        try:
            with self._one_at_a_time:
                return self._about(path)
        except ExamwiseError:
            # Which exam it was is said on the terminal of whoever began the server, not here.
            return refusal(404)

    def knows(self, given: str) -> bool:
        """Tell whether a token is the one, taking equally long for all wrong ones."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _about(self, path: str) -> Answer:
        if path == "exams":
            return Answer(200, "application/json", self._list)
        if found := _EXAM.fullmatch(path):
            shelf, exam_id = self.shelves.find(found[1])
            record = to_json(exam_record(shelf, exam_id, packed=False))
            return Answer(200, "application/json", record.encode())
        if found := _SLICE.fullmatch(path):
            shelf, exam_id = self.shelves.find(found[1])
            index = int(found[2])
            if index >= shelf.store_of(exam_id).n_slices(exam_id):
                return refusal(404)
            # One ranged read and one codec call: nothing else of the exam is decoded.
            (pixels,) = shelf.pixels_hu(exam_id, [index])
            little_endian = np.ascontiguousarray(pixels, dtype="<i2").tobytes()
            return Answer(200, "application/octet-stream", little_endian)
        return refusal(404)


def refusal(status: int) -> Answer:
    """Return an answer that says no."""
    words = {403: "not allowed", 404: "no such thing", 405: "only reading is possible"}
    return Answer(status, "text/plain; charset=utf-8", words[status].encode())
