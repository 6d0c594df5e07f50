// The value of a filter gets the input that fits what is asked: a date, a list, a record.
import { attachLookups } from "./lookup.js";

const TYPES = { text: "text", number: "text", days: "number", date: "date" };

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function choiceInput(option) {
  const choices = JSON.parse(option.dataset.choices || "[]");
  return [element("select", { class: "form-select", name: "filter_value", id: "filter-value" },
    ...choices.map(([value, words]) => element("option", { value }, words)))];
}

function relationInput(option) {
  const typed = element("input", { class: "form-control", id: "filter-value", type: "text",
    autocomplete: "off", "data-lookup": option.dataset.lookup,
    "data-lookup-hidden": "filter-value-id" });
  const chosen = element("input", { type: "hidden", name: "filter_value", id: "filter-value-id" });
  // Who types a name to its end and does not choose it from the list means that name.
  typed.addEventListener("change", () => { chosen.value ||= typed.value; });
  return [typed, chosen];
}

function periodInput() {
  const first = element("input", { class: "form-control", type: "date", id: "filter-value" });
  const last = element("input", { class: "form-control", type: "date" });
  const both = element("input", { type: "hidden", name: "filter_value" });
  const join = () => { both.value = `${first.value} to ${last.value}`; };
  first.addEventListener("change", join);
  last.addEventListener("change", join);
  return [first, last, both];
}

function inputFor(option) {
  const takes = option.dataset.takes;
  if (takes === "nothing") return [element("input", { type: "hidden", name: "filter_value" })];
  if (takes === "choice") return choiceInput(option);
  if (takes === "relation") return relationInput(option);
  if (takes === "dates") return periodInput();
  return [element("input", { class: "form-control", id: "filter-value", name: "filter_value",
    type: TYPES[takes] || "text", maxlength: "200" })];
}

export function attachFilters() {
  for (const form of document.querySelectorAll("[data-filters]")) {
    const what = form.querySelector("#filter-what");
    const place = form.querySelector("[data-filter-value]");
    let shown = "";
    const change = () => {
      if (what.value === shown) return;
      shown = what.value;
      place.replaceChildren(...inputFor(what.selectedOptions[0]));
      attachLookups(place);
    };
    what.addEventListener("change", change);
    window.addEventListener("pageshow", change); // going back puts an earlier choice into the list
    change();
  }
}
