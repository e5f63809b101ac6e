// Signatures, attestations and other artifacts that belong to an image.

import { manifest } from "./api.js";
import { digest, element, size, table, untrusted } from "./dom.js";
import { artifactType, descriptors, entries, isAttestation, objects, total } from "./manifests.js";

/** Tags of cosign, and the tag for referrers where a registry has no API for them, as distribution. */
const TAG = /^sha256-[0-9a-f]{64}(\.(sig|att|sbom))?$/;
const COSIGN = { sig: "Signature (cosign)", att: "Attestation (cosign)", sbom: "SBOM (cosign)" };
/** Artifacts of one image that are looked at. */
const MOST = 50;

export const isReferrersTag = (tag) => TAG.test(tag);

const artifact = (kind, found, detail) => ({
  kind, detail, digest: found.digest, bytes: total(descriptors(found.content.layers)),
});

/** Return what the layers of an attestation say of themselves. */
function predicates(found) {
  const keys = ["in-toto.io/predicate-type", "predicateType"];
  const named = objects(found.content.layers).map((one) => keys.map((key) => one.annotations?.[key]).find(Boolean) ?? one.mediaType);
  return [...new Set(named.map(String))].join(", ");
}

async function ofCosign(repository, tag) {
  const found = await manifest(repository, tag);
  const number = objects(found.content.layers).length;
  const kind = COSIGN[tag.split(".")[1]];
  return [artifact(number > 1 ? `${kind}, ${number} times` : kind, found, predicates(found))];
}

async function ofReferrersTag(repository, tag) {
  const list = await manifest(repository, tag);
  return Promise.all(descriptors(list.content.manifests).slice(0, MOST).map(async (one) => {
    const detail = entries(one.annotations).map(([key, value]) => `${key}=${value}`).join(", ");
    try {
      const found = await manifest(repository, one.digest);
      return artifact(String(one.artifactType ?? artifactType(found)), found, detail);
    } catch (error) {
      return { kind: String(one.artifactType ?? one.mediaType), digest: one.digest, bytes: NaN, detail: error.message };
    }
  }));
}

async function ofIndex(found) {
  const listed = descriptors(found.content.manifests).filter(isAttestation);
  const kind = "Attestation (BuildKit)";
  return Promise.all(listed.slice(0, MOST).map(async (one) => {
    try {
      const made = await manifest(found.repository, one.digest);
      return artifact(kind, made, predicates(made));
    } catch (error) {
      // Of a mirrored registry, what nobody pulled is not here.
      return { kind, digest: one.digest, bytes: NaN, detail: error.message };
    }
  }));
}

/** Return a section with the artifacts of an image; null if there are none. */
export async function section(found, tags) {
  const name = found.digest.replace(":", "-");
  const own = tags.filter((tag) => tag === name || tag.startsWith(`${name}.`));
  const groups = await Promise.all([
    ofIndex(found),
    ...own.map((tag) => (tag === name ? ofReferrersTag : ofCosign)(found.repository, tag)),
  ].map((one) => one.catch(() => [])));
  const artifacts = groups.flat();
  if (!artifacts.length) return null;
  return element(
    "section", {},
    element("h2", {}, "Signatures and attestations"),
    table("Signatures and attestations", ["Kind", "Digest", "Size", "Content"], artifacts.map((one) => [
      untrusted(one.kind),
      element("a", { href: `#/image/${found.repository}@${one.digest}` }, digest(one.digest)),
      size(one.bytes), untrusted(one.detail),
    ])),
    element("p", { class: "quiet" }, "They belong to the image; this page does not verify them."),
  );
}
