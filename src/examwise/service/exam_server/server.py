"""The exam server: HTTP on this machine's own address, read only, for one token."""

from __future__ import annotations

from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import unquote, urlsplit

from examwise.service.exam_server.answers import API, Answer, ExamAnswers, refusal

ADDRESS = "127.0.0.1"
"""Never another one: what is shown stays on this machine."""

TOKEN_HEADER = "X-Examwise-Token"


class ExamServer:
    """Serves exams until it is closed.

    Args:
        answers: What it answers.
        port: Port of this machine; a free one if 0.

    Raises:
        OSError: If the port is taken.
    """

    def __init__(self, answers: ExamAnswers, *, port: int = 0) -> None:
        self.answers = answers
        """What it answers."""
        self._server = ThreadingHTTPServer((ADDRESS, port), partial(_Handler, answers))
        self._server.daemon_threads = True
        self.url = f"http://{ADDRESS}:{self._server.server_port}/{answers.token}"
        """Address of the page, with its token."""

    def serve(self) -> None:
        """Answer until :meth:`stop` is called from elsewhere, or Ctrl-C."""
        self._server.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """Let :meth:`serve`, which another thread is in, come to its end."""
        self._server.shutdown()

    def close(self) -> None:
        """Give the port back."""
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    server_version = "examwise"
    sys_version = ""
    timeout = 60

    def __init__(self, answers: ExamAnswers, *arguments: object) -> None:
        self._answers = answers
        super().__init__(*arguments)  # type: ignore[arg-type] # as socketserver gives them

    def do_GET(self) -> None:
        """Answer with what was asked for."""
        self._send(self._answer())

    def do_HEAD(self) -> None:
        """Answer without content."""
        self._send(self._answer(), with_body=False)

    def do_POST(self) -> None:
        """Refuse: nothing can be changed."""
        self.close_connection = True
        self._send(refusal(405))

    def _answer(self) -> Answer:
        port = cast("ThreadingHTTPServer", self.server).server_port
        # A name that an attacker has pointed to this machine would come with its own.
        if self.headers.get("Host") not in (f"{ADDRESS}:{port}", f"localhost:{port}"):
            return refusal(403)
        path = unquote(urlsplit(self.path).path)
        if path.startswith(API):
            given = self.headers.get(TOKEN_HEADER, "")
            return self._answers.about(path.removeprefix(API), given)
        return self._answers.page(path.removeprefix("/"))

    def _send(self, answer: Answer, *, with_body: bool = True) -> None:
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            "Content-Security-Policy": answer.policy,
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: requests hold the token and pseudonyms."""
