// The rows of a list: selecting over many pages, and keys. Every list works without this file.
import { Cells } from "./cells.js";

const MOST = 10000;
const ONE_LETTER_KEYS = "redress one-letter keys";

// --- The selection, kept while one pages through a list ---------------------------------------

class Selection {
  constructor(form) {
    this.form = form;
    this.key = `selected ${form.dataset.selection}`;
    this.every = form.querySelector("[data-select-all]");
    this.all = form.querySelector("input[name=all]");
    this.boxes = [...form.querySelectorAll("input[name=rowid]")];
    this.bar = form.querySelector("[data-selected]");
    this.words = form.querySelector("[data-selected-count]");
    this.matching = form.querySelector("[data-select-matching]");
    this.hasPages = Boolean(form.querySelector("[rel=next], [rel=prev]"));
    this.last = null;
    this.every.hidden = false;
    form.querySelector(".pick-words").hidden = false;
    form.querySelector("[data-matching]").hidden = true;
    if (window.location.hash === "#done") {
      sessionStorage.removeItem(this.key);
      history.replaceState(null, "", window.location.pathname + window.location.search);
    }
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("change", (event) => this.changed(event.target));
    form.addEventListener("submit", () => this.takeAlong());
    this.matching.addEventListener("click", () => this.selectMatching());
    form.querySelector("[data-select-none]").addEventListener("click", () => this.clear());
    // Going back, the browser fills in what was ticked when the page was left.
    window.addEventListener("pageshow", () => this.read());
    this.read();
  }

  read() {
    let kept = {};
    try { kept = JSON.parse(sessionStorage.getItem(this.key)) || {}; } catch { /* not ours */ }
    this.chosen = new Set(kept.ids || []);
    this.all.checked = Boolean(kept.all);
    this.boxes.forEach((box) => { box.checked = this.all.checked || this.chosen.has(box.value); });
    this.form.querySelectorAll("[data-along]").forEach((one) => one.remove());
    this.show();
  }

  keep() {
    const kept = { ids: [...this.chosen].slice(0, MOST), all: this.all.checked };
    if (kept.all || kept.ids.length) sessionStorage.setItem(this.key, JSON.stringify(kept));
    else sessionStorage.removeItem(this.key);
    this.show();
  }

  clicked(event) {
    const box = event.target.closest("input[name=rowid]");
    if (!box) return;
    if (event.shiftKey && this.last) {
      const ends = [this.boxes.indexOf(this.last), this.boxes.indexOf(box)].sort((a, b) => a - b);
      this.boxes.slice(ends[0], ends[1] + 1).forEach((one) => { one.checked = box.checked; });
    }
    this.last = box;
  }

  changed(target) {
    if (target === this.every) this.boxes.forEach((box) => { box.checked = this.every.checked; });
    else if (target.name !== "rowid") return;
    if (this.all.checked) this.chosen.clear();
    this.all.checked = false;
    for (const box of this.boxes) {
      if (box.checked) this.chosen.add(box.value);
      else this.chosen.delete(box.value);
    }
    this.keep();
  }

  selectMatching() {
    this.all.checked = true;
    this.chosen.clear();
    this.boxes.forEach((box) => { box.checked = true; });
    this.keep();
    this.form.querySelector("[data-select-none]").focus();
  }

  clear() {
    this.chosen.clear();
    this.all.checked = false;
    this.boxes.forEach((box) => { box.checked = false; });
    this.keep();
    this.every.focus();
  }

  toggle(row) {
    const box = row.querySelector("input[name=rowid]");
    if (!box) return;
    box.checked = !box.checked;
    this.last = box;
    this.changed(box);
  }

  show() {
    const here = this.boxes.filter((box) => box.checked).length;
    const number = this.chosen.size;
    const wholePage = here === this.boxes.length;
    const said = this.words.dataset;
    const fill = (text, n, m) => text.replace("{n}", n.toLocaleString(document.documentElement.lang))
      .replace("{m}", m.toLocaleString(document.documentElement.lang));
    let words = fill(said.some, number, 0);
    if (this.all.checked) words = said.every;
    else if (number > here) words = fill(said.elsewhere, number, number - here);
    else if (wholePage && this.hasPages) words = fill(said.page, here, 0);
    const is_any = this.all.checked || number > 0;
    this.words.textContent = is_any ? words : "";
    this.bar.classList.toggle("is-on", is_any);
    this.matching.hidden = this.all.checked || !wholePage || !this.hasPages;
    this.every.checked = wholePage;
    this.every.indeterminate = here > 0 && !wholePage;
    this.boxes.forEach((box) => box.closest("tr").classList.toggle("is-selected", box.checked));
  }

