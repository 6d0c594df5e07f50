// A link with data-confirm leads to a page that asks before something is done. Its question is
// fetched and shown in a dialog over this page; where that fails the link leads to the page.
async function questionOf(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("main [data-confirmation]");
}

function show(question, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm-dialog";
  dialog.setAttribute("aria-labelledby", question.getAttribute("aria-labelledby"));
  dialog.append(document.adoptNode(question));
  dialog.addEventListener("click", (event) => {
    const cancels = event.target.closest("[data-cancel]");
    if (!cancels && event.target !== dialog) return; // the dialog itself: beside what it shows
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  // Whoever presses Enter without reading is to have done nothing.
  (dialog.querySelector("[data-cancel]") || dialog).focus();
}

export function attachConfirmations() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-confirm]");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
    if (!link || elsewhere || event.defaultPrevented) return;
    event.preventDefault();
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    const question = await questionOf(link.href).catch(() => null);
    link.ariaBusy = null;
    if (question) show(question, link);
    else location.assign(link.href);
  });
}
