// The saved photos, as listed by the server, so they are the same after a reload.

import { ask, capital, filled } from "./ask.js";

const list = document.getElementById("corrections");
const listeners = [];
export let labels = [];

export function onUndone(listener) {
  listeners.push(listener);
}

export async function keep(file, label, specimen, light) {
  const query = new URLSearchParams({ label, specimen, light });
  const kept = await ask(`/corrections?${query}`, { method: "POST", body: file });
  await refresh();
  return kept;
}

export async function undo(photo) {
  await ask(`/corrections/${photo}`, { method: "DELETE" }).catch(() => {}); // already gone: nothing to do
  await refresh();
  for (const listener of listeners) listener(photo);
}

export async function refresh() {
  const found = await ask("/corrections");
  document.getElementById("folder").textContent = found.folder;
  document.getElementById("count").textContent = found.corrections.length;
  labels = [...new Set(found.corrections.map((kept) => kept.label))];
  const specimens = [...new Set(found.corrections.map((kept) => kept.specimen).filter(Boolean))];
  document.getElementById("specimens").replaceChildren(
    ...specimens.map((specimen) => Object.assign(document.createElement("option"), { value: specimen })),
  );
  const shown = new Map([...list.children].map((item) => [item.dataset.photo, item]));
  list.replaceChildren(
    ...found.corrections.reverse().map((kept) => described(shown.get(kept.photo) ?? item(kept), kept)),
  );
}

function item(kept) {
  const made = filled("correction");
  made.dataset.photo = kept.photo;
  const picture = made.querySelector("img");
  picture.loading = "lazy";
  picture.src = `/corrections/${kept.photo}/picture`;
  made.querySelector("button").addEventListener("click", async () => {
    const next = (made.nextElementSibling ?? made.previousElementSibling)?.dataset.photo;
    await undo(kept.photo);
    const focus = next && list.querySelector(`[data-photo="${next}"] button`);
    (focus || document.getElementById("corrections-title")).focus();
  });
  return made;
}

function described(made, kept) {
  const lights = { ppl: "plane-polarised", xpl: "crossed polarisers" };
  const known = [kept.specimen && `specimen ${kept.specimen}`, lights[kept.light]].filter(Boolean);
  const text = document.createElement("b");
  text.textContent = capital(kept.label);
  const agreed = kept.said === kept.label ? "as classified" : `classified as ${kept.said}`;
  made.querySelector("p").replaceChildren(text, ` ${[agreed, ...known].join(", ")}`);
  made.querySelector("img").alt = `A photo saved as ${kept.label}`;
  made.querySelector("button").setAttribute("aria-label", `Undo: ${kept.label}, ${agreed}`);
  return made;
}
