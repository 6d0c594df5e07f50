// The page of a visit: each answer is sent as it is typed. Until the server has it, it is kept in
// this browser, on the page it is said so, and it is sent again when the connection is back. It
// never goes over what a colleague has written meanwhile: both are shown. The form works without.
const PAUSE = 700; // so long after the last key, in milliseconds
const AGAIN = 10_000; // so long until the next try
const PREFIX = "redress-visit:"; // redress.js removes what begins so at log-out

const form = document.getElementById("visit");
const words = form.dataset;
const bar = form.querySelector("[data-bar]");
const token = form.querySelector("[name=csrf_token]");
let rows = [];

function put(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch { /* a browser that keeps nothing: the page itself does */ }
}

function kept(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}

// Returns the answer of the server, null where none came.
async function post(address, fields) {
  const body = new URLSearchParams({ csrf_token: token.value, ...fields });
  const headers = { Accept: "application/json" };
  return fetch(address, { method: "POST", body, headers, redirect: "manual" }).catch(() => null);
}

// The token of the form that the page has now: another log-in has another.
async function newToken() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.querySelector("#visit [name=csrf_token]");
  if (!found || found.value === token.value) return false;
  for (const one of document.querySelectorAll("[name=csrf_token]")) one.value = found.value;
  return true;
}

class Row {
  constructor(place) {
    this.place = place;
    this.key = `${PREFIX}${words.officer}:${words.visit}:${place.dataset.row}`;
    this.version = place.dataset.version;
    this.note = place.querySelector("textarea");
    this.choices = [...place.querySelectorAll("input[type=radio]")];
    this.status = place.querySelector("[data-status]");
    this.theirs = place.querySelector("[data-theirs]");
    this.last = this.content(); // what the server has, as far as is known
    this.pending = null; // what was sent and not answered: sent once more just so
    this.isSending = false;
    this.isStopped = false; // until somebody types or chooses between two answers
    place.addEventListener("input", () => this.typed());
    place.querySelector("[data-keep-mine]").addEventListener("click", () => this.keepMine());
    place.querySelector("[data-take-theirs]").addEventListener("click", () => this.takeTheirs());
    place.querySelector(".visit-foot a")?.addEventListener("click", (event) => this.leave(event));
    this.bringBack();
  }

  // A finding takes over what is written here: it is sent first.
  async leave(event) {
    if (!this.isUnsent()) return;
    event.preventDefault();
    const { href } = event.currentTarget;
    await this.send();
    if (!this.isUnsent()) location.assign(href);
  }

  content() {
    const chosen = this.choices.find((one) => one.checked);
    return { answer: chosen ? chosen.value : "", note: this.note.value.trim() };
  }

  fill({ answer, note }) {
    for (const one of this.choices) one.checked = one.value === answer;
    this.note.value = note;
  }

  isSame(one, other) { return one.answer === other.answer && one.note === other.note; }

  isUnsent() { return this.pending !== null || !this.isSame(this.content(), this.last); }

  bringBack() {
    const found = kept(this.key);
    if (!found) return;
    if (this.isSame(found, this.last)) { put(this.key, null); return; }
    this.fill(found);
    this.version = found.version;
    this.pending = found.pending || null;
    this.show("unsent", words.broughtBack);
    this.wait(0);
  }

  keep() { put(this.key, { ...this.content(), version: this.version, pending: this.pending }); }

  show(state, said) {
    this.place.dataset.state = state;
    this.status.textContent = said;
    tellAll();
  }

  typed() {
    this.isStopped = false;
    if (!this.isUnsent()) {
      put(this.key, null);
      this.show("", this.status.textContent);
      return;
    }
    this.keep();
    this.show("unsent", words.unsent);
    this.wait(PAUSE);
  }

  wait(time) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), time);
  }

  async send() {
    clearTimeout(this.timer);
    if (this.isSending || this.isStopped || !this.isUnsent()) return;
    if (!this.theirs.hidden) return; // somebody has to choose first
    this.isSending = true;
    this.pending ??= { ...this.content(), version: this.version };
    this.keep();
    this.status.textContent = words.saving;
    const answer = await post(this.place.dataset.save, this.pending);
    const told = answer ? await answer.json().catch(() => null) : null;
    this.isSending = false;
    if (answer && answer.ok && told) this.saved(told);
    else if (answer && answer.status === 409 && told && told.version) this.both(told);
    else if (answer && answer.status === 422 && told) this.refused(told.error);
    else await this.lost(answer);
  }

  saved(told) {
    this.last = { answer: told.answer, note: told.note };
    this.version = told.version;
    this.pending = null;
    if (this.isUnsent()) {
      this.keep();
      this.show("unsent", words.unsent);
      this.wait(PAUSE);
      return;
    }
    put(this.key, null);
    this.show("", told.by ? `${words.saved}: ${told.by}` : words.saved);
  }

  refused(said) {
    this.pending = null;
    this.isStopped = true;
    this.keep();
    this.show("refused", `${words.refused}. ${said}`);
  }

  // No answer, or none of the visit: the log-in has ended, the server is away.
  async lost(answer) {
    const isOut = answer && (answer.type === "opaqueredirect" || answer.status === 401);
    this.show("unsent", isOut ? words.logIn : words.unsent);
    const isOtherToken = answer && answer.status === 400 && await newToken();
    this.wait(isOtherToken ? 0 : AGAIN);
  }

  both(told) {
    this.pending = null;
    this.found = told;
    this.keep();
    this.theirs.querySelector("[data-theirs-by]").textContent = told.by;
    this.theirs.querySelector("[data-theirs-answer]").textContent = told.words;
    this.theirs.querySelector("[data-theirs-note]").textContent = told.note;
    this.theirs.hidden = false;
    this.show("both", words.refused);
  }

  keepMine() {
    this.version = this.found.version;
    this.last = { answer: this.found.answer, note: this.found.note };
    this.theirs.hidden = true;
    this.keep();
    this.send();
    this.note.focus();
  }

  takeTheirs() {
    this.theirs.hidden = true;
    this.fill(this.found);
    this.saved(this.found);
    this.note.focus();
  }
}

rows = [...form.querySelectorAll("[data-row]")].map((place) => new Row(place));

function tellAll() {
  const count = rows.filter((row) => row.isUnsent()).length;
  const said = count === 0 ? words.allSaved
    : count === 1 ? words.oneUnsent
      : words.someUnsent.replace("{number}", String(count));
  const told = bar.querySelector("[data-told]");
  const line = count && !navigator.onLine ? `${said}: ${words.offline}` : said;
  if (told.textContent !== line) told.textContent = line;
  bar.dataset.state = count ? "unsent" : "";
}

function sendAll() { for (const row of rows) { row.isStopped = false; row.send(); } }

form.addEventListener("submit", (event) => { event.preventDefault(); sendAll(); });
window.addEventListener("online", () => { tellAll(); sendAll(); });
window.addEventListener("offline", tellAll);
document.addEventListener("visibilitychange", () => { if (!document.hidden) sendAll(); });

// --- Photos ------------------------------------------------------------------------------------

// Without a connection the form is not sent, so that the browser keeps what was chosen.
const photos = document.querySelector("[data-photos]");
photos.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = photos.querySelector("button");
  button.disabled = true;
  const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
  button.disabled = false;
  if (answer) photos.submit();
  else photos.querySelector("[data-photos-told]").textContent = words.photosWait;
});

tellAll();
