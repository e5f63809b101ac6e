"""The program that the emulator runs: moto with Wharf's corrections, on an inherited socket.

Usage:

    python -m integration.local.emulator.moto_server LISTENER PARENT

Both are file descriptors. LISTENER is a listening TCP socket. The parent binds it, so the port is
known and taken before this program has imported anything, and early clients wait in its queue.
PARENT is a pipe that the parent holds open. This program ends when the pipe ends, for example
because the parent was killed, unless the parent has sent a byte before.

SIGUSR1 stops the server as the end of its process would: every connection breaks, and the port is
closed. SIGUSR2 starts it again with its state, which moto can keep in memory only.
"""

import io
import os
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from threading import Lock, Thread
from typing import TYPE_CHECKING

import psutil
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: moto reads its settings from the environment, most of them while it is imported.
SETTINGS = {
    # The roles of the stack attach policies that AWS manages; without this they do not exist.
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # Registry uploads are 10 MB parts. Beyond this size (bytes) an object is kept in a temporary
    # file; only parts in flight are in memory.
    "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1024 * 1024),
    # A template that names an image or a key pair which does not exist must fail, as on AWS.
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
}

LEAVE, RETURN = signal.SIGUSR1, signal.SIGUSR2
#: Byte that the parent sends if the emulator is to outlive it.
STAY = b"."
#: Connections that wait while the server starts or is busy.
BACKLOG = 128
#: Number of responses that are kept for retries, which come within seconds.
RESPONSES = 1000


class OneAtATime:
    """A lock around moto, which is not safe for threads: one request at a time, read whole before.

    Two concurrent requests for one of its tables get 500 after half of the work; a retry then
    fails because the resource exists.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._lock = Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Respond to a request."""
        chunked = environ.get("wsgi.input_terminated", False)
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with self._lock:
            return self._application(environ, start_response)


class OnceEach:
    """A memory of responses: a call that the SDK sends again is carried out once.

    On a busy machine, Terraform's AWS provider sometimes closes a connection before it has read the
    response, and its SDK tries again (https://github.com/aws/aws-sdk-go-v2/issues/2737). The retry
    would fail as a duplicate, which is no fault of the stack. All attempts of a call carry one
    number, by which the response to the first attempt is found.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._responses: dict[str, Response] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Respond to a request."""
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call is None or environ["REQUEST_METHOD"] != "POST":
            return self._application(environ, start_response)
        response = self._responses.get(call)
        if response is None:
            response = Response.from_app(self._application, environ, buffered=True)
            # A failed call has changed nothing, so a retry may run.
            if response.status_code < HTTPStatus.BAD_REQUEST:
                self._responses[call] = response
                if len(self._responses) > RESPONSES:
                    del self._responses[next(iter(self._responses))]
        return response(environ, start_response)


def serve(listener: int, corrected: bool = True) -> None:
    """Serve the AWS API on the listening socket ``listener`` until the process ends.

    ``corrected=False`` serves moto as it is: the tests show with it that each correction is
    still needed.
    """
    os.environ.update(SETTINGS)
    # Imported here, because moto reads the settings above while it is imported.
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug import serving

    from integration.local.emulator.moto_corrections import apply_corrections
    from integration.local.emulator.moto_speed import apply_speed

    if corrected:
        apply_corrections()
        apply_speed()
    # The log is a file; a test's failure shows it without colours.
    serving._log_add_style = False
    bound = socket.socket(fileno=listener)
    host, port = bound.getsockname()[:2]
    while True:
        server = serving.make_server(
            host,
            port,
            OneAtATime(OnceEach(DomainDispatcherApplication(create_backend_app))),
            # Bodies come at the same time: registries upload parts on several connections.
            threaded=True,
            request_handler=MotoRequestHandler,
            fd=bound.fileno(),
        )
        Thread(target=server.serve_forever, daemon=True).start()
        signal.sigwait({LEAVE})
        server.shutdown()
        server.server_close()
        bound.close()
        _close_connections(port)
        signal.sigwait({RETURN})
        bound = socket.create_server((host, port), backlog=BACKLOG)


def end_with(parent: int) -> None:
    """End this process when the pipe ``parent`` ends without a byte in it."""
    if not os.read(parent, len(STAY)):
        os._exit(0)


def _close_connections(port: int) -> None:
    for connection in psutil.Process().net_connections("tcp"):
        if connection.laddr.port == port and connection.fd >= 0:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as other:
                other.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    # Before any thread starts: a thread without this mask would end the process by such a signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {LEAVE, RETURN})
    # Before moto is imported, which takes seconds.
    Thread(target=end_with, args=[int(sys.argv[2])], daemon=True).start()
    serve(int(sys.argv[1]), corrected="--uncorrected" not in sys.argv)
