// Photos are chosen, dropped or pasted; a few are processed at a time.

import { ask, percent } from "./ask.js";
import { addNeighbours, answerCard, failedCard } from "./card.js";
import { refresh } from "./corrections.js";

const limits = Object.fromEntries(
  ["maxBytes", "maxPhotos", "atOnce"].map((name) => [name, Number(document.body.dataset[name])]),
);
const [drop, choose, status, answers, order] = ["drop", "choose", "status", "answers", "order"].map(
  (id) => document.getElementById(id),
);
const waiting = [];
const later = []; // cards whose similar photos are fetched once no photo waits for its answer
let [underWay, done, all, number] = [0, 0, 0, 0];

function take(files) {
  const room = limits.maxPhotos - waiting.length;
  const taken = [...files].slice(0, Math.max(0, room));
  if (underWay === 0) [done, all] = [0, 0];
  all += taken.length;
  waiting.push(...taken.map((file) => ({ file, number: number++ })));
  const left = files.length - taken.length;
  say(left ? `${left} photos were not accepted: the limit is ${limits.maxPhotos} at once. For more, use thinsection predict.` : "");
  for (let n = underWay; n < limits.atOnce; n++) work();
}

async function work() {
  underWay++;
  while (waiting.length || later.length) {
    if (waiting.length) await answer(waiting.shift());
    else await addNeighbours(later.shift()).catch(() => {}); // the answer is complete without them
  }
  underWay--;
}

async function answer({ file, number }) {
  const name = file.name || "pasted photo";
  let card, said;
  try {
    if (file.size > limits.maxBytes) {
      throw new Error(`The file is larger than ${Math.round(limits.maxBytes / 1e6)} MB. Make the photo smaller.`);
    }
    const found = await ask(`/answers?${new URLSearchParams({ name })}`, { method: "POST", body: file });
    card = answerCard(file, name, found);
    // one answer a place: that of its first photo alone is replaced
    for (const { photo } of found.sample.slice(1)) {
      document.querySelector(`.card[data-photo="${photo}"]`)?.remove();
    }
    later.push(card);
    said = `${name}: ${found.label}, ${percent(found.probabilities[0].p)}.`;
    if (found.unlike_anything) said += " Unlike anything seen.";
  } catch (error) {
    card = failedCard(name, error.message);
    said = `${name}: ${error.message}`;
  }
  card.number = number;
  done++;
  place(card);
  say(all > 1 ? `${done} of ${all} done. ${said}` : said);
}

// A card is inserted at its place instead of sorting all: nothing moves while the user reads.
function place(card) {
  document.getElementById("answered").hidden = false;
  answers.insertBefore(card, [...answers.children].find((other) => compare(card, other) < 0) ?? null);
  document.getElementById("order-label").hidden = answers.children.length < 2;
}

function compare(a, b) {
  return (order.checked ? b.doubt - a.doubt || 0 : 0) || a.number - b.number;
}

function say(text) {
  status.textContent = text;
}

order.addEventListener("change", () => answers.append(...[...answers.children].sort(compare)));

choose.addEventListener("change", () => {
  take(choose.files);
  choose.value = ""; // so that the same photo can be chosen again
});

document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    take(event.clipboardData.files);
  }
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // otherwise a photo dropped outside the field replaces the page
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}

refresh().catch((error) => say(error.message));
