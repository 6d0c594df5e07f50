// The filters of a list as rows: each condition with the input that fits what is asked, groups of
// which one is enough. Without this file the form adds one filter at a time.
import { attachLookups } from "./lookup.js";

const TYPES = { text: "text", number: "text", days: "number", date: "date" };
let count = 0;

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function choiceInput(option, label, value) {
  const chosen = value.split(",").map((part) => part.trim());
  const several = chosen.length > 1;
  const choices = JSON.parse(option.dataset.choices || "[]");
  const list = element("select", { class: "form-select", "aria-label": label },
    ...choices.map(([stored, words]) => element("option", { value: stored }, words)));
  if (!several) {
    list.name = "filter_value";
    if (value) list.value = value;
    return [list];
  }
  // A link may ask for several at once: they stay so until others are chosen.
  list.multiple = true;
  list.size = Math.min(choices.length, 6);
  for (const one of list.options) one.selected = chosen.includes(one.value);
  const all = element("input", { type: "hidden", name: "filter_value", value });
  list.addEventListener("change", () => {
    all.value = [...list.selectedOptions].map((one) => one.value).join(",");
  });
  return [list, all];
}

function relationInput(option, label, value, words) {
  const id = `filter-record-${++count}`;
  const typed = element("input", { class: "form-control", type: "text", autocomplete: "off",
    "aria-label": label, "data-lookup": option.dataset.lookup, "data-lookup-hidden": id, value: words });
  const chosen = element("input", { type: "hidden", name: "filter_value", id, value });
  // Who types a name to its end and does not choose it from the list means that name.
  typed.addEventListener("change", () => { chosen.value ||= typed.value; });
  return [typed, chosen];
}

function periodInput(place, value) {
  const [from, to] = value.split(/\s*(?:\bto\b|至|\.\.)\s*/);
  const day = (words, held) => element("input", { class: "form-control", type: "date",
    "aria-label": words, value: held || "" });
  const first = day(place.dataset.first, from);
  const last = day(place.dataset.last, to);
  const both = element("input", { type: "hidden", name: "filter_value", value });
  const join = () => { both.value = `${first.value} to ${last.value}`; };
  first.addEventListener("change", join);
  last.addEventListener("change", join);
  return [first, last, both];
}

function inputsFor(option, place, { value = "", words = "" }) {
  const label = place.dataset.label;
  const takes = option.dataset.takes || "nothing";
  if (takes === "nothing") return [element("input", { type: "hidden", name: "filter_value" })];
  if (takes === "choice") return choiceInput(option, label, value);
  if (takes === "relation") return relationInput(option, label, value, words);
  if (takes === "dates") return periodInput(place, value);
  return [element("input", { class: "form-control", name: "filter_value", "aria-label": label,
    type: TYPES[takes] || "text", maxlength: "200", value })];
}

class Builder {
  constructor(form) {
    this.form = form;
    this.sheet = form.closest("details");
    this.options = form.querySelector("#filter-what");
    this.options.querySelector("[data-present]")?.remove();
    this.options.value = "";
    form.querySelector("[data-filter-plain]").remove();
    // What is asked stands in the rows from now on.
    for (const kept of form.querySelectorAll("input[type=hidden]")) {
      if (kept.name.startsWith("flt")) kept.remove();
    }
    form.prepend(this.copy("[data-filter-builder]"));
    this.all = form.querySelector("[data-filter-all]");
    this.members = this.all.querySelector("[data-filter-members]");
    for (const place of JSON.parse(form.dataset.asked)) {
      const to = place.length > 1 ? this.addGroup() : this.members;
      for (const row of place) this.addRow(to, row);
    }
    this.addRow(this.members); // for the next condition; one that asks nothing is not sent on
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("submit", () => this.nameGroups());
  }

  copy(name) {
    return this.sheet.querySelector(`template${name}`).content.firstElementChild.cloneNode(true);
  }

  addGroup() {
    const group = this.copy("[data-filter-group]");
    this.members.append(group);
    return group.querySelector("[data-filter-members]");
  }

  addRow(members, held = {}) {
    const row = this.copy("[data-filter-row]");
    const what = row.querySelector("select");
    what.append(...[...this.options.children].map((one) => one.cloneNode(true)));
    what.value = held.what || "";
    if (what.selectedIndex < 0) { // a filter that is none any more stays to be seen and taken away
      what.append(element("option", { value: held.what, "data-takes": "text" }, held.what));
      what.value = held.what;
    }
    row.dataset.or = members.closest("[data-filter-any]")?.dataset.or || "";
    row.dataset.argument = held.argument || "";
    const place = row.querySelector("[data-filter-value]");
    const show = (given) => {
      place.replaceChildren(...inputsFor(what.selectedOptions[0], place, given));
      attachLookups(place);
    };
    what.addEventListener("change", () => show({}));
    show(held);
    members.append(row);
    return row;
  }

  clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const place = button.closest("[data-filter-any], [data-filter-all]");
    if (button.matches("[data-add-condition]")) {
      this.enter(this.addRow(place.querySelector("[data-filter-members]")));
    } else if (button.matches("[data-add-group]")) {
      const members = this.addGroup();
      const first = this.addRow(members);
      this.addRow(members);
      this.enter(first);
    } else if (button.matches(".remove")) {
      this.remove(button.closest(".filter-row"), place);
    }
  }

  remove(row, place) {
    const beside = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    if (place.matches("[data-filter-any]") && !place.querySelector(".filter-row")) {
      place.remove();
      this.all.querySelector("[data-add-group]").focus();
    } else if (beside?.matches(".filter-row")) {
      this.enter(beside);
    } else {
      place.querySelector(":scope > [data-add-condition], :scope > .filter-adds > [data-add-condition]").focus();
    }
  }

  enter(row) {
    row.querySelector("select").focus();
  }

  edit(argument) {
    const row = [...this.form.querySelectorAll(".filter-row")]
      .find((one) => one.dataset.argument === argument);
    if (!row) return false;
    this.sheet.open = true;
    this.sheet.scrollIntoView({ block: "nearest" });
    const value = row.querySelector("[data-filter-value] :is(input:not([type=hidden]), select)");
    (value || row.querySelector("select")).focus();
    return true;
  }

  nameGroups() {
    this.form.querySelectorAll("[data-filter-any]").forEach((group, place) => {
      for (const input of group.querySelectorAll("input[name=filter_group]")) input.value = `any-${place}`;
    });
  }
}

function attachSheets() {
  const sheets = [...document.querySelectorAll("details[data-sheet]")];
  for (const sheet of sheets) {
    sheet.addEventListener("toggle", () => {
      if (sheet.open) sheets.forEach((other) => { if (other !== sheet) other.open = false; });
    });
    sheet.addEventListener("keydown", (event) => {
      // Escape in a list of suggestions closes that alone.
      if (event.key !== "Escape" || event.target.getAttribute("aria-expanded") === "true") return;
      sheet.open = false;
      sheet.querySelector("summary").focus();
    }, true);
  }
  document.addEventListener("click", (event) => {
    for (const sheet of sheets) {
      const inside = sheet.contains(event.target) || !event.target.isConnected;
      if (sheet.open && !inside && !event.target.closest("[data-edit-filter]")) sheet.open = false;
    }
  });
}

// A click on a heading with Shift sorts by it as well, after what the list is sorted by.
function attachSorts() {
  document.addEventListener("click", (event) => {
    const heading = event.target.closest("a[data-sort-too]");
    if (!heading || !event.shiftKey) return;
    event.preventDefault();
    window.location.assign(heading.dataset.sortToo);
  });
}

class Columns {
  constructor(form) {
    this.form = form;
    this.list = form.querySelector("[data-column-list]");
    this.told = form.querySelector("[data-column-told]");
    for (const item of this.list.children) item.draggable = true;
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.list.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("dragstart", (event) => {
      this.dragged = event.target.closest("li");
      this.dragged.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", "");
    });
    this.list.addEventListener("dragover", (event) => this.draggedOver(event));
    this.list.addEventListener("drop", (event) => event.preventDefault());
    this.list.addEventListener("dragend", () => {
      this.dragged?.classList.remove("dragged");
      this.dragged = null;
    });
  }

  clicked(event) {
    const button = event.target.closest("button.move");
    if (!button) return;
    event.preventDefault();
    this.move(button.closest("li"), button.name === "up" ? -1 : 1, button);
  }

  pressed(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const item = event.target.closest("li");
    if (!step || !event.altKey || !item) return;
    event.preventDefault();
    this.move(item, step, event.target);
  }

  move(item, step, focused) {
    const beside = step < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!beside) return;
    if (step < 0) beside.before(item); else beside.after(item);
    focused.focus();
    item.scrollIntoView({ block: "nearest" });
    const place = [...this.list.children].indexOf(item) + 1;
    this.told.textContent = this.form.dataset.moved
      .replace("{column}", item.querySelector("label").textContent.trim())
      .replace("{place}", String(place));
  }

  draggedOver(event) {
    const over = event.target.closest("li");
    if (!this.dragged || !over) return;
    event.preventDefault();
    if (over === this.dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(this.dragged); else over.after(this.dragged);
  }
}

export function attachFilters() {
  for (const form of document.querySelectorAll("form[data-filters]")) {
    const builder = new Builder(form);
    document.addEventListener("click", (event) => {
      const chip = event.target.closest("a[data-edit-filter]");
      const plain = event.ctrlKey || event.metaKey || event.shiftKey;
      if (chip && !plain && builder.edit(chip.dataset.editFilter)) event.preventDefault();
    });
  }
  for (const form of document.querySelectorAll("form[data-columns]")) new Columns(form);
  attachSheets();
  attachSorts();
}
