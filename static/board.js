// The supervision board: an office goes to another group by dragging its chip, or by keys: Space
// picks it up, arrows choose, Enter drops, Escape puts it back. Without script the chip is a link to
// the page with the forms; the server decides either way.
const JSON_PLEASE = { headers: { Accept: "application/json" } };
const FAR_ENOUGH = 6; // pixels: less is a click
const EDGE = 48; // pixels from the edge of the board
const STRIDE = 24; // pixels for each move there

class Board {
  constructor(table) {
    this.table = table;
    this.said = document.querySelector("[data-board-said]");
    this.problem = document.querySelector("[data-board-problem]");
    this.names = [...table.tHead.rows[0].cells].map((heading) => heading.dataset.name);
    this.held = null; // what is picked up: chip, its cells, the one it is over
    table.addEventListener("pointerdown", (event) => this.pressed(event));
    table.addEventListener("keydown", (event) => this.key(event));
    // A click that ends a drag opens no link.
    table.addEventListener("click", (event) => {
      if (!this.dragged || !event.target.closest("[data-chip]")) return;
      event.preventDefault();
      this.dragged = false;
    }, true);
    table.addEventListener("dragstart", (event) => { if (event.target.closest("[data-chip]")) event.preventDefault(); });
    table.addEventListener("focusout", (event) => {
      if (this.held?.byKeys && !this.saving && event.target === this.held.chip) this.putBack();
    });
  }

  words(name, values) {
    return this.table.dataset[name].replace(/\{(\w+)\}/g, (_whole, key) => values[key]);
  }

  say(text) {
    this.said.textContent = text;
  }

  // --- Picking up and putting down ---------------------------------------------------------------

  lift(chip, byKeys) {
    const row = chip.closest("tr");
    const cells = [...row.querySelectorAll("[data-drop]")];
    this.held = { chip, row, cells, byKeys, from: chip.closest("[data-drop]"), office: row.dataset.officeName };
    chip.classList.add("is-lifted");
    row.classList.add("is-open");
    this.over(this.held.from);
    this.complain("");
    if (byKeys) this.say(this.words("lifted", this.held));
  }

  over(cell) {
    for (const one of this.held.cells) one.classList.toggle("is-over", one === cell);
    this.held.over = cell;
  }

  let() {
    const { chip, row, cells } = this.held;
    chip.classList.remove("is-lifted");
    row.classList.remove("is-open");
    for (const one of cells) one.classList.remove("is-over");
    this.ghost?.remove();
    this.ghost = null;
    this.held = null;
  }

  putBack() {
    const { office } = this.held;
    this.let();
    this.say(this.words("putBack", { office }));
  }

  async drop() {
    const { chip, row, from, over, byKeys, office } = this.held;
    if (!over || over === from) return this.putBack();
    this.saving = true;
    this.let();
    this.say(this.table.dataset.saving);
    row.setAttribute("aria-busy", "true");
    await this.send(chip, row, over.dataset.group, office, byKeys);
    this.saving = false;
  }

  // --- Keys --------------------------------------------------------------------------------------

  key(event) {
    const chip = event.target.closest("[data-chip]");
    if (!chip || this.saving || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.held) {
      if (event.key !== " ") return;
      event.preventDefault();
      this.lift(chip, true);
      return;
    }
    if (!this.held.byKeys) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const { cells, over } = this.held;
      const to = cells[(cells.indexOf(over) + step + cells.length) % cells.length];
      this.over(to);
      to.scrollIntoView({ block: "nearest", inline: "nearest" });
      this.say(this.words("over", { group: this.names[to.cellIndex] }));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.drop();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.putBack();
    }
  }

  // --- Pointer: mouse, pen and finger ----------------------------------------------------------------

  pressed(event) {
    const chip = event.target.closest("[data-chip]");
    if (!chip || event.button !== 0 || this.saving) return;
    if (this.held) this.putBack();
    const start = { x: event.clientX, y: event.clientY };
    this.dragged = false;
    const moved = (move) => {
      if (!this.held) {
        if (Math.hypot(move.clientX - start.x, move.clientY - start.y) < FAR_ENOUGH) return;
        this.lift(chip, false);
        this.dragged = true;
        this.ghost = chip.cloneNode(true);
        this.ghost.classList.add("board-ghost");
        this.ghost.removeAttribute("data-chip");
        this.ghost.setAttribute("aria-hidden", "true");
        document.body.append(this.ghost);
        chip.setPointerCapture(move.pointerId);
      }
      move.preventDefault();
      this.ghost.style.left = `${move.clientX + 8}px`;
      this.ghost.style.top = `${move.clientY + 8}px`;
      const under = document.elementFromPoint(move.clientX, move.clientY)?.closest("[data-drop]");
      this.over(this.held.cells.includes(under) ? under : null);
      this.scrollAt(move.clientX);
    };
    const ended = (end) => {
      for (const [name, action] of listeners) document.removeEventListener(name, action);
      if (!this.held) return;
      if (end.type === "pointerup") this.drop();
      else if (end.type === "pointercancel" || end.key === "Escape") this.putBack();
    };
    const listeners = [["pointermove", moved], ["pointerup", ended], ["pointercancel", ended]];
    const escaped = (key) => { if (key.key === "Escape") ended(key); };
    listeners.push(["keydown", escaped]);
    for (const [name, action] of listeners) document.addEventListener(name, action);
  }

  // Near the edge of a board of many groups it moves along.
  scrollAt(x) {
    const wrap = this.table.parentElement;
    const { left, right } = wrap.getBoundingClientRect();
    if (x > right - EDGE) wrap.scrollLeft += STRIDE;
    else if (x < left + EDGE) wrap.scrollLeft -= STRIDE;
  }

  // --- The server ------------------------------------------------------------------------------------

  fields(chip, group) {
    const { day } = this.table.dataset;
    const token = document.querySelector("#many [name=csrf_token]").value;
    const given = { csrf_token: token, version: chip.dataset.version || "" };
    if (chip.dataset.do === "give") return { ...given, group, starts_on: day };
    return group ? { ...given, do: "move", group, from_on: day } : { ...given, do: "end", ends_on: day };
  }

  async send(chip, row, group, office, byKeys) {
    const body = new URLSearchParams(this.fields(chip, group));
    const address = `${chip.dataset.address}${this.table.dataset.query}`;
    const answer = await fetch(address, { method: "POST", body, ...JSON_PLEASE }).catch(() => null);
    const told = answer ? await answer.json().catch(() => ({})) : {};
    row.removeAttribute("aria-busy");
    if (told.row) row = this.replace(row, told);
    if (byKeys || told.row) (row.querySelector("[data-chip]") || row.querySelector("a")).focus({ preventScroll: !byKeys });
    if (told.said) {
      this.complain("");
      this.say(told.said);
    } else {
      this.say("");
      this.complain(told.error ? `${office}: ${told.error}` : this.table.dataset.lost);
    }
  }

  replace(row, told) {
    const holder = document.createElement("tbody");
    holder.innerHTML = told.row;
    const fresh = holder.querySelector("tr");
    row.replaceWith(fresh);
    for (const part of ["summary", "undo"]) {
      if (told[part] !== undefined) document.querySelector(`[data-board-${part}]`).innerHTML = told[part];
    }
    return fresh;
  }

  complain(text) {
    this.problem.textContent = text;
    this.problem.hidden = !text;
    if (text) this.problem.scrollIntoView({ block: "nearest" });
  }
}

for (const table of document.querySelectorAll("[data-board]")) new Board(table);
