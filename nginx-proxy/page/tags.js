// One repository: its tags.

import { deleteTag, manifest, tags as list } from "./api.js";
import { age, announce, command, count, digest, element, problem, size, table, untrusted } from "./dom.js";
import { artifactType, hasConfiguration, isIndex, summary } from "./manifests.js";
import { isReferrersTag } from "./referrers.js";

/** Tags that are shown at first, and more at each request. */
const PAGE = 25;

const HEADINGS = ["Tag", "Digest", "Size", "Platforms", "Built", "Delete"];
/** Order of tags, oldest version first. */
export const ORDER = new Intl.Collator("en", { numeric: true });

/** Ask whether a tag may be deleted, and delete it. */
export function confirmDeletion(repository, tag, done) {
  const failed = element("div");
  const dialog = element(
    "dialog", { "aria-labelledby": "question" },
    element("h2", { id: "question" }, "Delete this tag?"),
    element("p", {}, element("code", {}, `${repository}:${tag}`)),
    element("p", {}, "Clients can no longer pull the image by this tag. Other tags of the image stay. Its layers "
      + "stay until the operator collects garbage."),
    failed,
  );
  const remove = element("button", { type: "button", class: "danger" }, "Delete the tag");
  remove.addEventListener("click", async () => {
    remove.disabled = true;
    try {
      await deleteTag(repository, tag);
      dialog.close();
      announce("The tag is deleted");
      done();
      document.getElementById("main").focus();
    } catch (error) {
      const old = error.status === 400 || error.status === 405;
      failed.replaceChildren(problem(error), old ? element("p", {},
        "distribution before version 3 cannot delete a tag by its name.") : "");
      remove.disabled = false;
    }
  });
  const cancel = element("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Cancel");
  dialog.append(element("div", { class: "buttons" }, cancel, remove));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Fill the cells of a tag when its manifest is there. */
async function fill(cells, repository, tag) {
  const [reference, bytes, platforms, built] = cells;
  try {
    const found = await manifest(repository, tag);
    reference.replaceChildren(digest(found.digest));
    const about = await summary(found);
    bytes.textContent = size(about.bytes);
    built.replaceChildren(age(about.created));
    const shown = about.platforms.slice(0, 6).map((one) => element("span", { class: "badge" }, untrusted(one)));
    if (about.platforms.length > 6) shown.push(` and ${about.platforms.length - 6} more`);
    const image = isIndex(found) || hasConfiguration(found);
    platforms.replaceChildren(...(image ? shown : [element("span", { class: "badge" }, untrusted(artifactType(found)))]));
  } catch (error) {
    reference.replaceChildren(untrusted(error.message));
    for (const cell of [bytes, platforms, built]) cell.textContent = "–";
  }
}

/** Show the tags of a repository in `main`. */
export async function show(main, index, repository) {
  const mayDelete = index.mayDelete(repository);
  const found = element("div");
  const search = element("input", { type: "search", autocomplete: "off", spellcheck: "false", placeholder: "Search" });
  const totals = element("p", { class: "quiet" }, "Loading…");
  main.replaceChildren(
    element("div", { class: "heading" }, element("h1", { class: "long" }, repository),
      element("label", { class: "search" }, element("span", { class: "unseen" }, "Search tags"), search)),
    totals, found,
  );
  const all = await list(repository);
  const images = all.filter((tag) => !isReferrersTag(tag)).sort((one, other) => ORDER.compare(other, one));
  totals.textContent = count(images.length, "tag")
    + (all.length > images.length ? `, and ${count(all.length - images.length, "tag")} of signatures and attestations` : "");

  let shown = PAGE;
  const made = new Map();
  const row = (tag) => {
    if (!made.has(tag)) {
      const cells = ["digest", "size", "platforms", "built"].map(() => element("span", {}, "…"));
      const remove = mayDelete ? element("button", {
        type: "button", class: "quiet-button", "aria-label": `Delete ${tag}`,
        onclick: () => confirmDeletion(repository, tag, () => show(main, index, repository)),
      }, "Delete") : null;
      made.set(tag, [element("a", { class: "long", href: `#/image/${repository}:${tag}` }, tag), ...cells, ...(remove ? [remove] : [])]);
      fill(cells, repository, tag);
    }
    return made.get(tag);
  };
  const draw = (focused) => {
    const wanted = search.value.trim().toLowerCase();
    const matching = images.filter((tag) => tag.toLowerCase().includes(wanted));
    const more = element("button", { type: "button" }, `Show ${Math.min(PAGE, matching.length - shown)} more of ${count(matching.length, "tag")}`);
    more.addEventListener("click", () => {
      shown += PAGE;
      draw(shown - PAGE);
    });
    found.replaceChildren(
      matching.length
        ? table(`Tags of ${repository}`, mayDelete ? HEADINGS : HEADINGS.slice(0, -1), matching.slice(0, shown).map(row))
        : element("p", {}, wanted ? "No tag has this in its name." : "This repository has no tags."),
      matching.length > shown ? more : "",
    );
    // The button that had the focus is gone.
    if (focused !== undefined) row(matching[focused])[0].focus();
    if (wanted) announce(`${count(matching.length, "tag")} found`);
  };
  search.addEventListener("input", () => {
    shown = PAGE;
    draw();
  });
  draw();
  if (images.length) main.append(element("h2", {}, "Pull"), command(`docker pull ${location.host}/${repository}:${images[0]}`));
}
