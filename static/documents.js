// Files dropped beside the input go into it; what was chosen is listed, and what is too large is
// said before it is sent. The form works without this.
const largestOf = (place) => Number(place.dataset.megabytes) * 1_000_000;

function tell(place, files) {
  const list = place.querySelector("[data-drop-list]");
  const large = files.filter((one) => one.size > largestOf(place)).map((one) => one.name);
  const words = [];
  if (files.length > Number(place.dataset.most)) words.push(place.dataset.tooMany);
  if (large.length) words.push(`${place.dataset.tooLarge} ${large.join(", ")}`);
  if (!words.length && files.length > 1) {
    words.push(place.dataset.several.replace("{number}", String(files.length)));
    words.push(files.map((one) => one.name).join(", "));
  }
  list.textContent = words.join(" · ");
  list.classList.toggle("text-danger", large.length > 0);
}

function attach(place) {
  const input = place.querySelector("input[type=file]");
  place.querySelector("[data-drop-hint]").hidden = false;
  place.classList.add("drop-files");
  input.addEventListener("change", () => tell(place, [...input.files]));
  for (const kind of ["dragenter", "dragover"]) {
    place.addEventListener(kind, (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      place.classList.add("is-over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    place.addEventListener(kind, () => place.classList.remove("is-over"));
  }
  place.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    const all = new DataTransfer();
    for (const one of [...input.files, ...event.dataTransfer.files]) all.items.add(one);
    input.files = all.files;
    tell(place, [...input.files]);
  });
}

for (const place of document.querySelectorAll("[data-drop-files]")) attach(place);
