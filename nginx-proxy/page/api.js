// Requests of the page: those of the registry's API, and the two facts of wharf_proxy/page_service.py.

/** Concurrent requests: as many as a browser has connections to one server. */
const CONCURRENT = 6;
/** Tries while the registry has too many requests. */
const TRIES = 4;
/** Names in one list; the registry has 10,000 at most. */
const NAMES = 10000;
/** Bytes of a configuration; those of large images have some 20,000. */
const LARGEST = 1024 * 1024;

let running = 0;
const waiting = [];

async function inTurn(work) {
  if (running >= CONCURRENT) await new Promise((resume) => waiting.push(resume));
  else running += 1;
  try {
    return await work();
  } finally {
    // The next one takes the place over.
    if (waiting.length) waiting.shift()();
    else running -= 1;
  }
}

/** A response that is an error; `status` is that of HTTP. */
export class Failure extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function failure(response) {
  if (response.status === 401) return new Failure(401, "Log in, and load the page again.");
  let message = "";
  try {
    message = (await response.json()).errors[0].message;
  } catch {
    // Not an error of the registry.
  }
  return new Failure(response.status, `The registry responds with ${response.status}: ${message || "no reason"}.`);
}

async function request(path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      // The address of the page may hold a login, which a request must not.
      response = await fetch(location.origin + path, options);
    } catch {
      // A host that leaves closes its connections. What only reads can be sent again.
      if (options.method || tries === TRIES) throw new Failure(0, "The registry does not respond, or not to this page.");
    }
    if (response?.ok) return response;
    if (response && (response.status !== 429 || tries === TRIES)) throw await failure(response);
    await new Promise((resume) => setTimeout(resume, (response ? 1000 : 300) * tries));
  }
}

const get = (path, headers = {}) => inTurn(() => request(path, { headers }));

/** Return the index: user, rights, and the figures of repositories. */
export const index = async () => (await get("/page/index.json")).json();

/** Return the facts of all hosts, and the time by the clock of one of them. */
export async function hosts() {
  const response = await get("/page/hosts.json");
  return { found: await response.json(), now: Date.parse(response.headers.get("Date")) || Date.now() };
}

/** Yield the names of a list, page by page. */
async function* names(path, field) {
  let next = `${path}?n=${NAMES}`;
  while (next) {
    const response = await get(next);
    yield (await response.json())[field] ?? [];
    next = /^<(\/v2\/[^>]*)>; rel="next"$/.exec(response.headers.get("Link") ?? "")?.[1];
  }
}

/** Return the names of all repositories that the user may pull. */
export async function repositories() {
  const found = [];
  for await (const page of names("/v2/_catalog", "repositories")) found.push(...page);
  return found;
}

/** Return all tags of a repository. */
export async function tags(repository) {
  const found = [];
  for await (const page of names(`/v2/${repository}/tags/list`, "tags")) found.push(...page);
  return found;
}

const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const known = new Map();

/** Return what is named by a digest, fetched once: it never changes. */
function once(key, fetched) {
  if (!known.has(key)) {
    const found = fetched();
    known.set(key, found);
    found.catch(() => known.delete(key));
  }
  return known.get(key);
}

async function readManifest(repository, reference) {
  const response = await get(`/v2/${repository}/manifests/${reference}`, { Accept: ACCEPT });
  const text = await response.text();
  const content = JSON.parse(text);
  return {
    repository,
    digest: response.headers.get("Docker-Content-Digest") ?? reference,
    mediaType: content?.mediaType ?? response.headers.get("Content-Type") ?? "",
    content: content ?? {},
    bytes: text.length,
  };
}

/** Return a manifest by tag, as it is now, or by digest. */
export async function manifest(repository, reference) {
  if (reference.includes(":")) return once(`${repository}@${reference}`, () => readManifest(repository, reference));
  const found = await readManifest(repository, reference);
  known.set(`${repository}@${found.digest}`, Promise.resolve(found));
  return found;
}

/** Return the JSON of a response, of which no more is read than a limit: a blob may be of any size. */
async function shortJson(response) {
  const parts = [];
  let bytes = 0;
  // Leaving the loop ends the response.
  for await (const part of chunks(response.body.getReader())) {
    bytes += part.length;
    if (bytes > LARGEST) throw new Failure(0, "The configuration is too large to be shown.");
    parts.push(part);
  }
  return JSON.parse(await new Blob(parts).text());
}

async function* chunks(reader) {
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    await reader.cancel();
  }
}

/** Return the configuration of an image. */
export function configuration(repository, digest) {
  return once(`${repository} ${digest}`, async () => shortJson(await get(`/v2/${repository}/blobs/${digest}`)));
}

/** Delete a tag. */
export async function deleteTag(repository, tag) {
  await request(`/v2/${repository}/manifests/${tag}`, { method: "DELETE" });
}

/** Let the browser forget its login; return whether it did. */
export function logOut() {
  return new Promise((resolve) => {
    // Only this old way lets a script choose the login that the browser remembers.
    const asked = new XMLHttpRequest();
    asked.open("GET", `${location.origin}/page/logout.json`, true, "logout", "logout");
    asked.addEventListener("loadend", () => resolve(asked.status === 204));
    asked.send();
  });
}
