// Editing in place: the field of the record's own form over its cell. The server sends it, checks
// what comes back, and says how the cell looks then.
import { attachLookups } from "./lookup.js";

const JSON_PLEASE = { headers: { Accept: "application/json" } };
const LIST_HEIGHT = 130; // how far suggestions reach beyond the editor, in pixels
const wide = window.matchMedia("(min-width: 52rem)");

export class Cells {
  constructor(table) {
    this.table = table;
    this.fields = [...table.tHead.rows[0].cells].map((heading) => heading.dataset.field);
    this.dialog = document.querySelector("[data-cell-editor]");
    this.said = document.querySelector("[data-said]");
    this.button = document.querySelector("[data-cell-button]").content.firstElementChild.cloneNode(true);
    this.cell = null; // that is being edited
    this.saved = null; // what can be undone
    table.addEventListener("pointerover", (event) => this.point(event.target.closest("td")));
    table.addEventListener("dblclick", (event) => this.doubleClicked(event));
    this.button.addEventListener("click", () => this.open(this.button.closest("td")));
    this.dialog.addEventListener("submit", (event) => this.submitted(event));
    this.dialog.addEventListener("click", (event) => this.clicked(event));
    this.dialog.addEventListener("input", () => { this.touched = true; });
    this.dialog.addEventListener("close", () => this.closed());
    // Escape closes the suggestions of a field first, and the editor then.
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.dialog.querySelector("[aria-expanded=true]")) event.preventDefault();
    }, true);
    window.addEventListener("beforeunload", (event) => { if (this.dialog.open && this.touched) event.preventDefault(); });
    this.said.querySelector("[data-undo]").addEventListener("click", () => this.undo());
    this.said.querySelector("[data-said-close]").addEventListener("click", () => this.say(""));
  }

  canEdit(cell) {
    return Boolean(cell && this.fields[cell.cellIndex] && "mine" in cell.parentElement.dataset);
  }

  // The button moves to the cell that the pointer or the keys are at.
  point(cell) {
    if (this.dialog.open || !cell || this.button.parentElement === cell) return;
    if (this.button.contains(document.activeElement)) return;
    if (this.canEdit(cell)) cell.append(this.button);
    else this.button.remove();
  }

  focus(cell) {
    cell.tabIndex = -1;
    if (this.canEdit(cell)) cell.setAttribute("aria-describedby", "cell-hint");
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.point(cell);
  }

  doubleClicked(event) {
    if (event.target.closest("a, button, input")) return;
    const cell = event.target.closest("td");
    if (!this.canEdit(cell)) return;
    window.getSelection().removeAllRanges();
    this.open(cell);
  }

  // Returns whether this cell can be edited at all.
  open(cell) {
    if (!this.canEdit(cell)) return false;
    const name = this.fields[cell.cellIndex];
    this.address = `${this.table.dataset.update}?${new URLSearchParams({ id: cell.parentElement.dataset.id, name })}`;
    this.cell = cell;
    this.ask();
    return true;
  }

  async ask() {
    const cell = this.cell;
    const answer = await fetch(this.address, JSON_PLEASE).catch(() => null);
    const told = await this.read(answer);
    if (cell !== this.cell) return;
    if (told.editor) this.show(told.editor);
    else this.say(told.error || this.dialog.dataset.lost);
  }

  // What an answer says; nothing where it is none of ours.
  async read(answer) {
    return answer ? await answer.json().catch(() => ({})) : {};
  }

  show(editor) {
    this.dialog.innerHTML = editor;
    this.touched = Boolean(this.dialog.querySelector(".alert, .is-invalid"));
    attachLookups(this.dialog);
    if (!this.dialog.open) this.dialog.showModal();
    this.place();
    const field = this.dialog.querySelector("input:not([type=hidden]), select, textarea");
    field.focus();
    if (field.select) field.select();
  }

  // Over the cell; on a narrow screen the style sheet says where.
  place() {
    const { style } = this.dialog;
    style.left = "";
    style.top = "";
    if (!wide.matches) return;
    const cell = this.cell.getBoundingClientRect();
    const mine = this.dialog.getBoundingClientRect();
    const within = (start, size, room) => Math.max(8, Math.min(start, room - size - 8));
    const suggestions = this.dialog.querySelector("[data-lookup]") ? LIST_HEIGHT : 0;
    style.left = `${within(cell.left, mine.width, window.innerWidth)}px`;
    style.top = `${within(cell.top, mine.height + suggestions, window.innerHeight)}px`;
  }

  async submitted(event) {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    const answer = await this.send(form.action, new FormData(form));
    button.disabled = false;
    if (!answer.error) return;
    let told = form.querySelector("[data-problem]");
    if (!told) {
      told = document.createElement("div");
      told.className = "alert alert-danger";
      told.dataset.problem = "";
      told.setAttribute("role", "alert");
      form.prepend(told);
    }
    told.textContent = answer.error;
    this.place();
  }

  // Sends, and shows what came of it; an answer that is none of ours is given back.
  async send(address, fields) {
    const body = new URLSearchParams(fields);
    const answer = await fetch(address, { method: "POST", body, ...JSON_PLEASE }).catch(() => null);
    const told = await this.read(answer);
    if (told.cell) this.fill(told);
    if (told.editor) this.show(told.editor);
    else if (told.said) {
      this.saved = told.undo ? { address, cell: this.cell, version: told.version, fields: told.undo } : null;
      this.touched = false;
      if (this.dialog.open) this.dialog.close();
      this.say(told.said);
    } else return { error: told.error || this.dialog.dataset.lost };
    return {};
  }

  fill({ cell, name, was }) {
    this.cell.innerHTML = cell.html;
    const isName = this.cell.classList.contains("name");
    this.cell.className = `${cell.kind}${isName ? " name" : ""}`;
    if (!name || name === was) return;
    for (const named of this.cell.parentElement.querySelectorAll("[aria-label]")) {
      named.setAttribute("aria-label", named.getAttribute("aria-label").replace(was, name));
    }
  }

  clicked(event) {
    const outside = event.target === this.dialog && !this.touched;
    if (!outside && !event.target.closest("[data-cancel]")) return;
    event.preventDefault();
    this.dialog.close();
  }

  closed() {
    if (this.dialog.open) return; // it was opened again before a tab in the background was told
    this.dialog.replaceChildren();
    this.touched = false;
    if (this.cell) this.focus(this.cell);
  }

  async undo() {
    if (!this.saved) return;
    const { address, cell, version, fields } = this.saved;
    this.saved = null;
    this.cell = cell;
    const token = this.table.closest("form").querySelector("[name=csrf_token]").value;
    const answer = await this.send(address, [["csrf_token", token], ["version", version], ...fields]);
    if (answer.error) this.say(answer.error);
    else if (!this.dialog.open) this.focus(cell);
  }

  say(words) {
    this.said.querySelector("[data-said-words]").textContent = words;
    this.said.classList.toggle("is-on", Boolean(words));
    this.said.querySelector("[data-undo]").hidden = !words || !this.saved;
    this.said.querySelector("[data-said-close]").hidden = !words;
  }
}
