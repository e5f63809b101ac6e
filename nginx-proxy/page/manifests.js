// What manifests and configurations say, read without trust in their form.

import { configuration, manifest } from "./api.js";

const DIGEST = /^sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})$/;
const CONFIGURATIONS = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
];
/** Images of an index that are looked at. */
export const MOST_IMAGES = 30;

export const isDigest = (text) => typeof text === "string" && DIGEST.test(text);

/** Return the objects of a list, none if it is no list. */
export const objects = (value) => (Array.isArray(value) ? value.filter((one) => one && typeof one === "object") : []);

/** Return the entries of a map of texts, none if it is no map. */
export const entries = (value) => (value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : []);

/** Return the descriptors of a list that have a digest. */
export const descriptors = (value) => objects(value).filter((one) => isDigest(one.digest));

const bytesOf = (one) => (Number.isFinite(one.size) && one.size > 0 ? one.size : 0);

/** Return bytes of several blobs, each counted once. */
export function total(blobs) {
  return [...new Map(blobs.map((one) => [one.digest, bytesOf(one)])).values()].reduce((sum, one) => sum + one, 0);
}

export const isIndex = (found) => Array.isArray(found.content.manifests);

/** Return whether an entry of an index is an attestation of BuildKit. */
export const isAttestation = (one) => one.annotations?.["vnd.docker.reference.type"] === "attestation-manifest";

/** Return the images of an index. */
export const imagesOf = (found) => descriptors(found.content.manifests).filter((one) => !isAttestation(one));

/** Return the blobs of an image. */
export const blobsOf = (found) => descriptors([found.content.config, ...objects(found.content.layers)]);

export const hasConfiguration = (found) => CONFIGURATIONS.includes(found.content.config?.mediaType);

/** Return a platform as docker writes it: linux/arm64/v8. */
export function platform(one) {
  return [one?.os, one?.architecture, one?.variant].filter((part) => typeof part === "string" && part).join("/");
}

const EMPTY = "application/vnd.oci.empty.v1+json";

/** Return the kind of an artifact, which is no image. */
export function artifactType(found) {
  const { artifactType: named, config } = found.content;
  const kind = config?.mediaType === EMPTY ? objects(found.content.layers)[0]?.mediaType : config?.mediaType;
  return String(named ?? kind ?? found.mediaType);
}

/** Return size, platforms and date of an image, or of all images of an index. */
export async function summary(found) {
  if (isIndex(found)) {
    const listed = imagesOf(found);
    const images = await Promise.all(
      listed.slice(0, MOST_IMAGES).map((one) => manifest(found.repository, one.digest).catch(() => null)),
    );
    const first = images.find((one) => one && hasConfiguration(one));
    return {
      bytes: total(images.filter(Boolean).flatMap(blobsOf)),
      platforms: listed.map((one) => platform(one.platform)).filter(Boolean),
      created: first && (await settings(first))?.created,
    };
  }
  const read = await settings(found);
  return { bytes: total(blobsOf(found)), platforms: [platform(read)].filter(Boolean), created: read?.created };
}

/** Return the configuration of an image, null for an artifact or if it cannot be read. */
export async function settings(found) {
  if (!hasConfiguration(found) || !isDigest(found.content.config.digest)) return null;
  try {
    return await configuration(found.repository, found.content.config.digest);
  } catch {
    return null;
  }
}
