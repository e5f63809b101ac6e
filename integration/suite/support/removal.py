"""Deletion of the images that tests have pushed to a live registry."""

from collections.abc import Iterator

import httpx

from integration.clients.image_builder import MANIFESTS

#: Maximum number of repositories below a repository; tests push to five at most.
PAGE = 10


def remove_images(client: httpx.Client, repository: str) -> None:
    """Delete the tagged manifests of a repository and of the repositories below it.

    Layers stay until garbage is collected. It is no error if a repository is missing, if the user
    may not list it, or if the registry has deletion disabled.

    Raises:
        httpx.HTTPError: the registry refused otherwise, or did not respond.
    """
    for name in (repository, *_below(client, repository)):
        for tag in _listed(client, f"/v2/{name}/tags/list", "tags"):
            found = client.head(f"/v2/{name}/manifests/{tag}", headers={"Accept": MANIFESTS})
            # Deleting a manifest deletes all its tags.
            if found.status_code != httpx.codes.NOT_FOUND:
                digest = found.raise_for_status().headers["Docker-Content-Digest"]
                deleted = client.delete(f"/v2/{name}/manifests/{digest}")
                if deleted.status_code not in (404, 405):
                    deleted.raise_for_status()


def _below(client: httpx.Client, repository: str) -> Iterator[str]:
    # The catalog is in lexical order, so these repositories follow the name with the slash.
    page = httpx.URL("/v2/_catalog", params={"n": PAGE, "last": f"{repository}/"})
    for name in _listed(client, str(page), "repositories"):
        if name.startswith(f"{repository}/"):
            yield name


def _listed(client: httpx.Client, path: str, field: str) -> list[str]:
    response = client.get(path)
    # A user without any right gets no catalog.
    if response.status_code in (403, 404):
        return []
    return list(response.raise_for_status().json()[field] or ())
