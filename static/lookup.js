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
    this.list.tabIndex = -1; // browsers make what scrolls a stop for Tab
    this.asked = 0;
    this.place = -1;
    input.after(this.list);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.list.id);
    input.setAttribute("aria-expanded", "false");
    input.addEventListener("input", () => this.typed());
    input.addEventListener("focus", () => { if (!input.value) this.ask(); });
    input.addEventListener("keydown", (event) => this.pressed(event));
    input.addEventListener("blur", () => this.close());
    // The focus stays in the input while the list is scrolled or clicked.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  typed() {
    if (this.hidden) this.hidden.value = "";
    this.asked += 1; // an answer to what stood here before comes too late
    this.mark(-1);
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.ask(), 180);
  }

  async ask() {
    clearTimeout(this.wait);
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
      item.addEventListener("click", () => this.choose(item));
      return item;
    }));
    this.mark(-1);
    this.list.hidden = pairs.length === 0;
    this.list.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-expanded", String(pairs.length > 0));
  }

  mark(place) {
    this.place = place;
    const items = [...this.list.children];
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === place)));
    if (place < 0) {
      this.input.removeAttribute("aria-activedescendant");
    } else {
      items[place].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", items[place].id);
    }
  }

  pressed(event) {
    if (this.list.hidden) {
      if (event.key === "ArrowDown") { event.preventDefault(); this.ask(); }
      return;
    }
    const items = [...this.list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? this.place + 1 : Math.max(this.place, 0) - 1;
      this.mark((next + items.length) % items.length);
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
    clearTimeout(this.wait);
    this.asked += 1; // and so does one to what has been left or decided
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }
}

export function attachLookups(root) {
  for (const input of root.querySelectorAll("input[data-lookup]")) new Lookup(input);
}
