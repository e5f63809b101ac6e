// One image, one index, or one artifact.

import { manifest, tags as list } from "./api.js";
import { age, command, count, digest, element, longTable, size, table, untrusted } from "./dom.js";
import {
  artifactType, blobsOf, descriptors, entries, hasConfiguration, imagesOf, isIndex, MOST_IMAGES, objects, platform, settings,
  summary,
} from "./manifests.js";
import { isReferrersTag, section as referrers } from "./referrers.js";
import { confirmDeletion, ORDER } from "./tags.js";

/** Tags of the repository whose layers are compared. */
const COMPARED = 25;

function facts(pairs) {
  return element("dl", { class: "facts" }, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

const words = (value) => (Array.isArray(value) && value.length ? untrusted(value.map(String).join(" ")) : undefined);
const lines = (value) => (Array.isArray(value) && value.length ? untrusted(value.map(String).join("\n"), { lines: true }) : undefined);

function map(title, value) {
  const found = entries(value);
  if (!found.length) return null;
  return element("section", {}, element("h2", {}, title),
    longTable(title, ["Name", "Value"], found, ([key, one]) => [untrusted(key), untrusted(one, { lines: true })]));
}

function history(read) {
  const steps = objects(read?.history);
  if (!steps.length) return null;
  return element("section", {}, element("h2", {}, "History"),
    longTable("History", ["Command", "Built", "Layer"], steps, (one) => [
      element("code", {}, untrusted(one.created_by ?? one.comment ?? "–", { lines: true })),
      age(one.created), one.empty_layer ? "none" : "yes",
    ]));
}

/** Return by digest how many of the other images have a layer, and how many were compared. */
async function sharing(found, tags) {
  const others = tags.filter((tag) => !isReferrersTag(tag)).sort(ORDER.compare).slice(-COMPARED);
  const users = new Map();
  const seen = new Set([found.digest]);
  const add = (other) => {
    if (seen.has(other.digest)) return;
    seen.add(other.digest);
    for (const blob of new Set(blobsOf(other).map((one) => one.digest))) users.set(blob, (users.get(blob) ?? 0) + 1);
  };
  await Promise.all(others.map(async (tag) => {
    try {
      const other = await manifest(found.repository, tag);
      if (isIndex(other)) {
        const images = await Promise.all(imagesOf(other).slice(0, 5).map((one) => manifest(found.repository, one.digest)));
        images.forEach(add);
      } else add(other);
    } catch {
      // It has been deleted since.
    }
  }));
  return { users, compared: seen.size - 1 };
}

async function layers(found, tags) {
  const all = descriptors(found.content.layers);
  if (!all.length) return null;
  const cells = all.map(() => element("span", {}, "…"));
  const about = element("p", { class: "quiet" });
  sharing(found, tags).then(({ users, compared }) => {
    all.forEach((one, place) => {
      const number = users.get(one.digest) ?? 0;
      cells[place].textContent = number ? count(number, "other image") : "this image only";
    });
    const shared = all.filter((one) => users.has(one.digest));
    const bytes = (some) => some.reduce((sum, one) => sum + (one.size || 0), 0);
    about.textContent = `${size(bytes(shared))} of ${size(bytes(all))} are shared. Compared with ${count(compared, "other image")} of this repository.`;
  });
  const most = all.reduce((largest, one) => Math.max(largest, one.size || 0), 1);
  return element("section", {}, element("h2", {}, count(all.length, "layer")), about,
    longTable("Layers", ["Digest", "Size", "Part", "Also in"], all, (one, place) => [
      digest(one.digest), size(one.size),
      element("meter", { min: 0, max: most, value: one.size || 0, "aria-label": `Size beside the largest layer: ${size(one.size)}` }),
      cells[place],
    ]));
}

async function images(found) {
  const all = imagesOf(found);
  const rows = await Promise.all(all.slice(0, MOST_IMAGES).map(async (one) => {
    let about = { bytes: NaN };
    try {
      about = await summary(await manifest(found.repository, one.digest));
    } catch {
      // An index may name images that are elsewhere.
    }
    return [
      element("a", { href: `#/image/${found.repository}@${one.digest}` }, untrusted(platform(one.platform) || "unknown platform")),
      digest(one.digest), size(about.bytes), age(about.created),
    ];
  }));
  return element("section", {}, element("h2", {}, "Images of this index"),
    table("Images", ["Platform", "Digest", "Size", "Built"], rows),
    all.length > rows.length ? element("p", { class: "quiet" }, `and ${count(all.length - rows.length, "more image")}`) : null);
}

/** Show an image in `main`; `reference` is a tag or a digest. */
export async function show(main, index, repository, reference) {
  const tag = reference.includes(":") ? null : reference;
  main.replaceChildren(element("p", { class: "quiet" }, "Loading…"));
  const [found, tags] = await Promise.all([manifest(repository, reference), list(repository)]);
  const read = await settings(found);
  const about = await summary(found);
  const image = isIndex(found) || hasConfiguration(found);
  const kind = isIndex(found) ? "Index" : image ? "Image" : "Artifact";
  const remove = tag && index.mayDelete(repository) ? element("button", {
    type: "button", class: "quiet-button",
    onclick: () => confirmDeletion(repository, tag, () => { location.hash = `#/repository/${repository}`; }),
  }, "Delete this tag") : null;
  const set = read?.config ?? {};
  main.replaceChildren(...[
    element("p", { class: "path" }, element("a", { href: `#/repository/${repository}` }, repository)),
    element("div", { class: "heading" }, element("h1", { class: "long" }, tag ?? digest(found.digest), " ",
      element("span", { class: "badge" }, kind)), remove),
    facts([
      ["Digest", element("code", { class: "long" }, found.digest)],
      ["Type", image ? undefined : untrusted(artifactType(found))],
      ["Size", size(about.bytes)],
      ["Platform", about.platforms.length ? untrusted(about.platforms.join(", ")) : undefined],
      ["Built", age(about.created)],
      ["Entrypoint", words(set.Entrypoint)], ["Command", words(set.Cmd)],
      ["User", set.User ? untrusted(set.User) : undefined],
      ["Directory", set.WorkingDir ? untrusted(set.WorkingDir) : undefined],
      ["Ports", words(entries(set.ExposedPorts).map(([port]) => port))],
      ["Environment", lines(set.Env)],
    ]),
    element("section", {}, element("h2", {}, "Pull"),
      tag ? command(`docker pull ${location.host}/${repository}:${tag}`) : null,
      command(`docker pull ${location.host}/${repository}@${found.digest}`)),
    isIndex(found) ? await images(found) : await layers(found, tags),
    await referrers(found, tags),
    map("Labels", set.Labels), map("Annotations", found.content.annotations), history(read),
  ].filter(Boolean));
}
