// Takes an opened identity from the page when its time is over, when it is hidden, or when the
// page is left; without this module the browser goes to another page when the time is over.
const box = document.querySelector("[data-seconds]");
const known = document.querySelector("[data-known]");
const left = document.querySelector("[data-left]");
const hide = document.querySelector("[data-hide]");
const end = Date.now() + Number(box.dataset.seconds) * 1000;

function clear() {
  known.replaceChildren();
  left.textContent = "";
}

function tick() {
  const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  if (seconds === 0) {
    clear();
    box.append(box.dataset.over);
    clearInterval(timer);
    return;
  }
  left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const timer = setInterval(tick, 1000);
tick();
addEventListener("pagehide", clear);
hide.addEventListener("click", (event) => {
  event.preventDefault();
  clear();
  location.replace(hide.href);
});
