"""What tests have pushed to somebody's registry, taken away again."""

from collections.abc import Iterator

import httpx

from integration.images import MANIFESTS

#: Repositories below one that are looked for; tests push to five at most.
PAGE = 10


def remove_images(client: httpx.Client, repository: str) -> None:
    """Delete all that is tagged in a repository and in those below it.

    Layers stay until garbage is collected. It is no error if nothing was pushed, if the user may
    not list it, or if the registry is one that deletes nothing.

    Raises:
        httpx.HTTPError: the registry refused it otherwise, or did not answer.
    """
    for name in (repository, *_below(client, repository)):
        for tag in _listed(client, f"/v2/{name}/tags/list", "tags"):
            found = client.head(f"/v2/{name}/manifests/{tag}", headers={"Accept": MANIFESTS})
            # One image may have several tags: it goes with the first.
            if found.status_code != httpx.codes.NOT_FOUND:
                digest = found.raise_for_status().headers["Docker-Content-Digest"]
                deleted = client.delete(f"/v2/{name}/manifests/{digest}")
                if deleted.status_code not in (404, 405):
                    deleted.raise_for_status()


def _below(client: httpx.Client, repository: str) -> Iterator[str]:
    # The catalog is in lexical order, so they come right after the slash.
    page = httpx.URL("/v2/_catalog", params={"n": PAGE, "last": f"{repository}/"})
    for name in _listed(client, str(page), "repositories"):
        if name.startswith(f"{repository}/"):
            yield name


def _listed(client: httpx.Client, path: str, what: str) -> list[str]:
    answer = client.get(path)
    # A user without any right gets no catalog.
    if answer.status_code in (403, 404):
        return []
    return list(answer.raise_for_status().json()[what] or ())
