"""What a recorded system finds outside: a mirror's proxy (HTTP, port 3142) and a time server (NTP), on one address.

outside.py ADDRESS
"""

import socket
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingUDPServer

IP_FREEBIND = 15  # Linux: the address may come to the machine later
PROXY_PORT = 3142
NTP_PORT = 123
NTP_SECONDS_BEFORE_1970 = 2_208_988_800
FORWARDED = ("If-Modified-Since", "Range", "If-Range")
GIVEN_BACK = ("Content-Type", "Content-Range", "Last-Modified", "ETag")


class Proxy(BaseHTTPRequestHandler):
    """Fetches what apt asks for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Pass one request on, and its answer back."""
        if not self.path.startswith("http://"):
            self.send_error(400)
            return
        headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
        request = urllib.request.Request(self.path, headers=headers)  # noqa: S310 - it is http, see above
        try:
            answer = urllib.request.urlopen(request, timeout=60)  # noqa: S310 - as above
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
            self.send_response(answer.status)
            for name in GIVEN_BACK:
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Clock(BaseRequestHandler):
    """Tells the time as a server of stratum 2 (RFC 5905, section 7.3)."""

    def handle(self) -> None:
        """Answer one request."""
        request, answering = self.request
        if len(request) < 48:
            return
        now = _ntp(time.time())
        answer = struct.pack("!BBbbII4s", 0x24, 2, request[2], -20, 0x100, 0x100, b"\x7f\x00\x00\x01")
        answering.sendto(answer + now + request[40:48] + now + _ntp(time.time()), self.client_address)


def _ntp(seconds: float) -> bytes:
    return struct.pack("!II", int(seconds) + NTP_SECONDS_BEFORE_1970, int(seconds % 1 * 2**32))


def _early(server: type) -> type:
    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
        server.server_bind(self)

    return type("Early", (server,), {"server_bind": server_bind})


if __name__ == "__main__":
    address = sys.argv[1]
    clock = _early(ThreadingUDPServer)((address, NTP_PORT), Clock)
    threading.Thread(target=clock.serve_forever, daemon=True).start()
    _early(ThreadingHTTPServer)((address, PROXY_PORT), Proxy).serve_forever()
