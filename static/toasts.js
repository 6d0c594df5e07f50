// Messages of what was done go into the corner, can be closed, and go by themselves after a while;
// errors stay. Without this module they stand at the top of the page and stay.
const STAYS_FOR = 10_000;

function attach(toast) {
  const close = toast.querySelector("[data-close]");
  close.hidden = false;
  close.addEventListener("click", () => {
    toast.remove();
    document.getElementById("main").focus();
  });
  if (toast.dataset.toast !== "goes") return;
  // Nobody loses what they are reading: the time runs while neither pointer nor focus is there.
  let timer = 0;
  const wait = () => { timer = setTimeout(() => toast.remove(), STAYS_FOR); };
  const hold = () => clearTimeout(timer);
  const go = () => { hold(); if (!toast.matches(":hover, :focus-within")) wait(); };
  for (const [event, action] of [["mouseenter", hold], ["focusin", hold], ["mouseleave", go], ["focusout", go]]) {
    toast.addEventListener(event, () => setTimeout(action));
  }
  wait();
}

export function attachToasts() {
  for (const place of document.querySelectorAll("[data-toasts]")) {
    const toasts = [...place.children];
    toasts.forEach(attach);
    place.classList.add("in-the-corner");
    // Screen readers say what comes into a live region, not what it holds from the start.
    setTimeout(() => place.replaceChildren(...toasts.filter((one) => one.isConnected)), 100);
  }
}
