"""Program that `file_trial.py` runs in the proxy's image: it serves with each set of files."""

import json
import os
import socket
import subprocess
import sys
import time
from base64 import b64decode
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from wharf_proxy.configuration import install
from wharf_proxy.errors import ConfigurationError
from wharf_proxy.files import check
from wharf_proxy.settings import ProxySettings
from wharf_proxy.start import DIRECTORY, NGINX, VERIFIER, write_settings

SETTINGS = ProxySettings(configuration_bucket="none", image_bucket="none", blob_delivery="proxy")


class Registry(BaseHTTPRequestHandler):
    """A registry that responds 200 to every request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Respond."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_DELETE = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def serve(files: dict[str, bytes], programs: list["subprocess.Popen[bytes]"]) -> str | None:
    """Start nginx and the verifier anew with these files; return why not, or None."""
    for program in programs:
        program.terminate()
        program.wait()
    programs.clear()
    try:
        check(files, published=True)
    except ConfigurationError as error:
        return str(error)
    install(files, DIRECTORY)
    environment = {**os.environ, **SETTINGS.for_nginx()}
    programs += [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
        for command in (NGINX, VERIFIER)
    ]
    for _ in range(400):
        if programs[0].poll() is not None:
            return f"nginx ended with status {programs[0].returncode}"
        with suppress(OSError), socket.create_connection(("127.0.0.1", 8443), 1):
            if (DIRECTORY / "verifier.sock").exists():
                return None
        time.sleep(0.05)
    return "nginx does not listen"


def main() -> None:
    """Serve one set of files after the other."""
    Thread(
        target=ThreadingHTTPServer(("127.0.0.1", 5000), Registry).serve_forever, daemon=True
    ).start()
    write_settings(DIRECTORY, SETTINGS)
    print(json.dumps({"pid": os.getpid()}))
    programs: list[subprocess.Popen[bytes]] = []
    for line in sys.stdin:
        files = {name: b64decode(text) for name, text in json.loads(line).items()}
        print(json.dumps({"refused": serve(files, programs)}))
    for program in programs:
        program.terminate()


if __name__ == "__main__":
    main()
