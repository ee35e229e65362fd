"""A real receiver on the loopback address: it counts what came and whose signature held."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from typing_extensions import override

LARGEST: Final = 1 << 20


class Receiver:
    """Listens on a free port of 127.0.0.1 until `close`."""

    def __init__(self, secret: str) -> None:
        self._verifier = Webhook(secret)
        self._seen: dict[str, bool] = {}
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the terminal is the replay's."""

            def do_POST(self) -> None:
                """Verify and count."""
                length = min(int(self.headers.get("content-length", 0)), LARGEST)
                holds = receiver.take(self.rfile.read(length), dict(self.headers.items()))
                self.send_response(204 if holds else 400)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @property
    def verified(self) -> int:
        """Different messages whose signature held."""
        with self._lock:
            return sum(self._seen.values())

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Whether a message is really from the server; each counts once however often it comes."""
        lowered = {name.lower(): value for name, value in headers.items()}
        try:
            self._verifier.verify(body, lowered)
        except WebhookVerificationError:
            holds = False
        else:
            holds = True
        with self._lock:
            self._seen[lowered.get("webhook-id", "")] = holds
        return holds

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
