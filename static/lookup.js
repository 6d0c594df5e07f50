// Autocomplete of relations: a combobox over the list that /ajax/lookup/ returns, after the pattern
// of ARIA 1.2 (list autocomplete with manual selection). The focus stays in the input.
let count = 0;

class Lookup {
  constructor(input) {
    this.input = input;
    this.hidden = document.getElementById(input.dataset.lookupHidden);
    this.asked = 0;
    this.place = -1;
    this.makeList();
    this.makeSays();
    input.setAttribute("role", "combobox");
    input.setAttribute("autocomplete", "off");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.list.id);
    input.setAttribute("aria-expanded", "false");
    input.addEventListener("input", () => this.typed());
    input.addEventListener("focus", () => { if (!input.value) this.ask(); });
    input.addEventListener("keydown", (event) => this.pressed(event));
    input.addEventListener("blur", () => this.close());
  }

  makeList() {
    this.list = document.createElement("ul");
    this.list.className = "lookup-list";
    this.list.id = `lookup-${++count}`;
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", document.body.dataset.suggestions || "");
    this.list.tabIndex = -1; // browsers make what scrolls a stop for Tab
    // The focus stays in the input while the list is scrolled or clicked.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.input.after(this.list);
  }

  // What a screen reader says of the list: how many, none, or why there is no list. Only the last
  // two are news to who sees it.
  makeSays() {
    this.says = document.createElement("div");
    this.says.className = "lookup-says";
    this.says.setAttribute("role", "status");
    this.list.after(this.says);
  }

  say(words, isSeen = true) {
    this.says.classList.toggle("visually-hidden", !isSeen);
    this.says.textContent = words || "";
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
    const found = await this.fetched(address);
    if (mine !== this.asked) return;
    if (Array.isArray(found)) this.show(found);
    else this.fail(found);
  }

  // The pairs that were found, or the sentence of why there are none.
  async fetched(address) {
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const content = await answer.json();
      return answer.ok && Array.isArray(content) ? content : content.error;
    } catch {
      return "";
    }
  }

  fail(sentence) {
    this.close();
    this.say(sentence || document.body.dataset.lookupFailed);
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
    const words = document.body.dataset;
    if (pairs.length > 0) this.say(words.someFound?.replace("{number}", pairs.length), false);
    else this.say(words.nothingFound);
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
    if (event.isComposing) return; // Chinese is being written: its keys are the input method's
    const isOpen = !this.list.hidden;
    const items = [...this.list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) this.ask();
      else this.mark(this.next(event.key === "ArrowDown" ? 1 : -1, items.length));
    } else if (isOpen && event.key === "Enter" && this.place >= 0) {
      event.preventDefault();
      this.choose(items[this.place]);
    } else if (isOpen && event.key === "Escape") {
      event.preventDefault(); // a dialog around it stays
      this.close();
    } else if (event.key === "Home" || event.key === "End" || event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.mark(-1); // back in the text
    }
  }

  next(step, length) {
    if (this.place < 0) return step > 0 ? 0 : length - 1;
    return (this.place + step + length) % length;
  }

  choose(item) {
    this.input.value = item.textContent;
    if (this.hidden) this.hidden.value = item.dataset.id;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  close() {
    clearTimeout(this.wait);
    this.asked += 1; // an answer to what has been left or decided comes too late as well
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
    this.say("");
  }
}

export function attachLookups(root) {
  for (const input of root.querySelectorAll("input[data-lookup]")) new Lookup(input);
}
