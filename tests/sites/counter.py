"""Stands before a real service and counts what goes to it."""

import socket
import threading
from urllib.parse import urlsplit


class Counter:
    """Passes on whatever comes, byte by byte, and counts what goes towards the service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = str(parts.hostname), int(parts.port or 80)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}{parts.path}"
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                service = socket.create_connection(self._target)
            except OSError:
                return
            for start in ((client, service, True), (service, client, False)):
                threading.Thread(target=self._pass_on, args=start, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(65536):
                if counts:
                    self.sent += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        finally:
            source.close()
