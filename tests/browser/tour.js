// What a tour asks of the page that it is on: `tour.next()` for a control nobody clicked yet,
// `tour.look()` for what stands on the page, `tour.shape()` for what makes it another page.
globalThis.tour = (() => {
  const CONTROLS = "summary, button[type=button], select, a[href^='#'], [popovertarget], " +
    "input[type=checkbox], input[type=radio], [role=tab], [role=button], [role=switch], " +
    "[role=combobox], [role=menuitem], a[data-confirm], dialog [data-cancel]";
  const ROWS = 2; // the others have the same controls
  const clicked = new WeakSet();

  const isThere = (one) => {
    const box = one.getBoundingClientRect();
    const isOut = box.right <= 0 || box.bottom + scrollY <= 0; // until it has the focus
    const asked = { contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true };
    return box.width > 3 && box.height > 3 && !isOut && !one.disabled && one.checkVisibility(asked);
  };

  function isOfLaterRow(one) {
    const row = one.closest("tbody > tr");
    return row && [...row.parentElement.children].indexOf(row) >= ROWS;
  }

  // Whether an open menu, sheet or list lies over it.
  function isCovered(one) {
    one.scrollIntoView({ block: "center", inline: "nearest" });
    const box = one.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !one.contains(top) && !top?.contains(one);
  }

  // An element in few words, without what differs from record to record.
  const word = (one) => {
    const names = [...one.classList].sort().join(".");
    const asked = ["role", "type"].map((name) => one.getAttribute(name) || "").join(",");
    return `${one.localName}.${names}[${asked}]`.replace(/\d+/g, "");
  };

  function path(one, known) {
    if (!one || one === document.documentElement) return "";
    if (!known.has(one)) known.set(one, `${path(one.parentElement, known)}>${word(one)}`);
    return known.get(one);
  }

  // What a click asks of the server has come, and is drawn.
  let underWay = 0;
  const ask = globalThis.fetch;
  globalThis.fetch = async (...what) => {
    underWay += 1;
    try { return await ask(...what); } finally { setTimeout(() => { underWay -= 1; }); }
  };
  async function settled() {
    do await new Promise(requestAnimationFrame); while (underWay);
  }

  // Mark the next control and tell what it is; those whose keys are in `enough` were clicked often
  // enough. Behind an open dialog nothing can be clicked.
  async function next(view, enough) {
    await settled();
    const within = [...document.querySelectorAll("dialog:modal")].pop() || document;
    const known = new Map();
    for (const one of within.querySelectorAll(CONTROLS)) {
      if (clicked.has(one) || isOfLaterRow(one) || !isThere(one)) continue;
      clicked.add(one);
      const name = one.getAttribute("aria-label") || one.textContent.trim() || one.name || "";
      const isOfFrame = !one.closest("main, dialog");
      const key = `${isOfFrame ? name : view} ${path(one, known)}`;
      if (enough.includes(key)) continue;
      document.querySelectorAll("[data-tour]").forEach((old) => old.removeAttribute("data-tour"));
      one.setAttribute("data-tour", "");
      const options = one.localName === "select" ? one.options.length : 0;
      const opensDialog = one.matches("[data-confirm]");
      return { key, name: name.slice(0, 40), options, opensDialog, covered: isCovered(one) };
    }
    return null;
  }

  function shape() {
    const known = new Map(), parts = new Set();
    for (const one of document.body.querySelectorAll("*")) {
      if (!one.checkVisibility()) continue;
      const named = one.hasAttribute("aria-label") || one.textContent.trim() !== "";
      parts.add(`${path(one, known)} ${named ? "named" : ""}`);
    }
    let hash = 0;
    for (const sign of [...parts].sort().join("\n")) hash = (hash * 31 + sign.codePointAt(0)) | 0;
    return hash;
  }

  function look() {
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    return {
      headings: document.querySelectorAll("h1").length,
      language: document.documentElement.lang,
      links: [...document.querySelectorAll("a[href]")].map((one) => one.href),
      twice: [...new Set(ids.filter((one, n) => ids.indexOf(one) !== n))],
    };
  }

  const width = () => [document.documentElement.scrollWidth, innerWidth];
  return { next, look, shape, width };
})();
