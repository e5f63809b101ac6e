"""The program that the emulator runs: moto with Wharf's corrections, on an inherited socket.

Usage:

    python -m integration.local.moto_server FILE_DESCRIPTOR

The file descriptor is a listening TCP socket. It is the parent that binds it, so the port is
known and taken before this program has imported anything, and early callers wait in its queue.

SIGUSR1 takes it away as the end of a process would, seen from outside: every connection breaks, and
the port is closed. SIGUSR2 brings it back with its state, which moto can keep in memory only.
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
    # file, and only the ones in flight in memory.
    "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1024 * 1024),
    # A template that names an image or a key pair which does not exist must fail, as on AWS.
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
}

LEAVE, RETURN = signal.SIGUSR1, signal.SIGUSR2
#: Connections that wait while the server starts or is busy.
BACKLOG = 128
#: Answers kept for callers who ask again; they do within seconds.
ANSWERS = 1000


class OneAtATime:
    """Carries out one request at a time, when all of it is here: moto is not safe for threads.

    Where two meet in one of its tables it says 500, after it has done half of what was asked; who
    tries again is told that there is such a thing already.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._lock = Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        chunked = environ.get("wsgi.input_terminated", False)
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with self._lock:
            return self._application(environ, start_response)


class OnceEach:
    """Carries out a call once, also if the SDK sends it again because it lost the answer.

    Where the CPU is busy, Terraform's AWS provider sometimes closes a connection before it has read
    the answer, and its SDK tries again (https://github.com/aws/aws-sdk-go-v2/issues/2737). What had
    been done then fails as a duplicate: that is a fault of a busy machine, not of a stack. All
    attempts of a call carry one number, by which the answer of the first is found.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self._answers: dict[str, Response] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a request."""
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call is None or environ["REQUEST_METHOD"] != "POST":
            return self._application(environ, start_response)
        answer = self._answers.get(call)
        if answer is None:
            answer = Response.from_app(self._application, environ, buffered=True)
            # What failed has done nothing that would be in the way.
            if answer.status_code < HTTPStatus.BAD_REQUEST:
                self._answers[call] = answer
                if len(self._answers) > ANSWERS:
                    del self._answers[next(iter(self._answers))]
        return answer(environ, start_response)


def serve(listener: int, corrected: bool = True) -> None:
    """Answer AWS API requests on the listening socket ``listener`` until the process ends.

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

    from integration.local.moto_corrections import apply_corrections
    from integration.local.moto_speed import apply_speed

    if corrected:
        apply_corrections()
        apply_speed()
    # The log is a file, also where it is shown with a test's failure.
    serving._log_add_style = False
    bound = socket.socket(fileno=listener)
    host, port = bound.getsockname()[:2]
    signal.pthread_sigmask(signal.SIG_BLOCK, {LEAVE, RETURN})
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


def _close_connections(port: int) -> None:
    for connection in psutil.Process().net_connections("tcp"):
        if connection.laddr.port == port and connection.fd >= 0:
            with suppress(OSError), socket.socket(fileno=os.dup(connection.fd)) as other:
                other.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    serve(int(sys.argv[1]), corrected="--uncorrected" not in sys.argv)
