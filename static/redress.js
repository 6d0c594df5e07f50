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
    if (event.key === "Escape") document.querySelectorAll(".menu-button[open]").forEach((menu) => { menu.open = false; });
  });
}

unfoldMenu();
wide.addEventListener("change", unfoldMenu);
guardForms();
closeMenus();
attachLookups(document);
attachFilters();
