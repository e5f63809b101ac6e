"""A layer from the disk of a host comes in slices: the Lua of the proxy in an nginx of its own."""

from contextlib import suppress

import pytest

from integration.local.cloud import LocalCloud
from integration.suite.support.own_nginx import connect, own_nginx

pytestmark = pytest.mark.usefixtures("only_local")

#: A layer of 40 kB in slices of 8 kB, which have their own number in each four bytes. In the middle
#: of the third slice, the connection to the upstream ends.
CONFIGURATION = """
    proxy_cache_path /dev/shm/slices keys_zone=blobs:1m;
    server {
        listen 127.0.0.1:8999;
        location / {
            set $open_slice "";
            slice 8k;
            proxy_cache blobs;
            proxy_cache_key $uri$slice_range;
            proxy_cache_valid 206 1h;
            proxy_http_version 1.1;
            proxy_set_header Range $slice_range;
            header_filter_by_lua_block { require("wharf.delivery").header() }
            body_filter_by_lua_block { return require("wharf.delivery").body() }
            proxy_pass http://127.0.0.1:8998;
        }
    }
    server {
        listen 127.0.0.1:8998;
        location / {
            content_by_lua_block {
                local first = tonumber(ngx.var.http_range:match("%d+"))
                local slice = ("%04d"):format(first / 8192):rep(2048)
                ngx.status = 206
                ngx.header["Content-Range"] = ("bytes %d-%d/40960"):format(first, first + 8191)
                ngx.header["Content-Length"] = #slice
                if first == 16384 then
                    ngx.print(slice:sub(1, 4096))
                    ngx.flush(true)
                    ngx.exit(444)
                end
                ngx.print(slice)
            }
        }
    }
"""


def test_nothing_comes_behind_a_slice_that_breaks_off(cloud: LocalCloud) -> None:
    """nginx would go on with the next slice, and wait for the client's next request at the end."""
    response = b""
    with own_nginx(cloud, CONFIGURATION), connect(cloud) as client:
        client.settimeout(5)
        client.sendall(b"GET /layer HTTP/1.1\r\nHost: registry\r\n\r\n")
        with suppress(TimeoutError):
            while part := client.recv(1 << 16):
                response += part
    content = response.partition(b"\r\n\r\n")[2]
    assert content.startswith(b"0000" * 2048 + b"0001" * 2048 + b"0002")
    assert content[-4:] == b"0002", "bytes of a later slice have come"
