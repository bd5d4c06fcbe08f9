// Counting by hand: asks the server for a point, sends its name, shows what the shares have become.

const at = id => document.getElementById(id);
const buttons = [...document.querySelectorAll(".names button")];
const percent = share => (100 * share).toFixed(1);
let state = null, busy = false;

async function send(method, path) {
  const answer = await fetch(path, {method, headers: {"X-Thinsection": "1"}});
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message || found.error || "The server did not take it.");
  return found;
}

function view(light) {
  const figure = at("view").content.cloneNode(true);
  const image = figure.querySelector("img");
  image.src = `/count/points/${state.point}/${light || "any"}`;
  image.alt = `What surrounds the point${light ? `, ${light}` : ""}`;
  figure.querySelector("figcaption").textContent = {ppl: "plane-polarised light", xpl: "crossed polarisers"}[light] || "";
  return figure;
}

function show() {
  const done = state.point === null;
  at("asked").hidden = done;
  at("back").disabled = state.last === null;
  if (!done) {
    at("views").replaceChildren(...state.lights.map(view));
    at("point").textContent = `Point ${state.n_named + 1} of ${state.n_points}`;
    const [first, ...others] = state.suggestions;
    at("said").textContent = state.unlike
      ? "The model has seen nothing like it."
      : `The model says ${first}, with probability ${state.probability.toFixed(2)}${others.length ? `; it may be ${others.join(" or ")}` : ""}.`;
    for (const button of buttons) {
      button.classList.toggle("first", button.dataset.name === first && !state.unlike);
      button.classList.toggle("likely", others.includes(button.dataset.name));
    }
  }
  at("so-far").textContent = state.n_named >= state.fewest
    ? `From ${state.n_named} points named by hand beside the model's names of all ${state.n_points}.`
    : `From the model's names of ${state.n_points} points, corrected for its errors; ${state.n_named || "none"} named by hand, which count from ${state.fewest} on.`;
  at("shares").tBodies[0].replaceChildren(...state.modes.map(mode => {
    const row = at("row").content.cloneNode(true);
    row.querySelector("th").textContent = mode.mineral;
    const [share, interval] = row.querySelectorAll(".n");
    share.textContent = percent(mode.share);
    interval.textContent = `${percent(mode.low)} to ${percent(mode.high)}`;
    const [range, best] = row.querySelectorAll("rect");
    range.setAttribute("x", 100 * mode.low);
    range.setAttribute("width", Math.max(100 * (mode.high - mode.low), 0.3));
    best.setAttribute("x", 100 * mode.share);
    return row;
  }));
}

async function change(method, path, told) {
  if (busy) return;
  busy = true;
  try {
    state = await send(method, path);
    at("status").textContent = state.point === null ? "All points are named." : told;
    show();
  } catch (error) {
    at("status").textContent = `Not saved: ${error.message} Try again.`;
  } finally {
    busy = false;
  }
}

const name = label => state?.point != null && change("POST", `/count/points/${state.point}?label=${encodeURIComponent(label)}`, `Saved: ${label}.`);
const back = () => state?.last != null && change("DELETE", `/count/points/${state.last}`, "Taken back.");

for (const button of buttons) button.addEventListener("click", () => name(button.dataset.name));
at("back").addEventListener("click", back);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = buttons.find(each => each.dataset.key === event.key.toLowerCase());
  if (button) name(button.dataset.name);
  else if (event.key === "Enter" && event.target.tagName !== "BUTTON" && state && !state.unlike) name(state.suggestions[0]);
  else if (event.key === "Backspace") back();
  else return;
  event.preventDefault();
});
change("GET", "/count/state", "");
