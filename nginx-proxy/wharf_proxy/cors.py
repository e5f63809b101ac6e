"""Web pages of other origins that may use the registry from a browser (CORS).

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Sequence

_EXPOSED = (
    "Content-Length, Content-Range, Docker-Content-Digest, Docker-Distribution-Api-Version, "
    "Docker-Upload-UUID, ETag, Link, Location, OCI-Subject, Range, Retry-After, WWW-Authenticate"
)
"""Headers of a response that a script may read, beside those that it may always read."""

# In 64 bytes, the default, nginx has room for an origin of 46 characters at most.
_SETTINGS = """\
map_hash_bucket_size 512;
map $http_origin $allowed_origin {{
{origins}}}
map $allowed_origin $allowed_credentials {{
    "" "";
    default true;
}}
map $allowed_origin $exposed_headers {{
    "" "";
    default "{exposed}";
}}
add_header Access-Control-Allow-Origin $allowed_origin always;
add_header Access-Control-Allow-Credentials $allowed_credentials always;
add_header Access-Control-Expose-Headers $exposed_headers always;
add_header Vary Origin always;
"""


def settings(origins: Sequence[str]) -> str:
    """Return the directives that nginx.conf includes: nothing if there are no origins."""
    lines = "".join(f'    "{origin}" "{origin}";\n' for origin in origins)
    return _SETTINGS.format(origins=lines, exposed=_EXPOSED) if origins else ""
