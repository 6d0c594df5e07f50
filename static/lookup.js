// Autocomplete of relations: a combobox over the list that /ajax/lookup/ returns.
let count = 0;

class Lookup {
  constructor(input) {
    this.input = input;
    this.hidden = document.getElementById(input.dataset.lookupHidden);
    this.list = document.createElement("ul");
    this.list.className = "lookup-list";
    this.list.id = `lookup-${++count}`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.asked = 0;
    this.place = -1;
    input.parentNode.append(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.list.id);
    input.setAttribute("aria-expanded", "false");
    input.addEventListener("input", () => this.typed());
    input.addEventListener("focus", () => { if (!input.value) this.ask(); });
    input.addEventListener("keydown", (event) => this.pressed(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
  }

  typed() {
    if (this.hidden) this.hidden.value = "";
    this.asked += 1; // an answer to what stood here before comes too late
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.ask(), 180);
  }

  async ask() {
    const mine = ++this.asked;
    const address = new URL(this.input.dataset.lookup, window.location.origin);
    address.searchParams.set("query", this.input.value);
    const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer || !answer.ok || mine !== this.asked) return;
    this.show(await answer.json());
  }

  show(pairs) {
    this.list.replaceChildren(...pairs.map(([id, name], index) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.id = `${this.list.id}-${index}`;
      item.dataset.id = id;
      item.setAttribute("role", "option");
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); this.choose(item); });
      return item;
    }));
    this.place = -1;
    this.list.hidden = pairs.length === 0;
    this.input.setAttribute("aria-expanded", String(pairs.length > 0));
  }

  pressed(event) {
    if (this.list.hidden) {
      if (event.key === "ArrowDown") { event.preventDefault(); this.ask(); }
      return;
    }
    const items = [...this.list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.place = (this.place + step + items.length) % items.length;
      items.forEach((item, index) => item.setAttribute("aria-selected", String(index === this.place)));
      items[this.place].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", items[this.place].id);
    } else if (event.key === "Enter" && this.place >= 0) {
      event.preventDefault();
      this.choose(items[this.place]);
    } else if (event.key === "Escape") {
      this.close();
    }
  }

  choose(item) {
    this.input.value = item.textContent;
    if (this.hidden) this.hidden.value = item.dataset.id;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

export function attachLookups(root) {
  for (const input of root.querySelectorAll("input[data-lookup]")) new Lookup(input);
}
