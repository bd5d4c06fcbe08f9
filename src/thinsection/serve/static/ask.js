// Requests to the server, and error messages for the user.

const PATIENCE_MS = 120_000;

export class Refused extends Error {}

export async function ask(path, options = {}) {
  const headers = { "X-Thinsection": "1" };
  if (options.body) headers["Content-Type"] = "application/octet-stream";
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    throw new Refused(
      error.name === "TimeoutError"
        ? "No answer within two minutes. Try again."
        : "No answer. Is thinsection serve still running, and can the file be read?",
    );
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(found.error ?? `The server refused this (${answer.status}).`);
  return found;
}

export function filled(template) {
  return document.getElementById(template).content.cloneNode(true).firstElementChild;
}

export function percent(share) {
  const rounded = Math.round(100 * share);
  if (rounded === 100 && share < 1) return ">\u00a099\u00a0%";
  if (rounded === 0 && share > 0) return "<\u00a01\u00a0%";
  return `${rounded}\u00a0%`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