  // The rows of other pages go with the form.
  takeAlong() {
    if (this.all.checked) return;
    const here = new Set(this.boxes.map((box) => box.value));
    for (const id of this.chosen) {
      if (here.has(id)) continue;
      const along = document.createElement("input");
      Object.assign(along, { type: "hidden", name: "rowid", value: id });
      along.dataset.along = "";
      this.form.append(along);
    }
  }
}

// --- Keys -------------------------------------------------------------------------------------

function isTyping(target) {
  const input = target.closest("input, textarea, select, [contenteditable]");
  return Boolean(input) && !["checkbox", "radio"].includes(input.type);
}

class Keys {
  constructor(table, cells, selection) {
    this.table = table;
    this.cells = cells;
    this.selection = selection;
    this.rows = [...table.tBodies[0].rows];
    this.help = document.querySelector("[data-keys]");
    this.current = -1;
    this.rows.forEach((row) => { row.tabIndex = -1; });
    table.addEventListener("focusin", (event) => this.mark(event.target.closest("tbody > tr")));
    table.addEventListener("click", (event) => this.mark(event.target.closest("tbody > tr")));
    document.addEventListener("keydown", (event) => this.pressed(event));
    const button = document.querySelector("[data-keys-open]");
    button.hidden = false;
    button.addEventListener("click", () => this.help.showModal());
    this.lettersBox = this.help.querySelector("[data-letters]");
    this.lettersBox.checked = localStorage.getItem(ONE_LETTER_KEYS) !== "off";
    this.lettersBox.addEventListener("change", () => {
      localStorage.setItem(ONE_LETTER_KEYS, this.lettersBox.checked ? "on" : "off");
    });
  }

  mark(row) {
    if (!row) return;
    this.rows[this.current]?.removeAttribute("aria-current");
    this.current = this.rows.indexOf(row);
    row.setAttribute("aria-current", "true");
  }

  go(step) {
    const place = Math.min(Math.max(this.current + step, 0), this.rows.length - 1);
    const row = this.rows[place];
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  // From field to field of the current row; to the row itself before the first.
  goSideways(step) {
    const row = this.rows[this.current];
    const fields = [...row.querySelectorAll("td[data-label]")];
    const place = fields.indexOf(document.activeElement.closest("td")) + step;
    if (place < 0) row.focus();
    else this.cells.focus(fields[Math.min(place, fields.length - 1)]);
  }

  follow(link) {
    if (link) link.click();
  }

  open() {
    window.location.assign(`${this.table.dataset.details}?id=${this.rows[this.current].dataset.id}`);
  }

  letters() {
    const row = this.rows[this.current];
    const keys = {
      j: () => this.go(1),
      k: () => this.go(-1),
      "?": () => this.help.showModal(),
      "/": () => document.getElementById("search")?.focus(),
      u: () => this.cells.undo(),
      g: () => { this.wentAt = Date.now(); },
      h: () => { if (Date.now() - (this.wentAt || 0) < 1500) this.follow(document.querySelector(".brand")); },
    };
    if (row) {
      keys.o = () => this.open();
      keys.e = () => this.follow(row.querySelector(".row-actions a"));
      keys.x = () => this.selection?.toggle(row);
    }
    return keys;
  }

  // What works where a row or one of its fields has the focus.
  inRow() {
    const field = document.activeElement.closest("td[data-label]");
    const edit = () => { if (!this.cells.open(field)) this.open(); };
    return {
      ArrowDown: () => this.go(1),
      ArrowUp: () => this.go(-1),
      ArrowRight: () => this.goSideways(1),
      ArrowLeft: () => this.goSideways(-1),
      Enter: field ? edit : () => this.open(),
      F2: () => this.cells.open(field),
    };
  }

  pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const focused = document.activeElement;
    const isInRow = this.table.contains(focused) && focused.matches("tbody > tr, td[data-label]");
    const act = (isInRow && this.inRow()[event.key])
      || (this.lettersBox.checked && this.letters()[event.key]);
    if (!act) return;
    event.preventDefault();
    act();
  }
}

const table = document.querySelector("table[data-rows]");
if (table) {
  const form = table.closest("form");
  const selection = form.querySelector("[data-select-all]") ? new Selection(form) : null;
  new Keys(table, new Cells(table), selection);
} else {
  // Keys that need no row.
  document.addEventListener("keydown", (event) => {
    const search = document.getElementById("search");
    if (event.key !== "/" || !search || isTyping(event.target)) return;
    event.preventDefault();
    search.focus();
  });
}
