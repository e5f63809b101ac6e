"""An ACME authority on this machine: Pebble, whose DNS queries the emulated Route 53 answers."""

import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import httpx
import trustme
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from integration.local.errors import LocalCloudError

PROGRAM = "pebble"
#: DNS: https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1 and 3.2.2
HEADER = struct.Struct("!6H")
TXT, IN = 16, 1
RESPONSE, NO_SUCH_NAME = 0x8400, 3
HTTPS, LOOPBACK = 443, "127.0.0.1"
#: Seconds until Pebble responds.
START_TIMEOUT = 30


class Zones:
    """A DNS server on UDP that answers from the zones of Route 53, for TXT records.

    Args:
        route53: returns a client.
        address: where the server listens.
        delegated: whether the names of the zones lead here; otherwise no name exists.

    Exposes ``asked``, the names of all queries, and ``responds``.
    """

    def __init__(
        self, route53: Callable[[], Any], address: str = LOOPBACK, *, delegated: bool = True
    ) -> None:
        self._route53 = route53
        self.delegated = delegated
        self.asked: list[str] = []
        #: Cleared, it holds the responses back.
        self.responds = Event()
        self.responds.set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))

    def __enter__(self) -> Self:
        Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.responds.set()
        # Wakes the thread up, which a close alone does not.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def address(self) -> str:
        """Host and port."""
        return "{}:{}".format(*self._socket.getsockname())

    def _serve(self) -> None:
        with suppress(OSError):
            while received := self._socket.recvfrom(4096):
                query, client = received
                if query:
                    self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        number, flags, *_ = HEADER.unpack_from(query)
        name, end = _name(query, HEADER.size)
        question = query[HEADER.size : end + 4]
        kind, _ = struct.unpack_from("!2H", query, end)
        self.asked.append(name)
        self.responds.wait()
        found = self.texts(name) if kind == TXT and self.delegated else []
        records = b"".join(
            # C00C: the name of the question.
            struct.pack("!HHHIH", 0xC00C, TXT, IN, 1, len(text) + 1) + bytes([len(text)]) + text
            for text in found
        )
        status = 0 if found else NO_SUCH_NAME
        header = HEADER.pack(number, RESPONSE | flags & 0x100 | status, 1, len(found), 0, 0)
        return header + question + records

    def texts(self, name: str) -> list[bytes]:
        """Return the texts of the TXT records of a name."""
        route53 = self._route53()
        return [
            value["Value"].strip('"').encode()
            for zone in route53.list_hosted_zones()["HostedZones"]
            if f".{name}.".endswith(f".{zone['Name']}")
            for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])[
                "ResourceRecordSets"
            ]
            if record["Type"] == "TXT" and record["Name"] == f"{name}."
            for value in record["ResourceRecords"]
        ]


def _name(message: bytes, start: int) -> tuple[str, int]:
    """Return the name of a question in lower case, and where it ends."""
    labels = []
    while length := message[start]:
        labels.append(message[start + 1 : start + 1 + length].decode().lower())
        start += 1 + length
    return ".".join(labels), start + 1


@dataclass
class Pebble:
    """An authority.

    Args:
        folder: for its configuration and its log.
        zones: where it sends its queries.
        address: where it listens.
        name: under which clients reach it; without one, they use the address.
        port: where it listens; 0 for a free one.
        days: life of a certificate.
    """

    folder: Path
    zones: Zones
    address: str = LOOPBACK
    name: str = ""
    port: int = 0
    days: float = 90
    _management: int = 0
    _running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._authority = trustme.CA()
        self.port = self.port or _free_port(self.address)
        self._management = _free_port(LOOPBACK)

    @property
    def directory(self) -> str:
        """URL of the ACME directory."""
        port = "" if self.port == HTTPS else f":{self.port}"
        return f"https://{self.name or self.address}{port}/dir"

    @property
    def trust(self) -> str:
        """The root of its own certificate, in PEM."""
        return self._authority.cert_pem.bytes().decode()

    @property
    def root(self) -> str:
        """The root of the certificates that it issues, in PEM, from its start to its end."""
        with self.client() as client:
            return client.get(f"https://{LOOPBACK}:{self._management}/roots/0").text

    def server_context(self, address: str) -> ssl.SSLContext:
        """Return the context of another server that is trusted as Pebble is."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._authority.issue_cert(address).configure_cert(context)
        return context

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "pebble.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it without any account.

        Raises:
            LocalCloudError: it is not installed, or does not respond.
        """
        if shutil.which(PROGRAM) is None:
            raise LocalCloudError(f"{PROGRAM} is not installed; run make setup-tests")
        certificate, key = self.folder / "pebble.crt", self.folder / "pebble.key"
        own = self._authority.issue_cert(LOOPBACK, self.address, *filter(None, [self.name]))
        own.cert_chain_pems[0].write_to_path(str(certificate))
        own.private_key_pem.write_to_path(str(key))
        configuration = self.folder / "pebble.json"
        configuration.write_text(json.dumps({"pebble": self._configuration(certificate, key)}))
        command = [PROGRAM, "-config", str(configuration), "-dnsserver", self.zones.address]
        log = self._running.enter_context(self.log.open("ab"))
        environment = {
            **os.environ,
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_AUTHZREUSE": "0",
            # By default it refuses some requests at random; certbot repeats each once.
            "PEBBLE_WFE_NONCEREJECT": "0",
        }
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._running.callback(process.wait)
        self._running.callback(process.terminate)
        try:
            Retrying(
                stop=stop_after_delay(START_TIMEOUT),
                wait=wait_fixed(0.1),
                retry=retry_if_exception_type(httpx.HTTPError),
                reraise=True,
            )(self._respond)
        except httpx.HTTPError as error:
            self.stop()
            raise LocalCloudError(f"Pebble does not respond ({error}): {self.log}") from None

    def stop(self) -> None:
        """End it; its accounts are forgotten."""
        self._running.close()

    def _configuration(self, certificate: Path, key: Path) -> dict[str, Any]:
        return {
            "listenAddress": f"{self.address}:{self.port}",
            "managementListenAddress": f"{LOOPBACK}:{self._management}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": 5002,
            "tlsPort": 5001,
            "certificateValidityPeriod": int(self.days * 86_400),
        }

    def _respond(self) -> None:
        with self.client() as client:
            client.get(f"https://{self.address}:{self.port}/dir").raise_for_status()

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Yield a client that trusts it."""
        context = ssl.create_default_context(cadata=self.trust)
        with httpx.Client(verify=context, trust_env=False) as client:
            yield client


def _free_port(address: str) -> int:
    with socket.create_server((address, 0)) as found:
        return int(found.getsockname()[1])
