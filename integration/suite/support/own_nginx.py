"""An nginx with the Lua of the proxy and a configuration of its own, in the container of a host."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.console.waiting import wait_until
from integration.local.cloud import LocalCloud

#: Where the configuration listens.
PORT = 8999
FILE = "/dev/shm/own-nginx.conf"  # noqa: S108  (in a container)
#: Folders that nginx makes whether it uses them or not.
FOLDERS = "".join(
    f"{name}_temp_path /dev/shm/own-{name};"
    for name in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
)
BEGINNING = f"""
daemon off;
worker_processes 1;
pid /dev/shm/own-nginx.pid;
error_log stderr;
env NGINX_CONNECTIONS_PER_ADDRESS=1000;
env NGINX_UPLOADS=2;
env NGINX_REMEMBER_SECONDS=60;
load_module modules/ndk_http_module.so;
load_module modules/ngx_http_lua_module.so;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {FOLDERS}
    lua_package_path "/usr/lib/wharf/lua/?.lua;;";
"""
#: Of the configuration of the proxy: a directive, and the name of the memory that it reserves.
SHARED = re.compile(r"(lua_shared_dict +(\w+) .+;)")


@contextmanager
def own_nginx(cloud: LocalCloud, http: str) -> Iterator[None]:
    """Run an nginx on the first host.

    ``http`` is what its block of that name has of its own. Its shared memory takes the place of the
    proxy's of the same name.
    """
    pid = cloud.hosts[0].pid("nginx")
    container = Path(f"/proc/{pid}/root")
    own = {name for _, name in SHARED.findall(http)}
    of_proxy = SHARED.findall((container / "etc/nginx/nginx.conf").read_text())
    shared = "".join(line for line, name in of_proxy if name not in own)
    (container / FILE[1:]).write_text(f"{BEGINNING}{shared}{http}}}")
    enter = ["nsenter", "--all", "--root", f"--target={pid}"]
    command = [*enter, "/usr/sbin/nginx", "-e", "stderr", "-c", FILE]
    with subprocess.Popen(command):
        try:
            wait_until("nginx to start", lambda: _answers(cloud), True)
            yield
        finally:
            subprocess.run([*command, "-s", "stop"], check=True)


def connect(cloud: LocalCloud, source: str = "127.0.0.1") -> socket.socket:
    """Connect to that nginx, from an address of 127.0.0.0/8."""
    with cloud.network.inside(cloud.hosts[0].pod):
        return socket.create_connection(("127.0.0.1", PORT), timeout=30, source_address=(source, 0))


def _answers(cloud: LocalCloud) -> bool:
    try:
        connect(cloud).close()
    except OSError:
        return False
    return True
