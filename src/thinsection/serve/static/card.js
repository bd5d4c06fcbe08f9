// One photo: the answer, its heat map, the most similar training photos, and the correction.

import { ask, capital, filled, percent } from "./ask.js";
import * as corrections from "./corrections.js";

const CLASSES = JSON.parse(document.body.dataset.classes);
const ANOTHER = "another name …";

export function failedCard(name, why) {
  const card = filled("failed");
  card.querySelector(".file").textContent = name;
  card.querySelector(".warning").textContent = why;
  card.doubt = Infinity;
  return card;
}

export function answerCard(file, name, answer) {
  const card = filled("card");
  const part = (selector) => card.querySelector(selector);
  const top = answer.probabilities[0];
  card.dataset.photo = answer.photo;
  card.doubt = (answer.unlike_anything ? 1 : 0) + 1 - top.p;
  part(".file").textContent = name;
  part(".unlike").hidden = !answer.unlike_anything;
  card.classList.toggle("doubted", answer.unlike_anything);
  // A probability holds only for photos like the training photos.
  if (answer.unlike_anything) part(".name").append(`Closest class: ${answer.label}`);
  else part(".name").append(strong(capital(answer.label)), ` ${percent(top.p)}`);
  part(".set").textContent = answer.in_words;
  part(".notes").textContent = answer.notes.map((note) => `${capital(note)}.`).join(" ");
  part(".notes").hidden = answer.notes.length === 0;
  part(".bars").append(...answer.probabilities.map((each) => bar(each, answer.prediction_set)));
  showPhoto(part(".photo"), part(".frame"), file, name, answer);
  besides(part(".frame"), answer);
  heatMap(part, answer);
  correcting(part, file, answer);
  return card;
}

export async function addNeighbours(card) {
  const found = await ask(`/photos/${card.dataset.photo}/neighbours`);
  card.querySelector(".neighbours").append(
    ...found.map((each) => {
      const item = filled("neighbour");
      const picture = item.querySelector("img");
      picture.src = each.picture;
      picture.alt = `Training photo ${each.photo_id}`;
      item.querySelector("figcaption").textContent = capital(each.label);
      item.title = each.photo_id;
      return item;
    }),
  );
  card.querySelector(".like").hidden = found.length === 0;
}

function strong(text) {
  const made = document.createElement("b");
  made.textContent = text;
  return made;
}

function bar({ label, p }, set) {
  const item = filled("bar");
  item.querySelector(".bar-name").textContent = capital(label);
  item.querySelector(".fill").style.width = `${100 * p}%`;
  item.querySelector(".percent").textContent = percent(p);
  item.classList.toggle("in-set", set.includes(label));
  return item;
}

function showPhoto(image, frame, file, name, answer) {
  // The frame has the shape of the model's input; the photo is cropped to it like the input.
  frame.style.aspectRatio = document.body.dataset.ratio;
  frame.classList.add(document.body.dataset.fit);
  image.alt = `${name}, classified as ${answer.label}`;
  // Browsers can't show TIFF: then show the photo as the model sees it.
  image.addEventListener("error", () => (image.src = `/photos/${answer.photo}/picture`), { once: true });
  image.src = URL.createObjectURL(file);
}

// The photos of the same place in other lights, side by side with the one that was dropped last.
function besides(frame, answer) {
  for (const { photo, light } of answer.sample.slice(1)) {
    const image = document.createElement("img");
    image.className = "beside";
    image.src = `/photos/${photo}/picture`;
    image.alt = `The same place, ${light}`;
    image.title = light;
    frame.after(image);
  }
}

function heatMap(part, answer) {
  const [button, heat, choice, where] = [".look", ".heat", ".looked", ".where"].map(part);
  choice.append(...answer.probabilities.map(({ label }) => new Option(label, label)));
  const draw = async () => {
    const on = button.getAttribute("aria-pressed") === "true";
    part(".looked-label").hidden = !on;
    heat.hidden = true;
    where.textContent = "";
    if (!on) return;
    const label = choice.value;
    try {
      const found = await ask(`/photos/${answer.photo}/heatmap?${new URLSearchParams({ label })}`);
      if (button.getAttribute("aria-pressed") !== "true" || choice.value !== label) return;
      heat.src = found.overlay;
      heat.hidden = found.where === "nowhere";
      where.textContent = {
        nowhere: `No single part points to ${label}.`,
        everywhere: `The whole photo points to ${label}.`,
      }[found.where] ?? `The clear area points most to ${label}, in ${found.where}.`;
    } catch (error) {
      where.textContent = error.message;
    }
  };
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    draw();
  });
  choice.addEventListener("change", draw);
}

function correcting(part, file, answer) {
  const [form, choice, other, kept, refused] = [".correct", ".label", ".other", ".kept", ".refused"].map(part);
  const offer = () => {
    const names = [...new Set([...CLASSES, ...corrections.labels])];
    choice.replaceChildren(...[...names, ANOTHER].map((name) => new Option(name, name)));
    choice.value = answer.label;
    other.value = "";
    asked();
  };
  const asked = () => {
    const another = choice.value === ANOTHER;
    part(".other-label").hidden = !another;
    other.required = another;
  };
  const show = (correction) => {
    form.hidden = Boolean(correction);
    kept.hidden = !correction;
    refused.hidden = true;
    if (correction) {
      kept.firstElementChild.textContent = `Saved as ${correction.label}.`;
    } else offer();
  };
  choice.addEventListener("change", asked);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const label = choice.value === ANOTHER ? other.value : choice.value;
    try {
      show(await corrections.keep(file, label, part(".specimen").value, part(".light").value));
      part(".undo").focus();
    } catch (error) {
      refused.textContent = error.message;
      refused.hidden = false;
    }
  });
  part(".undo").addEventListener("click", async () => {
    await corrections.undo(answer.photo);
    choice.focus();
  });
  corrections.onUndone((photo) => photo === answer.photo && show(null));
  show(answer.correction);
}
