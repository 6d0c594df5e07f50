// The list that opens under the search box while typing: a combobox over what /search finds.
// Ctrl+K (Command+K) goes to the box from anywhere.
const WAIT = 250;
const CHINESE = /[\u3400-\u9fff\uf900-\ufaff]/;

class Finder {
  constructor(input) {
    this.input = input;
    this.place = -1;
    this.list = document.createElement("div");
    this.list.className = "find-list";
    this.list.id = "find-list";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", input.labels[0].textContent);
    this.list.tabIndex = -1; // browsers make what scrolls a stop for Tab
    this.says = document.createElement("div");
    this.says.className = "visually-hidden";
    this.says.setAttribute("role", "status");
    input.form.append(this.list, this.says);
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", this.list.id);
    input.setAttribute("aria-expanded", "false");
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.pressed(event));
    input.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
  }

  typed() {
    this.close();
    this.wait = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    this.stop();
    const words = this.input.value.trim();
    if (words.length < 2 && !CHINESE.test(words)) return;
    this.asked = new AbortController();
    const { signal } = this.asked;
    const address = new URL(this.input.dataset.find, window.location.origin);
    address.searchParams.set("q", words);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
      // A log-in that has ended answers with its page; the form then leads there.
      if (!(answer.headers.get("Content-Type") || "").includes("json")) return;
      const found = await answer.json();
      if (!signal.aborted) this.show(found);
    } catch (error) {
      if (error.name !== "AbortError") this.close(); // no network: Enter still asks for the page
    }
  }

  stop() {
    clearTimeout(this.wait);
    if (this.asked) this.asked.abort();
  }

  show(found) {
    this.options = [];
    const groups = found.groups.map((group, index) => this.group(group, index));
    if (groups.length) {
      groups.push(this.option(this.input.dataset.findAll, found.all, "find-every"));
    } else {
      const none = document.createElement("div");
      none.className = "find-none";
      none.textContent = found.says;
      groups.push(none);
    }
    this.list.replaceChildren(...groups);
    this.list.scrollTop = 0;
    this.mark(-1);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", String(this.options.length > 0));
    this.says.textContent = found.says;
  }

  group(group, index) {
    const box = document.createElement("div");
    const heading = document.createElement("div");
    const count = document.createElement("span");
    heading.className = "find-heading";
    heading.id = `find-heading-${index}`;
    heading.textContent = group.label;
    count.textContent = group.count;
    heading.append(count);
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", heading.id);
    box.append(heading, ...group.hits.map((hit) => this.option(hit.title, hit.url, "")));
    return box;
  }

  option(words, address, kind) {
    const link = document.createElement("a");
    link.className = `find-option ${kind}`;
    link.href = address;
    link.textContent = words;
    link.id = `find-option-${this.options.length}`;
    link.tabIndex = -1; // the arrows come here, and the focus stays in the box
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    this.options.push(link);
    return link;
  }

  mark(place) {
    this.place = place;
    this.options.forEach((one, index) => one.setAttribute("aria-selected", String(index === place)));
    if (place < 0) {
      this.input.removeAttribute("aria-activedescendant");
    } else {
      this.options[place].scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", this.options[place].id);
    }
  }

  pressed(event) {
    if (event.isComposing) return; // the keys choose characters of Chinese
    if (this.list.hidden) {
      if (event.key === "ArrowDown") { event.preventDefault(); this.ask(); }
      return;
    }
    const many = this.options.length;
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && many) {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? this.place + 1 : Math.max(this.place, 0) - 1;
      this.mark((next + many) % many);
    } else if (event.key === "Enter" && this.place >= 0) {
      event.preventDefault();
      this.options[this.place].click();
    } else if (event.key === "Escape") {
      event.preventDefault(); // which would empty the box; the next one does
      this.close();
    }
  }

  close() {
    this.stop();
    this.options = [];
    this.list.hidden = true;
    this.list.replaceChildren();
    this.says.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }
}

const input = document.getElementById("find");
if (input) {
  new Finder(input);
  document.addEventListener("keydown", (event) => {
    const alone = !event.shiftKey && !event.altKey && (event.ctrlKey !== event.metaKey);
    if (alone && event.key.toLowerCase() === "k") {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
}
