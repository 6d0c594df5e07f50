// What screens do beyond plain HTML. Every screen works without this file.
import { attachLookups } from "./lookup.js";
import { attachFilters } from "./filters.js";

const wide = window.matchMedia("(min-width: 52rem)");

function unfoldMenu() {
  for (const fold of document.querySelectorAll("[data-wide-open]")) fold.open = wide.matches;
}

function guardForms() {
  for (const form of document.querySelectorAll("form[data-guard]")) {
    let touched = Boolean(document.querySelector(".is-invalid"));
    for (const change of ["input", "change"]) {
      form.addEventListener(change, () => { touched = true; });
    }
    form.addEventListener("submit", () => { touched = false; });
    window.addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
  }
  const wrong = document.querySelector(".record-form .is-invalid");
  if (wrong) wrong.focus();
}

function closeMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".menu-button[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll(".menu-button[open]")) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside) menu.querySelector("summary").focus();
      }
    }
  });
}

// --- Logging out -------------------------------------------------------------------------------

// What a visit keeps in this browser until it is sent (visit.js) goes with the log-in.
const KEPT = "redress-visit:";

function forgetAtLogOut() {
  const form = document.querySelector("form[data-log-out]");
  if (!form) return;
  form.addEventListener("submit", (event) => {
    try {
      const kept = Object.keys(localStorage).filter((key) => key.startsWith(KEPT));
      if (kept.length && !window.confirm(form.dataset.logOut)) event.preventDefault();
      else for (const key of kept) localStorage.removeItem(key);
    } catch { /* a browser that keeps nothing */ }
  });
}

// --- Questions ---------------------------------------------------------------------------------

// A link with data-confirm leads to a page that asks before something is done. Its question is
// fetched and shown in a dialog over this page; where that fails the link leads to the page.
async function questionOf(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main [data-confirmation]");
}

function ask(question, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm-dialog";
  dialog.setAttribute("aria-labelledby", question.getAttribute("aria-labelledby"));
  dialog.append(document.adoptNode(question));
  dialog.addEventListener("click", (event) => {
    const cancels = event.target.closest("[data-cancel]");
    if (!cancels && event.target !== dialog) return; // the dialog itself: beside what it shows
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  // Whoever presses Enter without reading is to have done nothing.
  (dialog.querySelector("[data-cancel]") || dialog).focus();
}

function attachConfirmations() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-confirm]");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!link || elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    const question = await questionOf(link.href).catch(() => null);
    link.ariaBusy = null;
    if (question) ask(question, link);
    else location.assign(link.href);
  });
  // A form with data-confirm asks in the same way, with what was typed into it.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-confirm]") || event.defaultPrevented) return;
    event.preventDefault();
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form));
    const question = await questionOf(address).catch(() => null);
    if (question) ask(question, event.submitter || form);
    else location.assign(address);
  });
}

// --- Messages ----------------------------------------------------------------------------------

// Messages of what was done go into the corner, can be closed, and go by themselves after a while;
// errors stay. Without script they stand at the top of the page and stay.
const STAYS_FOR = 10_000;

function attachToast(toast) {
  const close = toast.querySelector("[data-close]");
  close.hidden = false;
  close.addEventListener("click", () => {
    toast.remove();
    document.getElementById("main").focus();
  });
  if (toast.dataset.toast !== "goes") return;
  // Nobody loses what they are reading: the time runs while neither pointer nor focus is there.
  let timer = 0;
  const wait = () => { timer = setTimeout(() => toast.remove(), STAYS_FOR); };
  const hold = () => clearTimeout(timer);
  const go = () => { hold(); if (!toast.matches(":hover, :focus-within")) wait(); };
  for (const [event, action] of [["mouseenter", hold], ["focusin", hold], ["mouseleave", go], ["focusout", go]]) {
    toast.addEventListener(event, () => setTimeout(action));
  }
  wait();
}

function attachToasts() {
  for (const place of document.querySelectorAll("[data-toasts]")) {
    const toasts = [...place.children];
    toasts.forEach(attachToast);
    place.classList.add("in-the-corner");
    // Screen readers say what comes into a live region, not what it holds from the start.
    setTimeout(() => place.replaceChildren(...toasts.filter((one) => one.isConnected)), 100);
  }
}

// -----------------------------------------------------------------------------------------------

unfoldMenu();
wide.addEventListener("change", unfoldMenu);
guardForms();
closeMenus();
forgetAtLogOut();
attachConfirmations();
attachToasts();
attachLookups(document);
attachFilters();
