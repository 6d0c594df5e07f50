// What screens do beyond plain HTML. Every screen works without this file.
import { attachConfirmations } from "./confirm.js";
import { attachLookups } from "./lookup.js";
import { attachFilters } from "./filters.js";
import { attachToasts } from "./toasts.js";

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

unfoldMenu();
wide.addEventListener("change", unfoldMenu);
guardForms();
closeMenus();
attachConfirmations();
attachToasts();
attachLookups(document);
attachFilters();
